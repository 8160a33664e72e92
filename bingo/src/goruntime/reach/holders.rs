//! Who holds which lock: the calls on all stacks come in, the locks that their
//! functions hold there go out, each by its address where that can be told.

use std::collections::HashMap;
use std::sync::Arc;

use super::stacks::{Bytes, Stacks, Stopped};
use crate::binary::{HeldLock, LockPlace};
use crate::goruntime::code::Code;
use crate::memory::{Memory, MemoryError, Pages};
use crate::model::{Addr, GoId, Pc};

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

/// Finds out who of `goroutines` holds locks.
pub(super) fn holders<M: Memory + ?Sized, C: Code>(
    memory: &M,
    code: &C,
    stacks: &mut Stacks<C>,
    goroutines: &[Stopped],
) -> Result<Vec<Holder>, MemoryError> {
    let mut known: HashMap<Pc, Arc<[HeldLock]>, foldhash::fast::FixedState> = HashMap::default();
    let mut found = Vec::new();
    stacks.calls(memory, goroutines, |place, call, stack, argp| {
        let held = known.entry(call).or_insert_with(|| code.locks_held(call).into());
        let Some(one) = goroutines.get(place) else { return };
        if found.len() >= MOST {
            return;
        }
        for held in held.iter() {
            let start = held.place.as_ref().and_then(|place| start(place, code, stack, argp));
            found.push((GoId(one.g.goid), call, held.clone(), start));
        }
    })?;
    let mut pages = Pages::new(memory);
    let mut holders = Vec::with_capacity(found.len());
    for (goroutine, during, held, start) in found {
        let steps = held.place.as_ref().map_or(&[][..], |place| &place.steps);
        let lock = match start {
            Some(start) => follow(&mut pages, start, steps)?,
            None => None,
        };
        let taken = Pc::Instruction(code.place(held.taken));
        let HeldLock { shared, always, .. } = held;
        holders.push(Holder { goroutine, lock, taken, during, shared, always });
    }
    Ok(holders)
}

/// The word that a place starts from.
fn start(place: &LockPlace, code: &impl Code, stack: &Bytes<'_>, argp: u64) -> Option<u64> {
    match place.start {
        Ok(slot) => stack.word(argp.wrapping_sub(8).wrapping_add_signed(slot)),
        Err(address) => Some(code.place(address).0),
    }
}

/// Where the steps lead from `start`.
fn follow<M: Memory + ?Sized>(
    pages: &mut Pages<'_, M>,
    start: u64,
    steps: &[i64],
) -> Result<Option<Addr>, MemoryError> {
    let mut at = start;
    for (number, &step) in steps.iter().enumerate() {
        if number > 0 {
            match pages.word(Addr(at))? {
                Some(word) => at = word,
                None => return Ok(None),
            }
        }
        at = at.wrapping_add_signed(step);
    }
    Ok(Some(Addr(at)))
}
