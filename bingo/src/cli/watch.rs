//! A running process that is judged at the end of being watched: as an input of
//! `analyze`, shown to nobody, and by `attach --report`.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::outside::{INTERVAL, LATENCY, LiveOutside};
use super::progress::Progress;
use super::{Failure, live_vars, probes, target};
use crate::goruntime::GoOn;
use crate::model::{Event, Problem, Source, SourceError, Texts};
use crate::session::live_loop::{self, Ending, Face, LoopError, Outside, Pace};
use crate::session::{Analysis, Session};

/// What the probes may add to the process's own CPU time, as for `attach`.
const BUDGET: f64 = 0.02;

/// The first look goes over the heap once, the last one up to sixteen times: where the
/// first one takes so long, the last one takes over a second.
const WORTH_A_WORD: Duration = Duration::from_millis(70);

/// A close look goes on for so long once the user wants to end.
const LOOK_AT_THE_END: Duration = Duration::from_secs(2);

/// What is found in the process `pid` within `duration`; at the end of that it may be
/// stopped for as long as `freeze` says.
pub(super) fn analysis(
    pid: u32,
    texts: &dyn Texts,
    (duration, freeze): (Duration, Option<Duration>),
    min_block: Duration,
    (interrupted, progress): (&Arc<AtomicBool>, &Progress),
) -> Result<Analysis, Failure> {
    let mut source = target::open(pid)?;
    source.ask_on(until_interrupted(interrupted));
    if let Some(limit) = freeze {
        target::can_be_stopped(pid)?;
        source.freeze(limit);
    }
    let mut header = source.header().clone();
    let probes = probes::for_between_looks(&source, BUDGET, &mut header);
    let mut outside = LiveOutside::new(pid, Arc::clone(interrupted))?;
    let mut session = Session::new(header.clone(), Some(Box::new(source)), None).keeping(min_block).untold();
    let pace = Pace { interval: INTERVAL, latency: LATENCY, duration: Some(duration) };
    let failure = |error| target::source_failure(&error);
    // Where it stands still one look is enough.
    let long = freeze.is_none() && first_look(&mut session, &mut outside).map_err(failure)?;
    session.probe(probes.attach(&mut header)?);
    for note in &header.notes {
        super::tell(format_args!("bingo: note: {note}"));
    }
    let ended = live_loop::run_to(&mut session, &mut Unseen, &mut outside, pace, &mut |session, outside| {
        if long {
            progress.work(&looking_closely(pid));
        }
        // They would only fill memory: what they tell of that time nobody asks for.
        session.unprobe(outside.now())?;
        session.look_closely(outside.now()).map(drop)
    });
    match ended {
        Ok(ending) => {
            // Nothing more is read, and what that took is worth having.
            session.close();
            let mut found = session.analysis(texts, min_block, || interrupted.load(Ordering::Relaxed));
            live_vars::add_of_process(&mut found, pid, &session);
            found.problems.extend(cut_short(ending, pid));
            Ok(found)
        }
        Err(LoopError::Source(error)) => Err(target::source_failure(&error)),
        Err(error @ LoopError::Output(_)) => Err(Failure::bad_input(error)),
    }
}

/// What is missing where a process did not last until the end.
pub(super) fn cut_short(ending: Ending, pid: u32) -> Option<Problem> {
    let what = match ending {
        Ending::Exited => "exited",
        Ending::Executed => "executed another program",
        Ending::Interrupted | Ending::TimeOver | Ending::OutputClosed => return None,
    };
    let what = format!("the process {pid} {what} while it was watched: there was no last close look at it");
    Some(Problem { goroutine: None, what })
}

/// Has close looks end soon after the user wants to end.
pub(super) fn until_interrupted(interrupted: &Arc<AtomicBool>) -> GoOn {
    let (interrupted, since) = (Arc::clone(interrupted), OnceLock::new());
    Arc::new(move || {
        !interrupted.load(Ordering::Relaxed) || since.get_or_init(Instant::now).elapsed() < LOOK_AT_THE_END
    })
}

/// Watches the process `pid` between two close looks, so that it can be judged.
pub(super) fn between_looks(
    session: &mut Session,
    face: &mut dyn Face,
    outside: &mut dyn Outside,
    pace: Pace,
    pid: u32,
) -> Result<Ending, LoopError> {
    let long = first_look(session, outside)?;
    let progress = Progress::new(true);
    live_loop::run_to(session, face, outside, pace, &mut |session, outside| {
        if long {
            progress.work(&looking_closely(pid));
        }
        let looked = session.look_closely(outside.now());
        progress.clear();
        looked.map(drop)
    })
}

/// What is said while that takes long.
fn looking_closely(pid: u32) -> String {
    format!("looking closely at the process {pid}")
}

/// Looks closely at a process. Whether that took so long that it is told of another.
fn first_look(session: &mut Session, outside: &mut dyn Outside) -> Result<bool, SourceError> {
    let begun = outside.now();
    session.look_closely(begun)?;
    Ok(outside.now().since(begun) >= WORTH_A_WORD)
}

/// A face that shows nothing.
struct Unseen;

impl Face for Unseen {
    fn begin(&mut self, _: &Session) -> io::Result<()> {
        Ok(())
    }

    fn events(&mut self, _: &Session, _: &[Event]) -> io::Result<()> {
        Ok(())
    }

    fn tick(&mut self, _: &Session) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self, _: &Session, _: Ending) -> io::Result<()> {
        Ok(())
    }
}
