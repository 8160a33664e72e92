//! The live picture: a table that fits a screen, and a line for each change
//! where there is no screen.

use std::time::Duration;

use super::filter::Selection;
use super::groups::{Group, groups};
use super::style::{Style, Tone};
use super::words::{Detail, count, cut, duration, place, place_within, waits_on, wrapped};
use crate::model::{GoId, GoState, SourceKind, Time};
use crate::recording::wire::Objects;
use crate::session::{Goroutine, Since, View};

/// What there is room for.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Columns.
    pub width: usize,
    /// Lines; `None`: as many as it takes.
    pub height: Option<usize>,
    /// Whether to colour.
    pub style: Style,
}

/// Columns of the table.
const BLOCKED: usize = 8;
const NUMBER: usize = 7;
const GOROUTINES: usize = 11;
const WHY: usize = 16;
/// From this width of the screen on there is room for all columns.
const ROOM_FOR_ALL: usize = 110;
/// From this width on a group fits on a line, without ids and addresses.
const ROOM_FOR_A_LINE: usize = 72;

/// How the columns lie: what is waited on and where is there at every width.
#[derive(Clone, Copy, Debug)]
enum Columns {
    /// All of them, so many characters for what is waited on.
    All { on: usize },
    /// Without the ids, and without the addresses of what is waited on.
    Brief { on: usize },
    /// The same on two lines.
    Stacked,
}

/// The picture: a header, then a line or two for each group, what is stuck first.
#[must_use]
pub fn table(view: &View, selection: &Selection, screen: Screen) -> String {
    let width = screen.width;
    let mut lines: Vec<String> = header_lines(view, selection)
        .iter()
        .flat_map(|line| wrapped(line, width))
        .map(|line| screen.style.paint(Tone::Heading, &line))
        .collect();
    lines.push(String::new());
    let columns = Columns::of(width);
    lines.extend(columns.titles().iter().map(|title| screen.style.paint(Tone::Calm, &cut(title, width))));
    lines.extend(selection.none_of(view));

    let groups = groups(view, selection);
    let room = screen.height.map_or(usize::MAX, |height| height.saturating_sub(lines.len() + 1));
    let shown = room / columns.titles().len();
    for group in groups.iter().take(shown) {
        let rows = columns.rows(view, group, selection, width);
        lines.extend(rows.iter().map(|row| screen.style.paint(group.tone(), &cut(row.trim_end(), width))));
    }
    if let Some(hidden @ 1..) = groups.len().checked_sub(shown) {
        lines.push(screen.style.paint(Tone::Calm, &cut(&format!("… and {hidden} more groups"), width)));
    }
    lines.join("\n") + "\n"
}

impl Columns {
    fn of(width: usize) -> Columns {
        match width {
            ROOM_FOR_ALL.. => Columns::All { on: (width / 3).min(48) },
            ROOM_FOR_A_LINE.. => Columns::Brief { on: (width - BLOCKED - NUMBER - WHY - 4) * 7 / 15 },
            _ => Columns::Stacked,
        }
    }

    /// As many as a group has lines.
    fn titles(self) -> Vec<String> {
        let numbers = format!("{:>BLOCKED$} {:>NUMBER$} ", "FOR", "COUNT");
        match self {
            Columns::All { on } => {
                vec![format!("{numbers} {:<GOROUTINES$} {:<WHY$} {:<on$} AT", "IDS", "WHY", "ON")]
            }
            Columns::Brief { on } => vec![format!("{numbers} {:<WHY$} {:<on$} AT", "WHY", "ON")],
            Columns::Stacked => vec![format!("{numbers} WHY, ON"), format!("{:>BLOCKED$} AT", "")],
        }
    }

    fn rows(self, view: &View, group: &Group<'_>, selection: &Selection, width: usize) -> Vec<String> {
        let lasting = group.longest.map_or_else(String::new, |longest| match group.since() {
            Some(Since::AtLatest(_)) => format!(">{}", duration(longest)),
            Some(Since::About(_)) => format!("~{}", duration(longest)),
            Some(Since::Exact(_)) | None => duration(longest),
        });
        let numbers = format!("{lasting:>BLOCKED$} {:>NUMBER$} ", count(group.members.len()));
        let why = group.why();
        let wait = |detail| group.waits_on(view, detail).unwrap_or_default();
        let site = if selection.all { group.stack.frames().first() } else { group.stack.site() };
        let ended = |row: String| {
            let room = width.saturating_sub(row.chars().count());
            row + &site.map(|frame| place_within(frame, room)).unwrap_or_default()
        };
        match self {
            Columns::All { on } => {
                let wait = cut(&wait(Detail::Address), on);
                vec![ended(format!("{numbers} {:<GOROUTINES$} {why:<WHY$} {wait:<on$} ", who(group)))]
            }
            Columns::Brief { on } => {
                let wait = cut(&wait(Detail::Brief), on);
                vec![ended(format!("{numbers} {why:<WHY$} {wait:<on$} "))]
            }
            Columns::Stacked => {
                let wait = wait(Detail::Brief);
                let comma = if wait.is_empty() { "" } else { ", " };
                vec![format!("{numbers} {why}{comma}{wait}"), ended(format!("{:>BLOCKED$} ", ""))]
            }
        }
    }
}

/// How it is observed: by which probes, at what cost to the target, and how much was lost.
#[must_use]
pub fn observed_line(view: &View) -> String {
    let lost = view.totals.lost.total();
    match &view.probes {
        Some(probes) => {
            let set = if probes.probes.is_empty() { "none for now" } else { &probes.probes };
            let percent = |share: f64| format!("{:.1}%", share * 100.0);
            let overhead = probes.overhead.map_or_else(|| "to be seen".to_owned(), percent);
            let budget = probes
                .budget
                .map_or_else(|| ", unbounded".to_owned(), |budget| format!(" of {}", percent(budget)));
            let events = count(view.totals.events);
            format!("probes: {set}; overhead {overhead}{budget}; {events} events, {} lost", count(lost))
        }
        None if view.header.source == SourceKind::Core => "as a core file has it".to_owned(),
        None => format!("polling, {} a snapshot", duration(view.snapshot.1)),
    }
}

/// Who is looked at, how, and how many goroutines are in which state.
#[must_use]
pub fn header_lines(view: &View, selection: &Selection) -> Vec<String> {
    let header = &view.header;
    let mut who: Vec<String> = Vec::new();
    who.extend(header.pid.map(|pid| match header.inner_pid {
        Some(inner) => format!("process {pid} (inside: {inner})"),
        None => format!("process {pid}"),
    }));
    who.extend(header.binary.as_ref().map(|path| path.display().to_string()));
    who.extend(header.go_version.clone());
    let how = observed_line(view);
    let counts = view.counts(false);
    let goroutines = if counts.total() == 1 { "goroutine" } else { "goroutines" };
    let mut states = format!("{} {goroutines}: {} blocked", count(counts.total()), count(counts.blocked));
    for (number, word) in
        [(counts.runnable, "runnable"), (counts.running, "running"), (counts.syscall, "in system calls")]
    {
        if number > 0 {
            states.push_str(&format!(", {} {word}", count(number)));
        }
    }
    let system = view.counts(true).total();
    let shown = if selection.all { "shown" } else { "not shown" };
    states.push_str(&format!("; {system} of the runtime, {shown}"));
    if !view.problems.is_empty() {
        states.push_str(&format!("; {} unreadable", count(view.problems.len())));
    }
    if view.totals.lost.total() > 0 && view.uncertain > 0 {
        states.push_str(&format!("; {} uncertain since events were lost", count(view.uncertain)));
    }
    vec![who.join(", "), how, states]
}

/// As many ids as there is room for: `18 19 20 …`.
fn who(group: &Group<'_>) -> String {
    let mut ids = String::new();
    for (at, goroutine) in group.members.iter().enumerate() {
        let id = format!("{}{}", if at > 0 { " " } else { "" }, goroutine.id);
        let last = at + 1 == group.members.len();
        if ids.len() + id.len() + if last { 0 } else { 2 } > GOROUTINES {
            ids.push_str(" …");
            break;
        }
        ids.push_str(&id);
    }
    ids
}

/// A line on one goroutine that has changed, for where there is no screen: how
/// long after `begun` that was told, and in what condition it is.
#[must_use]
pub fn changed_line(goroutine: &Goroutine, objects: &Objects, now: Time, begun: Time) -> String {
    let mut line = format!("{} goroutine {} {}", after(now, begun), goroutine.id, goroutine.state);
    if goroutine.state == GoState::Blocked {
        line.extend(goroutine.reason.map(|reason| format!(" {reason}")));
        line.extend(goroutine.wait.as_ref().map(|wait| format!(" on {}", waits_on(wait, objects, now))));
        let lasting = now.since(goroutine.since.time());
        if lasting >= Duration::from_secs(1) {
            line.push_str(&format!(" for {}", duration(lasting)));
        }
    }
    line.extend(goroutine.stack.site().map(|frame| format!(" at {}", place(frame))));
    line
}

/// The line on a goroutine that has ended.
#[must_use]
pub fn gone_line(id: GoId, now: Time, begun: Time) -> String {
    format!("{} goroutine {id} dead", after(now, begun))
}

/// How long after the beginning, in seconds.
fn after(now: Time, begun: Time) -> String {
    let after = now.since(begun);
    format!("{:>8}", format!("+{}.{:03}", after.as_secs(), after.subsec_millis()))
}
