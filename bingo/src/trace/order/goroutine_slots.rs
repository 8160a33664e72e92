//! The goroutines that exist, each in a slot: a small number that stays its own
//! until it ends, so that nobody has to look one up twice. In: ids. Out: slots, and
//! which of them have come to mean another goroutine.

use hashbrown::HashTable;
use std::hash::BuildHasher;

use super::super::event::TraceEvent;
use super::OrderFault;
use super::state::{GoStatus, Goroutine, Thread};
use crate::trace::EventType;

/// No slot.
pub(in super::super) const NO_SLOT: u32 = u32::MAX;
/// Goroutines that are found by the low bits of their ids alone.
const RECENT: usize = 1 << 10;

/// Goroutines by slot.
pub(in super::super) struct GoroutineSlots {
    slots: Vec<Goroutine>,
    by_id: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
    /// The slot of whoever was looked up last, by the low bits of its id. Those who
    /// have ended are not among them.
    recent: Box<[u32; RECENT]>,
    free: Vec<u32>,
    /// Slots of those that ended, which are not given again before
    /// [`GoroutineSlots::settle`]: events that were let through name them.
    left: Vec<u32>,
    /// Slots that were given since then, and to whom.
    given: Vec<(u32, i64)>,
}

impl Default for GoroutineSlots {
    fn default() -> GoroutineSlots {
        GoroutineSlots {
            slots: Vec::new(),
            by_id: HashTable::new(),
            hasher: foldhash::fast::RandomState::default(),
            recent: Box::new([NO_SLOT; RECENT]),
            free: Vec::new(),
            left: Vec::new(),
            given: Vec::new(),
        }
    }
}

impl GoroutineSlots {
    /// The slot of the goroutine `id`.
    pub(super) fn find(&mut self, id: i64) -> Option<u32> {
        match self.recent(id) {
            Some((slot, _)) => Some(slot),
            None => self.look_up(id),
        }
    }

    /// The goroutine `id`, and its slot, if of all whose ids have these low bits it was
    /// looked up last.
    #[inline(always)]
    pub(super) fn recent(&mut self, id: i64) -> Option<(u32, &mut Goroutine)> {
        let slot = *self.recent.get(recent(id))?;
        let known = self.slots.get_mut(slot as usize)?;
        (known.id == id).then_some((slot, known))
    }

    #[cold]
    fn look_up(&mut self, id: i64) -> Option<u32> {
        let is_it = |slot: &u32| self.slots.get(*slot as usize).is_some_and(|known| known.id == id);
        let slot = *self.by_id.find(self.hasher.hash_one(id), is_it)?;
        if let Some(place) = self.recent.get_mut(recent(id)) {
            *place = slot;
        }
        Some(slot)
    }

    /// The goroutine of a slot that [`GoroutineSlots::find`] has found.
    #[inline(always)]
    pub(super) fn at(&mut self, slot: u32) -> Option<&mut Goroutine> {
        self.slots.get_mut(slot as usize)
    }

    /// The goroutine of a thread, which is `from`, is `to` from now on. `false`: there is
    /// none, or it is not.
    #[inline(always)]
    pub(super) fn changes(&mut self, thread: &Thread, from: GoStatus, to: GoStatus) -> bool {
        let Some(known) = self.at(thread.slot) else { return false };
        let changes = known.id == thread.goroutine && known.status == from;
        if changes {
            known.status = to;
        }
        changes
    }

    /// The goroutine `id`, which `event` takes to exist and to have this slot.
    #[inline(always)]
    pub(super) fn current(
        &mut self,
        event: EventType,
        id: i64,
        slot: u32,
    ) -> Result<&mut Goroutine, OrderFault> {
        match self.slots.get_mut(slot as usize) {
            Some(known) if known.id == id => Ok(known),
            _ => Err(OrderFault::Absent { event, what: "goroutine", id }),
        }
    }

    /// Adds a goroutine; its slot. `None`: there is one of this id already, or
    /// there are more than can be counted.
    pub(super) fn insert(&mut self, goroutine: Goroutine) -> Option<u32> {
        let id = goroutine.id;
        if self.find(id).is_some() {
            return None;
        }
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => u32::try_from(self.slots.len()).ok().filter(|slot| *slot != NO_SLOT)?,
        };
        match self.slots.get_mut(slot as usize) {
            Some(place) => *place = goroutine,
            None => self.slots.push(goroutine),
        }
        let (slots, hasher) = (&self.slots, &self.hasher);
        let hash = |slot: &u32| slots.get(*slot as usize).map_or(0, |known| hasher.hash_one(known.id));
        self.by_id.insert_unique(hasher.hash_one(id), slot, hash);
        if let Some(place) = self.recent.get_mut(recent(id)) {
            *place = slot;
        }
        self.given.push((slot, id));
        Some(slot)
    }

    /// Removes the goroutine of a slot.
    pub(super) fn remove(&mut self, slot: u32) {
        let Some(gone) = self.slots.get_mut(slot as usize) else { return };
        let id = gone.id;
        gone.end();
        if let Ok(entry) = self.by_id.find_entry(self.hasher.hash_one(id), |known| *known == slot) {
            entry.remove();
        }
        if let Some(place) = self.recent.get_mut(recent(id)).filter(|known| **known == slot) {
            *place = NO_SLOT;
        }
        self.left.push(slot);
    }

    /// Whoever names goroutines by their slots has told what there is: the slots of
    /// those that ended may be given again. The answer is which were given, and to whom.
    pub(in super::super) fn settle(&mut self) -> std::vec::Drain<'_, (u32, i64)> {
        self.free.append(&mut self.left);
        self.given.drain(..)
    }
}

#[inline]
fn recent(id: i64) -> usize {
    const MASK: u64 = RECENT as u64 - 1;
    usize::try_from(id.cast_unsigned() & MASK).unwrap_or(0)
}

impl Goroutine {
    /// It is nobody from now on.
    fn end(&mut self) {
        self.id = TraceEvent::NONE;
        self.attached = None;
    }
}
