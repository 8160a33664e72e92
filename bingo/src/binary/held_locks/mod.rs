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
//! the call, or by the runtime, so that it is held until then. What is called through
//! an interface (a `sync.Locker`, a `Cond`'s `L`) is known only where a stopped
//! goroutine has the interface: it is asked for first, and told then.

mod both_ends;
mod deeds;
mod flow;
mod values;
#[cfg(test)]
mod values_tests;

use iced_x86::{FlowControl, Instruction};

use self::deeds::Act;
use self::flow::Flow;
use self::values::Values;
use super::code::{Listing, call_target};
use super::{Binary, Function};
use crate::model::StaticAddr;

pub(super) use deeds::LockFunctions;

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

/// Where a word is to be found: the address of a lock, or of a function.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LockPlace {
    /// The word to start from.
    pub start: LockStart,
    /// To be added to the word at the start; between two of them the word at the
    /// sum is loaded.
    pub steps: Vec<i64>,
    /// What is to be added along with some of them: ways to elements.
    pub indexes: Vec<LockIndex>,
}

/// A word that is multiplied: how far into an array an element is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LockIndex {
    /// The number of the step that it is added along with.
    pub step: usize,
    /// Where the word is.
    pub word: LockPlace,
    /// What it is multiplied by.
    pub scale: i64,
}

/// The word that a place starts from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LockStart {
    /// A word of the frame, as bytes from the return address's slot.
    Slot(i64),
    /// The address of a variable.
    Variable(StaticAddr),
    /// The address of the closure that is called.
    Closure,
}

/// A lock that a function gives back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GivenLock {
    /// Where it is, when the function is called.
    pub place: LockPlace,
    /// Whether it is a read lock.
    pub shared: bool,
}

/// A call through an interface, and where the address of what it calls is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct InterfaceCall {
    /// The call.
    pub at: StaticAddr,
    /// The function's address, in a goroutine that is stopped elsewhere in the function.
    pub target: LockPlace,
}

impl LockPlace {
    fn from(start: LockStart) -> LockPlace {
        LockPlace { start, steps: Vec::new(), indexes: Vec::new() }
    }
}

impl Binary {
    /// The locks that the function around `address` holds while the instruction
    /// there executes; of a call: while it is made. `called` says which functions its
    /// calls through interfaces call, as far as that is known.
    #[must_use]
    pub fn locks_held_at(&self, address: StaticAddr, called: &[(StaticAddr, StaticAddr)]) -> Vec<HeldLock> {
        self.look_into(address, |function, listing, at| {
            let deeds = self.deeds(function, listing, called);
            if !deeds.values().any(|deed| matches!(deed.act, Act::Take { .. })) {
                return Vec::new();
            }
            let values = self.values(function, listing, at, |i| deeds.contains_key(&i.ip()));
            Flow::of(listing, &deeds, &values).held_at(at)
        })
        .unwrap_or_default()
    }

    /// The calls through interfaces of the function around `address` that come before it
    /// or behind it, where a goroutine stopped there has the interface.
    #[must_use]
    pub fn interface_calls_around(&self, address: StaticAddr) -> Vec<InterfaceCall> {
        self.look_into(address, |function, listing, at| {
            let calls: Vec<&Instruction> =
                listing.instructions.iter().filter(|i| calls_a_register(i)).collect();
            if calls.is_empty() {
                return Vec::new();
            }
            let values = self.values(function, listing, at, calls_a_register);
            let deeds = Default::default();
            let flow = Flow::of(listing, &deeds, &values);
            let Some(written) = flow.written_at(at) else { return Vec::new() };
            let place = |i: &Instruction| {
                let target = values.place(values.target(i.ip())?, written)?;
                // An interface's table is at hand, a method in it.
                let through_table = target.steps.len() > 1;
                through_table.then_some(InterfaceCall { at: StaticAddr(i.ip()), target })
            };
            calls.into_iter().filter_map(place).collect()
        })
        .unwrap_or_default()
    }

    /// The locks that the function at `entry` gives back, a closure: what is deferred
    /// in a loop is called by the runtime.
    #[must_use]
    pub fn locks_given_by(&self, entry: StaticAddr) -> Vec<GivenLock> {
        self.look_into(entry, |function, listing, at| {
            let deeds = self.deeds(function, listing, &[]);
            let values = self.values(function, listing, at, |i| deeds.contains_key(&i.ip()));
            let mut given: Vec<GivenLock> = Vec::new();
            for (ip, deed) in &deeds {
                let Act::Give { shared } = deed.act else { continue };
                let value = values.operand(*ip).map(|value| value.before(deed.into));
                let place = value.and_then(|value| values.place_in_closure(value));
                let new = place.map(|place| GivenLock { place, shared });
                given.extend(new.filter(|new| !given.contains(new)));
            }
            given
        })
        .unwrap_or_default()
    }

    /// Has `look` see the function around `address`, its code, and the instruction
    /// there; `None` for package sync itself, which is what is looked for, not where.
    fn look_into<T>(
        &self,
        address: StaticAddr,
        look: impl FnOnce(&Function<'_>, &Listing, u64) -> T,
    ) -> Option<T> {
        let function = self.functions().function_at(address)?;
        if deeds::is_lock(&function.name()) {
            return None;
        }
        let listing = Listing::of(self.elf(), &function).ok()?;
        let holds = |i: &&Instruction| (i.ip()..i.next_ip()).contains(&address.0);
        let at = listing.instructions.iter().find(holds)?.ip();
        Some(look(&function, &listing, at))
    }

    fn values(
        &self,
        function: &Function<'_>,
        listing: &Listing,
        at: u64,
        wanted: impl Fn(&Instruction) -> bool,
    ) -> Values {
        let size = |ip| function.frame_size_at(StaticAddr(ip));
        let barriers = self.lock_functions.barriers(self);
        let keeps = |i: &Instruction| call_target(i).is_some_and(|target| barriers.contains(&target));
        Values::of(listing, at, size, keeps, wanted)
    }
}

/// `call register`: through an interface or of a closure.
fn calls_a_register(i: &Instruction) -> bool {
    i.flow_control() == FlowControl::IndirectCall && i.op0_register().is_gpr64()
}
