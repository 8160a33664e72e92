//! How far reading has come, for work that takes over a second, on a terminal
//! alone. In: bytes that were read. Out: a line on standard error, gone before
//! anything else is said.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is over sooner needs no word.
const PATIENCE: Duration = Duration::from_secs(1);
const REDRAW: Duration = Duration::from_millis(100);

/// The line; all clones are one.
#[derive(Clone, Debug)]
pub(super) struct Progress(Arc<Line>);

#[derive(Debug)]
struct Line {
    bar: ProgressBar,
    begun: Instant,
    /// It is not to be shown, or not any more, or is shown already.
    settled: AtomicBool,
}

/// Reads, and counts what is read.
pub(super) struct Counted<R> {
    from: R,
    progress: Progress,
}

impl Progress {
    /// None yet; none ever unless it is `wanted` and somebody sees it.
    pub(super) fn new(wanted: bool) -> Progress {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Progress(Arc::new(Line { bar, begun: Instant::now(), settled: AtomicBool::new(!wanted || dumb) }))
    }

    /// `what` is read from now on, as many bytes as `length` if that is known.
    pub(super) fn begin(&self, what: &str, length: Option<u64>) {
        let bar = &self.0.bar;
        let template = match length {
            Some(length) => {
                bar.set_length(length);
                "{spinner} {msg}: {bytes} of {total_bytes} {wide_bar} {elapsed}"
            }
            None => "{spinner} {msg}: {bytes}, {elapsed}",
        };
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_message(what.to_owned());
        bar.set_position(0);
    }

    /// `what` is done from now on, and may take a while: it is shown when it is time.
    pub(super) fn work(&self, what: &str) {
        let bar = &self.0.bar;
        let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(what.to_owned());
        bar.reset_elapsed();
        self.tick();
    }

    /// Time goes on: the line is shown when it is time.
    pub(super) fn tick(&self) {
        let due = self.0.begun.elapsed() >= PATIENCE;
        if due && !self.0.settled.swap(true, Ordering::Relaxed) {
            self.0.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.0.bar.enable_steady_tick(REDRAW);
        }
    }

    /// Takes the line away for good.
    pub(super) fn clear(&self) {
        self.0.settled.store(true, Ordering::Relaxed);
        self.0.bar.finish_and_clear();
        self.0.bar.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// What is read from `from` is counted.
    pub(super) fn counting<R>(&self, from: R) -> Counted<R> {
        Counted { from, progress: self.clone() }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(into)?;
        self.progress.0.bar.inc(u64::try_from(length).unwrap_or(0));
        self.progress.tick();
        Ok(length)
    }
}

/// As far as it has come counts as read.
impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = self.from.seek(to)?;
        if !matches!(to, SeekFrom::End(_)) {
            self.progress.0.bar.set_position(at);
            self.progress.tick();
        }
        Ok(at)
    }
}
