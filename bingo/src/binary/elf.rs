//! An ELF file's segments, sections and the memory image that they make.
//!
//! A file comes in, addresses go out: [`Elf::read`] gives the bytes that the
//! program finds at an address when it starts, relocations applied, as if it
//! were loaded where the file says (see [`crate::model::LoadBias`]).

use std::path::Path;

use object::elf;
use object::endian::LittleEndian as LE;
use object::pod;
use object::read::{CompressedData, CompressionFormat};

use super::file::FileBytes;
use super::relocations::Relocations;
use super::{BinaryError, bytes};
use crate::model::StaticAddr;

/// A 64-bit x86 Linux executable.
pub struct Elf {
    file: FileBytes,
    position_independent: bool,
    entry: StaticAddr,
    segments: Vec<Segment>,
    sections: Vec<Section>,
    relocations: Relocations,
}

/// A `PT_LOAD` segment: a range of memory, the front of it from the file, the rest zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The first address.
    pub address: StaticAddr,
    /// How many bytes of memory.
    pub memory_size: u64,
    /// Where the file has its front.
    pub file_offset: u64,
    /// How many bytes of the file.
    pub file_size: u64,
    /// Whether the program may write it.
    pub writable: bool,
    /// Whether the program may execute it.
    pub executable: bool,
}

/// A section header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Its first address; zero where it is not loaded.
    pub address: StaticAddr,
    /// Where it is in the file.
    pub file_offset: u64,
    /// How many bytes.
    pub size: u64,
    /// `sh_type`.
    pub kind: u32,
    /// `sh_link`: for a symbol table, the index of its strings.
    pub link: u32,
    /// Whether it is kept compressed (`SHF_COMPRESSED`).
    pub compressed: bool,
}

impl Segment {
    /// The offset of `address` in the segment, if it lies in it.
    fn offset_of(&self, address: StaticAddr) -> Option<u64> {
        let offset = address.0.checked_sub(self.address.0)?;
        (offset < self.memory_size).then_some(offset)
    }
}

impl Elf {
    /// Opens the file at `path` and reads its headers.
    ///
    /// # Errors
    /// Where it is not an ELF file for x86-64 Linux, or one that is cut off.
    pub fn open(path: &Path) -> Result<Elf, BinaryError> {
        Elf::parse(FileBytes::open(path)?)
    }

    /// Reads `bytes` as if they were a file.
    ///
    /// # Errors
    /// Those of [`Elf::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Elf, BinaryError> {
        Elf::parse(FileBytes::from_bytes(bytes))
    }

    /// An image of one segment: `bytes` at `address`, no sections.
    #[must_use]
    pub fn image(address: StaticAddr, bytes: Vec<u8>) -> Elf {
        let size = bytes.len() as u64;
        let segment = Segment {
            address,
            memory_size: size,
            file_offset: 0,
            file_size: size,
            writable: true,
            executable: false,
        };
        Elf {
            file: FileBytes::from_bytes(bytes),
            position_independent: false,
            entry: address,
            segments: vec![segment],
            sections: Vec::new(),
            relocations: Relocations::default(),
        }
    }

    fn parse(file: FileBytes) -> Result<Elf, BinaryError> {
        let header = read_header(&file)?;
        let segments = read_segments(&file, &header)?;
        let sections = read_sections(&file, &header)?;
        let mut image = Elf {
            file,
            position_independent: header.e_type.get(LE) == elf::ET_DYN,
            entry: StaticAddr(header.e_entry.get(LE)),
            segments,
            sections,
            relocations: Relocations::default(),
        };
        if image.position_independent {
            image.relocations = Relocations::read(&image, dynamic_section(&image, &header)?)?;
        }
        Ok(image)
    }

    /// Whether the loader may put it anywhere.
    #[must_use]
    pub fn is_pie(&self) -> bool {
        self.position_independent
    }

    /// Its first instruction.
    #[must_use]
    pub fn entry(&self) -> StaticAddr {
        self.entry
    }

    /// The segments that are loaded.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// All sections; none where the headers were stripped.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The section of this name.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The bytes of the DWARF section `.debug_{name}`, or of its older compressed form
    /// `.zdebug_{name}`; empty where there is neither.
    ///
    /// # Errors
    /// Those of [`Elf::section_bytes`].
    pub fn debug_section(&self, name: &str) -> Result<Vec<u8>, BinaryError> {
        let dotted = self.section(&format!(".debug_{name}"));
        match dotted.or_else(|| self.section(&format!(".zdebug_{name}"))) {
            Some(section) => self.section_bytes(section),
            None => Ok(Vec::new()),
        }
    }

    /// A section's bytes as the file has them, uncompressed: what DWARF readers
    /// want. At most 1032 times as many as the file has, deflate's best.
    ///
    /// # Errors
    /// Where the file is cut off, or the compression is damaged.
    pub fn section_bytes(&self, section: &Section) -> Result<Vec<u8>, BinaryError> {
        if section.kind == elf::SHT_NOBITS.0 {
            return Ok(Vec::new());
        }
        let bytes = self.file.read(section.file_offset, section.size)?;
        let damaged = BinaryError::Malformed { what: "compressed section", at: section.file_offset };
        let (format, header_size, size) = if section.compressed {
            // Elf64_Chdr: type u32, reserved u32, size u64, alignment u64.
            let format = match bytes::u32_at(&bytes, 0) {
                Some(1) => CompressionFormat::Zlib,
                _ => return Err(damaged),
            };
            (format, 24, bytes::u64_at(&bytes, 8))
        } else if section.name.starts_with(".zdebug_") && bytes.starts_with(b"ZLIB") {
            let size = bytes.get(4..12).and_then(|size| size.try_into().ok()).map(u64::from_be_bytes);
            (CompressionFormat::Zlib, 12, size)
        } else {
            return Ok(bytes);
        };
        let (Some(packed), Some(size)) = (bytes.get(header_size..), size) else { return Err(damaged) };
        if size > (packed.len() as u64).saturating_mul(1032) {
            return Err(damaged);
        }
        let packed = CompressedData { format, data: packed, uncompressed_size: size };
        packed.decompress().map(std::borrow::Cow::into_owned).map_err(|_| damaged)
    }

    /// Where the file has the byte at `address`; `None` for zeroed memory too.
    #[must_use]
    pub fn file_offset(&self, address: StaticAddr) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let offset = segment.offset_of(address).filter(|&offset| offset < segment.file_size)?;
            segment.file_offset.checked_add(offset)
        })
    }

    /// How many bytes of the file follow `address` in its segment.
    #[must_use]
    pub fn file_bytes_from(&self, address: StaticAddr) -> u64 {
        let left = |segment: &Segment| segment.file_size.checked_sub(segment.offset_of(address)?);
        self.segments.iter().find_map(left).unwrap_or(0)
    }

    /// The `len` bytes that the program starts with at `address`: from the file,
    /// relocated, or zero where the file has none. Never more bytes than the file has.
    ///
    /// # Errors
    /// Where they are not within one segment, or the file is cut off.
    pub fn read(&self, address: StaticAddr, len: u64) -> Result<Vec<u8>, BinaryError> {
        let unmapped = BinaryError::Unmapped { address, len };
        if len > self.file.len() {
            return Err(unmapped);
        }
        let Ok(size) = usize::try_from(len) else { return Err(unmapped) };
        let mut out = vec![0; size];
        self.read_into(address, &mut out)?;
        Ok(out)
    }

    /// Fills `out` with the bytes at `address`; see [`Elf::read`].
    ///
    /// # Errors
    /// Those of [`Elf::read`].
    pub fn read_into(&self, address: StaticAddr, out: &mut [u8]) -> Result<(), BinaryError> {
        let len = out.len() as u64;
        let unmapped = || BinaryError::Unmapped { address, len };
        let (segment, offset) = self
            .segments
            .iter()
            .find_map(|segment| Some((segment, segment.offset_of(address)?)))
            .ok_or_else(unmapped)?;
        if offset.checked_add(len).is_none_or(|end| end > segment.memory_size) {
            return Err(unmapped());
        }
        let in_file = segment.file_size.saturating_sub(offset).min(len);
        let (from_file, zero) =
            out.split_at_mut_checked(usize::try_from(in_file).unwrap_or(0)).ok_or_else(unmapped)?;
        if !from_file.is_empty() {
            let start = segment.file_offset.checked_add(offset).ok_or_else(unmapped)?;
            self.file.read_into(start, from_file)?;
        }
        zero.fill(0);
        self.relocations.apply(address, out);
        Ok(())
    }

    /// The pointer at `address`.
    ///
    /// # Errors
    /// Those of [`Elf::read`].
    pub fn read_u64(&self, address: StaticAddr) -> Result<u64, BinaryError> {
        let mut word = [0; 8];
        self.read_into(address, &mut word)?;
        Ok(u64::from_le_bytes(word))
    }

    /// The text at `address` up to its NUL, which must come before `limit`.
    ///
    /// # Errors
    /// Where there is no NUL, and those of [`Elf::read`].
    pub fn read_c_string(&self, address: StaticAddr, limit: StaticAddr) -> Result<String, BinaryError> {
        let malformed = BinaryError::Malformed { what: "string", at: address.0 };
        let room = limit.0.saturating_sub(address.0).min(self.file_bytes_from(address));
        let mut len = 64.min(room);
        loop {
            let bytes = self.read(address, len)?;
            if let Some(text) = bytes::until_nul(&bytes) {
                return Ok(String::from_utf8_lossy(text).into_owned());
            }
            if len == room {
                return Err(malformed);
            }
            len = len.saturating_mul(4).min(room);
        }
    }

    /// The relocations: pointers that the loader writes.
    pub(crate) fn relocations(&self) -> &Relocations {
        &self.relocations
    }

    /// The file's bytes, for tables that are not loaded.
    pub(crate) fn file(&self) -> &FileBytes {
        &self.file
    }
}

fn read_header(file: &FileBytes) -> Result<elf::FileHeader64<LE>, BinaryError> {
    let unsupported = |what: &str| Err(BinaryError::Unsupported(what.into()));
    let start = file.read(0, file.len().min(size_of::<elf::FileHeader64<LE>>() as u64))?;
    if !start.starts_with(&elf::ELFMAG) {
        return Err(BinaryError::NotElf);
    }
    match bytes::u8_at(&start, 4) {
        Some(class) if class == elf::ELFCLASS64.0 => {}
        Some(class) if class == elf::ELFCLASS32.0 => return unsupported("a 32-bit program"),
        _ => return unsupported("an ELF file of an unknown class"),
    }
    if bytes::u8_at(&start, 5) != Some(elf::ELFDATA2LSB.0) {
        return unsupported("a big-endian program");
    }
    let header: &elf::FileHeader64<LE> = pod::from_bytes(&start)
        .map(|(header, _)| header)
        .map_err(|()| BinaryError::Truncated { offset: 0, len: 64, file_len: file.len() })?;
    let machine = header.e_machine.get(LE);
    if machine != elf::EM_X86_64 {
        return unsupported(&match machine {
            elf::EM_AARCH64 => "a program for arm64".to_owned(),
            elf::EM_386 => "a program for 386".to_owned(),
            other => format!("a program for ELF machine {}", other.0),
        });
    }
    match header.e_type.get(LE) {
        elf::ET_EXEC | elf::ET_DYN => Ok(*header),
        elf::ET_REL => unsupported("an object file"),
        elf::ET_CORE => unsupported("a core file, not an executable"),
        other => unsupported(&format!("an ELF file of type {}", other.0)),
    }
}

fn read_segments(file: &FileBytes, header: &elf::FileHeader64<LE>) -> Result<Vec<Segment>, BinaryError> {
    let headers = program_headers(file, header)?;
    let loaded = headers.iter().filter(|header| header.p_type.get(LE) == elf::PT_LOAD);
    Ok(loaded
        .map(|header| Segment {
            address: StaticAddr(header.p_vaddr.get(LE)),
            memory_size: header.p_memsz.get(LE),
            file_offset: header.p_offset.get(LE),
            file_size: header.p_filesz.get(LE).min(header.p_memsz.get(LE)),
            writable: header.p_flags.get(LE).contains(elf::PF_W),
            executable: header.p_flags.get(LE).contains(elf::PF_X),
        })
        .collect())
}

fn program_headers(
    file: &FileBytes,
    header: &elf::FileHeader64<LE>,
) -> Result<Vec<elf::ProgramHeader64<LE>>, BinaryError> {
    let at = header.e_phoff.get(LE);
    let count = header.e_phnum.get(LE);
    let bytes = file.read(at, u64::from(count) * size_of::<elf::ProgramHeader64<LE>>() as u64)?;
    pod::slice_from_all_bytes(&bytes)
        .map(<[_]>::to_vec)
        .map_err(|()| BinaryError::Malformed { what: "program headers", at })
}

/// The address of the dynamic section (`PT_DYNAMIC`).
fn dynamic_section(image: &Elf, header: &elf::FileHeader64<LE>) -> Result<Option<(u64, u64)>, BinaryError> {
    let headers = program_headers(&image.file, header)?;
    let dynamic = headers.iter().find(|header| header.p_type.get(LE) == elf::PT_DYNAMIC);
    Ok(dynamic.map(|header| (header.p_vaddr.get(LE), header.p_memsz.get(LE))))
}

fn read_sections(file: &FileBytes, header: &elf::FileHeader64<LE>) -> Result<Vec<Section>, BinaryError> {
    let at = header.e_shoff.get(LE);
    if at == 0 {
        return Ok(Vec::new());
    }
    let size = size_of::<elf::SectionHeader64<LE>>() as u64;
    let malformed = || BinaryError::Malformed { what: "section headers", at };
    let read = |count: u64| -> Result<Vec<elf::SectionHeader64<LE>>, BinaryError> {
        let bytes = file.read(at, count.checked_mul(size).ok_or_else(malformed)?)?;
        pod::slice_from_all_bytes(&bytes).map(<[_]>::to_vec).map_err(|()| malformed())
    };
    // Where there are too many for their fields, the first header has the numbers.
    let first = read(1)?;
    let first = first.first().ok_or_else(malformed)?;
    let count = match header.e_shnum.get(LE) {
        0 => first.sh_size.get(LE),
        count => u64::from(count),
    };
    let names = match header.e_shstrndx.get(LE) {
        elf::SHN_XINDEX => first.sh_link.get(LE),
        index => u32::from(index.0),
    };
    let headers = read(count)?;
    let names = usize::try_from(names).ok().and_then(|index| headers.get(index));
    let names = match names {
        Some(names) => file.read(names.sh_offset.get(LE), names.sh_size.get(LE))?,
        None => Vec::new(),
    };
    let name_of = |offset: u32| {
        let name = usize::try_from(offset).ok().and_then(|at| bytes::until_nul(names.get(at..)?));
        String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
    };
    Ok(headers
        .iter()
        .map(|header| Section {
            name: name_of(header.sh_name.get(LE)),
            address: StaticAddr(header.sh_addr.get(LE)),
            file_offset: header.sh_offset.get(LE),
            size: header.sh_size.get(LE),
            kind: header.sh_type.get(LE).0,
            link: header.sh_link.get(LE),
            compressed: header.sh_flags.get(LE).contains(elf::SHF_COMPRESSED),
        })
        .collect())
}
