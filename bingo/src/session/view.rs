//! What is known at one time, for the faces: it costs a pointer a goroutine,
//! and stays as it is while the session goes on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Goroutine, ProbeStatus, Session, StateCounts, Totals};
use crate::model::{Addr, GoId, Goroutine as Sighted, Header, Problem, Snapshot, SyncObject, Time};

/// What is known at one time.
#[derive(Clone, Debug)]
pub struct View {
    /// What the session is about.
    pub header: Arc<Header>,
    /// The time: of the newest observation, or of the last question for one.
    pub time: Time,
    /// When the last snapshot was begun, and how long it took.
    pub snapshot: (Time, Duration),
    /// The goroutines that live, by id.
    pub goroutines: Vec<Arc<Goroutine>>,
    /// The channels and locks that goroutines waited on at the last snapshot.
    pub objects: Arc<HashMap<Addr, Arc<SyncObject>>>,
    /// What the last snapshot could not read.
    pub problems: Arc<[Problem]>,
    /// What was counted since the beginning.
    pub totals: Totals,
    /// How the probes do, if there are any.
    pub probes: Option<ProbeStatus>,
    /// Goroutines of which something may have been missed: events were lost.
    pub uncertain: usize,
}

impl View {
    /// What one snapshot alone shows: what a session on it would, without what
    /// a session keeps to tell the next one from it.
    #[must_use]
    pub fn of_snapshot(header: &Header, snapshot: Snapshot) -> View {
        let taken = snapshot.taken;
        let end = snapshot.end();
        let shown = |sighted: &Arc<Sighted>| Arc::new(Goroutine::first_seen(sighted, end));
        View {
            header: Arc::new(header.clone()),
            time: end,
            snapshot: (taken, snapshot.took),
            goroutines: snapshot.goroutines.iter().map(shown).collect(),
            objects: snapshot.objects,
            problems: snapshot.problems.into(),
            totals: Totals {
                snapshots: 1,
                goroutines: snapshot.goroutines.len() as u64,
                ..Totals::default()
            },
            probes: None,
            uncertain: 0,
        }
    }

    pub(super) fn of(session: &Session) -> View {
        let world = session.world();
        // Beside the pointers, since each goroutine is somewhere else.
        let mut by_id: Vec<_> = world.goroutines().map(|goroutine| (goroutine.id, goroutine)).collect();
        by_id.sort_unstable_by_key(|&(id, _)| id);
        View {
            header: Arc::clone(session.header()),
            time: world.latest().max(session.now),
            snapshot: (world.snapshot_taken(), world.snapshot_took()),
            goroutines: by_id.into_iter().map(|(_, goroutine)| Arc::clone(goroutine)).collect(),
            objects: Arc::clone(world.objects()),
            problems: Arc::clone(world.problems()),
            totals: world.totals(),
            probes: session.probes(),
            uncertain: world.uncertain(),
        }
    }

    /// How many of the program's own goroutines, or of the runtime's, are in each state.
    #[must_use]
    pub fn counts(&self, system: bool) -> StateCounts {
        let of_kind = self.goroutines.iter().filter(|goroutine| goroutine.system == system);
        StateCounts::of(of_kind.map(|goroutine| goroutine.state))
    }

    /// How long the goroutine is in its state; `None` where nothing is known but
    /// that the last snapshot found it so.
    #[must_use]
    pub fn lasting(&self, goroutine: &Goroutine) -> Option<Duration> {
        let (taken, took) = self.snapshot;
        let lasted = self.time.since(goroutine.since.time());
        let known = goroutine.since.is_exact() || goroutine.since.time() < taken || lasted > took;
        known.then_some(lasted)
    }

    /// One of the goroutines.
    #[must_use]
    pub fn goroutine(&self, id: GoId) -> Option<&Arc<Goroutine>> {
        let at = self.goroutines.binary_search_by_key(&id, |goroutine| goroutine.id).ok()?;
        self.goroutines.get(at)
    }
}
