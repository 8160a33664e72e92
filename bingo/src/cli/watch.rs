//! A running process that is judged at the end of being watched: as an input of
//! `analyze`, shown to nobody, and by `attach --report`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::attach::Mode;
use super::outside::{INTERVAL, LATENCY, LiveOutside};
use super::progress::Progress;
use super::{Failure, live_vars, probes, target};
use crate::model::{Event, Source, Texts};
use crate::session::live_loop::{self, Ending, Face, LoopError, Outside, Pace};
use crate::session::{Analysis, Session};

/// What the probes may add to the process's own CPU time, as for `attach`.
const BUDGET: f64 = 0.02;

/// The first look goes over the heap once, the last one up to sixteen times: where the
/// first one takes so long, the last one takes over a second.
const WORTH_A_WORD: Duration = Duration::from_millis(70);

/// What is found in the process `pid` within `duration`.
pub(super) fn analysis(
    pid: u32,
    texts: &dyn Texts,
    duration: Duration,
    min_block: Duration,
    (interrupted, progress): (&Arc<AtomicBool>, &Progress),
) -> Result<Analysis, Failure> {
    let source = target::open(pid)?;
    let mut header = source.header().clone();
    let probes = probes::attach(&source, Mode::Auto, Some(BUDGET), &mut header)?;
    for note in &header.notes {
        super::tell(format_args!("bingo: note: {note}"));
    }
    let mut outside = LiveOutside::new(pid, Arc::clone(interrupted))?;
    let mut session = Session::new(header, Some(Box::new(source)), probes).keeping(min_block);
    let pace = Pace { interval: INTERVAL, latency: LATENCY, duration: Some(duration) };
    let long = || progress.work(&format!("looking closely at the process {pid}"));
    match between_looks(&mut session, &mut Unseen, &mut outside, pace, long) {
        Ok(_) => {
            let mut found = session.analysis(texts, min_block, || interrupted.load(Ordering::Relaxed));
            live_vars::add_of_process(&mut found, pid);
            Ok(found)
        }
        Err(LoopError::Source(error)) => Err(target::source_failure(&error)),
        Err(error @ LoopError::Output(_)) => Err(Failure::bad_input(error)),
    }
}

/// Watches a process between two close looks, so that it can be judged. Calls `long`
/// before the second one if that takes long.
pub(super) fn between_looks(
    session: &mut Session,
    face: &mut dyn Face,
    outside: &mut dyn Outside,
    pace: Pace,
    long: impl FnOnce(),
) -> Result<Ending, LoopError> {
    let begun = outside.now();
    session.look_closely(begun)?;
    let took = outside.now().since(begun);
    let ending = live_loop::run(session, face, outside, pace)?;
    if !matches!(ending, Ending::Exited | Ending::Executed) {
        if took >= WORTH_A_WORD {
            long();
        }
        session.look_closely(outside.now())?;
    }
    Ok(ending)
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
