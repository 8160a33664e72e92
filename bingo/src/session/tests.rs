//! The live loop on scripted sources and a scripted clock.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::live_loop::{Ending, Face, LoopError, Outside, Pace, run, run_to};
use super::{ProbeStatus, Probing, Session};
use crate::model::{
    Event, EventKind, GoId, GoState, Goroutine, Header, Sink, Snapshot, Source, SourceError, SourceKind,
    Stack, Time, WaitReason,
};

const MS: u64 = 1_000_000;

fn header() -> Header {
    Header {
        source: SourceKind::Live,
        go_version: None,
        binary: None,
        pid: None,
        inner_pid: None,
        start: UNIX_EPOCH,
        start_monotonic: Time(0),
        notes: vec![],
    }
}

/// Snapshots of one goroutine, which takes `took` to read, until `dies`.
struct Polled {
    header: Header,
    took: Duration,
    dies: Time,
    times: Rc<RefCell<Vec<u64>>>,
}

impl Source for Polled {
    fn header(&self) -> &Header {
        &self.header
    }

    fn observe(&mut self, now: Time, out: &mut dyn Sink) -> Result<bool, SourceError> {
        if now >= self.dies {
            return Ok(false);
        }
        self.times.borrow_mut().push(now.0 / MS);
        let goroutine = Goroutine {
            id: GoId(1),
            state: GoState::Blocked,
            reason: Some(WaitReason::ChanReceive),
            blocked_since: None,
            switches: Some(0),
            wait: None,
            stack: Stack::empty(),
            created_by: None,
            parent: None,
            labels: None,
            thread: None,
            system: false,
        };
        out.snapshot(Box::new(Snapshot {
            taken: now,
            took: self.took,
            goroutines: vec![Arc::new(goroutine)],
            ..Snapshot::default()
        }));
        Ok(true)
    }
}

/// An event each millisecond.
struct Probed(Header, u64);

impl Source for Probed {
    fn header(&self) -> &Header {
        &self.0
    }

    fn observe(&mut self, now: Time, out: &mut dyn Sink) -> Result<bool, SourceError> {
        for time in self.1..now.0 / MS {
            let kind = EventKind::Create { parent: None };
            let goroutine = Some(GoId(time + 100));
            let event = Event { time: Time(time * MS), goroutine, kind, stack: None, thread: None };
            out.event(event.lend());
        }
        self.1 = now.0 / MS;
        Ok(true)
    }
}

impl Probing for Probed {
    fn status(&self) -> ProbeStatus {
        ProbeStatus { all_parks: true, ..ProbeStatus::default() }
    }
}

/// A clock that goes on by waiting, and a user who interrupts.
struct Clock {
    now: Time,
    interrupt: Time,
}

impl Outside for Clock {
    fn now(&mut self) -> Time {
        self.now
    }

    fn wait(&mut self, until: Time) {
        assert!(until > self.now, "it waits for the past");
        self.now = until;
    }

    fn stop(&mut self) -> Option<Ending> {
        (self.now >= self.interrupt).then_some(Ending::Interrupted)
    }
}

/// Notes what it is told.
#[derive(Default)]
struct Notes {
    events: Vec<Event>,
    ticks: usize,
    ended: Option<Ending>,
    fails_with: Option<io::ErrorKind>,
}

impl Face for Notes {
    fn begin(&mut self, _: &Session) -> io::Result<()> {
        Ok(())
    }

    fn events(&mut self, _: &Session, events: &[Event]) -> io::Result<()> {
        self.events.extend_from_slice(events);
        Ok(())
    }

    fn tick(&mut self, _: &Session) -> io::Result<()> {
        self.ticks += 1;
        self.fails_with.map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn end(&mut self, _: &Session, ending: Ending) -> io::Result<()> {
        self.ended = Some(ending);
        Ok(())
    }
}

struct Ran {
    ending: Result<Ending, LoopError>,
    notes: Notes,
    snapshots: Vec<u64>,
}

const PACE: Pace = Pace {
    interval: Duration::from_millis(100),
    latency: Duration::from_millis(20),
    duration: Some(Duration::from_secs(1)),
};

/// A session of snapshots, and the times at which they are read.
fn session(took: u64, dies: u64, probes: bool) -> (Session, Rc<RefCell<Vec<u64>>>) {
    let times = Rc::new(RefCell::new(Vec::new()));
    let polled = Polled {
        header: header(),
        took: Duration::from_millis(took),
        dies: Time(dies * MS),
        times: Rc::clone(&times),
    };
    let probed = probes.then(|| Box::new(Probed(header(), 0)) as Box<dyn Probing>);
    (Session::new(header(), Some(Box::new(polled)), probed), times)
}

/// Runs for a second at 100 ms, unless something ends it before.
fn check(took: u64, dies: u64, probes: bool, interrupt: u64, fails_with: Option<io::ErrorKind>) -> Ran {
    let (mut session, times) = session(took, dies, probes);
    let mut notes = Notes { fails_with, ..Notes::default() };
    let mut clock = Clock { now: Time(0), interrupt: Time(interrupt * MS) };
    let ending = run(&mut session, &mut notes, &mut clock, PACE);
    let snapshots = times.borrow().clone();
    Ran { ending, notes, snapshots }
}

#[test]
fn cheap_snapshots_come_at_every_tick() {
    let ran = check(1, u64::MAX / MS, false, u64::MAX / MS, None);
    assert_eq!(ran.ending.unwrap(), Ending::TimeOver);
    assert_eq!(ran.notes.ended, Some(Ending::TimeOver));
    // The last one is the look at the end.
    assert_eq!(ran.snapshots, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000, 1_000]);
    assert_eq!(ran.notes.ticks, 10);
}

#[test]
fn dear_snapshots_come_less_often_beside_probes() {
    let ran = check(20, u64::MAX / MS, true, u64::MAX / MS, None);
    assert_eq!(ran.snapshots, [0, 400, 800, 1_000]);
    assert_eq!(ran.notes.ticks, 10);
}

#[test]
fn every_event_is_told_once_and_in_order() {
    let ran = check(1, u64::MAX / MS, true, u64::MAX / MS, None);
    let created = ran.notes.events.iter().filter(|event| matches!(event.kind, EventKind::Create { .. }));
    let times: Vec<u64> = created.map(|event| event.time.0 / MS).collect();
    assert_eq!(times, (0..1_000).collect::<Vec<_>>());
    assert!(ran.notes.events.is_sorted_by_key(|event| event.time));
}

#[test]
fn what_was_blocked_before_we_came_is_told_once() {
    let ran = check(1, u64::MAX / MS, false, u64::MAX / MS, None);
    let found: Vec<_> = ran.notes.events.iter().map(|event| event.goroutine).collect();
    assert_eq!(found, [Some(GoId(1))]);
}

/// What a look before the first of the loop found, nothing else would tell.
#[test]
fn what_was_seen_before_it_began_is_told() {
    let mut session = session(1, u64::MAX / MS, false).0;
    session.look_closely(Time(0)).unwrap();
    let mut notes = Notes::default();
    let mut clock = Clock { now: Time(10 * MS), interrupt: Time(50 * MS) };
    let mut looks = 0;
    let ending = run_to(&mut session, &mut notes, &mut clock, PACE, &mut |session, outside| {
        looks += 1;
        session.look_closely(outside.now()).map(drop)
    });
    assert_eq!((ending.unwrap(), looks), (Ending::Interrupted, 1));
    let found: Vec<_> = notes.events.iter().map(|event| (event.time, event.goroutine)).collect();
    assert_eq!(found, [(Time(0), Some(GoId(1)))]);
}

#[test]
fn where_nobody_reads_the_last_look_is_taken_all_the_same() {
    let mut session = session(1, u64::MAX / MS, false).0;
    let mut notes = Notes { fails_with: Some(io::ErrorKind::BrokenPipe), ..Notes::default() };
    let mut clock = Clock { now: Time(0), interrupt: Time(u64::MAX) };
    let mut looks = 0;
    let ending = run_to(&mut session, &mut notes, &mut clock, PACE, &mut |_, _| {
        looks += 1;
        Ok(())
    });
    assert_eq!((ending.unwrap(), looks), (Ending::OutputClosed, 1));
}

#[test]
fn an_interrupt_ends_it_after_the_last_events() {
    let ran = check(1, u64::MAX / MS, true, 250, None);
    assert_eq!(ran.ending.unwrap(), Ending::Interrupted);
    assert!(ran.notes.events.last().unwrap().time.0 / MS >= 249);
}

#[test]
fn the_end_of_the_target_ends_it() {
    let ran = check(1, 450, true, u64::MAX / MS, None);
    assert_eq!(ran.ending.unwrap(), Ending::Exited);
    assert_eq!(ran.notes.ended, Some(Ending::Exited));
    assert_eq!(ran.snapshots.last(), Some(&400));
}

#[test]
fn nobody_reading_is_a_quiet_end_and_a_full_disk_is_not() {
    let ran = check(1, u64::MAX / MS, false, u64::MAX / MS, Some(io::ErrorKind::BrokenPipe));
    assert_eq!(ran.ending.unwrap(), Ending::OutputClosed);
    let ran = check(1, u64::MAX / MS, false, u64::MAX / MS, Some(io::ErrorKind::StorageFull));
    assert!(matches!(ran.ending, Err(LoopError::Output(_))));
}
