//! Where the runtime's variables are: [`Globals`].
//!
//! In: an executable. Out: the addresses of the few variables that everything
//! else is reached from. A symbol table says them; a stripped program does not,
//! but its functions are still found by name, and their code names the
//! variables they use. What each function does with its variable is checked, so
//! that a compiler's new habit gives an error and not a wrong address.

use iced_x86::{Code, Instruction, Mnemonic, OpKind, Register};

use super::code::{Listing, call_target, fixed_address, loads_address, loads_word, plain_base};
use super::layout::Layout;
use super::{Binary, BinaryError};
use crate::model::{StaticAddr, WaitReason};

/// The runtime's variables.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Globals {
    /// `runtime.allgptr`: pointer to the array of all `*g`.
    pub allgptr: Global,
    /// `runtime.allglen`: how many there are. Read it before `allgptr`, as
    /// `runtime.atomicAllG` does: the array grows, and never shrinks.
    pub allglen: Global,
    /// `runtime.semtable`: the table of semaphores.
    pub semtable: Option<Global>,
    /// `runtime.allm`: pointer to the first `m`, linked by `alllink`.
    pub allm: Option<Global>,
    /// `runtime.allp`: slice of `*p`.
    pub allp: Option<Global>,
    /// `runtime.sched`: the scheduler's `schedt`.
    pub sched: Option<Global>,
    /// `runtime.mheap_`: the heap.
    pub mheap: Option<Global>,
    /// `runtime.allfin`: the blocks of finalizers that wait to be run, by `alllink`.
    pub allfin: Option<Global>,
    /// `runtime.gcCleanups`: the queue of cleanups that wait to be run, from Go 1.25 on.
    pub gc_cleanups: Option<Global>,
    /// What was not found, and why; each entry a sentence.
    pub notes: Vec<String>,
}

/// A variable of the runtime.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Global {
    /// Where it is.
    pub address: StaticAddr,
    /// How that is known.
    pub found: Found,
}

/// How an address is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// The symbol table has it.
    Symbol,
    /// The code of this function uses it.
    Decoded(&'static str),
}

/// Why a variable was not found.
#[derive(Debug, thiserror::Error)]
pub enum GlobalsError {
    /// The function that uses it is not in the program.
    #[error("runtime.{variable} not found: there is no symbol of it and no function {function}")]
    NoFunction {
        /// The variable.
        variable: &'static str,
        /// The function that was to tell.
        function: &'static str,
    },
    /// The function's code is not as in any release that Bingo knows.
    #[error(
        "runtime.{variable} not found: there is no symbol of it, and {function} at {entry} does not use it as expected"
    )]
    Unrecognised {
        /// The variable.
        variable: &'static str,
        /// The function that was to tell.
        function: &'static str,
        /// Its first address.
        entry: StaticAddr,
    },
    /// The function's code cannot be read.
    #[error("runtime.{variable} not found: {source}")]
    Unreadable {
        /// The variable.
        variable: &'static str,
        /// Why.
        source: BinaryError,
    },
}

/// A variable, the function whose code tells its address, and how.
struct Rule {
    variable: &'static str,
    function: &'static str,
    decode: fn(&[Instruction], &Layout, &Binary) -> Option<StaticAddr>,
}

/// go: runtime.allgadd (1.18-1.27)
const ALLGPTR: Rule = Rule {
    variable: "allgptr",
    function: "runtime.allgadd",
    decode: |code, _, _| {
        let [allgptr, _] = <[StaticAddr; 2]>::try_from(exchanged(code)).ok()?;
        // if &allgs[0] != allgptr
        code.iter()
            .any(|i| i.mnemonic() == Mnemonic::Cmp && fixed_address(i) == Some(allgptr))
            .then_some(allgptr)
    },
};

/// go: runtime.allgadd (1.18-1.27)
const ALLGLEN: Rule = Rule {
    variable: "allglen",
    function: "runtime.allgadd",
    decode: |code, _, _| <[StaticAddr; 2]>::try_from(exchanged(code)).ok().map(|[_, allglen]| allglen),
};

/// go: runtime.semrelease1 (1.18-1.27)
const SEMTABLE: Rule = Rule { variable: "semtable", function: "runtime.semrelease1", decode: scaled_table };

/// go: runtime.mcommoninit (1.18-1.27)
const ALLM: Rule = Rule {
    variable: "allm",
    function: "runtime.mcommoninit",
    decode: |code, layout, _| {
        // mp.alllink = allm; atomicstorep(&allm, mp)
        let [allm] = <[StaticAddr; 1]>::try_from(exchanged(code)).ok()?;
        let (into, _) = code.iter().filter_map(loads_word).find(|(_, from)| *from == allm)?;
        let links = |i: &Instruction| {
            let stored = i.code() == Code::Mov_rm64_r64 && i.op1_register() == into;
            // With a write barrier in the way, Go 1.19 takes the field's address instead.
            let taken = i.code() == Code::Lea_r64_m;
            (stored || taken) && i.memory_displacement64() == layout.m.alllink
        };
        code.iter().any(links).then_some(allm)
    },
};

/// go: runtime.preemptall (1.18-1.27)
const ALLP: Rule = Rule {
    variable: "allp",
    function: "runtime.preemptall",
    decode: |code, layout, _| {
        // for _, pp := range allp { if pp.status != _Prunning
        let loads: Vec<StaticAddr> = code.iter().filter_map(loads_word).map(|(_, from)| from).collect();
        let allp = *loads.iter().find(|slice| loads.contains(&StaticAddr(slice.0.wrapping_add(8))))?;
        let asks_status = |i: &Instruction| {
            i.mnemonic() == Mnemonic::Cmp
                && i.op0_kind() == OpKind::Memory
                && i.memory_base() != Register::RIP
                && i.memory_displacement64() == layout.p.status
        };
        code.iter().any(asks_status).then_some(allp)
    },
};

/// go: runtime.newproc1 (1.18-1.27)
const SCHED: Rule = Rule {
    variable: "sched",
    function: "runtime.newproc1",
    decode: |code, layout, _| {
        // pp.goidcache = sched.goidgen.Add(_GoidCacheBatch)
        const GOID_CACHE_BATCH: u64 = 16;
        let pairs = code.iter().enumerate().filter_map(|(at, i)| {
            let added = (i.code() == Code::Xadd_rm64_r64).then(|| plain_base(i)).flatten()?;
            let before = code.get(at.saturating_sub(4)..at)?;
            let batch = before.iter().any(|b| {
                b.op0_register().full_register() == i.op1_register()
                    && b.op_count() == 2
                    && matches!(b.op1_kind(), OpKind::Immediate32 | OpKind::Immediate32to64)
                    && b.immediate(1) == GOID_CACHE_BATCH
            });
            let (_, address) = before.iter().filter_map(loads_address).find(|(into, _)| *into == added)?;
            batch.then_some(address)
        });
        let mut found: Vec<StaticAddr> = pairs.collect();
        found.dedup();
        let [goidgen] = <[StaticAddr; 1]>::try_from(found).ok()?;
        goidgen.0.checked_sub(layout.sched.goidgen).map(StaticAddr)
    },
};

/// go: runtime.mallocinit (1.18-1.27)
const MHEAP: Rule = Rule {
    variable: "mheap_",
    function: "runtime.mallocinit",
    decode: |code, _, binary| {
        // mheap_.init(): its address is the receiver
        receiver(code, binary, "runtime.(*mheap).init", 3)
    },
};

/// The address that `method` is first called on, which is the last one that is loaded in
/// the `within` instructions before.
fn receiver(code: &[Instruction], binary: &Binary, method: &str, within: usize) -> Option<StaticAddr> {
    let entry = binary.functions().function_named(method)?.entry;
    let call = code.iter().position(|i| call_target(i) == Some(entry))?;
    let loaded = code.get(..call)?.iter().rev().take(within).find_map(loads_address);
    loaded.filter(|(into, _)| *into == Register::RAX).map(|(_, address)| address)
}

/// What puts a cleanup into the queue; there is none before Go 1.25.
const ENQUEUE: &str = "runtime.(*cleanupQueue).enqueue";

/// go: runtime.freeSpecial (1.25-1.27)
const GC_CLEANUPS: Rule = Rule {
    variable: "gcCleanups",
    function: "runtime.freeSpecial",
    decode: |code, _, binary| {
        // gcCleanups.enqueue(sc.cleanup): its address is the receiver
        receiver(code, binary, ENQUEUE, 6)
    },
};

/// go: runtime.queuefinalizer (1.18-1.27)
const ALLFIN: Rule = Rule {
    variable: "allfin",
    function: "runtime.queuefinalizer",
    decode: |code, _, _| {
        // finc.alllink = allfin; allfin = finc
        let stores = |i: &Instruction| i.code() == Code::Mov_rm64_r64 && i.op0_kind() == OpKind::Memory;
        let stored_to = |to| code.iter().any(|i| stores(i) && fixed_address(i) == Some(to));
        let linked = code.windows(2).filter_map(|pair| {
            let [load, link] = pair else { return None };
            let (into, from) = loads_word(load)?;
            let links = stores(link) && link.op1_register() == into && plain_base(link).is_some();
            (links && stored_to(from)).then_some(from)
        });
        let [allfin] = <[StaticAddr; 1]>::try_from(linked.collect::<Vec<_>>()).ok()?;
        Some(allfin)
    },
};

impl Globals {
    /// Finds the variables, by symbol where there is one, else by decoding.
    ///
    /// # Errors
    /// Where `allgptr` or `allglen` is not found: without them nothing is reached.
    pub fn find(binary: &Binary, layout: &Layout) -> Result<Globals, GlobalsError> {
        Globals::collect(binary, |rule| match binary.symbol(&format!("runtime.{}", rule.variable)) {
            Some(address) => Ok(Global { address, found: Found::Symbol }),
            None => rule.apply(binary, layout),
        })
    }

    /// Finds the variables by decoding alone, as in a program without symbols.
    ///
    /// # Errors
    /// Those of [`Globals::find`].
    pub fn decode(binary: &Binary, layout: &Layout) -> Result<Globals, GlobalsError> {
        Globals::collect(binary, |rule| rule.apply(binary, layout))
    }

    fn collect(
        binary: &Binary,
        find: impl Fn(&Rule) -> Result<Global, GlobalsError>,
    ) -> Result<Globals, GlobalsError> {
        let mut notes = Vec::new();
        let mut optional = |rule| find(rule).map_err(|error| notes.push(error.to_string())).ok();
        Ok(Globals {
            allgptr: find(&ALLGPTR)?,
            allglen: find(&ALLGLEN)?,
            semtable: optional(&SEMTABLE),
            allm: optional(&ALLM),
            allp: optional(&ALLP),
            sched: optional(&SCHED),
            mheap: optional(&MHEAP),
            allfin: optional(&ALLFIN),
            gc_cleanups: binary.functions().function_named(ENQUEUE).and_then(|_| optional(&GC_CLEANUPS)),
            notes,
        })
    }
}

impl Rule {
    fn apply(&self, binary: &Binary, layout: &Layout) -> Result<Global, GlobalsError> {
        let Rule { variable, function: name, decode } = *self;
        let function = binary
            .functions()
            .function_named(name)
            .ok_or(GlobalsError::NoFunction { variable, function: name })?;
        let listing = Listing::of(binary.elf(), &function)
            .map_err(|source| GlobalsError::Unreadable { variable, source })?;
        let writable = |address: &StaticAddr| {
            binary.segments().iter().any(|segment| {
                let offset = address.0.checked_sub(segment.address.0);
                segment.writable && offset.is_some_and(|offset| offset < segment.memory_size)
            })
        };
        decode(&listing.instructions, layout, binary)
            .filter(|address| address.0.is_multiple_of(8) && writable(address))
            .map(|address| Global { address, found: Found::Decoded(name) })
            .ok_or(GlobalsError::Unrecognised { variable, function: name, entry: function.entry })
    }
}

/// The addresses A of `lea r, [rip + A]; xchg [r], x`, which is how an atomic
/// store to a variable is compiled; in their order, each once.
fn exchanged(code: &[Instruction]) -> Vec<StaticAddr> {
    let mut found = Vec::new();
    for pair in code.windows(2) {
        let [load, store] = pair else { continue };
        let Some((into, address)) = loads_address(load) else { continue };
        let exchanges = store.mnemonic() == Mnemonic::Xchg && store.op0_kind() == OpKind::Memory;
        if exchanges && plain_base(store) == Some(into) && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

/// The table of `semTable.rootFor`: an address that is added to an index which
/// was multiplied by the size of an element.
///
/// ```text
/// shl  rsi, 6
/// lea  rdx, [rip + semtable]
/// lea  r8, [rdx + rsi]
/// ```
fn scaled_table(code: &[Instruction], _: &Layout, _: &Binary) -> Option<StaticAddr> {
    let shift = u64::from(Layout::SEMTABLE_STRIDE.trailing_zeros());
    let scale = code.iter().position(|i| {
        i.mnemonic() == Mnemonic::Shl && i.op1_kind() == OpKind::Immediate8 && i.immediate(1) == shift
    })?;
    let index = code.get(scale)?.op0_register();
    let mut base = None;
    // The two registers meet within a few instructions, in one of three forms.
    for i in code.get(scale + 1..)?.iter().take(8) {
        if let Some((into, address)) = loads_address(i) {
            base = Some((into, address));
            continue;
        }
        let Some((base, table)) = base else { continue };
        let sum = i.code() == Code::Lea_r64_m
            && i.memory_index_scale() == 1
            && i.memory_displacement64() == 0
            && [(base, index), (index, base)].contains(&(i.memory_base(), i.memory_index()));
        let add = i.code() == Code::Add_r64_rm64
            && [(base, index), (index, base)].contains(&(i.op0_register(), i.op1_register()));
        if sum || add {
            return Some(table);
        }
    }
    None
}

/// The wait reasons by number, as the program itself spells them in
/// `runtime.waitReasonStrings`; `None` where its code cannot be followed.
///
/// ```text
/// cmp   al, 47
/// jb    ok
/// …
/// ok: movzx ecx, al; shl rcx, 4
/// lea   rdx, [rip + waitReasonStrings]
/// ```
// go: runtime.waitReason.String (1.18-1.27)
pub(super) fn wait_reasons(binary: &Binary) -> Option<Vec<WaitReason>> {
    const LONGEST_TEXT: u64 = 64;
    let function = binary.functions().function_named("runtime.waitReason.String")?;
    let listing = Listing::of(binary.elf(), &function).ok()?;
    let code = &listing.instructions;
    let count = code.iter().find(|i| i.code() == Code::Cmp_AL_imm8).map(|i| u64::from(i.immediate8()))?;
    let scale = code.iter().position(|i| i.mnemonic() == Mnemonic::Shl && i.immediate(1) == 4)?;
    let (_, table) = code.get(scale..)?.iter().find_map(loads_address)?;
    let word = |at: u64| -> Option<u64> {
        let bytes = binary.read(StaticAddr(table.0.checked_add(at)?), 8).ok()?;
        super::bytes::u64_at(&bytes, 0)
    };
    (0..count)
        .map(|number| {
            let (text, len) = (word(number * 16)?, word(number * 16 + 8)?);
            let unknown = WaitReason::Unknown(u8::try_from(number).ok()?);
            if len == 0 {
                return Some(unknown);
            }
            let text = binary.read(StaticAddr(text), Some(len).filter(|len| *len <= LONGEST_TEXT)?).ok()?;
            let text = std::str::from_utf8(&text).ok()?;
            Some(WaitReason::from_go_text(text).unwrap_or(unknown))
        })
        .collect()
}
