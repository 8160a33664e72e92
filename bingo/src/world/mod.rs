//! What is known about a program: the fold of Events and Snapshots.
//!
//! In come [`Observation`]s, in any interleaving of the two kinds; out come the
//! goroutines that live, each with what is known of it and how well, and cheap
//! deltas. A snapshot is read while the program runs, in `[taken, taken + took]`:
//! it corrects what is older than `taken` and never undoes a newer event.

mod apply;
mod births;
mod budget;
mod buried;
mod changes;
mod course;
mod glance;
mod go_statements;
mod goroutine;
mod history;
mod lent;
mod missed;
mod records;
mod sampled;
mod short;
mod step;
mod tally;
mod wait_graph;

#[cfg(test)]
mod property_tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use goroutine::Record;

use crate::model::{
    Addr, Burst, Event, EventRef, GoId, GoState, Links, LostKind, Observation, Problem, Sink, Snapshot,
    SyncObject, Time,
};

pub use births::Birthplace;
pub use changes::Changes;
pub use glance::Glance;
pub use goroutine::{Goroutine, Since, Woken};
pub use history::{Ended, History, Keep, Place, TimeInStates, Transition, Waker};
pub use sampled::Sampled;
pub use wait_graph::{Cycle, Edge, Hope, Standing, WaitGraph, WaitGraphs};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Problems of a source that are kept.
const PROBLEMS_KEPT: usize = 1_000;

/// The goroutines of a program and what is known of each.
#[derive(Debug, Default)]
pub struct World {
    records: records::Records,
    go_statements: go_statements::GoStatements,
    lent: lent::Lent,
    objects: Arc<HashMap<Addr, Arc<SyncObject>>>,
    links: Option<Arc<Links>>,
    problems: Arc<[Problem]>,
    source_problems: Vec<Problem>,
    buried: buried::Buried,
    budget: budget::Budget,
    /// From when on goroutines are left out, because there is no room for more.
    left_out: Option<Time>,
    changes: changes::ChangeLog,
    totals: Totals,
    missed: missed::Missed,
    past: Option<history::Past>,
    /// When the last snapshot was begun and over.
    snapshot: Option<(Time, Time)>,
    began: Option<Time>,
    latest: Time,
}

/// What was counted since the beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Events received, lost ones not among them.
    pub events: u64,
    /// Goroutines that were seen or heard of.
    pub goroutines: u64,
    /// Parks among them.
    pub blocks: u64,
    /// Snapshots received.
    pub snapshots: u64,
    /// Events that were made and not received, by kind.
    pub lost: Lost,
    /// Events that were received, of goroutines that there was no room for.
    pub left_out: u64,
    /// How long the program was stopped for snapshots.
    pub stopped_for: Duration,
}

/// Events that were made and not received.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lost {
    /// Creations.
    pub create: u64,
    /// Parks.
    pub block: u64,
    /// Wake-ups.
    pub unblock: u64,
    /// Ends.
    pub dead: u64,
}

impl World {
    /// A World that keeps the past, too.
    #[must_use]
    pub fn keeping(keep: Keep) -> World {
        World { past: Some(history::Past::new(keep)), ..World::default() }
    }

    /// The past of a goroutine that lives, where it is kept.
    #[must_use]
    pub fn history(&self, id: GoId) -> Option<History> {
        self.past.as_ref().and(self.records.get(id)).map(Record::history)
    }

    /// The places where goroutines have waited, where the past is kept, in no order.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.past.iter().flat_map(history::Past::places)
    }

    /// Where goroutines were made of which events told, where the past is kept.
    #[must_use]
    pub fn birthplaces(&self) -> &[Birthplace] {
        self.past.as_ref().map_or(&[], |past| past.births.all())
    }

    /// Takes in what a source yielded. The answer is what nobody told: for each
    /// goroutine that a snapshot found in another state than was known, an event
    /// of kind [`crate::model::EventKind::Snapshot`]. It is empty for an event.
    pub fn apply(&mut self, observation: &Observation) -> Vec<Event> {
        match observation {
            Observation::Event(event) => {
                self.apply_event(event.lend());
                Vec::new()
            }
            Observation::Snapshot(snapshot) => {
                let mut untold = Vec::new();
                self.apply_snapshot(snapshot, Some(&mut untold));
                untold
            }
            Observation::Problem(problem) => {
                self.note_problem(problem.clone());
                Vec::new()
            }
        }
    }

    /// The goroutines that live, in no order.
    pub fn goroutines(&self) -> impl ExactSizeIterator<Item = &Arc<Goroutine>> {
        self.records.iter_exact().map(|record| record.shown(&self.lent))
    }

    /// The same, each at a glance: of very many little is read.
    pub fn glances(&self) -> impl ExactSizeIterator<Item = Glance<'_>> {
        self.records.iter_exact().map(|record| Glance { record, lent: &self.lent })
    }

    /// One of them.
    #[must_use]
    pub fn goroutine(&self, id: GoId) -> Option<&Arc<Goroutine>> {
        self.records.get(id).map(|record| record.shown(&self.lent))
    }

    /// That one of them is as it is known to be by the newest observation.
    #[must_use]
    pub fn found(&self, id: GoId) -> Option<Event> {
        self.records.get(id).map(|record| record.found(&self.lent, self.latest))
    }

    /// One of them at a glance.
    #[must_use]
    pub fn glance(&self, id: GoId) -> Option<Glance<'_>> {
        self.records.get(id).map(|record| Glance { record, lent: &self.lent })
    }

    /// The channels and locks that goroutines waited on at the last snapshot.
    #[must_use]
    pub fn objects(&self) -> &Arc<HashMap<Addr, Arc<SyncObject>>> {
        &self.objects
    }

    /// How goroutines hung together at the last snapshot that found out.
    #[must_use]
    pub fn links(&self) -> Option<&Arc<Links>> {
        self.links.as_ref()
    }

    /// Forgets how goroutines hung together.
    pub fn forget_links(&mut self) {
        self.links = None;
    }

    /// What the last snapshot could not read.
    #[must_use]
    pub fn problems(&self) -> &Arc<[Problem]> {
        &self.problems
    }

    /// What the source told that is missing or not to be trusted, the first
    /// thousand.
    #[must_use]
    pub fn source_problems(&self) -> &[Problem] {
        &self.source_problems
    }

    fn note_problem(&mut self, problem: Problem) {
        if self.source_problems.len() < PROBLEMS_KEPT {
            self.source_problems.push(problem);
        }
    }

    /// What was counted since the beginning.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The time of the first observation.
    #[must_use]
    pub fn began(&self) -> Option<Time> {
        self.began
    }

    /// The time of the newest observation.
    #[must_use]
    pub fn latest(&self) -> Time {
        self.latest
    }

    /// Whether events were lost since this goroutine was last heard of or seen,
    /// so that what is known of it may be past.
    #[must_use]
    pub fn is_uncertain(&self, id: GoId) -> bool {
        let Some(missed) = self.missed.last() else { return false };
        self.records.get(id).is_some_and(|record| record.known_at() < missed)
    }

    /// Of how many goroutines that is so.
    #[must_use]
    pub fn uncertain(&self) -> usize {
        let Some(missed) = self.missed.last() else { return 0 };
        self.records.iter().filter(|record| record.known_at() < missed).count()
    }

    /// When the last snapshot was begun.
    #[must_use]
    pub fn snapshot_taken(&self) -> Time {
        self.snapshot.map_or(Time::default(), |(taken, _)| taken)
    }

    /// How long it took.
    #[must_use]
    pub fn snapshot_took(&self) -> Duration {
        self.snapshot.map_or(Duration::ZERO, |(taken, end)| end.since(taken))
    }

    /// The number of the last change: what [`World::changes_since`] takes.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.changes.seq()
    }

    /// What changed after change number `seq`, each goroutine once. All of them,
    /// marked `whole`, where that is too long ago to be known, and for 0.
    #[must_use]
    pub fn changes_since(&self, seq: u64) -> Changes<'_> {
        self.changes.since(seq, &self.records, &self.lent)
    }
}

/// Folds what it is told; nobody asks what a snapshot had to tell.
impl Sink for World {
    fn event(&mut self, event: EventRef<'_>) {
        self.apply_event(event);
    }

    fn burst(&mut self, burst: &Burst<'_>) {
        self.apply_burst(burst);
    }

    fn snapshot(&mut self, snapshot: Box<Snapshot>) {
        self.apply_snapshot(&snapshot, None);
    }

    fn problem(&mut self, problem: Problem) {
        self.note_problem(problem);
    }

    fn read(&mut self, bytes: u64) {
        self.budget.note_read(bytes);
    }
}

impl Lost {
    /// All kinds together.
    #[must_use]
    pub fn total(self) -> u64 {
        [self.create, self.block, self.unblock, self.dead].into_iter().fold(0, u64::saturating_add)
    }

    fn add(&mut self, kind: LostKind, count: u64) {
        let counter = match kind {
            LostKind::Create => &mut self.create,
            LostKind::Block => &mut self.block,
            LostKind::Unblock => &mut self.unblock,
            LostKind::Dead => &mut self.dead,
        };
        *counter = counter.saturating_add(count);
    }
}

/// How many goroutines are in each state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StateCounts {
    /// On a run queue.
    pub runnable: usize,
    /// Executing.
    pub running: usize,
    /// Parked.
    pub blocked: usize,
    /// In a system call.
    pub syscall: usize,
}

impl StateCounts {
    /// Counts these states.
    pub fn of(states: impl IntoIterator<Item = GoState>) -> StateCounts {
        let mut counts = StateCounts::default();
        for state in states {
            match state {
                GoState::Runnable => counts.runnable += 1,
                GoState::Running => counts.running += 1,
                GoState::Blocked => counts.blocked += 1,
                GoState::Syscall => counts.syscall += 1,
                GoState::Dead => {}
            }
        }
        counts
    }

    /// All states together.
    #[must_use]
    pub fn total(self) -> usize {
        self.runnable + self.running + self.blocked + self.syscall
    }
}
