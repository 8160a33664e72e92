//! Drives a search: sweeps over roots and heap until nothing new is reached.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::again::Where;
use super::goroutines::Goroutines;
use super::holders::{Holder, Holders};
use super::labels::Labels;
use super::mark::{GoOn, Marker};
use super::restless::{Doubts, Guess};
use super::roots::{self, Held, Variables};
use super::stacks::{Sighting, Stacks};
use super::stopped::Stopped;
use super::timers;
use super::uses::{Sight, Sights};
use super::watch::{From, Watch};
use crate::goruntime::allgs::AllGs;
use crate::goruntime::code::Code;
use crate::goruntime::fields::Fields;
use crate::goruntime::heap::{Heap, Label};
use crate::goruntime::reader::Runtime;
use crate::goruntime::running::Running;
use crate::goruntime::sema::SemTable;
use crate::goruntime::slots::Slots;
use crate::memory::{Batch, Memory, MemoryError, Pages};
use crate::model::{Addr, GoId, Snapshot};

/// Goroutines whose stacks are looked through in one go.
const CHUNK: usize = 4096;
/// Sudogs that are read in one go: what is between them is read along.
const SUDOGS: usize = 1 << 9;
/// Goroutines whose stacks are followed in one go.
const TOGETHER: usize = 256;
/// Sweeps while something is not reached: a pointer that hops from place to place
/// is missed by a sweep with a probability of up to 1/e, by all of these with one
/// of 1e-7.
pub(in crate::goruntime) const SWEEPS: usize = 16;
/// So many at least, however long they take,
const LEAST: usize = 4;
/// and no further one after this time.
const LONG: Duration = Duration::from_secs(1);
/// So many go over everything, the others over what does not stand still: see `reach`.
const OVER_ALL: usize = 3;
/// So often a sweep is made again, for those that ran meanwhile.
const AGAIN: usize = 8;
/// What was marked so long ago says too little of now.
const FRESH: Duration = Duration::from_secs(10);
/// Goroutines that wait for a lock of which is looked what they have at hand.
const MOST_AT_LOCKS: usize = 1 << 12;
/// No select has more cases.
// go: reflect.Select (1.19-1.27)
const MOST_CASES: usize = 1 << 16;

/// What is reached from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(in crate::goruntime) enum Root {
    /// A package variable at this address.
    Variable(Addr),
    /// Variables for which there is no label left.
    Variables,
    /// A goroutine that goes on, or may.
    Goroutine(GoId),
    /// Goroutines for which there is no label left.
    Goroutines,
    /// A finalizer or a cleanup.
    Finalizer,
    /// A timer that runs.
    Timer,
    /// A thread that is at work for the runtime.
    Thread,
}

/// What a search needs.
pub(in crate::goruntime) struct Search<'a, M, C> {
    memory: &'a M,
    runtime: &'a Runtime,
    slots: &'a Slots,
    running: &'a Running,
    code: &'a Arc<C>,
    gs: Vec<Addr>,
    heap: Heap,
    marker: Marker,
    stacks: Stacks<C>,
    watch: Watch,
    variables: Variables,
    labels: Labels,
    sights: Sights,
    /// The processors, which no search enters.
    processors: Vec<Addr>,
    /// What the functions of running timers get.
    fed: HashSet<Addr>,
    goroutines: Goroutines,
    /// Goroutines that ran, and may have had what nothing else has.
    doubts: Doubts,
    /// Whether whatever stands on the stack of one that runs is taken to be in use.
    believes: bool,
    /// Whether it goes on from another one, and has not begun.
    goes_on: bool,
    batch: Batch,
}

/// What is marked when a search is over, for one that goes on from there.
pub(in crate::goruntime) struct Kept {
    heap: Heap,
    labels: Labels,
    at: Instant,
}

/// What was found out.
pub(in crate::goruntime) struct Reached {
    pub(in crate::goruntime) watch: Watch,
    /// Who has which object at hand.
    pub(in crate::goruntime) sights: Vec<Sight>,
    pub(in crate::goruntime) holders: Vec<Holder>,
    /// What the labels of marks mean.
    pub(in crate::goruntime) roots: Vec<Root>,
    /// What the functions of running timers get: channels among it.
    pub(in crate::goruntime) fed: HashSet<Addr>,
    /// Whether one sweep at least could read everything.
    pub(in crate::goruntime) whole: bool,
}

impl<'a, M: Memory, C: Code> Search<'a, M, C> {
    pub(in crate::goruntime) fn new(
        memory: &'a M,
        runtime: &'a Runtime,
        (slots, running): (&'a Slots, &'a Running),
        code: &'a Arc<C>,
        snapshot: &Snapshot,
    ) -> Search<'a, M, C> {
        Search {
            memory,
            runtime,
            slots,
            running,
            code,
            gs: Vec::new(),
            heap: Heap::default(),
            marker: Marker::default(),
            stacks: Stacks::new(Arc::clone(code)),
            watch: Watch::new(snapshot, &runtime.layout),
            variables: Variables::default(),
            labels: Labels::default(),
            sights: Sights::default(),
            processors: Vec::new(),
            fed: HashSet::new(),
            goroutines: Goroutines::default(),
            doubts: Doubts::default(),
            believes: running.is_known(),
            goes_on: false,
            batch: Batch::default(),
        }
    }

    /// Sweeps until all that is waited on is reached, or often enough; at most
    /// `sweeps` times. `None` where the heap cannot be found.
    pub(in crate::goruntime) fn run(
        mut self,
        sweeps: usize,
        kept: Option<Kept>,
        go_on: Option<GoOn>,
    ) -> Result<Option<(Reached, Kept)>, MemoryError> {
        let (Some(mheap), Some(module)) = (self.runtime.mheap, self.runtime.module) else { return Ok(None) };
        let began = Instant::now();
        // Of all sweeps so many count.
        let (mut whole, mut done, mut all) = (false, 0, 0);
        self.marker.go_on = go_on;
        if let Some(kept) = kept.filter(|kept| kept.at.elapsed() < FRESH) {
            (self.heap, self.labels) = (kept.heap, kept.labels);
            (done, all) = (1, 1);
            self.goes_on = true;
        }
        while !self.doubts.is_empty() || done < sweeps && (done < LEAST || began.elapsed() < LONG) {
            let layout = &self.runtime.layout;
            let doubted = !self.doubts.is_empty();
            if doubted {
                let rest = all - done < AGAIN && self.doubts.rest(self.memory, layout, &self.marker)?;
                self.believes |= !rest;
            }
            let place = match all {
                0 => None,
                1 => Some(Where::All),
                _ if doubted || all < OVER_ALL => Some(Where::Changed),
                _ => Some(Where::Moving),
            };
            let swept = match self.sweep(mheap, module, place) {
                Ok(swept) => swept,
                // What moved away while it was read is read by the next sweep.
                Err(MemoryError::Unreadable { .. }) => false,
                Err(error) => return Err(error),
            };
            all += 1;
            whole |= swept;
            if swept {
                self.doubts.settle(self.memory, layout)?;
            }
            if !self.doubts.is_empty() {
                continue;
            }
            done += 1;
            if whole && self.watch.objects.iter().all(|object| object.from.is_some()) {
                break;
            }
        }
        let holders = self.look_at_parked()?;
        let reached = Reached {
            watch: self.watch,
            sights: self.sights.take(),
            holders,
            roots: self.labels.roots().to_vec(),
            fed: self.fed,
            whole,
        };
        self.heap.rest();
        let kept = Kept { heap: self.heap, labels: self.labels, at: Instant::now() };
        Ok(Some((reached, kept)))
    }

    /// One sweep, which looks again where `place` says if it is not the first; whether
    /// everything could be read.
    fn sweep(&mut self, mheap: Addr, module: Addr, place: Option<Where>) -> Result<bool, MemoryError> {
        let (memory, layout) = (self.memory, &self.runtime.layout);
        let mut whole = self.heap.refresh(memory, layout, mheap)?;
        let all = AllGs { first: self.runtime.allgs, len: self.runtime.allgs_len };
        all.refresh(memory, &mut self.gs)?;
        match Variables::read(memory, layout, module)? {
            Some(variables) => self.variables = variables,
            None => whole = false,
        }
        if self.watch.place(&mut self.heap, &self.variables) {
            self.heap.forget_sums();
        }
        if std::mem::take(&mut self.goes_on) {
            // Memory may have been freed and used again since.
            self.watch.unmark(&mut self.heap);
        }
        let known = (self.slots, self.running);
        whole &= self.goroutines.refresh(memory, layout, &self.gs, known, &mut self.watch)?;
        self.find_opaque()?;
        self.marker.unreadable = 0;
        self.marker.journal = None;
        // The first look has still to find what is looked at again.
        if let Some(place) = place {
            self.marker.look_again(memory, &mut self.heap, place)?;
        }
        self.marker.keeps_new = place.is_some();
        whole &= self.mark_variables()?;
        let finalizer = self.labels.of(Root::Finalizer);
        let (heap, marker) = (&mut self.heap, &mut self.marker);
        let mut found = Vec::new();
        roots::specials(memory, layout, heap, |word| found.push(word))?;
        if let Some(allfin) = self.runtime.allfin {
            whole &= roots::finalizers(memory, allfin, |word| found.push(word))?;
        }
        if let Some(queue) = self.runtime.gc_cleanups {
            whole &= roots::cleanups(memory, queue, |word| found.push(word))?;
        }
        for word in found {
            marker.mark(heap, word, finalizer);
        }
        whole &= self.mark_timers()? & self.mark_threads()?;
        let unknown = self.goroutines.unknown();
        let (restless, live): (Vec<usize>, Vec<usize>) = unknown
            .into_iter()
            .partition(|&place| self.goroutines.get(place).is_some_and(|one| !one.has_position()));
        whole &= self.mark_stacks_of(&live)?;
        let guesses = self.guesses(&restless, &mut whole)?;
        let mut woken = Vec::new();
        for number in 0..self.watch.objects.len() {
            if self.watch.objects.get(number).is_some_and(|object| object.from.is_some()) {
                self.watch.wake(number, &mut woken);
            }
        }
        whole &= self.close(woken)?;
        for guess in guesses {
            if guess.matters(memory, &mut self.heap, &mut self.marker, &self.watch)? {
                self.doubts.add(guess);
            } else {
                guess.tell(&mut self.sights, &self.heap, &self.watch);
            }
        }
        Ok(whole && self.marker.unreadable == 0)
    }

    /// Goes on from what is marked and from those that are `woken`, to the fixed point;
    /// whether all stacks could be read.
    fn close(&mut self, mut woken: Vec<usize>) -> Result<bool, MemoryError> {
        let mut whole = true;
        loop {
            self.marker.close(self.memory, &mut self.heap)?;
            for id in std::mem::take(&mut self.marker.hits) {
                if let Some(label) = self.heap.label(id) {
                    self.watch.reached(id, label, &mut woken);
                }
            }
            if woken.is_empty() {
                return Ok(whole);
            }
            let live: Vec<usize> =
                woken.drain(..).filter_map(|waiter| self.goroutines.wake(waiter)).collect();
            whole &= self.mark_stacks_of(&live)?;
        }
    }

    /// What may be dead of the words of `restless` goroutines; all others are marked,
    /// and those, too, if they are believed.
    fn guesses(&mut self, restless: &[usize], whole: &mut bool) -> Result<Vec<Guess>, MemoryError> {
        let mut guesses = Vec::with_capacity(restless.len());
        for &place in restless {
            let Some(one) = self.goroutines.get(place).cloned() else { continue };
            let label = self.labels.of(Root::Goroutine(one.id));
            let mut words = Vec::new();
            let (heap, watch) = (&self.heap, &self.watch);
            let unreadable =
                self.stacks.scan(self.memory, &self.runtime.layout, &[&one], |_, sighting| {
                    if heap.find(sighting.word).is_some() || watch.elsewhere(sighting.word).is_some() {
                        words.push(sighting);
                    }
                })?;
            *whole &= unreadable == 0;
            guesses.push(Guess { one, label, words });
        }
        if self.believes {
            for guess in self.doubts.take().chain(std::mem::take(&mut guesses)) {
                for sighting in &guess.words {
                    self.marker.mark(&mut self.heap, sighting.word, guess.label);
                }
                guess.tell(&mut self.sights, &self.heap, &self.watch);
            }
        }
        Ok(guesses)
    }

    /// Has the search pass by all `g`s, the sudogs that goroutines are queued with, and
    /// the processors.
    fn find_opaque(&mut self) -> Result<(), MemoryError> {
        let layout = &self.runtime.layout;
        let heap = &mut self.heap;
        self.gs.iter().for_each(|&g| heap.set_opaque(g));
        let mut pages = Pages::new(self.memory);
        let limit = self.slots.ids().limit();
        if let Some(semtable) = self.runtime.semtable {
            let table = SemTable::read(layout, &mut pages, semtable, limit)?;
            table.sudogs.into_iter().for_each(|sudog| heap.set_opaque(sudog));
        }
        if let Some(allp) = self.runtime.allp {
            self.processors = timers::processors(&mut pages, allp)?;
            self.processors.iter().for_each(|&processor| heap.set_opaque(processor));
        }
        self.pass_by_sudogs()
    }

    /// Has the search pass by the sudogs that goroutines are parked with, one for each
    /// case of a select: the first of each goroutine, then the second, and so on.
    fn pass_by_sudogs(&mut self) -> Result<(), MemoryError> {
        let Search { memory, runtime, goroutines, heap, batch, .. } = self;
        let waitlink = runtime.layout.sudog.waitlink;
        let mut sudogs = goroutines.take_sudogs();
        for _ in 0..MOST_CASES {
            sudogs.sort_unstable();
            // One that is passed by already leads to such, or in a circle.
            sudogs.retain(|sudog| heap.find(sudog.0).is_some_and(|id| !heap.is_opaque(id)));
            let mut behind = Vec::new();
            for chunk in sudogs.chunks(SUDOGS) {
                batch.clear();
                let link = |&sudog: &Addr| (sudog, batch.push(sudog.offset(waitlink), 8));
                let links: Vec<_> = chunk.iter().map(link).collect();
                memory.read_batch(batch)?;
                for (sudog, link) in links {
                    let Some(next) = batch.bytes(link).and_then(|bytes| Fields(bytes).u64(0)) else {
                        continue;
                    };
                    heap.set_opaque(sudog);
                    behind.extend(Some(Addr(next)).filter(|next| !next.is_nil()));
                }
            }
            if behind.is_empty() {
                break;
            }
            sudogs = behind;
        }
        Ok(())
    }

    fn mark_timers(&mut self) -> Result<bool, MemoryError> {
        let mut pages = Pages::new(self.memory);
        let running = timers::running(&mut pages, &self.runtime.layout, &self.processors)?;
        let Some(running) = running else { return Ok(false) };
        let label = self.labels.of(Root::Timer);
        for timer in running {
            self.marker.mark(&mut self.heap, timer.address.0, label);
            self.marker.mark(&mut self.heap, timer.argument.0, label);
            self.fed.insert(timer.argument);
        }
        Ok(true)
    }

    /// Marks what threads have in their hands that are at work for the runtime.
    fn mark_threads(&mut self) -> Result<bool, MemoryError> {
        let running = self.running;
        let label = self.labels.of(Root::Thread);
        let threads: Vec<Stopped> =
            running.system().iter().map(|(g, _)| Stopped::new(g, Held::default())).collect();
        let Search { memory, runtime, heap, marker, stacks, .. } = self;
        running
            .system()
            .iter()
            .flat_map(|(_, registers)| registers)
            .for_each(|&word| marker.mark(heap, word, label));
        let threads: Vec<&Stopped> = threads.iter().collect();
        let unreadable = stacks.scan(*memory, &runtime.layout, &threads, |_, sighting| {
            marker.mark(heap, sighting.word, label);
        })?;
        Ok(unreadable == 0)
    }

    fn mark_variables(&mut self) -> Result<bool, MemoryError> {
        let variables = std::mem::take(&mut self.variables);
        let mut batch = std::mem::take(&mut self.batch);
        let whole = variables.scan(self.memory, &mut batch, |place, word| {
            let Some(id) = self.heap.find(word) else { return };
            if self.heap.label(id).is_some() {
                return;
            }
            let start = self.code.variable_at(Addr(place)).map_or(Addr(place), |(_, start)| start);
            let label = self.labels.of(Root::Variable(start));
            self.marker.mark(&mut self.heap, word, label);
        })?;
        (self.variables, self.batch) = (variables, batch);
        Ok(whole)
    }

    /// Marks what those at `places` hold.
    fn mark_stacks_of(&mut self, places: &[usize]) -> Result<bool, MemoryError> {
        let ids: Vec<GoId> = self.goroutines.at(places).map(|one| one.id).collect();
        let labels: Vec<Label> = ids.into_iter().map(|id| self.labels.of(Root::Goroutine(id))).collect();
        let Search { memory, runtime, heap, marker, watch, sights, stacks, running, goroutines, .. } = self;
        let goroutines: Vec<&Stopped> = goroutines.at(places).collect();
        for (one, &label) in goroutines.iter().zip(&labels).filter(|(one, _)| one.runs_at()) {
            for word in running.registers(one.addr) {
                marker.mark(heap, word, label);
                let sighting = Sighting { word, pc: None, exact: false };
                sights.direct(heap, watch, one.id, &sighting);
            }
        }
        let unreadable = stacks.scan(*memory, &runtime.layout, &goroutines, |place, sighting| {
            let (Some(one), Some(&label)) = (goroutines.get(place), labels.get(place)) else { return };
            marker.mark(heap, sighting.word, label);
            sights.direct(heap, watch, one.id, &sighting);
        })?;
        Ok(unreadable == 0)
    }

    /// Finds out what those that are parked have at hand, and those that wait for a
    /// lock: whoever holds it may wait for what they would do next. Who holds locks
    /// comes out.
    fn look_at_parked(&mut self) -> Result<Vec<Holder>, MemoryError> {
        let parked = self.goroutines.parked();
        self.look_at(&parked)?;
        if self.watch.locks.is_empty() {
            return Ok(Vec::new());
        }
        let mut all: Vec<usize> = self.goroutines.of(true).collect();
        let waits_for_lock =
            |place: usize| self.goroutines.get(place).is_some_and(|one| self.watch.waits_for_lock(one.id));
        let at_locks = all.iter().copied().filter(|&place| waits_for_lock(place));
        let at_locks: Vec<usize> = at_locks.take(MOST_AT_LOCKS).collect();
        self.look_at(&at_locks)?;
        all.extend(parked);
        let all: Vec<&Stopped> = self.goroutines.at(&all).collect();
        let holders = Holders::new(self.memory, &**self.code, &self.runtime.layout);
        holders.find(&mut self.stacks, &all, &self.watch.locks)
    }

    /// Looks at what those at `places` have at hand.
    fn look_at(&mut self, places: &[usize]) -> Result<(), MemoryError> {
        for chunk in places.chunks(CHUNK) {
            self.marker.ask_on()?;
            let chunk: Vec<&Stopped> = self.goroutines.at(chunk).collect();
            let mut words: Vec<Vec<Sighting>> = vec![Vec::new(); chunk.len()];
            self.stacks.scan(self.memory, &self.runtime.layout, &chunk, |place, sighting| {
                if let Some(words) = words.get_mut(place)
                    && (self.heap.find(sighting.word).is_some()
                        || self.watch.elsewhere(sighting.word).is_some())
                {
                    words.push(sighting);
                }
            })?;
            let stacks: Vec<(GoId, Vec<Sighting>)> = chunk.iter().map(|one| one.id).zip(words).collect();
            for some in stacks.chunks(TOGETHER) {
                self.sights.through(self.memory, &self.heap, &self.watch, some, &mut self.batch)?;
            }
        }
        Ok(())
    }
}

impl From {
    /// Whether it is itself a package variable.
    pub(in crate::goruntime) fn is_variable(self) -> bool {
        self == From::Variable
    }

    /// The root whose mark it is.
    pub(in crate::goruntime) fn root(self, roots: &[Root]) -> Option<Root> {
        match self {
            From::Mark(label) => roots.get(usize::from(label.number())).copied(),
            From::Variable | From::Outside => None,
        }
    }
}
