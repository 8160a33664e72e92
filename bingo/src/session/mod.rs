//! A session: it owns the sources and the World that folds them.
//!
//! In come the sources, chosen by `cli`, and the time, by whoever drives. Out
//! go, in order of time, the events that happened and those that snapshots had
//! to tell, and [`View`]s of what is known, which the faces read. A face knows
//! this module and the model alone.

mod analysis;
pub mod live_loop;
mod playback;
mod runs;
#[cfg(test)]
mod tests;
mod view;
mod waits;
mod with_end;

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Event, EventKind, Header, Observation, Sink, Source, SourceError, Texts, Time};
use crate::world::World;

pub use crate::detect::{Class, Confidence, Finding, Related, Step};
pub use crate::world::{
    Goroutine, History, Lost, Since, StateCounts, TimeInStates, Totals, Transition, Waker, Woken,
};
pub use analysis::{Analysis, Suppressed, Suppression};
pub use playback::play;
pub use runs::{Occurrence, Run, Runs};
pub use view::View;
pub use waits::{Waited, Waits};
pub use with_end::WithEnd;

/// Room for so many events is kept from one turn to the next.
const EVENTS_KEPT: usize = 1 << 12;

/// Probes: events at a cost to the target, which is bounded and told.
pub trait Probing: Source {
    /// How they do.
    fn status(&self) -> ProbeStatus;
}

/// How the probes do.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ProbeStatus {
    /// Which probes are set now: `park, ready, create, exit`; none: empty.
    pub probes: String,
    /// Whether every park is told of, so that what was told last still holds.
    pub all_parks: bool,
    /// What they add to the target's own CPU time, as a share of it, once that is known.
    pub overhead: Option<f64>,
    /// What they may add, if that is bounded.
    pub budget: Option<f64>,
}

/// Sources, and what is known from them.
pub struct Session {
    header: Arc<Header>,
    snapshots: Option<Box<dyn Source>>,
    probes: Option<Box<dyn Probing>>,
    world: World,
    observed: Vec<Observation>,
    /// Snapshots that wait for the events before them.
    held: Vec<Observation>,
    snapshot_took: Duration,
    events: Vec<Event>,
    now: Time,
    parks_told: bool,
    /// Whether what happens is for the World alone.
    untold: bool,
}

impl Session {
    /// A session on a source of snapshots, one of events, or both.
    #[must_use]
    pub fn new(
        header: Header,
        snapshots: Option<Box<dyn Source>>,
        probes: Option<Box<dyn Probing>>,
    ) -> Session {
        Session {
            header: Arc::new(header),
            snapshots,
            probes,
            world: World::default(),
            observed: Vec::new(),
            held: Vec::new(),
            snapshot_took: Duration::ZERO,
            events: Vec::new(),
            now: Time::default(),
            parks_told: true,
            untold: false,
        }
    }

    /// The same, that tells nobody what happens: [`Session::events`] are none.
    #[must_use]
    pub fn untold(mut self) -> Session {
        self.untold = true;
        self
    }

    /// The same, that keeps the past, so that it can be judged at its end: from
    /// `min_block` on a wait is long.
    #[must_use]
    pub fn keeping(mut self, min_block: Duration) -> Session {
        self.world = analysis::world(min_block);
        self
    }

    /// What is found in what is known; something if the past was kept alone.
    /// `texts` has the program's source, which is read until `stop` at the most.
    pub fn analysis(
        &self,
        texts: &dyn Texts,
        min_block: Duration,
        mut stop: impl FnMut() -> bool,
    ) -> Analysis {
        Analysis::of_world(&self.world, texts, min_block, &mut stop)
    }

    /// Has `probes` tell from now on, if there are any.
    pub fn probe(&mut self, probes: Option<Box<dyn Probing>>) {
        self.probes = probes;
    }

    /// Takes in what the probes have told until `now`, and takes them out.
    ///
    /// # Errors
    /// As [`Session::advance`].
    pub fn unprobe(&mut self, now: Time) -> Result<(), SourceError> {
        if self.probes.is_some() {
            self.advance(now, false)?;
            self.probes = None;
            self.world.note_missed(now, now);
        }
        Ok(())
    }

    /// Gives the sources up: nothing more comes.
    pub fn close(&mut self) {
        (self.snapshots, self.probes) = (None, None);
        (self.observed, self.held) = (Vec::new(), Vec::new());
    }

    /// Takes in what the probes have told since the last call, and a fresh
    /// snapshot if `snapshot`. Afterwards [`Session::events`] holds what is new.
    /// `Ok(false)`: nothing will ever come any more.
    ///
    /// # Errors
    /// When a source cannot go on.
    pub fn advance(&mut self, now: Time, snapshot: bool) -> Result<bool, SourceError> {
        let last = std::mem::replace(&mut self.now, now);
        self.forget_events();
        self.observed.clear();
        self.observed.append(&mut self.held);
        let mut alive = true;
        if let Some(snapshots) = self.snapshots.as_mut().filter(|_| snapshot) {
            // Beside probes a snapshot waits for the next turn, when all events
            // that are older than it are at hand; the first one has none.
            let wait = self.probes.is_some() && self.world.totals().snapshots > 0;
            let into = if wait { &mut self.held } else { &mut self.observed };
            let begun = into.len();
            alive &= snapshots.observe(now, into)?;
            for observation in into.iter().skip(begun) {
                if let Observation::Snapshot(snapshot) = observation {
                    self.snapshot_took = snapshot.took;
                }
            }
        }
        if let Some(probes) = &mut self.probes {
            alive &= probes.observe(now, &mut self.observed)?;
            let parks_told = probes.status().all_parks;
            let lost = self.observed.iter().any(|observation| match observation {
                Observation::Event(event) => matches!(event.kind, EventKind::Lost { .. }),
                Observation::Snapshot(_) | Observation::Problem(_) => false,
            });
            // When since the last time, nobody knows.
            if lost || !(parks_told && self.parks_told) {
                self.world.note_missed(last, now);
            }
            self.parks_told = parks_told;
        }
        self.observed.sort_by_key(|observation| match observation {
            Observation::Event(event) => event.time,
            Observation::Snapshot(snapshot) => snapshot.taken,
            Observation::Problem(_) => now,
        });
        for observation in self.observed.drain(..) {
            if self.untold {
                self.world.observation(observation);
                continue;
            }
            let untold = self.world.apply(&observation);
            match observation {
                Observation::Event(event) => self.events.push(event),
                Observation::Snapshot(_) | Observation::Problem(_) if self.events.is_empty() => {
                    self.events = untold;
                }
                Observation::Snapshot(_) | Observation::Problem(_) => self.events.extend(untold),
            }
        }
        Ok(alive)
    }

    /// Takes in a fresh snapshot at once, beside probes, too. `Ok(false)` as above.
    ///
    /// # Errors
    /// As [`Session::advance`].
    pub fn look(&mut self, now: Time) -> Result<bool, SourceError> {
        let Some(snapshots) = &mut self.snapshots else { return self.advance(now, false) };
        let alive = snapshots.observe(now, &mut self.held)?;
        // With the events that are older.
        Ok(self.advance(now, false)? && alive)
    }

    /// Takes in a snapshot with how goroutines hang together. `Ok(false)` as above.
    ///
    /// # Errors
    /// As [`Session::advance`].
    pub fn look_closely(&mut self, now: Time) -> Result<bool, SourceError> {
        let Some(snapshots) = &mut self.snapshots else { return self.advance(now, false) };
        // Those of a large program are large, and this look finds out all of it anew.
        self.world.forget_links();
        let alive = snapshots.observe_closely(now, &mut self.held)?;
        // With the events that are older.
        Ok(self.advance(now, false)? && alive)
    }

    /// What the last [`Session::advance`] brought, in order of time: what
    /// happened, and as [`crate::model::EventKind::Snapshot`] what nobody told.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Hands them out, and has them no more.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Forgets them, when a face has had them.
    pub fn forget_events(&mut self) {
        self.events.clear();
        // The first snapshot has very many to tell, later ones few.
        self.events.shrink_to(EVENTS_KEPT);
    }

    /// The time of the last [`Session::advance`].
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }

    /// What the session is about.
    #[must_use]
    pub fn header(&self) -> &Arc<Header> {
        &self.header
    }

    /// What is known.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// How the probes do, if there are any.
    #[must_use]
    pub fn probes(&self) -> Option<ProbeStatus> {
        self.probes.as_ref().map(|probes| probes.status())
    }

    /// How long the last snapshot took to read.
    #[must_use]
    pub fn snapshot_took(&self) -> Duration {
        self.snapshot_took
    }

    /// What is known now, to be read elsewhere and later.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        Arc::new(View::of(self))
    }
}
