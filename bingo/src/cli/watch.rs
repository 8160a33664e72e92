//! A running process as an input of `analyze`: watched for a time as `attach`
//! does, shown to nobody, judged at the end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::attach::Mode;
use super::outside::{INTERVAL, LATENCY, LiveOutside};
use super::progress::Progress;
use super::{Failure, probes, target};
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
    let begun = outside.now();
    let looked = session.look_closely(begun).map_err(LoopError::Source);
    let took = outside.now().since(begun);
    let ended = looked.and_then(|_| live_loop::run(&mut session, &mut Unseen, &mut outside, pace)).and_then(
        |ending| match ending {
            Ending::Exited | Ending::Executed => Ok(true),
            _ => {
                if took >= WORTH_A_WORD {
                    progress.work(&format!("looking closely at the process {pid}"));
                }
                session.look_closely(outside.now()).map_err(LoopError::Source)
            }
        },
    );
    match ended {
        Ok(_) => Ok(session.analysis(texts, min_block)),
        Err(LoopError::Source(error)) => Err(target::source_failure(&error)),
        Err(error @ LoopError::Output(_)) => Err(Failure::bad_input(error)),
    }
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
