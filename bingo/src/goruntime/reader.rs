//! Reads snapshots, one after the other: what has not changed since the last
//! one is shared with it, so that a tick costs one look at every `g` and work
//! for those alone that ran.
//!
//! ```text
//!   allgs ─▶ look ─▶ same as before ─▶ the goroutine of the last snapshot
//!                ├─▶ moved ─▶ once more, at the end: a problem
//!                └─▶ steady ─▶ what it waits on ─▶ a new goroutine
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use super::allgs::AllGs;
use super::code::Code;
use super::fields::Fields;
use super::g::{G, Status};
use super::links::{Making, Unreached};
use super::look::{Lanes, Look, Looked, Steady, refusal};
use super::look_back::LookBack;
use super::make::{Parts, goroutine};
use super::reach::{GoOn, Kept, SWEEPS, Search};
use super::running::Running;
use super::slots::Slots;
use super::start::Starts;
use super::unwind::End;
use super::wait::{Found, Round, Waits};
use crate::binary::Globals;
use crate::binary::layout::Layout;
use crate::memory::{Batch, Memory, MemoryError, Pages, Registers};
use crate::model::{Addr, GoId, Goroutine, LoadBias, Problem, Snapshot, StaticAddr, ThreadId, Time};

/// So often one that is in motion is looked at.
const TRIES: usize = 5;
/// So many `g`s are asked for their numbers in one go.
const FOUND: usize = 1024;
/// So many are looked at before their goroutines are made: what is between the two is
/// several times as large as a goroutine. Queues are walked once for each such part.
const WAVE: usize = 1 << 15;

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
    /// The heap; without it nothing is told of who can reach what.
    pub mheap: Option<Addr>,
    /// The finalizers that wait to be run.
    pub allfin: Option<Addr>,
    /// The queue of cleanups that wait to be run.
    pub gc_cleanups: Option<Addr>,
    /// The program's own module, the first of all.
    pub module: Option<Addr>,
    /// The slice of all processors.
    pub allp: Option<Addr>,
    /// The list of all threads.
    pub allm: Option<Addr>,
    /// The scheduler.
    pub sched: Option<Addr>,
}

impl Runtime {
    /// The runtime of a program whose file has `globals` and the module `module`,
    /// and that was loaded with `bias`.
    #[must_use]
    pub fn new(layout: Layout, globals: &Globals, module: StaticAddr, bias: LoadBias) -> Runtime {
        Runtime {
            layout,
            allgs: bias.to_target(globals.allgptr.address),
            allgs_len: bias.to_target(globals.allglen.address),
            semtable: globals.semtable.map(|semtable| bias.to_target(semtable.address)),
            mheap: globals.mheap.map(|mheap| bias.to_target(mheap.address)),
            allfin: globals.allfin.map(|allfin| bias.to_target(allfin.address)),
            gc_cleanups: globals.gc_cleanups.map(|queue| bias.to_target(queue.address)),
            module: Some(bias.to_target(module)),
            allp: globals.allp.map(|allp| bias.to_target(allp.address)),
            allm: globals.allm.map(|allm| bias.to_target(allm.address)),
            sched: globals.sched.map(|sched| bias.to_target(sched.address)),
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
    code: Arc<C>,
    lanes: Lanes<C>,
    gs: Vec<Addr>,
    slots: Slots,
    starts: Starts,
    waits: Waits,
    threads: HashMap<u64, ThreadId>,
    marked: HashSet<GoId>,
    reads: usize,
    /// What the last close look did not reach.
    unreached: Option<Unreached>,
    /// What the last close look marked, if that began anew.
    kept: Option<Kept>,
    /// Who is asked whether a close look is to go on.
    go_on: Option<GoOn>,
    /// The threads' registers, where the target stands still.
    still: Option<Vec<(u64, Option<Registers>)>>,
    running: Running,
}

impl<M: Memory, C: Code> SnapshotReader<M, C> {
    /// A reader that has read nothing yet.
    pub fn new(memory: M, runtime: Runtime, code: C) -> SnapshotReader<M, C> {
        let code = Arc::new(code);
        SnapshotReader {
            memory,
            runtime,
            lanes: Lanes::new(&code),
            code,
            gs: Vec::new(),
            slots: Slots::default(),
            starts: Starts::default(),
            waits: Waits::default(),
            threads: HashMap::new(),
            marked: HashSet::new(),
            reads: 0,
            unreached: None,
            kept: None,
            go_on: None,
            still: None,
            running: Running::default(),
        }
    }

    /// The same for a target that stands still, whose threads have these registers, as
    /// far as they are known: one close look is enough, and goroutines that ran have
    /// stacks, too.
    #[must_use]
    pub fn standing_still(mut self, threads: Vec<(u64, Option<Registers>)>) -> SnapshotReader<M, C> {
        self.stand_still(Some(threads));
        self
    }

    /// Whether the target stands still from now on, with these threads, or runs.
    pub fn stand_still(&mut self, threads: Option<Vec<(u64, Option<Registers>)>>) {
        self.still = threads;
        self.running = Running::default();
    }

    /// Asks `go_on` now and then while a close look lasts; where it says no, the rest of
    /// that look is left out, and among the problems it is said so.
    pub fn ask_on(&mut self, go_on: GoOn) {
        self.go_on = Some(go_on);
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

    /// The target's memory.
    #[must_use]
    pub fn memory(&self) -> &M {
        &self.memory
    }

    /// What is known of its code.
    #[must_use]
    pub fn code(&self) -> &Arc<C> {
        &self.code
    }

    /// Where those are that run, where that is known.
    pub(super) fn running(&self) -> &Running {
        &self.running
    }

    /// What is known of each `g`.
    pub(super) fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Where all `g`s are.
    pub(super) fn gs(&self) -> &[Addr] {
        &self.gs
    }

    /// Where the `g` of the goroutine `id` of the last snapshot is.
    pub(super) fn address_of(&self, id: GoId) -> Option<Addr> {
        self.slots.ids().g_of(id)
    }

    /// Finds where these goroutines are, for [`SnapshotReader::stop_of`]: of a great many
    /// that takes a small part of the time that a snapshot does.
    ///
    /// # Errors
    /// As [`SnapshotReader::read`].
    pub fn find(&mut self, goroutines: &[GoId]) -> Result<(), ReadError> {
        self.refresh_gs()?;
        let wanted: HashSet<GoId> = goroutines.iter().copied().collect();
        let goid = self.runtime.layout.g.goid;
        let mut batch = Batch::default();
        for chunk in self.gs.chunks(FOUND) {
            batch.clear();
            let asked: Vec<_> = chunk.iter().map(|&g| (g, batch.push(g.offset(goid), 8))).collect();
            self.memory.read_batch(&mut batch)?;
            for (g, piece) in asked {
                let id = batch.bytes(piece).and_then(|bytes| Fields(bytes).u64(0)).map(GoId);
                if let Some(id) = id.filter(|id| wanted.contains(id)) {
                    self.slots.name(g, id);
                }
            }
        }
        Ok(())
    }

    /// Reads all goroutines as they are at `now`.
    ///
    /// # Errors
    /// Where not even the list of goroutines can be read.
    pub fn read(&mut self, now: Time) -> Result<Snapshot, ReadError> {
        let began = Instant::now();
        self.refresh_gs()?;
        self.slots.resize(self.gs.len());
        if let (Some(threads), Some(allm)) = (&self.still, self.runtime.allm) {
            self.running = Running::find(&self.memory, &self.runtime.layout, allm, threads)?;
        }
        self.reads = self.reads.wrapping_add(1);
        let mut problems = Vec::new();
        let mut pending: Vec<usize> = (0..self.gs.len()).collect();
        for tries_left in (0..TRIES).rev() {
            let mut again = Vec::new();
            for wave in pending.chunks(WAVE) {
                let looked = self.look(wave, tries_left + 1 == TRIES)?;
                let mut steady = Vec::with_capacity(looked.iter().map(|looked| looked.steady.len()).sum());
                for looked in &looked {
                    again.extend(&looked.moved);
                    steady.extend(&looked.steady);
                }
                // At once for all: a queue is walked once, however many are in it.
                self.take_up(&steady, tries_left == 0, &mut again, &mut problems)?;
            }
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
        let took = began.elapsed();
        Ok(Snapshot { taken: now, took, goroutines, objects, problems, ..Snapshot::default() })
    }

    /// Reads all goroutines as they are at `now`, and how they hang together. That
    /// nobody can reach an object any more takes two such calls to be said, some
    /// time apart, unless the target stands still.
    ///
    /// # Errors
    /// As [`SnapshotReader::read`].
    pub fn read_closely(&mut self, now: Time) -> Result<Snapshot, ReadError> {
        let mut snapshot = self.read(now)?;
        self.join(&mut snapshot)?;
        if self.still.is_none() {
            self.look_back(&mut snapshot)?;
        }
        Ok(snapshot)
    }

    /// Adds how those of `snapshot` hang together.
    fn join(&mut self, snapshot: &mut Snapshot) -> Result<(), ReadError> {
        let search =
            Search::new(&self.memory, &self.runtime, (&self.slots, &self.running), &self.code, snapshot);
        // The first look only finds out for whom a second one is worth its while, and
        // what that can begin with; of that it uses nothing up a second time.
        let moves = self.still.is_none();
        let sweeps = if moves && self.unreached.is_some() { SWEEPS } else { 1 };
        let before = self.kept.take().filter(|_| moves);
        let again = before.is_some();
        let (reached, kept) = match search.run(sweeps, before, self.go_on.clone()) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(()),
            Err(MemoryError::Stopped) => {
                let what = "the search of the heap was broken off: nothing is proven by addresses".to_owned();
                snapshot.problems.push(Problem { goroutine: None, what });
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        self.kept = Some(kept).filter(|_| !again && reached.whole && moves);
        let pages = Pages::new(&self.memory);
        let layout = &self.runtime.layout;
        let mut making = Making { snapshot, reached: &reached, layout, pages, code: &*self.code };
        let unreached = Unreached::of(snapshot, &reached);
        let before = if moves { self.unreached.as_ref() } else { Some(&unreached) };
        let mut links = making.links(before)?;
        links.still = !moves;
        self.unreached = Some(unreached);
        snapshot.links = Some(Arc::new(links));
        Ok(())
    }

    /// Looks at every `g` once more, behind all else that is read: see [`LookBack`].
    fn look_back(&mut self, snapshot: &mut Snapshot) -> Result<(), ReadError> {
        self.refresh_gs()?;
        let mut back = LookBack::at(&snapshot.goroutines);
        let places: Vec<usize> = (0..self.gs.len()).collect();
        for places in places.chunks(FOUND) {
            let copies = self.copies(places)?;
            let goroutines = copies.into_iter().filter_map(|(_, _, g)| g.filter(|g| refusal(g).is_none()));
            goroutines.for_each(|g| back.note(g));
        }
        let (went_on, new) = back.found();
        snapshot.went_on = went_on;
        for g in &new {
            snapshot.goroutines.push(Arc::new(self.without_stack(g)?));
        }
        if !new.is_empty() {
            snapshot.goroutines.sort_unstable_by_key(|goroutine| goroutine.id);
        }
        Ok(())
    }

    fn refresh_gs(&mut self) -> Result<(), ReadError> {
        let allgs = AllGs { first: self.runtime.allgs, len: self.runtime.allgs_len };
        let refreshed = allgs.refresh(&self.memory, &mut self.gs);
        refreshed.map_err(|error| ReadError::AllGs { at: self.runtime.allgs, error })
    }

    /// Looks at the `g`s at `places`: those that changed since the last snapshot
    /// (all of them unless `passing`), with their stacks.
    fn look(&mut self, places: &[usize], passing: bool) -> Result<Vec<Looked>, MemoryError> {
        let look = Look {
            memory: &self.memory,
            layout: &self.runtime.layout,
            gs: &self.gs,
            slots: &self.slots,
            running: &self.running,
            marked: &self.marked,
            passing: passing.then_some(self.reads),
        };
        let mut looked = look.at(places, &mut self.lanes)?;
        for one in looked.iter_mut().flat_map(|looked| looked.refused.drain(..)) {
            self.slots.clear(one.index, one.addr, one.g, one.trouble, &mut self.waits.objects);
        }
        Ok(looked)
    }

    /// Makes goroutines of `steady`; those whose wait is not to be found are
    /// added to `again`, or where it is the `last` try, kept without it. Objects
    /// that goroutines have left are read anew, for those that stay.
    fn take_up(
        &mut self,
        steady: &[&Steady],
        last: bool,
        again: &mut Vec<usize>,
        problems: &mut Vec<Problem>,
    ) -> Result<(), MemoryError> {
        let layout = &self.runtime.layout;
        for one in steady {
            self.slots.name(one.g.addr, GoId(one.g.goid));
        }
        let mut round = Round {
            layout,
            semtable: self.runtime.semtable,
            pages: Pages::new(&self.memory),
            ids: self.slots.ids(),
            problems,
        };
        let found = round.find(steady, &mut self.waits)?;
        let mut parts = Parts {
            layout,
            pages: round.pages,
            starts: &mut self.starts,
            code: &*self.code,
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
        for (index, addr, g) in self.copies(indexes)? {
            match g {
                Some(g) if refusal(&g).is_none() => {
                    let made = self.without_stack(&g)?;
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

    /// Copies of the `g`s at `places`.
    fn copies(&mut self, places: &[usize]) -> Result<Vec<(usize, Addr, Option<G>)>, MemoryError> {
        let look = Look {
            memory: &self.memory,
            layout: &self.runtime.layout,
            gs: &self.gs,
            slots: &self.slots,
            running: &self.running,
            marked: &self.marked,
            passing: None,
        };
        look.copies(places, &mut self.lanes)
    }

    /// The goroutine that `g` is, without its stack.
    fn without_stack(&mut self, g: &G) -> Result<Goroutine, MemoryError> {
        let mut parts = Parts {
            layout: &self.runtime.layout,
            pages: Pages::new(&self.memory),
            starts: &mut self.starts,
            code: &*self.code,
            threads: &self.threads,
        };
        let stack = self.lanes.no_stack();
        Ok(goroutine(&mut parts, g, &stack, None)?.0)
    }
}
