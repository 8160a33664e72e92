//! The live picture: a table that fits a screen, and a line for each change
//! where there is no screen.

use std::time::Duration;

use super::filter::Selection;
use super::groups::{Group, groups};
use super::style::{Style, Tone};
use super::words::{count, duration, place, waits_on};
use crate::model::{GoId, GoState, Time};
use crate::recording::wire::Objects;
use crate::session::{Goroutine, View};

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

/// Columns of the table but the last, which takes the rest.
const BLOCKED: usize = 8;
const NUMBER: usize = 7;
const GOROUTINES: usize = 11;
const WHY: usize = 16;
/// What is waited on, from this width of the screen on.
const ROOM_FOR_ON: usize = 110;

/// The picture: a header, then a line for each group, what is stuck first.
#[must_use]
pub fn table(view: &View, selection: &Selection, screen: Screen) -> String {
    let mut lines: Vec<String> = header_lines(view, selection)
        .into_iter()
        .map(|line| screen.style.paint(Tone::Heading, &cut(&line, screen.width)))
        .collect();
    lines.push(String::new());
    let on = if screen.width >= ROOM_FOR_ON { (screen.width / 3).min(48) } else { 0 };
    let mut titles =
        format!("{:>BLOCKED$} {:>NUMBER$}  {:<GOROUTINES$} {:<WHY$} ", "FOR", "COUNT", "IDS", "WHY");
    if on > 0 {
        titles.push_str(&format!("{:<on$} ", "ON"));
    }
    titles.push_str("AT");
    lines.push(screen.style.paint(Tone::Calm, &cut(&titles, screen.width)));

    let groups = groups(view, selection);
    let room = screen.height.map_or(usize::MAX, |height| height.saturating_sub(lines.len() + 1));
    for group in groups.iter().take(room) {
        let row = row(view, group, selection, on);
        lines.push(screen.style.paint(group.tone(), &cut(&row, screen.width)));
    }
    if let Some(hidden @ 1..) = groups.len().checked_sub(room) {
        lines.push(screen.style.paint(Tone::Calm, &format!("… and {hidden} more groups")));
    }
    lines.join("\n") + "\n"
}

/// How it is observed: by which probes, at what cost to the target, and how much was lost.
#[must_use]
pub fn observed_line(view: &View) -> String {
    let lost = view.totals.lost.total();
    match &view.probes {
        Some(probes) => {
            let set = if probes.probes.is_empty() { "none for now" } else { &probes.probes };
            let percent = |share: f64| format!("{:.1}%", share * 100.0);
            let overhead = probes.overhead.map_or_else(|| "not known yet".to_owned(), percent);
            let budget = probes
                .budget
                .map_or_else(|| ", unbounded".to_owned(), |budget| format!(" of {}", percent(budget)));
            let events = count(view.totals.events);
            format!("probes: {set}; overhead {overhead}{budget}; {events} events, {} lost", count(lost))
        }
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
    let mut states = format!("{} goroutines: {} blocked", count(counts.total()), count(counts.blocked));
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

fn row(view: &View, group: &Group<'_>, selection: &Selection, on: usize) -> String {
    let lasting = group.longest.map_or_else(String::new, |longest| {
        if group.is_exact() { duration(longest) } else { format!(">{}", duration(longest)) }
    });
    let number = count(group.members.len());
    let mut row =
        format!("{lasting:>BLOCKED$} {number:>NUMBER$}  {:<GOROUTINES$} {:<WHY$} ", who(group), group.why());
    let wait = group.waits_on(view).unwrap_or_default();
    if on > 0 {
        row.push_str(&format!("{:<on$} ", cut(&wait, on)));
    }
    let site = if selection.all { group.stack.frames().first() } else { group.stack.site() };
    row.push_str(&site.map(place).unwrap_or_default());
    row
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

/// The first `width` characters, the last of them an ellipsis if there are more.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}
