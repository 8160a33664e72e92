//! The function table (`.gopclntab`), which every Go program carries, stripped
//! or not: functions by address and by name, their frames' sizes, their lines,
//! the calls inlined into them (`runtime/symtab.go`, Go 1.18 to 1.27).
//!
//! The index of functions is read whole, 8 bytes a function; all else is read
//! from the file when it is asked for.

mod func_id;
mod function;
mod header;
mod inline;
mod live_words;
mod name_index;
mod pc_value;

use std::sync::{Arc, OnceLock};

pub use func_id::FuncId;
pub use function::{Function, Unwind};
pub use header::{Form, Header};
pub use inline::Call;
pub use live_words::LiveWords;

use self::function::Record;
use self::name_index::NameIndex;
use super::elf::Elf;
use super::{BinaryError, ModuleData, bytes};
use crate::model::StaticAddr;

/// The functions of a program.
pub struct PclnTab {
    image: Arc<Elf>,
    header: Header,
    module: ModuleData,
    minor: u32,
    index: Vec<IndexEntry>,
    /// The offset behind the last function.
    end: u32,
    names: OnceLock<NameIndex>,
}

/// go: runtime.functab (1.18-1.27)
#[derive(Clone, Copy)]
struct IndexEntry {
    /// Where the function begins, as the offset from the text's start.
    entry: u32,
    /// Where its record is, as the offset from the index's start.
    record: u32,
}

impl PclnTab {
    /// Reads the index of the table at `header`, in a program that release
    /// 1.`minor` built.
    ///
    /// # Errors
    /// Where it is cut off or not in order.
    pub fn read(
        image: Arc<Elf>,
        header: Header,
        module: ModuleData,
        minor: u32,
    ) -> Result<PclnTab, BinaryError> {
        let at = header.address.0.saturating_add(header.functions);
        let malformed = || BinaryError::Malformed { what: "function index", at };
        let size = header.function_count.checked_mul(8).and_then(|size| size.checked_add(4));
        let raw = image.read(StaticAddr(at), size.ok_or_else(malformed)?)?;
        let entry = |pair: &[u8]| {
            Some(IndexEntry { entry: bytes::u32_at(pair, 0)?, record: bytes::u32_at(pair, 4)? })
        };
        let index: Option<Vec<IndexEntry>> = raw.chunks_exact(8).map(entry).collect();
        let index = index.ok_or_else(malformed)?;
        let end = bytes::u32_at(&raw, raw.len().saturating_sub(4)).ok_or_else(malformed)?;
        let ordered = index.is_sorted_by_key(|entry| entry.entry);
        if !ordered || index.last().is_none_or(|last| last.entry > end) {
            return Err(malformed());
        }
        Ok(PclnTab { image, header, module, minor, index, end, names: OnceLock::new() })
    }

    /// The function that holds `address`; `None` where that is not Go's code.
    #[must_use]
    pub fn function_at(&self, address: StaticAddr) -> Option<Function<'_>> {
        let offset = self.offset_of(address)?;
        if offset >= self.end {
            return None;
        }
        let after = self.index.partition_point(|entry| entry.entry <= offset);
        self.function(after.checked_sub(1)?)
    }

    /// The function of this full name; where an ABI wrapper has the same name,
    /// the function and not the wrapper.
    #[must_use]
    pub fn function_named(&self, name: &str) -> Option<Function<'_>> {
        let names = self.names.get_or_init(|| NameIndex::build(self));
        let named = || {
            let candidates = names.candidates(name).filter_map(|index| self.function(index));
            candidates.filter(|function| function.name() == name)
        };
        named().find(|function| function.func_id != FuncId::Wrapper).or_else(|| named().next())
    }

    /// All functions, by address. A damaged record leaves a gap.
    pub fn functions(&self) -> impl Iterator<Item = Function<'_>> {
        (0..self.index.len()).filter_map(|index| self.function(index))
    }

    /// How many functions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none; a program has some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// How to get from a frame at `address` to its caller's; see [`Function::unwind_at`].
    #[must_use]
    pub fn unwind_at(&self, address: StaticAddr) -> Unwind {
        self.function_at(address).map_or(Unwind::Unknown, |function| function.unwind_at(address))
    }

    /// The function name at `offset`; `None` where the table is damaged.
    #[must_use]
    pub(crate) fn name(&self, offset: u32) -> Option<String> {
        self.string(&self.header.names, offset)
    }

    /// The file name at `offset`; `None` where the table is damaged.
    pub(crate) fn file_name(&self, offset: u32) -> Option<String> {
        self.string(&self.header.files, offset)
    }

    /// Where the name of file `number` of compilation unit `unit` is.
    fn file_offset(&self, unit: u32, number: u32) -> Option<u32> {
        let index = u64::from(unit) + u64::from(number);
        let at = self.header.units.start + index * 4;
        if at >= self.header.units.end {
            return None;
        }
        let mut word = [0; 4];
        self.image.read_into(self.at(at)?, &mut word).ok()?;
        Some(u32::from_le_bytes(word)).filter(|&offset| offset != u32::MAX)
    }

    fn string(&self, range: &std::ops::Range<u64>, offset: u32) -> Option<String> {
        let start = range.start.checked_add(u64::from(offset)).filter(|&start| start < range.end)?;
        self.image.read_c_string(self.at(start)?, self.at(range.end)?).ok()
    }

    /// The bytes of `pctab` from `offset` on.
    fn values_from(&self, offset: u32) -> Option<ByteStream<'_>> {
        let range = &self.header.values;
        let start = range.start.checked_add(u64::from(offset)).filter(|&start| start < range.end)?;
        Some(ByteStream {
            image: &self.image,
            next: self.at(start)?,
            end: self.at(range.end)?,
            buffer: [0; BUFFER],
            at: 0,
            filled: 0,
        })
    }

    /// The `index`th function.
    fn function(&self, index: usize) -> Option<Function<'_>> {
        let this = self.index.get(index)?;
        let end = self.index.get(index + 1).map_or(self.end, |next| next.entry);
        let record = Record::read(self, self.record_address(this)?)?;
        let entry = self.address_of(this.entry)?;
        let size = end.checked_sub(this.entry)?;
        Some(Function::new(self, entry, StaticAddr(entry.0.checked_add(u64::from(size))?), record))
    }

    fn record_address(&self, entry: &IndexEntry) -> Option<StaticAddr> {
        self.at(self.header.functions.checked_add(u64::from(entry.record))?)
    }

    /// The address that is `offset` bytes into the table.
    fn at(&self, offset: u64) -> Option<StaticAddr> {
        self.header.address.0.checked_add(offset).map(StaticAddr)
    }

    /// `moduledata.textOff`: offsets count as if the text were in one piece.
    fn offset_of(&self, address: StaticAddr) -> Option<u32> {
        let sections = &self.module.text_sections;
        if sections.len() < 2 {
            return u32::try_from(address.0.checked_sub(self.module.text.0)?).ok();
        }
        let after = sections.partition_point(|section| section.address <= address);
        let section = sections.get(after.checked_sub(1)?)?;
        let offset = section.offset.checked_add(address.0 - section.address.0)?;
        (offset < section.end).then_some(offset).and_then(|offset| u32::try_from(offset).ok())
    }

    /// `moduledata.textAddr`.
    fn address_of(&self, offset: u32) -> Option<StaticAddr> {
        let offset = u64::from(offset);
        let sections = &self.module.text_sections;
        if sections.len() < 2 {
            return self.module.text.0.checked_add(offset).map(StaticAddr);
        }
        let section = sections.iter().find(|section| section.offset <= offset && offset < section.end)?;
        section.address.0.checked_add(offset - section.offset).map(StaticAddr)
    }

    fn image(&self) -> &Elf {
        &self.image
    }

    fn header(&self) -> &Header {
        &self.header
    }

    fn gofunc(&self) -> StaticAddr {
        self.module.gofunc
    }

    fn minor(&self) -> u32 {
        self.minor
    }
}

/// How many bytes a [`ByteStream`] reads at a time: most tables are shorter.
const BUFFER: usize = 64;

/// The bytes of the image from an address up to another one.
struct ByteStream<'e> {
    image: &'e Elf,
    next: StaticAddr,
    end: StaticAddr,
    buffer: [u8; BUFFER],
    at: usize,
    filled: usize,
}

impl Iterator for ByteStream<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.at == self.filled {
            let left = self.end.0.checked_sub(self.next.0).filter(|&left| left > 0)?;
            let size = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
            self.image.read_into(self.next, self.buffer.get_mut(..size)?).ok()?;
            self.next = StaticAddr(self.next.0.checked_add(size as u64)?);
            self.at = 0;
            self.filled = size;
        }
        let byte = self.buffer.get(self.at).copied();
        self.at += 1;
        byte
    }
}
