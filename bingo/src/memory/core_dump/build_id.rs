//! The build ids of a program: which build it is, by which a core and a file are
//! known to belong together. In: an ELF file, or the front of one in memory. Out:
//! GNU's id (a hash, from Go 1.24 on, or by a C linker) and Go's own.

use std::fmt;
use std::path::Path;

use object::elf;
use object::endian::LittleEndian as LE;
use object::pod;

use super::CoreError;
use super::bytes::FileBytes;
use crate::memory::Memory;
use crate::model::Addr;

/// No program has more headers than these, nor a larger note.
const MOST_HEADERS: u16 = 256;
const MOST_BYTES: u64 = 1 << 16;

/// The build ids that are known.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct BuildIds {
    /// `NT_GNU_BUILD_ID`, in hexadecimal.
    pub gnu: Option<String>,
    /// Go's: four hashes with slashes between them.
    pub go: Option<String>,
}

impl BuildIds {
    /// Those of the file at `path`; none where it is not a 64-bit ELF file.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn of_file(path: &Path) -> Result<BuildIds, CoreError> {
        let file = FileBytes::open(path)?;
        Ok(BuildIds::read(|offset, len| file.bytes("notes", offset, len).ok()).unwrap_or_default())
    }

    /// Those of the file whose front is in memory at `base`.
    pub(super) fn in_memory(memory: &impl Memory, base: Addr) -> Option<BuildIds> {
        BuildIds::read(|offset, len| {
            let mut bytes = vec![0; usize::try_from(len).ok()?];
            memory.read(Addr(base.0.checked_add(offset)?), &mut bytes).ok()?;
            Some(bytes)
        })
    }

    /// Whether two programs are of the same build; `None` where that cannot be told.
    #[must_use]
    pub fn same_build(&self, other: &BuildIds) -> Option<bool> {
        let both = |one: &Option<String>, two: &Option<String>| Some(one.as_ref()? == two.as_ref()?);
        both(&self.gnu, &other.gnu).or_else(|| both(&self.go, &other.go))
    }

    fn read(read: impl Fn(u64, u64) -> Option<Vec<u8>>) -> Option<BuildIds> {
        let bytes = read(0, size_of::<elf::FileHeader64<LE>>() as u64)?;
        let (header, _) = pod::from_bytes::<elf::FileHeader64<LE>>(&bytes).ok()?;
        if header.e_ident.magic != elf::ELFMAG || header.e_ident.class != elf::ELFCLASS64 {
            return None;
        }
        let count = header.e_phnum.get(LE).min(MOST_HEADERS);
        let size = u64::from(count) * size_of::<elf::ProgramHeader64<LE>>() as u64;
        let bytes = read(header.e_phoff.get(LE), size)?;
        let headers: &[elf::ProgramHeader64<LE>] = pod::slice_from_all_bytes(&bytes).ok()?;
        let mut found = BuildIds::default();
        for header in headers.iter().filter(|header| header.p_type.get(LE) == elf::PT_NOTE) {
            let size = header.p_filesz.get(LE).min(MOST_BYTES);
            found.take(&read(header.p_offset.get(LE), size).unwrap_or_default());
        }
        Some(found)
    }

    /// Takes in what is among these notes.
    fn take(&mut self, notes: &[u8]) {
        let mut rest = notes;
        while let Some((header, behind)) = rest.split_at_checked(12) {
            let number = |at: usize| {
                let bytes = header.get(at..).and_then(|bytes| bytes.first_chunk());
                bytes.map_or(0, |&bytes| u32::from_le_bytes(bytes) as usize)
            };
            let (name_len, len, kind) = (number(0), number(4), number(8));
            let Some((name, behind)) = split(behind, name_len) else { return };
            let Some((id, behind)) = split(behind, len) else { return };
            match (name, kind) {
                (b"GNU\0", GNU_BUILD_ID) => {
                    self.gnu = Some(id.iter().map(|byte| format!("{byte:02x}")).collect());
                }
                (b"Go\0\0", GO_BUILD_ID) => self.go = Some(String::from_utf8_lossy(id).into_owned()),
                _ => {}
            }
            rest = behind;
        }
    }
}

const GNU_BUILD_ID: usize = elf::NT_GNU_BUILD_ID.0 as usize;
/// `ELF_NOTE_GOBUILDID_TAG` (`cmd/link/internal/ld/elf.go`, Go 1.27).
const GO_BUILD_ID: usize = elf::NT_GO_BUILD_ID.0 as usize;

/// The first `len` bytes, and what comes behind their padding to 4.
fn split(bytes: &[u8], len: usize) -> Option<(&[u8], &[u8])> {
    let (front, _) = bytes.split_at_checked(len)?;
    Some((front, bytes.get(len.checked_next_multiple_of(4)?..).unwrap_or_default()))
}

impl fmt::Display for BuildIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.gnu, &self.go) {
            (Some(gnu), _) => f.write_str(gnu),
            (None, Some(go)) => f.write_str(go),
            (None, None) => f.write_str("unknown"),
        }
    }
}
