//! The formats that are about blocked time: what they are made of when the input
//! has been read. In come observations; out comes a [`Picture`] for one format.

use std::io::{self, Write};
use std::time::Duration;

use super::Export;
use crate::model::{Frame, Header, Observation, Stack};
use crate::session::{Waited, Waits};

/// Blocked time that is being gathered for a format.
pub struct Blocked<W> {
    waits: Waits,
    header: Header,
    all: bool,
    write: Format,
    out: W,
}

/// A format: it writes a picture.
pub type Format = fn(&Picture<'_>, &mut dyn Write) -> io::Result<()>;

/// Who waited where.
#[derive(Debug)]
pub struct Picture<'a> {
    /// What the input is about.
    pub(super) header: &'a Header,
    /// From the first observation to the last.
    pub(super) span: Duration,
    /// The places, the longest first.
    pub(super) waits: Vec<Waited>,
    /// The runtime's frames too.
    all: bool,
}

impl<W: Write> Blocked<W> {
    /// Nothing yet. The runtime's own goroutines and frames are left out unless `all`.
    pub fn new(out: W, header: &Header, all: bool, write: Format) -> Blocked<W> {
        Blocked { waits: Waits::default(), header: header.clone(), all, write, out }
    }
}

impl<W: Write> Export for Blocked<W> {
    fn take(&mut self, observation: &Observation) -> io::Result<()> {
        self.waits.take(observation);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let mut waits = self.waits.places();
        waits.retain(|wait| self.all || wait.stack.visible().next().is_some());
        let picture = Picture { header: &self.header, span: self.waits.span(), waits, all: self.all };
        let mut out = io::BufWriter::with_capacity(1 << 18, &mut self.out);
        (self.write)(&picture, &mut out)?;
        out.flush()
    }
}

impl Picture<'_> {
    /// The frames of a stack that are shown, innermost first.
    pub(super) fn frames<'s>(&self, stack: &'s Stack) -> impl DoubleEndedIterator<Item = &'s Frame> {
        let all = self.all;
        stack.frames().iter().filter(move |frame| all || frame.is_visible())
    }
}

/// What ends the stack of a wait: `[chan-send]`.
pub(super) fn condition(wait: &Waited) -> String {
    wait.reason.map_or_else(|| "[blocked]".to_owned(), |reason| format!("[{reason}]"))
}

/// A function's name; code that is not Go's has none.
pub(super) fn name(frame: &Frame) -> &str {
    if frame.function.is_empty() { "?" } else { &frame.function }
}
