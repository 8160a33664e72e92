//! The live loop: a snapshot, then what happens, corrected by a fresh snapshot
//! at every tick, until somebody or something ends it.
//!
//! In come a [`Session`], a [`Face`], and what is outside as [`Outside`]: the
//! clock, the waiting, the user's wish to stop. Out comes how it ended.

use std::io;
use std::time::Duration;

use super::Session;
use crate::model::{Event, SourceError, Time};

/// Snapshots may take one part in so many of a processor's time: where probes
/// tell the rest, and where they are all there is.
const SHARE_BESIDE_PROBES: u32 = 20;
const SHARE_ALONE: u32 = 12;

/// How long the last events of a target that exits are waited for.
const LAST_EVENTS: Duration = Duration::from_secs(2);

/// What shows a session.
pub trait Face {
    /// It has begun: the first snapshot is in.
    ///
    /// # Errors
    /// When what it writes to fails; so for all of these.
    fn begin(&mut self, session: &Session) -> io::Result<()>;
    /// These happened.
    ///
    /// # Errors
    /// As above.
    fn events(&mut self, session: &Session, events: &[Event]) -> io::Result<()>;
    /// A tick: the picture is consistent now.
    ///
    /// # Errors
    /// As above.
    fn tick(&mut self, session: &Session) -> io::Result<()>;
    /// Nothing more happens: a last look comes, which may take long.
    ///
    /// # Errors
    /// As above.
    fn last_look(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// It is over.
    ///
    /// # Errors
    /// As above.
    fn end(&mut self, session: &Session, ending: Ending) -> io::Result<()>;
}

/// What is outside.
pub trait Outside {
    /// The time now.
    fn now(&mut self) -> Time;
    /// Waits until there are events, something else happens, or it is `until`.
    fn wait(&mut self, until: Time);
    /// Why to stop, if there is a reason.
    fn stop(&mut self) -> Option<Ending>;
}

/// How a session ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The user asked for it.
    Interrupted,
    /// The time asked for is over.
    TimeOver,
    /// The target has exited.
    Exited,
    /// The target has executed another program.
    Executed,
    /// Nobody reads what is written any more.
    OutputClosed,
}

impl Ending {
    /// Whether the target goes on, so that it can be looked at.
    #[must_use]
    pub fn goes_on(self) -> bool {
        !matches!(self, Ending::Exited | Ending::Executed)
    }
}

/// A look at the target when the watching is over, if it goes on then.
pub type LastLook<'a> = &'a mut dyn FnMut(&mut Session, &mut dyn Outside) -> Result<(), SourceError>;

/// When to do what.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two ticks.
    pub interval: Duration,
    /// The longest that an event waits before a face gets it.
    pub latency: Duration,
    /// How long to go on; without it, until something ends it.
    pub duration: Option<Duration>,
}

/// Why it broke off.
#[derive(Debug, thiserror::Error)]
pub enum LoopError {
    /// A source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// What a face writes to.
    #[error("cannot write: {0}")]
    Output(io::Error),
}

/// Drives `session` until its end. All that was gathered has been written then.
///
/// # Errors
/// When a source cannot go on, or the face cannot write for another reason than
/// that nobody reads.
pub fn run(
    session: &mut Session,
    face: &mut dyn Face,
    outside: &mut dyn Outside,
    pace: Pace,
) -> Result<Ending, LoopError> {
    run_to(session, face, outside, pace, &mut |session, outside| session.look(outside.now()).map(drop))
}

/// The same, with a last look of another kind. It is taken where nobody reads, too.
///
/// # Errors
/// As above.
pub fn run_to(
    session: &mut Session,
    face: &mut dyn Face,
    outside: &mut dyn Outside,
    pace: Pace,
    last: LastLook<'_>,
) -> Result<Ending, LoopError> {
    let mut looked = false;
    let mut once = |session: &mut Session, outside: &mut dyn Outside| {
        looked = true;
        last(session, outside)
    };
    match drive(session, face, outside, pace, &mut once) {
        Err(LoopError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            if !looked {
                last(session, outside)?;
            }
            Ok(Ending::OutputClosed)
        }
        other => other,
    }
}

fn drive(
    session: &mut Session,
    face: &mut dyn Face,
    outside: &mut dyn Outside,
    pace: Pace,
    last: LastLook<'_>,
) -> Result<Ending, LoopError> {
    let begun = outside.now();
    let deadline = pace.duration.map(|duration| after(begun, duration));
    // A look before this one has something to tell, too.
    let before = session.take_events();
    let mut alive = session.advance(begun, true)?;
    face.begin(session).map_err(LoopError::Output)?;
    face.events(session, &before).map_err(LoopError::Output)?;
    drop(before);
    let mut next_tick = after(begun, pace.interval);
    let mut next_snapshot = after(outside.now(), rest(session, pace));
    loop {
        face.events(session, session.events()).map_err(LoopError::Output)?;
        let now = outside.now();
        let stop = outside.stop().or_else(|| deadline.filter(|end| now >= *end).map(|_| Ending::TimeOver));
        let ending = if alive { stop } else { Some(stop.unwrap_or(Ending::Exited)) };
        if let Some(ending) = ending {
            finish(session, face, outside, (ending, pace), last)?;
            return Ok(ending);
        }
        let soon = after(now, pace.latency).min(next_tick);
        outside.wait(deadline.map_or(soon, |end| soon.min(end)));
        let now = outside.now();
        let ticks = now >= next_tick;
        let snapshot = ticks && now >= next_snapshot;
        alive = session.advance(now, snapshot)?;
        if snapshot {
            next_snapshot = after(outside.now(), rest(session, pace));
        }
        if ticks {
            face.events(session, session.events()).map_err(LoopError::Output)?;
            session.forget_events();
            face.tick(session).map_err(LoopError::Output)?;
            // A late tick is not made up for.
            next_tick = after(next_tick, pace.interval).max(outside.now());
        }
    }
}

/// The last events, the last look, and the last word.
fn finish(
    session: &mut Session,
    face: &mut dyn Face,
    outside: &mut dyn Outside,
    (ending, pace): (Ending, Pace),
    last: LastLook<'_>,
) -> Result<(), LoopError> {
    // Of a target whose memory has gone, the probes' last events come when the
    // kernel is done with it.
    let patience = if ending == Ending::Exited { LAST_EVENTS } else { Duration::ZERO };
    let deadline = after(outside.now(), patience);
    loop {
        if ending == Ending::Exited {
            let soon = after(outside.now(), pace.latency);
            outside.wait(soon);
        }
        let now = outside.now();
        let more = session.advance(now, false)? && session.probes().is_some() && now < deadline;
        face.events(session, session.events()).map_err(LoopError::Output)?;
        if !more {
            break;
        }
    }
    if ending.goes_on() {
        face.last_look().map_err(LoopError::Output)?;
        last(session, outside)?;
        face.events(session, session.events()).map_err(LoopError::Output)?;
    }
    face.end(session, ending).map_err(LoopError::Output)
}

/// How long no snapshot is read after the last one, so that they take no more
/// than their share. The interval, where they are cheap.
fn rest(session: &Session, pace: Pace) -> Duration {
    let share = if session.probes().is_some() { SHARE_BESIDE_PROBES } else { SHARE_ALONE };
    let took = session.snapshot_took();
    // A tick a little early is not worth a whole interval's delay.
    (took * share).max(pace.interval).saturating_sub(pace.interval / 4 + took)
}

fn after(time: Time, duration: Duration) -> Time {
    Time(time.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
}
