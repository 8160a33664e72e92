//! One look at many goroutines: places in `allgs` come in; out come those that
//! have changed since the last snapshot and stood still while their stacks were
//! read, and what became of the others.
//!
//! ```text
//!   chunk of places ─▶ every g ─▶ same as before? ─yes─▶ nothing to be told
//!                                    │ no
//!                                    ▼
//!                                 its stack ─▶ its g again: the same? ─no─▶ moved
//!                                                 │ yes
//!                                                 ▼
//!                                              steady, its calls named
//! ```
//!
//! Chunks have nothing in common, so where there are many of them two threads
//! look, each in a lane of its own: what a lane has learnt of the code it keeps.

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::code::{Code, CodeCache};
use super::fields::length;
use super::g::{G, Status};
use super::make::reason;
use super::running::Running;
use super::slots::Slots;
use super::stacks::{KnownStack, Stacks};
use super::unwind::End;
use super::wait;
use super::walks::{self, Stopped};
use crate::binary::layout::Layout;
use crate::memory::{Batch, Memory, MemoryError, PieceId};
use crate::model::{Addr, GoId, WaitReason};

/// So many goroutines are read in one go: few enough that the time between the
/// first and the second look at a `g` is short and the bytes of their stacks stay
/// in the processor's cache.
const CHUNK: usize = 256;

/// From so many places on a second thread is worth its start.
const WORTH_A_THREAD: usize = 64 * CHUNK;

/// Even what seems unchanged is read anew once in so many snapshots, some chunks in
/// each: 1.6 s at ten a second. Neighbours together, as what they wait on lies together.
const SLICES: usize = 16;

/// What is looked at, and what is known of it.
pub(super) struct Look<'a, M> {
    pub(super) memory: &'a M,
    pub(super) layout: &'a Layout,
    pub(super) gs: &'a [Addr],
    pub(super) slots: &'a Slots,
    /// Where those are that run, where that is known.
    pub(super) running: &'a Running,
    /// Those that have changed, as others know.
    pub(super) marked: &'a HashSet<GoId>,
    /// The number of the snapshot, where what seems unchanged may be passed over.
    pub(super) passing: Option<usize>,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) steady: Vec<Steady>,
    /// The places of those that moved.
    pub(super) moved: Vec<usize>,
    pub(super) refused: Vec<Refused>,
}

/// A goroutine that stood still while it was read.
#[derive(Debug)]
pub(super) struct Steady {
    /// Its place in `allgs`.
    pub(super) index: usize,
    pub(super) g: G,
    /// Why it is blocked, if it is.
    pub(super) reason: Option<WaitReason>,
    pub(super) stack: KnownStack,
    /// How its stack ended.
    pub(super) end: End,
    /// The first words of its stack, where what it waits on is sought there.
    pub(super) words: Box<[u64]>,
}

/// A `g` that is no goroutine.
pub(super) struct Refused {
    pub(super) index: usize,
    pub(super) addr: Addr,
    pub(super) g: Option<G>,
    /// What is wrong, where that is not as it should be.
    pub(super) trouble: Option<String>,
}

/// What one thread looks with.
struct Lane<C> {
    batch: Batch,
    code: CodeCache<C>,
    stacks: Stacks,
}

/// The lane of the thread that reads snapshots, and those beside it.
pub(super) struct Lanes<C> {
    own: Lane<C>,
    /// One where there is a processor for it. Not more: the target is to have some too.
    beside: Option<Lane<C>>,
}

impl<C: Code> Lanes<C> {
    pub(super) fn new(code: &Arc<C>) -> Lanes<C> {
        let lane = || Lane {
            batch: Batch::default(),
            code: CodeCache::new(Arc::clone(code)),
            stacks: Stacks::default(),
        };
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Lanes { own: lane(), beside: (processors > 1).then(lane) }
    }

    /// The stack of no calls.
    pub(super) fn no_stack(&mut self) -> KnownStack {
        self.own.stacks.intern(&[], self.own.code.code())
    }
}

impl<M: Memory> Look<'_, M> {
    /// Looks at the `g`s at `places`: what each lane found.
    pub(super) fn at<C: Code>(
        &self,
        places: &[usize],
        lanes: &mut Lanes<C>,
    ) -> Result<Vec<Looked>, MemoryError> {
        // Whichever lane is free takes the next one.
        let chunks = Mutex::new(places.chunks(CHUNK));
        let follow = |lane: &mut Lane<C>| {
            let mut looked = Looked::default();
            loop {
                let chunk = chunks.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(chunk) = chunk else { return Ok(looked) };
                lane.look(self, chunk, &mut looked)?;
            }
        };
        let Lanes { own, beside } = lanes;
        let beside = beside.as_mut().filter(|_| places.len() >= WORTH_A_THREAD);
        thread::scope(|scope| {
            let beside = beside.map(|lane| scope.spawn(|| follow(lane)));
            let mut all = vec![follow(own)?];
            if let Some(beside) = beside {
                all.push(beside.join().unwrap_or_else(|panic| resume_unwind(panic))?);
            }
            Ok(all)
        })
    }

    /// Copies of the `g`s at `places`, in that order.
    pub(super) fn copies<C>(
        &self,
        places: &[usize],
        lanes: &mut Lanes<C>,
    ) -> Result<Vec<(usize, Addr, Option<G>)>, MemoryError> {
        Ok(self.copied(places.iter().copied(), &mut lanes.own.batch)?.collect())
    }

    fn copied<'b>(
        &'b self,
        places: impl Iterator<Item = usize>,
        batch: &'b mut Batch,
    ) -> Result<impl Iterator<Item = (usize, Addr, Option<G>)> + 'b, MemoryError> {
        batch.clear();
        let size = length(self.layout.g.size);
        let asked: Vec<(usize, Addr, PieceId)> = places
            .filter_map(|index| self.gs.get(index).map(|&addr| (index, addr)))
            .map(|(index, addr)| (index, addr, batch.push(addr, size)))
            .collect();
        self.memory.read_batch(batch)?;
        let batch = &*batch;
        Ok(asked.into_iter().map(move |(index, addr, piece)| {
            let bytes = batch.bytes(piece);
            let mut g = bytes.and_then(|bytes| G::decode(self.layout, addr, bytes));
            g.iter_mut().for_each(|g| self.running.complete(g));
            (index, addr, g)
        }))
    }

    /// Whether what is known of the goroutine at `index` may stay, `g` being its copy.
    fn may_stay(&self, index: usize, g: &G) -> bool {
        self.passing.is_some_and(|number| index / CHUNK % SLICES != number % SLICES)
            && self.slots.is_same(index, g)
            && (self.marked.is_empty() || !self.marked.contains(&GoId(g.goid)))
    }
}

impl<C: Code> Lane<C> {
    /// Looks at one chunk.
    fn look<M: Memory>(
        &mut self,
        look: &Look<'_, M>,
        chunk: &[usize],
        into: &mut Looked,
    ) -> Result<(), MemoryError> {
        let mut changed = Vec::new();
        for (index, addr, g) in look.copied(chunk.iter().copied(), &mut self.batch)? {
            match g {
                Some(g) if look.may_stay(index, &g) => {}
                Some(g) => match refusal(&g) {
                    Some(trouble) => into.refused.push(Refused { index, addr, g: Some(g), trouble }),
                    None => {
                        let words = reason(look.layout, &g).is_some_and(wait::needs_words);
                        changed.push(Stopped::new(index, g, words));
                    }
                },
                None => {
                    let trouble = Some(format!("the g at {addr} cannot be read"));
                    into.refused.push(Refused { index, addr, g: None, trouble });
                }
            }
        }
        walks::walk(look.memory, &mut self.batch, &mut self.code, &mut changed)?;
        self.look_again(look, changed, into)
    }

    /// Tells those of `changed` that did not move while their stacks were read
    /// from the others, and names their calls.
    fn look_again<M: Memory>(
        &mut self,
        look: &Look<'_, M>,
        changed: Vec<Stopped>,
        into: &mut Looked,
    ) -> Result<(), MemoryError> {
        let (running, stopped): (Vec<_>, Vec<_>) =
            changed.into_iter().partition(|one| one.g.status == Status::Running);
        let Lane { batch, code, stacks } = self;
        // The list of its calls' addresses ends here, while it is in the cache:
        // 100,000 of them would be most of the memory that a snapshot takes.
        let mut settle = |one: Stopped| {
            let (pcs, end) = one.calls();
            let stack = stacks.intern(pcs, code.code());
            let reason = reason(look.layout, &one.g);
            Steady { index: one.index, g: one.g, reason, stack, end, words: one.words }
        };
        let after = look.copied(stopped.iter().map(|one| one.index), batch)?;
        into.steady.extend(running.into_iter().map(&mut settle));
        for (one, (index, _, after)) in stopped.into_iter().zip(after) {
            if one.has_stack() && after.is_some_and(|after| one.g.same_stop(&after)) {
                into.steady.push(settle(one));
            } else {
                into.moved.push(index);
            }
        }
        Ok(())
    }
}

/// Why `g` is no goroutine: `Some(None)` where that is nothing to report.
pub(super) fn refusal(g: &G) -> Option<Option<String>> {
    match g.status {
        Status::None => Some(None),
        Status::Unknown(status) => Some(Some(format!("the g at {} has the unknown status {status}", g.addr))),
        _ if g.sched_g != g.addr || g.goid == 0 => {
            Some(Some(format!("the g at {} is not a goroutine's", g.addr)))
        }
        _ => None,
    }
}
