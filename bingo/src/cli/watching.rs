//! A running process that is watched, for `attach`: its source, its probes, its report.
//! In: what was asked for, and a face. Out: how it ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::attach::{Arguments, Mode};
use super::outside::{LATENCY, LiveOutside};
use super::reporting::{MIN_BLOCK, Reporting};
use super::{Failure, Status, live_vars, probes, target, watch};
use crate::model::Source;
use crate::session::live_loop::{self, Ending, Face, LoopError, Pace};
use crate::session::{Run, Session};

/// Watches the process. `face` makes what shows it, and says what that writes to, when
/// all else is ready; `keeps`: the past, too.
pub(super) fn observe<'f>(
    arguments: &Arguments,
    interrupted: &Arc<AtomicBool>,
    keeps: bool,
    face: impl FnOnce() -> Result<(Box<dyn Face + 'f>, String), Failure>,
) -> Result<(Ending, Status), Failure> {
    let reporting = arguments.report.clone().map(Reporting::json);
    reporting.as_ref().map_or(Ok(()), |reporting| reporting.check(&[]))?;
    let begun = Instant::now();
    let mut source = target::open(arguments.pid)?;
    let mut header = source.header().clone();
    let budget = (arguments.mode != Mode::Probe).then_some(arguments.max_overhead);
    let probes = probes::attach(&source, arguments.mode, budget, &mut header)?;
    let (mut face, name) = face()?;
    for note in &header.notes {
        super::tell(format_args!("bingo: note: {note}"));
    }
    source.ask_on(watch::until_interrupted(interrupted));
    let mut outside = LiveOutside::new(arguments.pid, Arc::clone(interrupted))?;
    let mut session = Session::new(header, Some(Box::new(source)), probes);
    if keeps {
        session = session.keeping(MIN_BLOCK);
    }
    let pace = Pace { interval: arguments.interval, latency: LATENCY, duration: arguments.duration };
    let ended = if reporting.is_some() {
        watch::between_looks(&mut session, &mut *face, &mut outside, pace, arguments.pid)
    } else {
        live_loop::run(&mut session, &mut *face, &mut outside, pace)
    };
    drop(face);
    if let (Some(reporting), Ok(ending)) = (&reporting, &ended) {
        let texts = reporting.source_files();
        let stop = || interrupted.load(Ordering::Relaxed);
        let mut found = session.analysis(&texts, MIN_BLOCK, stop);
        live_vars::add_of_process(&mut found, arguments.pid, &session);
        found.problems.extend(watch::cut_short(*ending, arguments.pid));
        reporting.report(found.found_in(Run::of(arguments.pid.to_string())), begun)?;
    }
    match ended {
        Ok(Ending::Interrupted) => Ok((Ending::Interrupted, Status::Interrupted)),
        Ok(ending) => Ok((ending, Status::Good)),
        Err(LoopError::Source(error)) => Err(target::source_failure(&error)),
        Err(LoopError::Output(error)) => Err(Failure::output(name, &error)),
    }
}

/// Why a process is not watched any more, where the user cannot know.
pub(super) fn why(ending: Ending, pid: u32) -> Option<String> {
    match ending {
        Ending::Exited => Some(format!("the process {pid} has exited")),
        Ending::Executed => {
            Some(format!("the process {pid} has executed another program: attach again to see that"))
        }
        Ending::Interrupted | Ending::TimeOver | Ending::OutputClosed => None,
    }
}

/// Watches the process on the screens.
#[cfg(feature = "tui")]
pub(super) fn on_screen(arguments: &Arguments) -> Result<Status, Failure> {
    use super::{interrupt, judging, screens};
    use crate::tui::{Left, Over, ScreenFace};

    let interrupted = interrupt::watch()?;
    let (pid, judged_until) = (arguments.pid, Arc::clone(&interrupted));
    let judge = move |desk: &_| judging::judge(pid, desk, &judged_until);
    let (left, (ending, status)) = screens::show(&arguments.showing, &interrupted, judge, |desk| {
        let shown = || Ok((Box::new(ScreenFace::new(desk)) as Box<dyn Face>, "the terminal".to_owned()));
        let ended = observe(arguments, &interrupted, true, shown)?;
        if let Some(why) = why(ended.0, pid) {
            desk.end(Over::Stay(why));
        }
        Ok(ended)
    })?;
    if let Some(why) = why(ending, pid) {
        super::tell(format_args!("bingo: {why}"));
    }
    // Who leaves by a key has seen what he wanted.
    Ok(if left == Left::ByKey { Status::Good } else { status })
}
