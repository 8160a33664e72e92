//! How a live session is shown: a table on a terminal, a line for each change,
//! or events as JSON lines.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::time::Duration;

use super::background::Background;
use super::output::Output;
use crate::model::{Event, EventKind, Frame, GoId, GoState, Stack, Time, WaitReason};
use crate::recording::EventWriter;
use crate::report::{self, Screen, Selection, Style};
use crate::session::Session;
use crate::session::live_loop::{Ending, Face};

/// A screen is not drawn more often than people can see.
const REDRAW: Duration = Duration::from_millis(95);
/// Groups that are left on the terminal at the end.
const LEFT_AT_END: usize = 60;
/// How often lines are followed by one that says what observing costs.
const STATUS: Duration = Duration::from_secs(10);
/// Columns of the picture at the end where there is no terminal.
const LINE_WIDTH: usize = 120;
/// Bytes of lines that are written at once.
const BATCH: usize = 1 << 18;

/// A table that is refreshed, on the terminal's other screen.
pub(super) struct TableFace {
    output: Output,
    selection: Selection,
    style: Style,
    drawn: Option<Time>,
}

/// A line for each goroutine whose condition has changed.
pub(super) struct LinesFace {
    output: Output,
    selection: Selection,
    begun: Time,
    seq: u64,
    told: HashMap<GoId, Condition>,
    /// When it was last said what observing costs.
    status: Time,
}

type Condition = (GoState, Option<WaitReason>, *const Frame);

/// Events, one a line.
pub(super) struct JsonlFace {
    output: Option<Output>,
    writer: Option<EventWriter<Background>>,
    selection: Selection,
    /// Goroutines of which something was written: their end is told too.
    shown: HashSet<GoId>,
}

impl TableFace {
    pub(super) fn new(output: Output, selection: Selection) -> TableFace {
        let style = output.style();
        TableFace { output, selection, style, drawn: None }
    }

    fn draw(&mut self, session: &Session) -> io::Result<()> {
        let (width, height) = size();
        let screen = Screen { width, height: Some(height.saturating_sub(1)), style: self.style };
        let table = report::table(&session.view(), &self.selection, screen);
        // Home, each line to its end, and nothing below: no flicker.
        let lines: Vec<&str> = table.lines().collect();
        write!(self.output, "\x1b[H{}\x1b[K\n\x1b[J", lines.join("\x1b[K\n"))?;
        self.output.flush()
    }

    /// Gives the terminal back as it was.
    fn leave(&mut self) -> io::Result<()> {
        if self.drawn.take().is_some() {
            write!(self.output, "\x1b[?25h\x1b[?1049l")?;
            self.output.flush()?;
        }
        Ok(())
    }
}

impl Face for TableFace {
    fn begin(&mut self, session: &Session) -> io::Result<()> {
        // The other screen, without a cursor, so that the terminal is left as it was.
        write!(self.output, "\x1b[?1049h\x1b[?25l")?;
        self.drawn = Some(session.now());
        self.draw(session)
    }

    fn events(&mut self, _: &Session, _: &[Event]) -> io::Result<()> {
        Ok(())
    }

    fn tick(&mut self, session: &Session) -> io::Result<()> {
        if self.drawn.is_none_or(|drawn| session.now().since(drawn) >= REDRAW) {
            self.drawn = Some(session.now());
            self.draw(session)?;
        }
        Ok(())
    }

    fn last_look(&mut self) -> io::Result<()> {
        self.leave()
    }

    fn end(&mut self, session: &Session, _: Ending) -> io::Result<()> {
        self.leave()?;
        let (width, _) = size();
        let screen = Screen { width, height: Some(LEFT_AT_END), style: self.style };
        self.output.write_all(report::table(&session.view(), &self.selection, screen).as_bytes())?;
        self.output.flush()
    }
}

impl Drop for TableFace {
    fn drop(&mut self) {
        // Best effort: what could not be written has been told.
        let _ = self.leave();
    }
}

fn size() -> (usize, usize) {
    let found = terminal_size::terminal_size();
    found.map_or((80, 24), |(width, height)| (usize::from(width.0), usize::from(height.0)))
}

impl LinesFace {
    pub(super) fn new(output: Output, selection: Selection) -> LinesFace {
        LinesFace {
            output,
            selection,
            begun: Time::default(),
            seq: 0,
            told: HashMap::new(),
            status: Time::default(),
        }
    }

    fn changes(&mut self, session: &Session, text: &mut String) {
        let (objects, now) = (session.world().objects(), session.now());
        let changes = session.world().changes_since(self.seq);
        self.seq = changes.seq;
        let first = self.begun == Time::default();
        for id in changes.gone {
            if self.told.remove(&id).is_some() {
                text.push_str(&report::gone_line(id, now, self.begun));
                text.push('\n');
            }
        }
        for goroutine in changes.goroutines {
            let condition = (goroutine.state, goroutine.reason, goroutine.stack.frames().as_ptr());
            if !self.selection.shows(goroutine) {
                // It may have been shown, and not match any more.
                self.told.remove(&goroutine.id);
            } else if self.told.insert(goroutine.id, condition) != Some(condition) && !first {
                text.push_str(&report::changed_line(goroutine, objects, now, self.begun));
                text.push('\n');
            }
        }
    }
}

impl Face for LinesFace {
    fn begin(&mut self, session: &Session) -> io::Result<()> {
        let mut text = report::grouped(&session.view(), &self.selection, Style::Plain);
        text.push('\n');
        // What stands there need not be told again.
        self.changes(session, &mut String::new());
        self.begun = session.now();
        self.status = self.begun;
        self.output.write_all(text.as_bytes())?;
        self.output.flush()
    }

    fn events(&mut self, _: &Session, _: &[Event]) -> io::Result<()> {
        Ok(())
    }

    fn tick(&mut self, session: &Session) -> io::Result<()> {
        let mut text = String::new();
        self.changes(session, &mut text);
        if session.now().since(self.status) >= STATUS {
            self.status = session.now();
            text.push_str(&report::observed_line(&session.view()));
            text.push('\n');
        }
        self.output.write_all(text.as_bytes())?;
        self.output.flush()
    }

    fn end(&mut self, session: &Session, _: Ending) -> io::Result<()> {
        self.tick(session)?;
        // What is left at the end, in one picture.
        let screen = Screen { width: LINE_WIDTH, height: Some(LEFT_AT_END), style: Style::Plain };
        let table = report::table(&session.view(), &self.selection, screen);
        write!(self.output, "\n{table}")?;
        self.output.flush()
    }
}

impl JsonlFace {
    pub(super) fn new(output: Output, selection: Selection) -> JsonlFace {
        JsonlFace { output: Some(output), writer: None, selection, shown: HashSet::new() }
    }

    /// Whether the event is on a goroutine that is shown.
    fn shows(&mut self, session: &Session, event: &Event) -> bool {
        let Some(id) = event.goroutine else { return true };
        if event.kind.state() == Some(GoState::Dead) {
            return self.shown.remove(&id) || (self.selection.all && self.selection.filter.is_none());
        }
        let known = session.world().goroutine(id);
        if !self.selection.all && known.is_some_and(|goroutine| goroutine.system) {
            return false;
        }
        let shows = self.selection.filter.as_ref().is_none_or(|filter| {
            let (state, reason) = match &event.kind {
                EventKind::Block { reason, .. } => (GoState::Blocked, *reason),
                EventKind::Snapshot { state, reason, .. } => (*state, *reason),
                kind => (kind.state().unwrap_or(GoState::Runnable), None),
            };
            let own = matches!(event.kind, EventKind::Block { .. } | EventKind::Snapshot { .. });
            let stack = event.stack.as_ref().filter(|_| own);
            match stack.or(known.map(|goroutine| &goroutine.stack)) {
                Some(stack) => filter.matches(state, reason, stack),
                None => filter.matches(state, reason, &Stack::empty()),
            }
        });
        if shows {
            self.shown.insert(id);
        }
        shows
    }

    fn event(&mut self, session: &Session, event: &Event) -> io::Result<()> {
        let shows = self.shows(session, event);
        let Some(writer) = self.writer.as_mut().filter(|_| shows) else { return Ok(()) };
        writer.event(event, Some(session.world().objects()))?;
        if writer.pending() > BATCH { writer.flush() } else { Ok(()) }
    }

    /// How each goroutine is at the end, those that nothing happened to among them: who
    /// reads the lines knows by these alone for how long they waited.
    fn standing(&mut self, session: &Session) -> io::Result<()> {
        let mut living: Vec<GoId> = session.world().glances().map(|goroutine| goroutine.id()).collect();
        living.sort_unstable();
        living
            .into_iter()
            .filter_map(|id| session.world().found(id))
            .try_for_each(|event| self.event(session, &event))
    }
}

impl Face for JsonlFace {
    fn begin(&mut self, session: &Session) -> io::Result<()> {
        if let Some(output) = self.output.take() {
            self.writer =
                Some(EventWriter::new(Background::new(output)?, session.header(), self.selection.all)?);
        }
        Ok(())
    }

    fn events(&mut self, session: &Session, events: &[Event]) -> io::Result<()> {
        events.iter().try_for_each(|event| self.event(session, event))?;
        self.writer.as_mut().map_or(Ok(()), EventWriter::flush)
    }

    fn tick(&mut self, _: &Session) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self, session: &Session, ending: Ending) -> io::Result<()> {
        if ending.goes_on() {
            self.standing(session)?;
        }
        super::tell(format_args!("bingo: {}", report::observed_line(&session.view())));
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.flush()?;
        writer.output().finish()
    }
}
