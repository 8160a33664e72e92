//! What each instruction of a function does with locks. In: decoded code. Out: a
//! [`Deed`] for each instruction that takes a lock or gives one back: calls of package
//! sync, what is inlined of them, and calls of short functions that do nothing else
//! with a lock, as a method that locks for its caller, or the `Lock` of a struct that
//! embeds a mutex.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, OnceLock, PoisonError};

use iced_x86::{Code, FlowControl, Instruction, Mnemonic, OpKind};

use super::flow::Flow;
use crate::binary::code::{Listing, call_target};
use crate::binary::{Binary, Function};
use crate::model::StaticAddr;

/// What an instruction does with a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// Takes it; `slow`: after another instruction of the same call has tried.
    Take { shared: bool, slow: bool },
    /// Gives it back.
    Give { shared: bool },
}

/// An instruction that does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deed {
    pub(super) act: Act,
    /// The inlined call that it belongs to.
    pub(super) inlined: Option<u32>,
    /// Bytes from the start of the lock to the operand.
    pub(super) into: i64,
}

/// What a call of a function does with the lock so many bytes behind its receiver.
type Effect = Option<(Act, i64)>;

/// A function that is called for its lock alone is not longer, in bytes.
const SHORT: u64 = 1 << 10;
/// So soon behind an atomic instruction its result is used.
const USES: usize = 5;
/// go: sync.RWMutex.readerCount (1.19-1.27)
const READER_COUNT: i64 = 16;
/// go: sync.RWMutex.readerSem (1.19-1.27)
const READER_SEM: i64 = 12;

const TAKE: Act = Act::Take { shared: false, slow: false };
const TAKE_SLOW: Act = Act::Take { shared: false, slow: true };
const TAKE_READ: Act = Act::Take { shared: true, slow: false };
const TAKE_READ_SLOW: Act = Act::Take { shared: true, slow: true };
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

/// What an inlined `RLock` waits in.
// go: sync.(*RWMutex).RLock (1.19: the first, 1.20-1.27: the second)
const READERS_WAIT: [&str; 2] = ["sync.runtime_SemacquireMutex", "sync.runtime_SemacquireRWMutexR"];

/// The functions that matter, once they are looked up.
#[derive(Default)]
pub(in crate::binary) struct LockFunctions {
    entries: OnceLock<HashMap<StaticAddr, Act>>,
    barriers: OnceLock<HashSet<StaticAddr>>,
    readers_wait: OnceLock<HashSet<StaticAddr>>,
    deferreturn: OnceLock<Option<StaticAddr>>,
    effects: Mutex<HashMap<StaticAddr, Effect>>,
}

impl LockFunctions {
    fn entries(&self, binary: &Binary) -> &HashMap<StaticAddr, Act> {
        self.entries.get_or_init(|| {
            let functions = binary.functions();
            ALL.iter().filter_map(|&(name, act)| Some((functions.function_named(name)?.entry, act))).collect()
        })
    }

    /// The functions that leave registers alone.
    pub(super) fn barriers(&self, binary: &Binary) -> &HashSet<StaticAddr> {
        // go: runtime.gcWriteBarrier (1.19-1.20), by register too, and by number (1.21-1.27)
        const KINDS: [&str; 16] =
            ["", "CX", "DX", "BX", "BP", "SI", "R8", "R9", "1", "2", "3", "4", "5", "6", "7", "8"];
        self.barriers.get_or_init(|| {
            let named =
                |kind: &str| binary.functions().function_named(&format!("runtime.gcWriteBarrier{kind}"));
            KINDS.iter().filter_map(|kind| Some(named(kind)?.entry)).collect()
        })
    }

    fn readers_wait(&self, binary: &Binary) -> &HashSet<StaticAddr> {
        self.readers_wait.get_or_init(|| {
            let named = |name: &&str| Some(binary.functions().function_named(name)?.entry);
            READERS_WAIT.iter().filter_map(named).collect()
        })
    }

    /// Every function that defers something calls it at its end.
    // go: runtime.deferreturn (1.19-1.27)
    fn deferreturn(&self, binary: &Binary) -> Option<StaticAddr> {
        let named = || Some(binary.functions().function_named("runtime.deferreturn")?.entry);
        *self.deferreturn.get_or_init(named)
    }
}

impl Binary {
    /// What each instruction of a function does with locks, by its address. `called`
    /// has what its calls through interfaces call.
    pub(super) fn deeds(
        &self,
        function: &Function<'_>,
        listing: &Listing,
        called: &[(StaticAddr, StaticAddr)],
    ) -> HashMap<u64, Deed> {
        let mut deeds = self.own_deeds(function, listing);
        for i in &listing.instructions {
            let known = || called.iter().find(|(at, _)| at.0 == i.ip()).map(|(_, target)| *target);
            if let Some(target) = call_target(i).or_else(known)
                && !deeds.contains_key(&i.ip())
                && let Some((act, behind)) = self.effect(target)
            {
                deeds.insert(i.ip(), Deed { act, inlined: None, into: -behind });
            }
        }
        deeds
    }

    /// The same without what functions do that are not package sync's.
    fn own_deeds(&self, function: &Function<'_>, listing: &Listing) -> HashMap<u64, Deed> {
        let entries = self.lock_functions.entries(self);
        let readers_wait = self.lock_functions.readers_wait(self);
        let mut deeds = HashMap::new();
        for (place, i) in listing.instructions.iter().enumerate() {
            let target = call_target(i).or_else(|| leaves_for(i));
            let at = StaticAddr(i.ip());
            if let Some(&act) = target.and_then(|target| entries.get(&target)) {
                let inlined = self.inlined_call(function, at).and_then(|(_, index)| index);
                deeds.insert(i.ip(), Deed { act, inlined, into: 0 });
            } else if target.is_some_and(|target| readers_wait.contains(&target)) {
                let inlined = self.inlined_call(function, at);
                let inlined = inlined.filter(|(name, _)| name == "sync.(*RWMutex).RLock");
                let deed = |(_, inlined)| Deed { act: TAKE_READ_SLOW, inlined, into: READER_SEM };
                deeds.extend(inlined.map(|inlined| (i.ip(), deed(inlined))));
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
        let (name, inlined) = self.inlined_call(function, at)?;
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

    /// The function of a lock that was inlined at `at`, and its place in the inline tree.
    fn inlined_call(&self, function: &Function<'_>, at: StaticAddr) -> Option<(String, Option<u32>)> {
        let calls = function.calls_at(at);
        let named = calls
            .iter()
            .filter(|call| call.inlined)
            .filter_map(|call| Some((self.functions().name(call.name)?.to_string(), call.index)));
        // An atomic's own methods are inlined into it, and since Go 1.24 it into another.
        named.filter(|(name, _)| is_lock(name)).last()
    }

    /// What a call of the function at `entry` does.
    fn effect(&self, entry: StaticAddr) -> Effect {
        if let Some(&act) = self.lock_functions.entries(self).get(&entry) {
            return Some((act, 0));
        }
        let effects = &self.lock_functions.effects;
        let known = effects.lock().unwrap_or_else(PoisonError::into_inner).get(&entry).copied();
        known.unwrap_or_else(|| {
            let found = self.find_effect(entry);
            effects.lock().unwrap_or_else(PoisonError::into_inner).insert(entry, found);
            found
        })
    }

    fn find_effect(&self, entry: StaticAddr) -> Effect {
        let function = self.functions().function_at(entry).filter(|function| function.entry == entry)?;
        if function.end.0.saturating_sub(entry.0) > SHORT || is_sync(&function.name()) {
            return None;
        }
        let listing = Listing::of(self.elf(), &function).ok()?;
        let deeds = self.own_deeds(&function, &listing);
        let deferreturn = self.lock_functions.deferreturn(self);
        let defers = |i: &Instruction| deferreturn.is_some() && call_target(i) == deferreturn;
        if deeds.is_empty() || listing.instructions.iter().any(defers) {
            return None;
        }
        let values = self.values(&function, &listing, listing.entry.0, |i| deeds.contains_key(&i.ip()));
        let receiver = |ip: u64, deed: &Deed| values.behind_receiver(values.operand(ip)?.before(deed.into));
        let mut given = None;
        for (&ip, deed) in &deeds {
            match deed.act {
                Act::Take { .. } => return Flow::of(&listing, &deeds, &values).kept(),
                Act::Give { shared } => {
                    let one = Some((Act::Give { shared }, receiver(ip, deed)?));
                    if given.is_some() && given != one {
                        return None;
                    }
                    given = one;
                }
            }
        }
        given
    }
}

pub(super) fn is_lock(name: &str) -> bool {
    let name = name.strip_prefix("internal/").unwrap_or(name);
    name.starts_with("sync.(*Mutex).") || name.starts_with("sync.(*RWMutex).")
}

fn is_sync(name: &str) -> bool {
    let name = name.strip_prefix("internal/").unwrap_or(name);
    name.starts_with("sync.") || name.starts_with("runtime.")
}

/// Where a function goes on in place of returning: `jmp` to another one.
fn leaves_for(i: &Instruction) -> Option<StaticAddr> {
    (i.code() == Code::Jmp_rel32_64).then(|| StaticAddr(i.near_branch64()))
}

/// `lock cmpxchg` or `lock xadd` of 4 bytes in memory.
fn is_atomic(i: &Instruction) -> bool {
    i.has_lock_prefix()
        && i.op0_kind() == OpKind::Memory
        && matches!(i.mnemonic(), Mnemonic::Cmpxchg | Mnemonic::Xadd)
        && i.memory_size().size() == 4
}
