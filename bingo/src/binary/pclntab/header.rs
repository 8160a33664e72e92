//! The head of the function table, and how it is found.
//!
//! `runtime.pcHeader` (`runtime/symtab.go`, Go 1.18 to 1.27):
//!
//! ```text
//!  0       4  5  6      7        8       16      24          32 …                                    72
//!  magic   0  0  minLC  ptrSize  nfunc   nfiles  text start  funcname, cu, file, pc, pcln offsets
//!                =1     =8                       (0 in 1.26+)
//! ```

use std::ops::Range;

use crate::binary::elf::Elf;
use crate::binary::{BinaryError, bytes};
use crate::model::StaticAddr;

/// The magic of Go 1.18 and 1.19 (`internal/abi.Go118PCLnTabMagic`).
const MAGIC_1_18: u32 = 0xffff_fff0;
/// The magic of Go 1.20 to 1.27 (`internal/abi.Go120PCLnTabMagic`).
const MAGIC_1_20: u32 = 0xffff_fff1;
/// The magics of releases before, which are told apart to say that they are too old.
const MAGIC_1_16: u32 = 0xffff_fffa;
const MAGIC_1_2: u32 = 0xffff_fffb;
/// Size of the header, in bytes.
const SIZE: u64 = 72;

/// The head of the function table. Its ranges are offsets from `address`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// Where it is.
    pub address: StaticAddr,
    /// Which form the records behind it have.
    pub form: Form,
    /// How many functions there are.
    pub function_count: u64,
    /// Where the code begins, in releases that say it here (to Go 1.25).
    pub text_start: Option<StaticAddr>,
    /// The names of functions (`funcnametab`).
    pub names: Range<u64>,
    /// File numbers of compilation units (`cutab`).
    pub units: Range<u64>,
    /// The names of files (`filetab`).
    pub files: Range<u64>,
    /// The tables that map addresses to numbers (`pctab`).
    pub values: Range<u64>,
    /// Where the functions begin (`pclntable`): the index, then the records.
    pub functions: u64,
}

/// The form of `_func` and `inlinedCall`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Go 1.18 and 1.19: without start lines.
    Go118,
    /// Go 1.20 to 1.27.
    Go120,
}

impl Header {
    /// Finds the header by the section's name, else by its looks, in all memory
    /// that the program does not execute.
    ///
    /// # Errors
    /// Where there is none, or only one of a release before Go 1.18.
    pub fn find(image: &Elf) -> Result<Header, BinaryError> {
        for name in [".gopclntab", ".data.rel.ro.gopclntab"] {
            if let Some(section) = image.section(name) {
                return Header::read(image, section.address);
            }
        }
        // With an external linker and PIE, it may be in `.data.rel.ro`.
        for section in image.sections().iter().filter(|section| section.name == ".data.rel.ro") {
            if let Some(found) = scan(image, section.address, section.size)? {
                return Ok(found);
            }
        }
        for segment in image.segments().iter().filter(|segment| !segment.executable) {
            if let Some(found) = scan(image, segment.address, segment.file_size)? {
                return Ok(found);
            }
        }
        // A linker may put all that is read-only into one segment with the code.
        for segment in image.segments().iter().filter(|segment| segment.executable) {
            if let Some(found) = scan(image, segment.address, segment.file_size)? {
                return Ok(found);
            }
        }
        Err(BinaryError::NotGo("function table (.gopclntab)"))
    }

    /// Reads the header at `address`.
    ///
    /// # Errors
    /// Where it is damaged, or of a release before Go 1.18.
    pub fn read(image: &Elf, address: StaticAddr) -> Result<Header, BinaryError> {
        let malformed = BinaryError::Malformed { what: "function table", at: address.0 };
        let header = image.read(address, SIZE)?;
        let magic = bytes::u32_at(&header, 0);
        if matches!(magic, Some(MAGIC_1_2 | MAGIC_1_16)) {
            return Err(BinaryError::TooOld { version: "Go 1.17 or older".into() });
        }
        parse(&header, address, image.file_bytes_from(address)).ok_or(malformed)
    }
}

/// The first header in `size` bytes from `start` on.
fn scan(image: &Elf, start: StaticAddr, size: u64) -> Result<Option<Header>, BinaryError> {
    /// How many bytes are looked at at a time.
    const WINDOW: u64 = 1 << 20;
    let end = start.0.saturating_add(size.min(image.file_bytes_from(start)));
    let Some(mut at) = start.0.checked_next_multiple_of(8) else { return Ok(None) };
    while at < end {
        let window = image.read(StaticAddr(at), WINDOW.min(end - at))?;
        for (word, address) in window.chunks_exact(8).zip((at..).step_by(8)) {
            // Magic, two zeros, minLC 1, ptrSize 8.
            if matches!(word, [0xf0 | 0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8])
                && let Ok(header) = Header::read(image, StaticAddr(address))
            {
                return Ok(Some(header));
            }
        }
        at = at.saturating_add(WINDOW);
    }
    Ok(None)
}

/// The header in `bytes`, which `room` bytes of file follow, itself included.
fn parse(bytes: &[u8], address: StaticAddr, room: u64) -> Option<Header> {
    let form = match bytes::u32_at(bytes, 0)? {
        MAGIC_1_18 => Form::Go118,
        MAGIC_1_20 => Form::Go120,
        _ => return None,
    };
    if bytes.get(4..8)? != [0, 0, 1, 8] {
        return None;
    }
    let word = |at| bytes::u64_at(bytes, at);
    let (names, units, files) = (word(32)?, word(40)?, word(48)?);
    let (values, functions) = (word(56)?, word(64)?);
    let ordered = SIZE <= names && names <= units && units <= files && files <= values && values <= functions;
    let function_count = word(8)?;
    let index = function_count.checked_mul(8)?.checked_add(4)?;
    if !ordered || function_count == 0 || functions.checked_add(index)? > room {
        return None;
    }
    Some(Header {
        address,
        form,
        function_count,
        text_start: Some(word(24)?).filter(|&start| start != 0).map(StaticAddr),
        names: names..units,
        units: units..files,
        files: files..values,
        values: values..functions,
        functions,
    })
}
