//! Goroutines that run while a search looks at them. Where the stack of one ends is in
//! a register, so all of it is read, with what calls that are over have left there. In
//! come its words; out comes whether they may be believed to be dead.
//!
//! ```text
//!   its words lead to nothing that is waited on     marked like all others
//!   they do, and nothing else does                  doubted: the marks are undone, and
//!                                                   the sweep is made again
//!   it stood where it was throughout a whole sweep  what it has in use was seen by
//!                                                   the compiler's maps: no doubt left
//!   it does not come to rest, or runs each time     believed: the marks stay
//! ```
//!
//! A sweep during which it does not run is as good as one that it was never in the way
//! of: what it has is on its stack, and what it had given away before lies where others
//! are looked for, too. It does not do to see it at rest at the end of a sweep alone: it
//! may have had a pointer in its hands while the heap was read, and have put it down
//! where that was over.

use std::time::{Duration, Instant};

use super::mark::Marker;
use super::stacks::Sighting;
use super::stopped::Stopped;
use super::uses::Sights;
use super::watch::Watch;
use crate::binary::layout::Layout;
use crate::goruntime::fields::length;
use crate::goruntime::g::G;
use crate::goruntime::heap::{Heap, Label};
use crate::memory::{Batch, Memory, MemoryError};

/// As long as one is waited for to come to rest: longer than a busy machine keeps a
/// thread from its processor.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 200 });
/// Between two looks at whether they rest.
const PAUSE: Duration = Duration::from_micros(200);

/// One of them, with the words that may be dead.
pub(super) struct Guess {
    pub(super) one: Stopped,
    pub(super) label: Label,
    pub(super) words: Vec<Sighting>,
}

impl Guess {
    /// Whether the words lead to something that is waited on and that nothing else led
    /// to. If not, what they lead to stays marked.
    pub(super) fn matters<M: Memory + ?Sized>(
        &self,
        memory: &M,
        heap: &mut Heap,
        marker: &mut Marker,
        watch: &Watch,
    ) -> Result<bool, MemoryError> {
        marker.journal = Some(Vec::new());
        for sighting in &self.words {
            marker.mark(heap, sighting.word, self.label);
        }
        marker.close(memory, heap)?;
        let journal = marker.journal.take().unwrap_or_default();
        let matters = marker.hits.drain(..).any(|id| watch.lacks(id));
        if matters {
            journal.into_iter().for_each(|id| heap.unmark(id));
        }
        Ok(matters)
    }

    /// Notes what it has at hand.
    pub(super) fn tell(&self, sights: &mut Sights, heap: &Heap, watch: &Watch) {
        for sighting in &self.words {
            sights.direct(heap, watch, self.one.id, sighting);
        }
    }
}

/// Those that are doubted.
#[derive(Default)]
pub(super) struct Doubts {
    all: Vec<Doubt>,
    batch: Batch,
}

struct Doubt {
    guess: Guess,
    /// Where it rested when the sweep began.
    stop: Option<G>,
}

impl Doubts {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Adds one. What was doubted of it before is still doubted.
    pub(super) fn add(&mut self, guess: Guess) {
        let addr = guess.one.addr;
        match self.all.iter_mut().find(|doubt| doubt.guess.one.addr == addr) {
            Some(doubt) => {
                doubt.guess.words.extend(guess.words);
                doubt.stop = None;
            }
            None => self.all.push(Doubt { guess, stop: None }),
        }
    }

    /// No doubt any more: what they may have in use.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Guess> {
        std::mem::take(&mut self.all).into_iter().map(|doubt| doubt.guess)
    }

    /// Waits until all of them are at rest; whether that comes to be.
    pub(super) fn rest<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        layout: &Layout,
        marker: &Marker,
    ) -> Result<bool, MemoryError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let now = self.copies(memory, layout)?;
            for (doubt, now) in self.all.iter_mut().zip(now) {
                doubt.stop = now.filter(|now| now.position().is_some());
            }
            if self.all.iter().all(|doubt| doubt.stop.is_some()) {
                return Ok(true);
            }
            if Instant::now() > until {
                return Ok(false);
            }
            marker.ask_on()?;
            std::thread::sleep(PAUSE);
        }
    }

    /// Leaves those out that still stand where they did when the sweep began; those of
    /// which that is not so are doubted on.
    pub(super) fn settle<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        layout: &Layout,
    ) -> Result<(), MemoryError> {
        let mut now = self.copies(memory, layout)?.into_iter();
        self.all.retain_mut(|doubt| {
            let now = now.next().flatten();
            let stood = doubt.stop.take().zip(now).is_some_and(|(then, now)| then.same_stop(&now));
            !stood
        });
        Ok(())
    }

    /// Their `g`s as they are now.
    fn copies<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        layout: &Layout,
    ) -> Result<Vec<Option<G>>, MemoryError> {
        let size = length(layout.g.size);
        self.batch.clear();
        let addresses = self.all.iter().map(|doubt| doubt.guess.one.addr);
        let asked: Vec<_> = addresses.map(|addr| (addr, self.batch.push(addr, size))).collect();
        memory.read_batch(&mut self.batch)?;
        let copy = |(addr, piece)| G::decode(layout, addr, self.batch.bytes(piece)?);
        Ok(asked.into_iter().map(copy).collect())
    }
}
