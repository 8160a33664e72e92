//! Who has what at hand: for each goroutine, the objects waited on that its stack
//! points to, or that are reached from there.

use std::collections::HashSet;

use super::stacks::Sighting;
use super::watch::Watch;
use crate::goruntime::fields::{length, words};
use crate::goruntime::heap::{Heap, ObjectId};
use crate::memory::{Batch, Memory, MemoryError};
use crate::model::{Addr, GoId, Pc};

/// Objects that are looked through for one goroutine,
const MOST_EACH: usize = 4096;
/// and for all of them.
const MOST: usize = 8 << 20;
/// Bytes of one object that are looked through.
const MOST_BYTES: u64 = 1 << 20;
/// What all can reach is looked through only so far from the stack,
const SHALLOW: u32 = 1;
/// and only where it is small.
const SMALL: u64 = 4096;
/// Sights that are kept.
const MOST_SIGHTS: usize = 1 << 20;

/// A goroutine that has an object at hand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::goruntime) struct Sight {
    pub(in crate::goruntime) goroutine: GoId,
    /// The object, by its place among those watched.
    pub(in crate::goruntime) object: usize,
    /// The call that has it; `None` for what is deferred, and the like.
    pub(in crate::goruntime) pc: Option<Pc>,
    /// How many objects lie between it and the stack.
    pub(in crate::goruntime) depth: u32,
    /// Whether the compiler says that the pointer is in use.
    pub(in crate::goruntime) exact: bool,
}

/// What one goroutine has led to.
struct Walk {
    goroutine: GoId,
    seen: HashSet<ObjectId, foldhash::fast::FixedState>,
}

/// An object to be looked through.
#[derive(Clone, Copy)]
struct Step {
    /// Whose walk it is of, by its place.
    walk: usize,
    object: ObjectId,
    /// The word on the stack that led to it.
    from: Sighting,
}

/// All of them.
#[derive(Default)]
pub(super) struct Sights {
    found: HashSet<(GoId, usize), foldhash::fast::FixedState>,
    list: Vec<Sight>,
    looked_through: usize,
}

impl Sights {
    pub(super) fn take(&mut self) -> Vec<Sight> {
        let mut list = std::mem::take(&mut self.list);
        list.sort_unstable();
        list
    }

    /// Notes what a word on a goroutine's stack points to, if that is watched.
    pub(super) fn direct(&mut self, heap: &Heap, watch: &Watch, goroutine: GoId, sighting: &Sighting) {
        if let Some(object) = watch.elsewhere(sighting.word) {
            self.add(watch, goroutine, object, sighting, 0);
        }
        if let Some(id) = heap.find(sighting.word)
            && heap.is_watched(id.span)
        {
            for object in watch.at(id) {
                self.add(watch, goroutine, object, sighting, 0);
            }
        }
    }

    /// Follows the words on parked goroutines' stacks: through what those alone, or
    /// others that are parked, can reach to the end; through what is reached anyhow a
    /// little. All of them together: what each refers to is small, and far apart.
    pub(super) fn through<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        heap: &Heap,
        watch: &Watch,
        stacks: &[(GoId, Vec<Sighting>)],
        batch: &mut Batch,
    ) -> Result<(), MemoryError> {
        let mut walks: Vec<Walk> = Vec::with_capacity(stacks.len());
        let mut level: Vec<Step> = Vec::new();
        for (walk, (goroutine, sightings)) in stacks.iter().enumerate() {
            let mut seen = Walk { goroutine: *goroutine, seen: HashSet::default() };
            for &from in sightings {
                self.direct(heap, watch, *goroutine, &from);
                let object = heap.find(from.word).filter(|&id| seen.seen.insert(id));
                level.extend(object.map(|object| Step { walk, object, from }));
            }
            walks.push(seen);
        }
        let mut depth = 0;
        while !level.is_empty() && self.looked_through < MOST {
            let has_room = |step: &Step| walks.get(step.walk).is_some_and(|walk| walk.seen.len() < MOST_EACH);
            level.retain(has_room);
            let mut steps = std::mem::take(&mut level).into_iter().peekable();
            while steps.peek().is_some() {
                batch.clear();
                let (mut asked, mut bytes) = (Vec::new(), 0);
                while bytes < MOST_BYTES
                    && let Some(step) = steps.next()
                {
                    let Some(span) = heap.span(step.object.span) else { continue };
                    let reached = heap.label(step.object).is_some();
                    let passes = reached && (depth >= SHALLOW || span.element() > SMALL);
                    if span.is_noscan() || heap.is_opaque(step.object) || passes {
                        continue;
                    }
                    let size = span.element().min(MOST_BYTES);
                    bytes += size;
                    asked.push((batch.push(Addr(span.address_of(step.object.object)), length(size)), step));
                }
                self.looked_through += asked.len();
                memory.read_batch(batch)?;
                for (piece, step) in asked {
                    let Some(walk) = walks.get_mut(step.walk) else { continue };
                    for word in words(batch.bytes(piece).unwrap_or_default()) {
                        let from = Sighting { word, ..step.from };
                        if let Some(object) = watch.elsewhere(word) {
                            self.add(watch, walk.goroutine, object, &from, depth + 1);
                        }
                        let Some(object) = heap.find(word) else { continue };
                        let watched = heap.is_watched(object.span);
                        for number in watched.then(|| watch.at(object)).into_iter().flatten() {
                            self.add(watch, walk.goroutine, number, &from, depth + 1);
                        }
                        if walk.seen.len() < MOST_EACH && walk.seen.insert(object) {
                            level.push(Step { object, from, ..step });
                        }
                    }
                }
            }
            depth += 1;
        }
        Ok(())
    }

    fn add(&mut self, watch: &Watch, goroutine: GoId, object: usize, sighting: &Sighting, depth: u32) {
        // Who waits on a thing itself has it at hand for that.
        let full = self.list.len() >= MOST_SIGHTS;
        if full || watch.waits(goroutine, object) || !self.found.insert((goroutine, object)) {
            return;
        }
        self.list.push(Sight { goroutine, object, pc: sighting.pc, depth, exact: sighting.exact });
    }
}
