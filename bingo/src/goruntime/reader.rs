//! Reads snapshots, one after the other: what has not changed since the last
//! one is shared with it, so that a tick costs one look at every `g` and work
//! for those alone that ran.
//!
//! ```text
//!   allgs ─▶ every g ─▶ same as before? ─yes─▶ the goroutine of the last snapshot
//!                          │ no
//!                          ▼
//!                       its stack ─▶ its g again: the same? ─no─▶ once more, at
//!                          │ yes                                  the end: a problem
//!                          ▼
//!                       what it waits on ─▶ a new goroutine
//! ```

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::allgs::AllGs;
use super::code::{Code, CodeCache};
use super::g::{G, Status};
use super::make::{Parts, goroutine, reason};
use super::slots::Slots;
use super::stacks::{KnownStack, Stacks};
use super::start::Starts;
use super::unwind::End;
use super::wait::{self, Found, Parked, Round, Waits};
use super::walks::{self, Stopped};
use crate::binary::Globals;
use crate::binary::layout::Layout;
use crate::memory::{Batch, Memory, MemoryError, Pages, PieceId};
use crate::model::{Addr, GoId, LoadBias, Problem, Snapshot, ThreadId, Time};

/// So many goroutines are read in one go: few enough that the time between the
/// first and the second look at a `g` is short and the bytes stay in the cache.
const CHUNK: usize = 2048;

/// So often one that is in motion is looked at.
const TRIES: usize = 5;

/// Even what seems unchanged is read anew once in so many snapshots, a part in
/// each: 1.6 s at ten a second.
const SLICES: usize = 16;

/// Where the runtime keeps what is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Runtime {
    /// The offsets of its fields.
    pub layout: Layout,
    /// The variable that points to the list of all goroutines.
    pub allgs: Addr,
    /// The variable that holds the length of that list.
    pub allgs_len: Addr,
    /// The semaphore table; without it locks are not told.
    pub semtable: Option<Addr>,
}

impl Runtime {
    /// The runtime of a program whose file has `globals` and that was loaded with `bias`.
    #[must_use]
    pub fn new(layout: Layout, globals: &Globals, bias: LoadBias) -> Runtime {
        Runtime {
            layout,
            allgs: bias.to_target(globals.allgptr.address),
            allgs_len: bias.to_target(globals.allglen.address),
            semtable: globals.semtable.map(|semtable| bias.to_target(semtable.address)),
        }
    }
}

/// Why no snapshot could be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReadError {
    /// The list of goroutines is not where it should be.
    #[error("the list of goroutines at {at}: {error}")]
    AllGs {
        /// Where the list's address stands.
        at: Addr,
        /// What is wrong.
        error: MemoryError,
    },
    /// The memory as a whole.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// Reads snapshots of one target.
pub struct SnapshotReader<M, C> {
    memory: M,
    runtime: Runtime,
    code: CodeCache<C>,
    batch: Batch,
    gs: Vec<Addr>,
    slots: Slots,
    stacks: Stacks,
    starts: Starts,
    waits: Waits,
    threads: HashMap<u64, ThreadId>,
    marked: HashSet<GoId>,
    reads: usize,
}

impl<M: Memory, C: Code> SnapshotReader<M, C> {
    /// A reader that has read nothing yet.
    pub fn new(memory: M, runtime: Runtime, code: C) -> SnapshotReader<M, C> {
        SnapshotReader {
            memory,
            runtime,
            code: CodeCache::new(code),
            batch: Batch::default(),
            gs: Vec::new(),
            slots: Slots::default(),
            stacks: Stacks::default(),
            starts: Starts::default(),
            waits: Waits::default(),
            threads: HashMap::new(),
            marked: HashSet::new(),
            reads: 0,
        }
    }

    /// Has these goroutines read anew the next time, changed or not.
    pub fn mark_changed(&mut self, goroutines: &[GoId]) {
        self.marked.extend(goroutines);
    }

    /// Notes the host's numbers of threads, by the numbers that the process
    /// knows them by; those not noted have the same number in both.
    pub fn set_threads(&mut self, threads: impl IntoIterator<Item = (u64, ThreadId)>) {
        self.threads = threads.into_iter().collect();
    }

    /// Where the runtime keeps what is read.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Reads all goroutines as they are at `now`.
    ///
    /// # Errors
    /// Where not even the list of goroutines can be read.
    pub fn read(&mut self, now: Time) -> Result<Snapshot, ReadError> {
        let began = Instant::now();
        let allgs = AllGs { first: self.runtime.allgs, len: self.runtime.allgs_len };
        allgs
            .refresh(&self.memory, &mut self.gs)
            .map_err(|error| ReadError::AllGs { at: self.runtime.allgs, error })?;
        self.slots.resize(self.gs.len());
        self.reads = self.reads.wrapping_add(1);
        let mut problems = Vec::new();
        let mut pending: Vec<usize> = (0..self.gs.len()).collect();
        for tries_left in (0..TRIES).rev() {
            let mut again = Vec::new();
            let mut steady = Vec::new();
            for chunk in pending.chunks(CHUNK) {
                let changed = self.look(chunk, tries_left + 1 == TRIES)?;
                steady.extend(self.stood_still(changed, &mut again)?);
            }
            // At once for all: a queue is walked once, however many are in it.
            self.take_up(&steady, tries_left == 0, &mut again, &mut problems)?;
            pending = again;
            if pending.is_empty() {
                break;
            }
        }
        self.give_up(&pending)?;
        self.take_up(&[], true, &mut Vec::new(), &mut problems)?;
        self.marked.clear();
        let goroutines = self.slots.share(&mut problems);
        let objects = self.waits.objects.share();
        Ok(Snapshot { taken: now, took: began.elapsed(), goroutines, objects, problems })
    }

    /// Looks at the `g`s at `indexes`; those that changed since the last
    /// snapshot (all of them unless `sharing`), with their stacks.
    fn look(&mut self, indexes: &[usize], sharing: bool) -> Result<Vec<Stopped>, MemoryError> {
        let slice = self.reads % SLICES;
        let asked = self.copy(indexes.iter().copied())?;
        let mut changed = Vec::new();
        for (index, addr, piece) in asked {
            let g = self.batch.bytes(piece).and_then(|bytes| G::decode(&self.runtime.layout, addr, bytes));
            let same = |g: &G| {
                sharing
                    && index % SLICES != slice
                    && self.slots.is_same(index, g)
                    && (self.marked.is_empty() || !self.marked.contains(&GoId(g.goid)))
            };
            match g {
                Some(g) if same(&g) => {}
                Some(g) => match refusal(&g) {
                    Some(trouble) => {
                        self.slots.clear(index, addr, Some(g), trouble, &mut self.waits.objects);
                    }
                    None => {
                        let words = reason(&self.runtime.layout, &g).is_some_and(wait::needs_words);
                        changed.push(Stopped::new(index, g, words));
                    }
                },
                None => {
                    let trouble = format!("the g at {addr} cannot be read");
                    self.slots.clear(index, addr, None, Some(trouble), &mut self.waits.objects);
                }
            }
        }
        walks::walk(&self.memory, &mut self.batch, &mut self.code, &mut changed)?;
        Ok(changed)
    }

    /// Copies the bytes of the `g`s at `indexes` into the batch, in that order.
    fn copy(
        &mut self,
        indexes: impl Iterator<Item = usize>,
    ) -> Result<Vec<(usize, Addr, PieceId)>, MemoryError> {
        self.batch.clear();
        let size = super::fields::length(self.runtime.layout.g.size);
        let asked = indexes
            .filter_map(|index| self.gs.get(index).map(|&addr| (index, addr)))
            .map(|(index, addr)| (index, addr, self.batch.push(addr, size)))
            .collect();
        self.memory.read_batch(&mut self.batch)?;
        Ok(asked)
    }

    /// Copies of the `g`s at `indexes`, in that order.
    fn copies(
        &mut self,
        indexes: impl Iterator<Item = usize>,
    ) -> Result<Vec<(usize, Addr, Option<G>)>, MemoryError> {
        let asked = self.copy(indexes)?;
        let layout = &self.runtime.layout;
        let decode = |(index, addr, piece)| {
            let bytes = self.batch.bytes(piece);
            (index, addr, bytes.and_then(|bytes| G::decode(layout, addr, bytes)))
        };
        Ok(asked.into_iter().map(decode).collect())
    }

    /// Those of `changed` that did not move while their stacks were read; the
    /// others are added to `again`.
    fn stood_still(
        &mut self,
        changed: Vec<Stopped>,
        again: &mut Vec<usize>,
    ) -> Result<Vec<Steady>, MemoryError> {
        let (running, stopped): (Vec<_>, Vec<_>) =
            changed.into_iter().partition(|one| one.g.status == Status::Running);
        let after = self.copies(stopped.iter().map(|one| one.index))?;
        let mut steady: Vec<Steady> = running.into_iter().map(|one| self.settle(one)).collect();
        for (one, (index, _, after)) in stopped.into_iter().zip(after) {
            if one.has_stack() && after.is_some_and(|after| one.g.same_stop(&after)) {
                steady.push(self.settle(one));
            } else {
                again.push(index);
            }
        }
        Ok(steady)
    }

    /// Names the calls of `one`. Its list of addresses ends here, while it is in
    /// the cache: 100,000 of them would be most of the memory that a snapshot takes.
    fn settle(&mut self, one: Stopped) -> Steady {
        let (pcs, end) = one.calls();
        let stack = self.stacks.intern(pcs, self.code.code());
        Steady { index: one.index, g: one.g, stack, end, words: one.words }
    }

    /// Makes goroutines of `steady`; those whose wait is not to be found are
    /// added to `again`, or where it is the `last` try, kept without it. Objects
    /// that goroutines have left are read anew, for those that stay.
    fn take_up(
        &mut self,
        steady: &[Steady],
        last: bool,
        again: &mut Vec<usize>,
        problems: &mut Vec<Problem>,
    ) -> Result<(), MemoryError> {
        let layout = &self.runtime.layout;
        let mut parked = Vec::with_capacity(steady.len());
        for one in steady {
            self.slots.name(one.g.addr, GoId(one.g.goid));
            parked.push(Parked {
                g: &one.g,
                reason: reason(layout, &one.g),
                lock_call: one.stack.lock_call,
                words: &one.words,
                stack: one.stack.stack.frames().as_ptr().addr(),
            });
        }
        let mut round = Round {
            layout,
            semtable: self.runtime.semtable,
            pages: Pages::new(&self.memory),
            ids: self.slots.ids(),
            problems,
        };
        let found = round.find(&parked, &mut self.waits)?;
        let mut parts = Parts {
            layout,
            pages: round.pages,
            starts: &mut self.starts,
            code: self.code.code(),
            threads: &self.threads,
        };
        for (one, found) in steady.iter().zip(found) {
            let (wait, lost) = match found {
                Found::Known(wait) => (wait, false),
                Found::Lost if last => (None, true),
                Found::Lost => {
                    again.push(one.index);
                    continue;
                }
            };
            let (made, damage) = goroutine(&mut parts, &one.g, &one.stack, wait)?;
            let trouble = match one.end {
                End::Outermost => damage.or(lost.then(|| "what it waits on could not be found".to_owned())),
                end => Some(end.to_string()),
            };
            self.slots.put(one.index, one.g, made, trouble, &mut self.waits.objects);
        }
        Ok(())
    }

    /// Lists those that moved at each try, without stack.
    fn give_up(&mut self, indexes: &[usize]) -> Result<(), MemoryError> {
        for (index, addr, g) in self.copies(indexes.iter().copied())? {
            match g {
                Some(g) if refusal(&g).is_none() => {
                    let mut parts = Parts {
                        layout: &self.runtime.layout,
                        pages: Pages::new(&self.memory),
                        starts: &mut self.starts,
                        code: self.code.code(),
                        threads: &self.threads,
                    };
                    let stack = self.stacks.intern(&[], self.code.code());
                    let (made, _) = goroutine(&mut parts, &g, &stack, None)?;
                    let runs = g.status == Status::Running;
                    let trouble = (!runs).then(|| "it moved each time its stack was read".to_owned());
                    self.slots.name(addr, GoId(g.goid));
                    self.slots.put(index, g, made, trouble, &mut self.waits.objects);
                }
                g => self.slots.clear(index, addr, g, None, &mut self.waits.objects),
            }
        }
        Ok(())
    }
}

/// A goroutine that stood still while it was read.
struct Steady {
    /// Its place in `allgs`.
    index: usize,
    g: G,
    stack: KnownStack,
    /// How its stack ended.
    end: End,
    /// The first words of its stack, where what it waits on is sought there.
    words: Box<[u64]>,
}

/// Why `g` is no goroutine: `Some(None)` where that is nothing to report.
fn refusal(g: &G) -> Option<Option<String>> {
    match g.status {
        Status::None => Some(None),
        Status::Unknown(status) => Some(Some(format!("the g at {} has the unknown status {status}", g.addr))),
        _ if g.sched_g != g.addr || g.goid == 0 => {
            Some(Some(format!("the g at {} is not a goroutine's", g.addr)))
        }
        _ => None,
    }
}
