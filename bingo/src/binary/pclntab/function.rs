//! One function: its name, its extent, and what its tables say of each address.

use super::func_id::FuncId;
use super::header::Form;
use super::inline::{Call, calls_at};
use super::live_words::LiveWords;
use super::pc_value::value_at;
use super::{ByteStream, PclnTab};
use crate::binary::bytes;
use crate::model::StaticAddr;

/// go: internal/abi.PCDATA_InlTreeIndex (1.18-1.27)
const INLINE_TREE_INDEX: u32 = 2;
/// go: internal/abi.FUNCDATA_InlTree (1.18-1.27)
const INLINE_TREE: u8 = 3;

/// go: internal/abi.FuncFlagTopFrame (1.18-1.27)
const TOP_FRAME: u8 = 1;
/// go: internal/abi.FuncFlagSPWrite (1.18-1.27)
const SP_WRITE: u8 = 2;

/// A function of the program, as the function table knows it.
#[derive(Clone, Copy)]
pub struct Function<'t> {
    table: &'t PclnTab,
    /// Its first address.
    pub entry: StaticAddr,
    /// The address behind it; padding included.
    pub end: StaticAddr,
    /// What the runtime takes it for.
    pub func_id: FuncId,
    /// The line of its `func` keyword; `None` before Go 1.20 and where there is none.
    pub start_line: Option<u32>,
    record: Record,
}

/// How to get from a frame to its caller's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unwind {
    /// The return address is this many bytes above the stack pointer.
    Frame(u32),
    /// No caller: the stack ends here (`goexit`, `mstart`, `rt0_go`).
    Outermost,
    /// The function moves the stack pointer at will (`gogo`, `systemstack`),
    /// so that the size holds only at its entry and where it calls
    /// `entersyscall` (`unwinder.resolveInternal` in `runtime/traceback.go`, Go 1.27).
    SpWritten(u32),
    /// There is no table: C, or assembly that says nothing.
    Unknown,
}

/// `runtime._func`.
#[derive(Clone, Copy)]
pub(super) struct Record {
    /// Where the record's variable part is, for the tables' offsets.
    tail: StaticAddr,
    name: u32,
    /// Bytes of arguments on the stack; negative where that is not known.
    args: i32,
    pcsp: u32,
    pcfile: u32,
    pcln: u32,
    pcdata_count: u32,
    unit: u32,
    start_line: Option<u32>,
    func_id: u8,
    flags: u8,
    funcdata_count: u8,
}

impl Record {
    /// How many bytes a record has before its variable part.
    const fn size(form: Form) -> usize {
        match form {
            Form::Go118 => 40,
            Form::Go120 => 44,
        }
    }

    /// The record at `address`.
    /// go: runtime._func (1.18-1.27)
    pub(super) fn read(table: &PclnTab, address: StaticAddr) -> Option<Record> {
        let form = table.header().form;
        let mut raw = [0; Record::size(Form::Go120)];
        let raw = raw.get_mut(..Record::size(form))?;
        table.image().read_into(address, raw).ok()?;
        let word = |at| bytes::u32_at(raw, at);
        let (start_line, rest) = match form {
            Form::Go118 => (None, 36),
            Form::Go120 => (word(36), 40),
        };
        Some(Record {
            tail: StaticAddr(address.0.checked_add(raw.len() as u64)?),
            name: word(4)?,
            args: word(8)?.cast_signed(),
            pcsp: word(16)?,
            pcfile: word(20)?,
            pcln: word(24)?,
            pcdata_count: word(28)?,
            unit: word(32)?,
            start_line: start_line.filter(|&line| line != 0 && i32::try_from(line).is_ok()),
            func_id: bytes::u8_at(raw, rest)?,
            flags: bytes::u8_at(raw, rest + 1)?,
            funcdata_count: bytes::u8_at(raw, rest + 3)?,
        })
    }
}

impl<'t> Function<'t> {
    pub(super) fn new(
        table: &'t PclnTab,
        entry: StaticAddr,
        end: StaticAddr,
        record: Record,
    ) -> Function<'t> {
        let func_id = FuncId::new(record.func_id, table.minor());
        Function { table, entry, end, func_id, start_line: record.start_line, record }
    }

    /// Its full name, type arguments spelled out; empty where the table is damaged.
    #[must_use]
    pub fn name(&self) -> String {
        self.table.name(self.record.name).unwrap_or_default()
    }

    /// Where its name is in the names of the table.
    pub(crate) fn name_offset(&self) -> u32 {
        self.record.name
    }

    /// The bytes from the stack pointer to the return address's slot, when the
    /// instruction at `address` is about to execute. `None` where no table says.
    #[must_use]
    pub fn frame_size_at(&self, address: StaticAddr) -> Option<u32> {
        self.value(self.record.pcsp, address).and_then(|size| u32::try_from(size).ok())
    }

    /// How to get to the caller from `address`: that of an instruction, or the
    /// return address as it was found.
    #[must_use]
    pub fn unwind_at(&self, address: StaticAddr) -> Unwind {
        if self.record.flags & TOP_FRAME != 0 {
            return Unwind::Outermost;
        }
        match self.frame_size_at(address) {
            // cgocallback keeps both stacks in order while it switches.
            Some(size) if self.record.flags & SP_WRITE != 0 && self.func_id != FuncId::Cgocallback => {
                Unwind::SpWritten(size)
            }
            Some(size) => Unwind::Frame(size),
            None => Unwind::Unknown,
        }
    }

    /// The calls that `address` stands for, innermost first: those inlined
    /// there, then the function itself.
    #[must_use]
    pub fn calls_at(&self, address: StaticAddr) -> Vec<Call> {
        calls_at(self, self.table, address)
    }

    /// The source file and line of the instruction at `address`.
    #[must_use]
    pub fn line_at(&self, address: StaticAddr) -> Option<(String, u32)> {
        let (file, line) = self.file_and_line_at(address)?;
        Some((self.table.file_name(file)?, line))
    }

    /// The offset of the file's name in the table, and the line.
    pub(crate) fn file_and_line_at(&self, address: StaticAddr) -> Option<(u32, u32)> {
        let file = u32::try_from(self.value(self.record.pcfile, address)?).ok()?;
        let line = u32::try_from(self.value(self.record.pcln, address)?).ok()?;
        Some((self.table.file_offset(self.record.unit, file)?, line))
    }

    /// The words of its frame that hold pointers while the instruction at
    /// `address` executes; `None` where its tables do not say.
    #[must_use]
    pub fn live_words_at(&self, address: StaticAddr) -> Option<LiveWords> {
        LiveWords::of(self, self.table.image(), address)
    }

    /// Bytes of arguments on the stack; negative where that is not known.
    pub(super) fn args(&self) -> i32 {
        self.record.args
    }

    /// The place of `address` in the inline tree; `None` where nothing is inlined.
    pub(crate) fn inline_index_at(&self, address: StaticAddr) -> Option<u32> {
        u32::try_from(self.pc_value(INLINE_TREE_INDEX, address)?).ok()
    }

    /// What the table of values number `index` says of `address`.
    pub(super) fn pc_value(&self, index: u32, address: StaticAddr) -> Option<i32> {
        if index >= self.record.pcdata_count {
            return None;
        }
        self.value(self.tail_word(u64::from(index))?, address)
    }

    /// Where the inline tree is, if the function has one.
    pub(crate) fn inline_tree(&self) -> Option<StaticAddr> {
        self.func_data(INLINE_TREE)
    }

    /// Where the table number `index` is, if the function has one.
    pub(super) fn func_data(&self, index: u8) -> Option<StaticAddr> {
        if index >= self.record.funcdata_count {
            return None;
        }
        let offset = self.tail_word(u64::from(self.record.pcdata_count) + u64::from(index))?;
        if offset == u32::MAX {
            return None;
        }
        self.table.gofunc().0.checked_add(u64::from(offset)).map(StaticAddr)
    }

    /// The `index`th word behind the record.
    fn tail_word(&self, index: u64) -> Option<u32> {
        let address = self.record.tail.0.checked_add(index.checked_mul(4)?)?;
        let mut word = [0; 4];
        self.table.image().read_into(StaticAddr(address), &mut word).ok()?;
        Some(u32::from_le_bytes(word))
    }

    /// What the table at `offset` in `pctab` says of `address`.
    fn value(&self, offset: u32, address: StaticAddr) -> Option<i32> {
        // Offset 0 means that there is no table.
        if offset == 0 || address < self.entry || self.end <= address {
            return None;
        }
        let size = u32::try_from(self.end.0 - self.entry.0).ok()?;
        let at = u32::try_from(address.0 - self.entry.0).ok()?;
        let mut stream: ByteStream<'_> = self.table.values_from(offset)?;
        value_at(&mut stream, at, size)
    }
}

impl std::fmt::Debug for Function<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Function({} {}..{})", self.name(), self.entry, self.end)
    }
}
