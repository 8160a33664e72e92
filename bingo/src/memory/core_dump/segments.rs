//! A core's ELF headers. In: the file. Out: its segments of memory, in order of
//! their addresses, and where its notes are.
//!
//! ```text
//!   program header: PT_NOTE   file offset, length
//!                   PT_LOAD   address, size in memory, file offset, size in file
//!                             └ what the file has less of was not written: it
//!                               can be had from the mapped file, or not at all
//! ```
//! (`elf_core_dump` in `fs/binfmt_elf.c`, Linux 6.18; `elf(5)`.)

use object::elf;
use object::endian::LittleEndian as LE;
use object::pod;

use super::CoreError;
use super::bytes::FileBytes;
use crate::model::Addr;

/// A range of memory and where the file has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Segment {
    pub(super) start: u64,
    /// How many bytes of it are in the file.
    pub(super) len: u64,
    pub(super) offset: u64,
}

/// What the headers say.
#[derive(Debug)]
pub(super) struct Headers {
    /// In order of their addresses, none over another; those without a byte in the
    /// file are left out.
    pub(super) segments: Vec<Segment>,
    /// File offset and length of each part with notes.
    pub(super) notes: Vec<(u64, u64)>,
    /// How many bytes of memory the file should have and does not: it is cut off.
    pub(super) missing: u64,
}

type FileHeader = elf::FileHeader64<LE>;
type ProgramHeader = elf::ProgramHeader64<LE>;

/// Reads the headers.
pub(super) fn read(file: &FileBytes) -> Result<Headers, CoreError> {
    let header = file_header(file)?;
    let table = header.e_phoff.get(LE);
    let mut headers = Headers { segments: Vec::new(), notes: Vec::new(), missing: 0 };
    for (place, header) in program_headers(file, &header)?.iter().enumerate() {
        let offset = header.p_offset.get(LE);
        let (size, start) = (header.p_filesz.get(LE), header.p_vaddr.get(LE));
        match header.p_type.get(LE) {
            elf::PT_NOTE => headers.notes.push((offset, size)),
            elf::PT_LOAD => {
                let ends = [offset.checked_add(size), start.checked_add(size.max(header.p_memsz.get(LE)))];
                if ends.contains(&None) {
                    return Err(CoreError::Malformed {
                        what: "program header",
                        at: table + place as u64 * size_of::<ProgramHeader>() as u64,
                    });
                }
                let len = size.min(file.len().saturating_sub(offset));
                headers.missing = headers.missing.saturating_add(size - len);
                if len > 0 {
                    headers.segments.push(Segment { start, len, offset });
                }
            }
            _ => {}
        }
    }
    headers.segments.sort_unstable_by_key(|segment| segment.start);
    for pair in headers.segments.windows(2) {
        if let [before, after] = pair
            && after.start - before.start < before.len
        {
            return Err(CoreError::Overlap(Addr(after.start)));
        }
    }
    Ok(headers)
}

fn file_header(file: &FileBytes) -> Result<FileHeader, CoreError> {
    let size = size_of::<FileHeader>() as u64;
    let start = file.bytes("header", 0, size.min(file.len()))?;
    if !start.starts_with(&elf::ELFMAG) {
        return Err(CoreError::NotElf);
    }
    let header: &FileHeader = pod::from_bytes(&start)
        .map(|(header, _)| header)
        .map_err(|()| CoreError::Truncated { what: "header", offset: 0, len: size, file_len: file.len() })?;
    let order = header.e_ident.data;
    let little = order == elf::ELFDATA2LSB;
    // Kind and machine stand at the same place in files of 32 bits.
    let kind = if little { header.e_type.get(LE) } else { elf::ET_CORE };
    if kind != elf::ET_CORE {
        return Err(CoreError::NotACore(match kind {
            elf::ET_EXEC | elf::ET_DYN => "a program, or a library".to_owned(),
            elf::ET_REL => "an object file".to_owned(),
            other => format!("an ELF file of type {}", other.0),
        }));
    }
    let machine = match (header.e_ident.class, header.e_machine.get(LE)) {
        _ if !little => "a big-endian program".to_owned(),
        (elf::ELFCLASS64, elf::EM_X86_64) => return Ok(*header),
        (_, elf::EM_AARCH64) => "an arm64 program".to_owned(),
        (_, elf::EM_386) => "a 386 program".to_owned(),
        (_, elf::EM_ARM) => "an arm program".to_owned(),
        (_, elf::EM_RISCV) => "a riscv program".to_owned(),
        (_, other) => format!("a program for ELF machine {}", other.0),
    };
    Err(CoreError::OtherMachine(machine))
}

fn program_headers(file: &FileBytes, header: &FileHeader) -> Result<Vec<ProgramHeader>, CoreError> {
    let at = header.e_phoff.get(LE);
    let mut count = u64::from(header.e_phnum.get(LE));
    if count == u64::from(elf::PN_XNUM) {
        // Too many for the field: the first section header has the number.
        let section = header.e_shoff.get(LE);
        let bytes = file.bytes("section header", section, size_of::<elf::SectionHeader64<LE>>() as u64)?;
        let first = pod::from_bytes::<elf::SectionHeader64<LE>>(&bytes);
        let (first, _) = first.map_err(|()| CoreError::Malformed { what: "section header", at: section })?;
        count = u64::from(first.sh_info.get(LE));
    }
    let bytes = file.bytes("program headers", at, count * size_of::<ProgramHeader>() as u64)?;
    pod::slice_from_all_bytes(&bytes)
        .map(<[_]>::to_vec)
        .map_err(|()| CoreError::Malformed { what: "program headers", at })
}
