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

    /// Follows the words on a parked goroutine's stack: through what it alone, or
    /// others that are parked, can reach to the end; through what is reached
    /// anyhow a little.
    pub(super) fn through<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        heap: &Heap,
        watch: &Watch,
        goroutine: GoId,
        stack: &[Sighting],
        batch: &mut Batch,
    ) -> Result<(), MemoryError> {
        let mut seen: HashSet<ObjectId, foldhash::fast::FixedState> = HashSet::default();
        let mut level: Vec<(ObjectId, Sighting)> = Vec::new();
        for sighting in stack {
            self.direct(heap, watch, goroutine, sighting);
            level.extend(heap.find(sighting.word).filter(|&id| seen.insert(id)).map(|id| (id, *sighting)));
        }
        let mut depth = 0;
        while !level.is_empty() && seen.len() < MOST_EACH && self.looked_through < MOST {
            batch.clear();
            let mut asked = Vec::new();
            for (id, sighting) in level.drain(..) {
                let Some(span) = heap.span(id.span) else { continue };
                let reached = heap.label(id).is_some();
                let passes = reached && (depth >= SHALLOW || span.element() > SMALL);
                if span.is_noscan() || heap.is_opaque(id) || passes {
                    continue;
                }
                let size = length(span.element().min(MOST_BYTES));
                asked.push((batch.push(Addr(span.address_of(id.object)), size), sighting));
            }
            self.looked_through += asked.len();
            memory.read_batch(batch)?;
            depth += 1;
            for (piece, from) in asked {
                for word in words(batch.bytes(piece).unwrap_or_default()) {
                    let sighting = Sighting { word, ..from };
                    if let Some(object) = watch.elsewhere(word) {
                        self.add(watch, goroutine, object, &sighting, depth);
                    }
                    let Some(id) = heap.find(word) else { continue };
                    let watched = heap.is_watched(id.span);
                    for object in watched.then(|| watch.at(id)).into_iter().flatten() {
                        self.add(watch, goroutine, object, &sighting, depth);
                    }
                    if seen.len() < MOST_EACH && seen.insert(id) {
                        level.push((id, sighting));
                    }
                }
            }
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
