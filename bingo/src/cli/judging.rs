//! A process that is judged again and again while it is watched: by looks of its own, so
//! that the pictures of it don't wait for that. In: a process. Out: judgements.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::outside::monotonic;
use super::reporting::MIN_BLOCK;
use super::source_files::SourceFiles;
use super::target;
use crate::model::Source;
use crate::session::Session;
use crate::tui::{Desk, Judged};

/// Between two judgements at the least.
const REST: Duration = Duration::from_secs(1);
/// They may take one part in so many of a processor's time.
const SHARE: u32 = 20;
/// Between two looks at whether the user has had enough.
const PATIENCE: Duration = Duration::from_millis(50);

/// Judges the process `pid`, until the user has had enough or it cannot be looked at.
pub(super) fn judge(pid: u32, desk: &Desk, interrupted: &Arc<AtomicBool>) {
    // What is wrong with it is told by who watches it.
    let Ok(mut source) = target::open(pid) else { return };
    let asked = Arc::clone(interrupted);
    source.ask_on(Arc::new(move || !asked.load(Ordering::Relaxed)));
    let header = source.header().clone();
    let mut session = Session::new(header, Some(Box::new(source)), None).keeping(MIN_BLOCK).untold();
    let texts = SourceFiles::new(None);
    let stop = || interrupted.load(Ordering::Relaxed);
    while !stop() {
        let begun = Instant::now();
        if !matches!(session.look_closely(monotonic()), Ok(true)) {
            return;
        }
        let found = session.analysis(&texts, MIN_BLOCK, stop);
        let took = begun.elapsed();
        desk.judge(Judged { findings: found.findings, took });
        let next = begun + (took * SHARE).max(REST);
        while Instant::now() < next && !stop() {
            std::thread::sleep(PATIENCE);
        }
    }
}
