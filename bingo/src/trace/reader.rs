//! The reader of traces. In: the bytes of a trace. Out: its events in the one
//! order in which Go's own reader gives them, one a call.

use std::io::Read;

use super::bytes::Bytes;
use super::detail::Detail;
use super::error::TraceError;
use super::event::TraceEvent;
use super::merge::{Merge, Take, refers_to_what_is_there};
use super::order::{OrderFault, Touched};
use super::tables::Tables;
use super::version::Version;

/// Events that are put in order at once.
const AHEAD: usize = 1 << 8;

/// What a reader makes of a trace that is cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CutOff {
    /// An error behind the last whole generation, as Go's reader does.
    Refuse,
    /// What can be had of the generation that is not whole, then the error. Such
    /// events may refer to strings and stacks that the trace has not.
    Salvage,
}

/// Reads a trace, event by event. Memory is bounded by one generation.
pub struct Reader<'r> {
    merge: Merge<'r>,
    ready: Ready,
    /// Where in those the event is that came last.
    at: usize,
    /// What comes behind them.
    error: Option<TraceError>,
}

/// Events that were put in order, of one generation.
struct Ready(Vec<TraceEvent>);

impl Take for Ready {
    #[inline(always)]
    fn take(&mut self, event: &TraceEvent, _: Touched, tables: &Tables) -> Result<(), OrderFault> {
        refers_to_what_is_there(event, tables)?;
        self.0.push(*event);
        Ok(())
    }

    fn take_sync(&mut self, event: &TraceEvent, _: Option<&Tables>) {
        self.0.push(*event);
    }
}

impl<'r> Reader<'r> {
    /// A reader of these bytes, on this thread alone.
    ///
    /// # Errors
    /// When they are not a trace of a known form.
    pub fn new(bytes: impl Read + Send + 'r, cut_off: CutOff) -> Result<Reader<'r>, TraceError> {
        let merge = Merge::new(Bytes::stream(bytes), cut_off == CutOff::Salvage, None)?;
        Ok(Reader { merge, ready: Ready(Vec::new()), at: 0, error: None })
    }

    /// The form of the trace.
    #[must_use]
    pub fn version(&self) -> Version {
        self.merge.version()
    }

    /// The tables that the ids of the event yielded last refer to; `None` before
    /// the first and behind the last generation.
    #[must_use]
    pub fn tables(&self) -> Option<&Tables> {
        self.merge.tables()
    }

    /// How many events were yielded.
    #[must_use]
    pub fn count(&self) -> u64 {
        let ahead = self.ready.0.len().saturating_sub(self.at + 1);
        self.merge.count.saturating_sub(u64::try_from(ahead).unwrap_or(0))
    }

    /// What the event yielded last says. `None`: its kind is not known.
    #[must_use]
    pub fn detail(&self, event: &TraceEvent) -> Option<Detail<'_>> {
        Detail::of(event, self.tables(), &self.merge.order.task_names)
    }

    /// The next event; `None` behind the last, and behind an error.
    ///
    /// # Errors
    /// When the trace is corrupt or cut off; no event follows.
    pub fn next_event(&mut self) -> Result<Option<TraceEvent>, TraceError> {
        Ok(self.advance()?.then(|| *self.event()))
    }

    /// The event that [`Reader::advance`] came to.
    #[inline]
    #[must_use]
    pub fn event(&self) -> &TraceEvent {
        self.ready.0.get(self.at).unwrap_or(&TraceEvent::EMPTY)
    }

    /// Goes on to the next event, which [`Reader::event`] then is; `false` behind
    /// the last, and behind an error.
    ///
    /// # Errors
    /// When the trace is corrupt or cut off; no event follows.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, TraceError> {
        self.at += 1;
        if self.at < self.ready.0.len() { Ok(true) } else { self.put_more_in_order() }
    }

    fn put_more_in_order(&mut self) -> Result<bool, TraceError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        self.merge.order.goroutines.settle();
        self.at = 0;
        self.ready.0.clear();
        let before = self.merge.count;
        let ran = self.merge.run(AHEAD, &mut self.ready);
        let count = usize::try_from(self.merge.count - before).unwrap_or(usize::MAX);
        // One that another hides does not count.
        self.ready.0.truncate(count);
        match ran {
            Ok(()) if count == 0 => self.merge.step(&mut self.ready),
            Err(error) if count == 0 => Err(error),
            ran => {
                self.error = ran.err();
                Ok(true)
            }
        }
    }
}
