//! Who holds which lock: the calls on all stacks come in, the locks that their
//! functions hold there go out, each by its address where that can be told.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::stacks::{Bytes, DEFERS, Stacks};
use super::stopped::Stopped;
use crate::binary::layout::Layout;
use crate::binary::{GivenLock, HeldLock, InterfaceCall, LockPlace, LockStart};
use crate::goruntime::code::Code;
use crate::memory::{Memory, MemoryError, Pages};
use crate::model::{Addr, GoId, Pc, StaticAddr};

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// Calls through interfaces, and what they call.
type Called = Vec<(StaticAddr, Addr)>;

/// Holders that are kept.
const MOST: usize = 1 << 20;

/// A goroutine that holds a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::goruntime) struct Holder {
    pub(in crate::goruntime) goroutine: GoId,
    /// The lock, where that can be told.
    pub(in crate::goruntime) lock: Option<Addr>,
    /// The call that took it.
    pub(in crate::goruntime) taken: Pc,
    /// The call during which it is held.
    pub(in crate::goruntime) during: Pc,
    pub(in crate::goruntime) shared: bool,
    /// Whether it is held whatever way the function took.
    pub(in crate::goruntime) always: bool,
}

/// Looks for them.
pub(super) struct Holders<'a, M: Memory + ?Sized, C> {
    code: &'a C,
    layout: &'a Layout,
    memory: &'a M,
    pages: Pages<'a, M>,
    found: Vec<Holder>,
    held: Map<(Pc, Called), Arc<[HeldLock]>>,
    interfaces: Map<Pc, Arc<[InterfaceCall]>>,
}

impl<'a, M: Memory + ?Sized, C: Code> Holders<'a, M, C> {
    pub(super) fn new(memory: &'a M, code: &'a C, layout: &'a Layout) -> Holders<'a, M, C> {
        let (held, interfaces) = (Map::default(), Map::default());
        Holders { code, layout, memory, pages: Pages::new(memory), found: Vec::new(), held, interfaces }
    }

    /// Finds out who of `goroutines` holds locks; `wanted` are those that somebody
    /// waits for.
    pub(super) fn find(
        mut self,
        stacks: &mut Stacks<C>,
        goroutines: &[&Stopped],
        wanted: &[Addr],
    ) -> Result<Vec<Holder>, MemoryError> {
        let memory = self.memory;
        // Few are in a call that calls through interfaces: only their stacks are read again.
        let mut through: Vec<&Stopped> = Vec::new();
        stacks.calls(memory, goroutines, |place, call, stack, argp| {
            let Some(&one) = goroutines.get(place) else { return Ok(()) };
            if !self.interface_calls(call).is_empty() && through.last().is_none_or(|last| last.id != one.id) {
                through.push(one);
            }
            self.of_call(one.id, call, Vec::new(), (stack, argp))
        })?;
        for one in goroutines.iter().filter(|one| one.defers() != 0) {
            self.of_defers(one)?;
        }
        let known: HashSet<Addr> = self.found.iter().filter_map(|holder| holder.lock).collect();
        if wanted.iter().any(|lock| !known.contains(lock)) {
            self.through_interfaces(stacks, &through)?;
        }
        Ok(self.found)
    }

    /// What one call holds, if its calls through interfaces call what `called` says.
    fn of_call(
        &mut self,
        goroutine: GoId,
        during: Pc,
        called: Called,
        (stack, argp): (&Bytes<'_>, u64),
    ) -> Result<(), MemoryError> {
        for held in self.held(during, called).iter() {
            let start = starts(self.code, stack, argp);
            let lock = match &held.place {
                Some(place) => follow(&mut self.pages, place, &start)?,
                None => None,
            };
            let taken = Pc::Instruction(self.code.place(held.taken));
            let (shared, always) = (held.shared, held.always);
            self.add(Holder { goroutine, lock, taken, during, shared, always });
        }
        Ok(())
    }

    fn held(&mut self, during: Pc, called: Called) -> Arc<[HeldLock]> {
        let code = self.code;
        let held = self.held.entry((during, called));
        let of = |(during, called): &(Pc, Called)| code.locks_held(*during, called).into();
        Arc::clone(held.or_insert_with_key(of))
    }

    /// What is to be given back by calls that were deferred in a loop: the runtime
    /// has them in a list. The compiler puts the others into the code.
    fn of_defers(&mut self, one: &Stopped) -> Result<(), MemoryError> {
        let mut given: Map<Addr, Arc<[GivenLock]>> = Map::default();
        let mut next = one.defers();
        for _ in 0..DEFERS {
            if next == 0 {
                break;
            }
            let at = Addr(next);
            let closure = self.pages.word(at.offset(self.layout.defer.func))?.unwrap_or(0);
            let pc = self.pages.word(at.offset(self.layout.defer.pc))?.unwrap_or(0);
            next = self.pages.word(at.offset(self.layout.defer.link))?.unwrap_or(0);
            if closure == 0 {
                continue;
            }
            let Some(entry) = self.pages.word(Addr(closure))?.map(Addr) else { continue };
            let code = self.code;
            let locks = given.entry(entry).or_insert_with(|| code.locks_given(entry).into());
            for GivenLock { place, shared } in Arc::clone(locks).iter() {
                let start = |start| match start {
                    LockStart::Closure => Some(closure),
                    LockStart::Variable(address) => Some(code.place(address).0),
                    LockStart::Slot(_) => None,
                };
                let lock = follow(&mut self.pages, place, &start)?;
                let during = Pc::Return(Addr(pc));
                // Where it was deferred before it was taken, it may not be taken yet.
                let held = self.held(during, Vec::new());
                let taking = held.iter().find(|held| held.shared == *shared);
                let taken = taking.map_or(during, |taking| Pc::Instruction(self.code.place(taking.taken)));
                let always = taking.is_some_and(|taking| taking.always);
                self.add(Holder { goroutine: one.id, lock, taken, during, shared: *shared, always });
            }
        }
        Ok(())
    }

    /// What is held by calls of `Lock` through interfaces, whose targets the stacks say.
    fn through_interfaces(
        &mut self,
        stacks: &mut Stacks<C>,
        goroutines: &[&Stopped],
    ) -> Result<(), MemoryError> {
        let memory = self.memory;
        stacks.calls(memory, goroutines, |place, call, stack, argp| {
            let Some(one) = goroutines.get(place) else { return Ok(()) };
            let code = self.code;
            let mut called = Called::new();
            for InterfaceCall { at, target } in self.interface_calls(call).iter() {
                let function = follow(&mut self.pages, target, &starts(code, stack, argp))?;
                called.extend(function.map(|function| (*at, function)));
            }
            if called.is_empty() {
                return Ok(());
            }
            self.of_call(one.id, call, called, (stack, argp))
        })
    }

    /// The calls through interfaces of the function that is in a call.
    fn interface_calls(&mut self, call: Pc) -> Arc<[InterfaceCall]> {
        let calls = self.interfaces.entry(call);
        Arc::clone(calls.or_insert_with(|| self.code.interface_calls(call).into()))
    }

    fn add(&mut self, holder: Holder) {
        if self.found.len() < MOST {
            self.found.push(holder);
        }
    }
}

/// The words that places start from in one call.
fn starts<C: Code>(code: &C, stack: &Bytes<'_>, argp: u64) -> impl Fn(LockStart) -> Option<u64> {
    move |start| match start {
        LockStart::Slot(slot) => stack.word(argp.wrapping_sub(8).wrapping_add_signed(slot)),
        LockStart::Variable(address) => Some(code.place(address).0),
        LockStart::Closure => None,
    }
}

/// Where a place is, by the words that `start` says.
fn follow<M: Memory + ?Sized>(
    pages: &mut Pages<'_, M>,
    place: &LockPlace,
    start: &impl Fn(LockStart) -> Option<u64>,
) -> Result<Option<Addr>, MemoryError> {
    let Some(mut at) = start(place.start) else { return Ok(None) };
    for (number, &step) in place.steps.iter().enumerate() {
        if number > 0 {
            match pages.word(Addr(at))? {
                Some(word) => at = word,
                None => return Ok(None),
            }
        }
        at = at.wrapping_add_signed(step);
        for index in place.indexes.iter().filter(|index| index.step == number) {
            let Some(word) = follow(pages, &index.word, start)? else { return Ok(None) };
            at = at.wrapping_add(word.0.wrapping_mul(index.scale.cast_unsigned()));
        }
    }
    Ok(Some(Addr(at)))
}
