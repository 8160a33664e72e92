//! `runtime.firstmoduledata`: where the linker left the program's code and tables.
//!
//! The executable comes in, with the address of its function table; out go the
//! few fields that Bingo needs. The struct has a section since Go 1.26;
//! else it is found, stripped or not, by its first field, which points to the
//! function table. It is believed only when its fields agree with each other.

use super::elf::Elf;
use super::pclntab::Header;
use super::{BinaryError, bytes};
use crate::model::StaticAddr;

/// What `runtime.moduledata` says of the executable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModuleData {
    /// Where the struct is.
    pub address: StaticAddr,
    /// Where the code begins. go: runtime.moduledata.text (1.18-1.27)
    pub text: StaticAddr,
    /// Where the code ends. go: runtime.moduledata.etext (1.18-1.27)
    pub etext: StaticAddr,
    /// What offsets of funcdata count from. go: runtime.moduledata.gofunc (1.18-1.27)
    pub gofunc: StaticAddr,
    /// The code's sections, where there are several.
    /// go: runtime.moduledata.textsectmap (1.18-1.27)
    pub text_sections: Vec<TextSection>,
}

/// A section of the code. go: runtime.textsect (1.18-1.27)
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TextSection {
    /// Its first offset, as the function table counts.
    pub offset: u64,
    /// The offset behind it.
    pub end: u64,
    /// Where it is.
    pub address: StaticAddr,
}

/// Offsets of fields in `runtime.moduledata` that differ between releases, in bytes.
struct Fields {
    gofunc: usize,
    text_sections: usize,
}

// Offsets that are the same in Go 1.18 to 1.27 (runtime/symtab.go).
const PC_HEADER: usize = 0;
const FUNCNAMETAB: usize = 8;
const PCLNTABLE: usize = 104;
const FTAB: usize = 128;
const TEXT: usize = 176;
const ETEXT: usize = 184;
/// As many bytes as the fields need that are read.
const SIZE: u64 = 384;

// runtime/symtab.go of 1.19, 1.21 (1.20 added covctrs), 1.26 (epclntab),
// 1.27 (typedesclen, itaboffset, itabsize).
const GO_1_18: Fields = Fields { gofunc: 304, text_sections: 312 };
const GO_1_20: Fields = Fields { gofunc: 320, text_sections: 328 };
const GO_1_26: Fields = Fields { gofunc: 320, text_sections: 336 };
const GO_1_27: Fields = Fields { gofunc: 344, text_sections: 360 };

impl ModuleData {
    /// Finds the struct, whose function table is `header`, in a program that
    /// the release 1.`minor` built.
    ///
    /// # Errors
    /// Where there is none that makes sense.
    pub fn find(image: &Elf, header: &Header, minor: u32) -> Result<ModuleData, BinaryError> {
        // Development builds may have the layout of a neighbour.
        let fields: [&Fields; 4] = match minor {
            ..=19 => [&GO_1_18, &GO_1_20, &GO_1_26, &GO_1_27],
            20..=25 => [&GO_1_20, &GO_1_26, &GO_1_18, &GO_1_27],
            26 => [&GO_1_26, &GO_1_27, &GO_1_20, &GO_1_18],
            27.. => [&GO_1_27, &GO_1_26, &GO_1_20, &GO_1_18],
        };
        let read = |address| read_at(image, header, address, &fields);
        if let Some(section) = image.section(".go.module")
            && let Some(found) = read(section.address)
        {
            return Ok(found);
        }
        if let Some(found) = image.relocations().places_of(header.address).find_map(read) {
            return Ok(found);
        }
        scan(image, header, &fields)?.ok_or(BinaryError::Malformed {
            what: "runtime.firstmoduledata for the table",
            at: header.address.0,
        })
    }
}

/// Seeks a pointer to the function table in all writable memory that the file has.
fn scan(image: &Elf, header: &Header, fields: &[&Fields]) -> Result<Option<ModuleData>, BinaryError> {
    /// How many bytes are looked at at a time.
    const WINDOW: u64 = 256 << 10;
    for segment in image.segments().iter().filter(|segment| segment.writable) {
        let Some(mut start) = segment.address.0.checked_next_multiple_of(8) else { continue };
        let end = segment.address.0.saturating_add(segment.file_size);
        while start < end {
            let size = WINDOW.min(end - start);
            let window = image.read(StaticAddr(start), size)?;
            for (word, address) in window.chunks_exact(8).zip((start..).step_by(8)) {
                if bytes::u64_at(word, 0) == Some(header.address.0)
                    && let Some(found) = read_at(image, header, StaticAddr(address), fields)
                {
                    return Ok(Some(found));
                }
            }
            start = start.saturating_add(WINDOW);
        }
    }
    Ok(None)
}

/// The struct at `address`, if one is there.
fn read_at(image: &Elf, header: &Header, address: StaticAddr, fields: &[&Fields]) -> Option<ModuleData> {
    let bytes = image.read(address, SIZE).ok()?;
    let word = |at| bytes::u64_at(&bytes, at);
    let text = word(TEXT)?;
    let etext = word(ETEXT)?;
    let base = header.address.0;
    let agrees = word(PC_HEADER)? == base
        && word(FUNCNAMETAB)? == base.checked_add(header.names.start)?
        && word(PCLNTABLE)? == base.checked_add(header.functions)?
        && word(FTAB)? == base.checked_add(header.functions)?
        && word(FTAB + 8)? == header.function_count.checked_add(1)?
        && text < etext
        && header.text_start.is_none_or(|start| start.0 == text)
        && image.segments().iter().any(|segment| segment.executable && holds(segment, text, etext));
    if !agrees {
        return None;
    }
    fields.iter().find_map(|fields| {
        let gofunc = StaticAddr(word(fields.gofunc)?);
        let sections = StaticAddr(word(fields.text_sections)?);
        let count = word(fields.text_sections + 8)?;
        if image.file_bytes_from(gofunc) == 0 || count > word(fields.text_sections + 16)? {
            return None;
        }
        let text_sections = read_text_sections(image, sections, count, text)?;
        Some(ModuleData { address, text: StaticAddr(text), etext: StaticAddr(etext), gofunc, text_sections })
    })
}

fn holds(segment: &super::Segment, start: u64, end: u64) -> bool {
    let limit = segment.address.0.saturating_add(segment.memory_size);
    segment.address.0 <= start && end <= limit
}

/// The `count` sections at `table`; `None` where they are not such.
fn read_text_sections(image: &Elf, table: StaticAddr, count: u64, text: u64) -> Option<Vec<TextSection>> {
    /// A section for every 4 GiB and more would be needed to pass this.
    const MOST: u64 = 4096;
    if count == 0 || count > MOST {
        return None;
    }
    let bytes = image.read(table, count * 24).ok()?;
    let sections: Option<Vec<TextSection>> = bytes
        .chunks_exact(24)
        .map(|entry| {
            let section = TextSection {
                offset: bytes::u64_at(entry, 0)?,
                end: bytes::u64_at(entry, 8)?,
                address: StaticAddr(bytes::u64_at(entry, 16)?),
            };
            (section.offset <= section.end).then_some(section)
        })
        .collect();
    let sections = sections?;
    let sorted = sections.is_sorted_by_key(|section| section.address);
    (sorted && sections.first().is_some_and(|first| first.address.0 == text && first.offset == 0))
        .then_some(sections)
}
