//! `dump` as text: grouped by stack, or goroutine by goroutine in the manner of
//! `goroutine?debug=2`, with what Go leaves out: what each waits on, and who
//! else is there.

use std::fmt::Write;

use super::filter::Selection;
use super::groups::{Group, groups};
use super::style::Style;
use super::table::header_lines;
use super::words::{Detail, count, duration, waits_on};
use crate::model::{CreatedBy, Frame, GoId, SyncObject, Wait};
use crate::session::{Goroutine, Since, View};

/// Ids that are listed of a group.
const IDS_SHOWN: usize = 12;

/// All goroutines, those in one condition at one place together.
#[must_use]
pub fn grouped(view: &View, selection: &Selection, style: Style) -> String {
    let mut text = head(view, selection);
    for group in groups(view, selection) {
        text.push('\n');
        let title = style.paint(group.tone(), &title(&group));
        let _ = writeln!(text, "{title}");
        if let Some(wait) = group.waits_on(view, Detail::Address) {
            let _ = writeln!(text, "    on {wait}");
        }
        frames(&mut text, selection.frames(group.stack));
        origins(&mut text, &group);
    }
    problems(&mut text, view);
    text
}

/// All goroutines, one after the other, by id.
#[must_use]
pub fn each(view: &View, selection: &Selection) -> String {
    let mut text = head(view, selection);
    for goroutine in selection.of(view) {
        let mut condition = goroutine.state.to_string();
        if let Some(reason) = goroutine.reason {
            condition = reason.go_text().map_or_else(|| reason.to_string(), str::to_owned);
        }
        if let Some(lasting) = view.lasting(goroutine) {
            let _ = write!(condition, ", {}", lasted(goroutine, lasting));
        }
        if let Some(thread) = goroutine.thread {
            let _ = write!(condition, ", thread {thread}");
        }
        let _ = writeln!(text, "\ngoroutine {} [{condition}]:", goroutine.id);
        if let Some(wait) = &goroutine.wait {
            let _ = writeln!(text, "    on {}", waits_on(wait, &view.objects, view.time));
            others(&mut text, view, goroutine.id, wait);
        }
        if !goroutine.labels.is_empty() {
            let labels: Vec<String> =
                goroutine.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let _ = writeln!(text, "    labels {}", labels.join(", "));
        }
        frames(&mut text, selection.frames(&goroutine.stack));
        if let Some(creator) = &goroutine.created_by {
            created_by(&mut text, creator, goroutine.parent);
        }
    }
    problems(&mut text, view);
    text
}

fn head(view: &View, selection: &Selection) -> String {
    let mut lines = header_lines(view, selection);
    lines.extend(selection.none_of(view));
    lines.join("\n") + "\n"
}

fn title(group: &Group<'_>) -> String {
    let number = group.members.len();
    let ids: Vec<String> =
        group.members.iter().take(IDS_SHOWN).map(|goroutine| goroutine.id.to_string()).collect();
    let more = if number > IDS_SHOWN { " …" } else { "" };
    let mut title = match number {
        1 => format!("goroutine {}: {}", ids.join(""), group.why()),
        _ => format!("{} goroutines: {}", count(number), group.why()),
    };
    if let Some((longest, first)) = group.longest.zip(group.members.first()) {
        let _ = write!(title, ", {}", lasted(first, longest));
        if let Some(shortest) = group.shortest.filter(|shortest| duration(*shortest) != duration(longest)) {
            let _ = write!(title, " down to {}", duration(shortest));
        }
    }
    if let (1, Some(thread)) = (number, group.members.first().and_then(|goroutine| goroutine.thread)) {
        let _ = write!(title, ", thread {thread}");
    }
    if number > 1 {
        let _ = write!(title, " ({}{more})", ids.join(" "));
    }
    title
}

pub(super) fn lasted(goroutine: &Goroutine, lasting: std::time::Duration) -> String {
    let how_well = match goroutine.since {
        Since::Exact(_) => "for",
        Since::AtLatest(_) => "for at least",
        Since::About(_) => "for about",
    };
    format!("{how_well} {}", duration(lasting))
}

/// A line for each frame; one for all of a function that calls itself.
fn frames<'a>(text: &mut String, frames: impl Iterator<Item = &'a Frame>) {
    let frames: Vec<&Frame> = frames.collect();
    for same in frames.chunk_by(|one, next| one == next) {
        let Some(frame) = same.first() else { continue };
        let function = if frame.function.is_empty() { "?" } else { &frame.function };
        let _ = match frame.file.is_empty() {
            true => write!(text, "    {function}  {}", frame.pc),
            false => write!(text, "    {function}  {}:{}", frame.file, frame.line),
        };
        let _ = match same.len() {
            1 => writeln!(text),
            times => writeln!(text, "  ({} times)", count(times)),
        };
    }
}

fn origins(text: &mut String, group: &Group<'_>) {
    let Some(first) = group.members.first().and_then(|goroutine| goroutine.created_by.as_ref()) else {
        return;
    };
    let same = |goroutine: &&std::sync::Arc<Goroutine>| goroutine.created_by.as_ref() == Some(first);
    if group.members.iter().all(same) {
        let parent = group.members.first().and_then(|goroutine| goroutine.parent);
        let one = group.members.iter().all(|goroutine| goroutine.parent == parent);
        created_by(text, first, parent.filter(|_| one));
    } else {
        let _ = writeln!(text, "    created at several places");
    }
}

pub(super) fn created_by(text: &mut String, creator: &CreatedBy, parent: Option<GoId>) {
    let parent = parent.map(|parent| format!(" by goroutine {parent}")).unwrap_or_default();
    let _ = writeln!(text, "    created in {}  {}:{}{parent}", creator.function, creator.file, creator.line);
}

/// Who else is at the channel or the lock, by end.
pub(super) fn others(text: &mut String, view: &View, own: GoId, wait: &Wait) {
    let many = wait.addresses().count() > 1;
    for address in wait.addresses() {
        let queues: Vec<(&str, &[GoId])> = match view.objects.get(&address).map(AsRef::as_ref) {
            Some(SyncObject::Channel(channel)) => {
                vec![("sending", &*channel.senders), ("receiving", &*channel.receivers)]
            }
            Some(SyncObject::Lock(lock)) => vec![("waiting", &*lock.waiters)],
            None => Vec::new(),
        };
        for (doing, queue) in queues {
            let others: Vec<String> =
                queue.iter().filter(|id| **id != own).take(IDS_SHOWN).map(ToString::to_string).collect();
            if !others.is_empty() {
                let at = if many { format!(" at {address}") } else { String::new() };
                let more = if queue.len() > IDS_SHOWN + 1 { " …" } else { "" };
                let _ = writeln!(text, "    also {doing}{at}: {}{more}", others.join(" "));
            }
        }
    }
}

fn problems(text: &mut String, view: &View) {
    if view.problems.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nnot readable:");
    for problem in view.problems.iter() {
        let _ = match problem.goroutine {
            Some(id) => writeln!(text, "    goroutine {id}: {}", problem.what),
            None => writeln!(text, "    {}", problem.what),
        };
    }
}
