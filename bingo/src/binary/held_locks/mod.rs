//! Which locks a function holds at an instruction: its code comes in, the places
//! where it has taken one and not given it back yet go out. A mutex keeps no
//! owner, so this is how one is found.
//!
//! Calls of package sync are found by their target, inlined ones by the inline
//! tree and the atomic instruction that does the work:
//!
//! ```text
//!   lock cmpxchg [rax+8], ecx   in an inlined Mutex.Lock      takes rax+8
//!   call sync.(*Mutex).Lock     with rax = the mutex          takes it
//!   lock xadd [rcx+8], edx      in an inlined Mutex.Unlock    gives rcx+8 back
//! ```
//!
//! What is deferred is given back at the function's end, where the compiler puts
//! the call, or by the runtime, so that it is held until then.

mod flow;
mod values;

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use iced_x86::{FlowControl, Instruction, Mnemonic, OpKind};

use self::values::Values;
use super::code::{Listing, call_target};
use super::{Binary, Function};
use crate::model::StaticAddr;

/// A lock that is held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldLock {
    /// The instruction that took it, or the call.
    pub taken: StaticAddr,
    /// Whether it is a read lock.
    pub shared: bool,
    /// Whether it is held on every way to the instruction.
    pub always: bool,
    /// Where a stopped goroutine has the lock's address.
    pub place: Option<LockPlace>,
}

/// Where the address of a lock is to be found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockPlace {
    /// The word of the frame to start from, as bytes from the return address's
    /// slot; or the address of a variable.
    pub start: Result<i64, StaticAddr>,
    /// To be added to the word at the start; between two of them the word at the
    /// sum is loaded.
    pub steps: Vec<i64>,
}

impl LockPlace {
    fn frame(slot: i64) -> LockPlace {
        LockPlace { start: Ok(slot), steps: Vec::new() }
    }

    fn fixed(address: StaticAddr) -> LockPlace {
        LockPlace { start: Err(address), steps: Vec::new() }
    }
}

/// What an instruction does with a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Act {
    /// Takes it; `slow`: after another instruction of the same call has tried.
    Take { shared: bool, slow: bool },
    /// Gives it back.
    Give { shared: bool },
}

/// An instruction that does.
#[derive(Clone, Copy, Debug)]
struct Deed {
    act: Act,
    /// The inlined call that it belongs to.
    inlined: Option<u32>,
    /// Bytes from the start of the lock to the operand.
    into: i64,
}

/// So soon behind an atomic instruction its result is used.
const USES: usize = 5;
/// go: sync.RWMutex.readerCount (1.19-1.27)
const READER_COUNT: i64 = 16;

/// The functions of package sync that matter, once they are looked up.
#[derive(Default)]
pub(super) struct LockFunctions {
    entries: OnceLock<HashMap<StaticAddr, Act>>,
    barriers: OnceLock<HashSet<StaticAddr>>,
}

impl LockFunctions {
    fn entries(&self, binary: &Binary) -> &HashMap<StaticAddr, Act> {
        self.entries.get_or_init(|| {
            let functions = binary.functions();
            ALL.iter().filter_map(|&(name, act)| Some((functions.function_named(name)?.entry, act))).collect()
        })
    }

    /// The functions that leave registers alone.
    fn barriers(&self, binary: &Binary) -> &HashSet<StaticAddr> {
        // go: runtime.gcWriteBarrier (1.19-1.20), by register too, and by number (1.21-1.27)
        const KINDS: [&str; 16] =
            ["", "CX", "DX", "BX", "BP", "SI", "R8", "R9", "1", "2", "3", "4", "5", "6", "7", "8"];
        self.barriers.get_or_init(|| {
            let named =
                |kind: &str| binary.functions().function_named(&format!("runtime.gcWriteBarrier{kind}"));
            KINDS.iter().filter_map(|kind| Some(named(kind)?.entry)).collect()
        })
    }
}

const TAKE: Act = Act::Take { shared: false, slow: false };
const TAKE_SLOW: Act = Act::Take { shared: false, slow: true };
const TAKE_READ: Act = Act::Take { shared: true, slow: false };
const GIVE: Act = Act::Give { shared: false };
const GIVE_READ: Act = Act::Give { shared: true };

// go: sync.Mutex, sync.RWMutex, internal/sync.Mutex (1.19-1.27)
const ALL: &[(&str, Act)] = &[
    ("sync.(*Mutex).Lock", TAKE),
    ("sync.(*Mutex).lockSlow", TAKE_SLOW),
    ("sync.(*Mutex).Unlock", GIVE),
    ("sync.(*Mutex).unlockSlow", GIVE),
    ("internal/sync.(*Mutex).Lock", TAKE),
    ("internal/sync.(*Mutex).lockSlow", TAKE_SLOW),
    ("internal/sync.(*Mutex).Unlock", GIVE),
    ("internal/sync.(*Mutex).unlockSlow", GIVE),
    ("sync.(*RWMutex).Lock", TAKE),
    ("sync.(*RWMutex).Unlock", GIVE),
    ("sync.(*RWMutex).RLock", TAKE_READ),
    ("sync.(*RWMutex).RUnlock", GIVE_READ),
    ("sync.(*RWMutex).rUnlockSlow", GIVE_READ),
];

impl Binary {
    /// The locks that the function around `address` holds while the instruction
    /// there executes; of a call: while it is made.
    #[must_use]
    pub fn locks_held_at(&self, address: StaticAddr) -> Vec<HeldLock> {
        let Some(function) = self.functions().function_at(address) else { return Vec::new() };
        // Package sync itself is what is looked for, and not where.
        if is_lock(&function.name()) {
            return Vec::new();
        }
        self.locks_of(&function, address).unwrap_or_default()
    }

    fn locks_of(&self, function: &Function<'_>, address: StaticAddr) -> Option<Vec<HeldLock>> {
        let listing = Listing::of(self.elf(), function).ok()?;
        let deeds = self.deeds(function, &listing);
        if !deeds.values().any(|deed| matches!(deed.act, Act::Take { .. })) {
            return None;
        }
        let size = |ip| function.frame_size_at(StaticAddr(ip));
        let barriers = self.lock_functions.barriers(self);
        let keeps = |i: &Instruction| call_target(i).is_some_and(|target| barriers.contains(&target));
        let values = Values::of(&listing, size, keeps, |i| deeds.contains_key(&i.ip()));
        let at = listing.instructions.iter().find(|i| {
            let end = i.next_ip();
            (i.ip()..end).contains(&address.0)
        })?;
        Some(flow::held_at(&listing, &deeds, &values, at.ip()))
    }

    /// What each instruction of a function does with locks, by its address.
    fn deeds(&self, function: &Function<'_>, listing: &Listing) -> HashMap<u64, Deed> {
        let entries = self.lock_functions.entries(self);
        let mut deeds = HashMap::new();
        for (place, i) in listing.instructions.iter().enumerate() {
            if let Some(&act) = call_target(i).and_then(|target| entries.get(&target)) {
                let inlined = function.inline_index_at(StaticAddr(i.ip()));
                deeds.insert(i.ip(), Deed { act, inlined, into: 0 });
            } else if is_atomic(i) {
                // The compiler may put the instruction down to the line of the call, and
                // only what uses its result to the function that was inlined.
                let from = listing.instructions.get(place..).unwrap_or_default();
                let more = from.iter().position(|i| i.flow_control() != FlowControl::Next).unwrap_or(USES);
                let near = from.iter().take(USES.min(more + 1));
                let found =
                    near.map(|near| StaticAddr(near.ip())).find_map(|at| self.inlined_act(function, at, i));
                deeds.extend(found.map(|deed| (i.ip(), deed)));
            }
        }
        deeds
    }

    /// What the atomic instruction `i` does, if it belongs to the call that was
    /// inlined at `at`.
    fn inlined_act(&self, function: &Function<'_>, at: StaticAddr, i: &Instruction) -> Option<Deed> {
        let inlined = function.inline_index_at(at);
        let calls = function.calls_at(at);
        let names =
            calls.iter().filter(|call| call.inlined).filter_map(|call| self.functions().name(call.name));
        // An atomic's own methods are inlined into it.
        let name = names.into_iter().find(|name| is_lock(name))?;
        let adds = i.mnemonic() == Mnemonic::Xadd;
        let (act, into) = match name.strip_prefix("internal/").unwrap_or(&name) {
            "sync.(*Mutex).Lock" if !adds => Some((TAKE, 0)),
            "sync.(*Mutex).Unlock" if adds => Some((GIVE, 0)),
            "sync.(*RWMutex).RLock" if adds => Some((TAKE_READ, READER_COUNT)),
            "sync.(*RWMutex).RUnlock" if adds => Some((GIVE_READ, READER_COUNT)),
            _ => None,
        }?;
        Some(Deed { act, inlined, into })
    }
}

fn is_lock(name: &str) -> bool {
    let name = name.strip_prefix("internal/").unwrap_or(name);
    name.starts_with("sync.(*Mutex).") || name.starts_with("sync.(*RWMutex).")
}

/// `lock cmpxchg` or `lock xadd` of 4 bytes in memory.
fn is_atomic(i: &Instruction) -> bool {
    i.has_lock_prefix()
        && i.op0_kind() == OpKind::Memory
        && matches!(i.mnemonic(), Mnemonic::Cmpxchg | Mnemonic::Xadd)
        && i.memory_size().size() == 4
}
