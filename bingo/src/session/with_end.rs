//! A source, and one picture of the same program behind its end. In: a trace that
//! may have been cut short or never begun, and what was seen of the process as it
//! stood on its way out. Out: one source.

use crate::model::{Header, Sink, Snapshot, Source, SourceError, Time};

/// The two.
pub struct WithEnd<S> {
    source: Option<S>,
    header: Header,
    end: Option<Box<Snapshot>>,
}

impl<S: Source> WithEnd<S> {
    /// What `source` tells, and then `end`.
    #[must_use]
    pub fn new(source: S, end: Option<Box<Snapshot>>) -> WithEnd<S> {
        WithEnd { header: source.header().clone(), source: Some(source), end }
    }

    /// The picture alone, of what `header` is about.
    #[must_use]
    pub fn alone(header: Header, end: Box<Snapshot>) -> WithEnd<S> {
        WithEnd { source: None, header, end: Some(end) }
    }
}

impl<S: Source> Source for WithEnd<S> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn observe(&mut self, now: Time, out: &mut dyn Sink) -> Result<bool, SourceError> {
        if let Some(source) = &mut self.source {
            if source.observe(now, out)? {
                return Ok(true);
            }
            self.source = None;
        }
        if let Some(end) = self.end.take() {
            out.snapshot(end);
        }
        Ok(false)
    }
}
