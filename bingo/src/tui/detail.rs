//! The pane beside a list: one goroutine, or a group, closely. What it waits on and who
//! is there too, who made it, its stack with lines of source, and what became of it
//! lately. In: the picture, source text. Out: lines, and the frame that is chosen.

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Rect;

use super::canvas::{Canvas, Line, dim, lent, plain};
use super::cursor::Step;
use super::desk::Picture;
use super::rows::Key;
use super::theme::Role;
use crate::model::{Addr, Frame, GoId, SyncObject, Texts};
use crate::report::{Selection, count, duration, waits_on};
use crate::session::{Goroutine, History, Since, View};

/// Ids that are listed.
const IDS: usize = 60;
/// Lines of source around that of the chosen frame.
const AROUND: u32 = 2;

/// The pane.
#[derive(Debug, Default)]
pub(super) struct Detail {
    /// What it is about.
    key: Option<Key>,
    /// Which frame is chosen, of those that are shown; none: the program's own innermost.
    frame: Option<usize>,
    /// The first line that is seen.
    first: usize,
    /// Whether the chosen frame has to be seen.
    reveal: bool,
    /// How many lines there were, and room for how many.
    lines: usize,
    room: usize,
}

/// What the pane shows of.
pub(super) struct Subject<'a> {
    pub(super) picture: &'a Picture,
    pub(super) goroutines: &'a [&'a Arc<Goroutine>],
    pub(super) selection: &'a Selection,
    pub(super) texts: &'a dyn Texts,
}

impl Detail {
    /// Is about something else from now on.
    pub(super) fn turn_to(&mut self, key: Option<Key>) {
        if self.key != key {
            *self = Detail { key, ..Detail::default() };
        }
    }

    /// Chooses another frame, or scrolls.
    pub(super) fn go(&mut self, step: Step, subject: &Subject<'_>) {
        let frames = subject.frames().len();
        let last = frames.saturating_sub(1);
        let now = subject.chosen(self.frame);
        match step {
            Step::Up => (self.frame, self.reveal) = (Some(now.saturating_sub(1)), true),
            Step::Down => (self.frame, self.reveal) = (Some((now + 1).min(last)), true),
            Step::Begin => (self.frame, self.first) = (Some(0), 0),
            Step::End => {
                self.frame = Some(last);
                self.first = self.lines.saturating_sub(self.room);
            }
            Step::PageUp => self.first = self.first.saturating_sub(self.room.saturating_sub(1)),
            Step::PageDown => {
                let most = self.lines.saturating_sub(self.room);
                self.first = (self.first + self.room.saturating_sub(1)).min(most);
            }
        }
    }

    /// File and line of the chosen frame.
    pub(super) fn place(&self, subject: &Subject<'_>) -> Option<(Arc<str>, u32)> {
        let frames = subject.frames();
        let frame = frames.get(subject.chosen(self.frame))?;
        (!frame.file.is_empty()).then(|| (Arc::clone(&frame.file), frame.line))
    }

    /// Draws it below a rule.
    pub(super) fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, subject: &Subject<'_>, focused: bool) {
        let chosen = subject.chosen(self.frame);
        let (lines, frames) = subject.lines(chosen);
        canvas.rule(area, area.y, &lent(&subject.title()));
        let inside = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        (self.lines, self.room) = (lines.len(), usize::from(inside.height));
        let at = frames.get(chosen).copied();
        if let Some(at) = at.filter(|_| self.reveal) {
            // With the source behind it.
            let behind = at + 2 + usize::try_from(2 * AROUND).unwrap_or(0);
            self.first = self.first.max(behind.min(lines.len()).saturating_sub(self.room)).min(at);
        }
        self.reveal = false;
        self.first = self.first.min(lines.len().saturating_sub(self.room));
        for (y, (number, line)) in (inside.y..inside.bottom()).zip(lines.iter().enumerate().skip(self.first))
        {
            canvas.line((inside.x + 1, y), inside.width.saturating_sub(2), &lent(line));
            if Some(number) == at {
                canvas.band(inside, y, if focused { Role::Selected } else { Role::Resting });
            }
        }
        let below = lines.len().saturating_sub(self.first + self.room);
        if below > 0 && inside.height > 0 {
            let more = format!(" {below} more ");
            canvas.put_right((inside.x, inside.bottom() - 1), inside.width, &more, Role::Dim);
        }
    }
}

impl<'a> Subject<'a> {
    fn view(&self) -> &'a View {
        &self.picture.view
    }

    fn first(&self) -> Option<&'a Arc<Goroutine>> {
        self.goroutines.first().copied()
    }

    /// The frames that are shown: all, where none is the program's own.
    fn frames(&self) -> Vec<&'a Frame> {
        let Some(first) = self.first() else { return Vec::new() };
        let frames: Vec<&Frame> = self.selection.frames(&first.stack).collect();
        if frames.is_empty() { first.stack.frames().iter().collect() } else { frames }
    }

    /// The chosen frame, or the one where a person would look first.
    fn chosen(&self, frame: Option<usize>) -> usize {
        let frames = self.frames();
        let site = || {
            let site = self.first()?.stack.site()?;
            frames.iter().position(|frame| std::ptr::eq(*frame, site))
        };
        frame.or_else(site).unwrap_or(0).min(frames.len().saturating_sub(1))
    }

    fn title(&self) -> Line {
        let Some(first) = self.first() else { return vec![dim("gone")] };
        let mut title = match self.goroutines {
            [one] => vec![(format!("goroutine {}", one.id), Role::Title)],
            several => vec![(format!("{} goroutines", count(several.len())), Role::Title)],
        };
        let alike = self.goroutines.iter().all(|one| (one.state, one.reason) == (first.state, first.reason));
        if alike {
            title.push((format!("  {}", first.state), Role::State(first.state)));
            title.extend(first.reason.map(|reason| (format!("  {reason}"), Role::State(first.state))));
        }
        if let Some(lasting) = self.view().lasting(first) {
            let how_well = match first.since {
                Since::Exact(_) => "for",
                Since::AtLatest(_) => "for at least",
                Since::About(_) => "for about",
            };
            title.push(plain(format!("  {how_well} {}", duration(lasting))));
        }
        title
    }

    /// All lines, and which of them are frames.
    fn lines(&self, chosen: usize) -> (Vec<Line>, Vec<usize>) {
        let mut lines: Vec<Line> = Vec::new();
        let Some(first) = self.first() else {
            return (vec![vec![dim("it has ended, or goes on elsewhere")]], Vec::new());
        };
        match self.goroutines {
            [one] => self.one(one, &mut lines),
            several => {
                let ids: Vec<String> = several.iter().take(IDS).map(|one| one.id.to_string()).collect();
                let more = if several.len() > IDS { " …" } else { "" };
                lines.push(vec![dim("who      "), plain(format!("{}{more}", ids.join(" ")))]);
            }
        }
        let one_maker = self.goroutines.iter().all(|one| one.created_by == first.created_by);
        if let Some(by) = first.created_by.as_ref().filter(|_| one_maker) {
            let mut line = vec![
                dim("made by  "),
                plain(by.function.to_string()),
                dim(format!("  {}:{}", by.file, by.line)),
            ];
            let parent = first.parent.filter(|_| self.goroutines.len() == 1);
            line.extend(parent.map(|parent| plain(format!("  goroutine {parent}"))));
            lines.push(line);
        }
        lines.push(Vec::new());
        let mut frames = Vec::new();
        for (number, frame) in self.frames().into_iter().enumerate() {
            frames.push(lines.len());
            self.frame(frame, number == chosen, &mut lines);
        }
        if frames.is_empty() {
            lines.push(vec![dim("no stack is known: it runs, or was never seen at rest")]);
        }
        if let (Some((id, past)), [one]) = (&self.picture.past, self.goroutines)
            && *id == one.id
        {
            history(past, self.view(), one, &mut lines);
        }
        (lines, frames)
    }

    fn one(&self, one: &Goroutine, lines: &mut Vec<Line>) {
        let view = self.view();
        if let Some(wait) = &one.wait {
            lines.push(vec![dim("on       "), plain(waits_on(wait, &view.objects, view.time))]);
            for address in wait.addresses() {
                also_there(view, one.id, address, lines);
            }
        }
        if let Some(thread) = one.thread {
            lines.push(vec![dim("thread   "), plain(thread.to_string())]);
        }
        if !one.labels.is_empty() {
            let labels: Vec<String> =
                one.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            lines.push(vec![dim("labels   "), plain(labels.join("  "))]);
        }
        if let Some(woken) = &one.woken {
            let by = woken.by.map_or_else(|| "the runtime".to_owned(), |by| format!("goroutine {by}"));
            let mut line = vec![
                dim("woken    "),
                plain(format!("{} ago by {by}", duration(view.time.since(woken.time)))),
            ];
            let site = woken.stack.as_ref().and_then(|stack| stack.site());
            line.extend(site.map(|site| dim(format!("  {}", crate::report::place(site)))));
            lines.push(line);
        }
    }

    fn frame(&self, frame: &Frame, chosen: bool, lines: &mut Vec<Line>) {
        let function = if frame.function.is_empty() { "?" } else { &*frame.function };
        let own = !frame.is_machinery() && !frame.is_standard() && frame.is_visible();
        let role = if own { Role::Text } else { Role::Dim };
        let mut line = vec![(function.to_owned(), role)];
        line.push(if frame.file.is_empty() {
            dim(format!("  {}", frame.pc))
        } else {
            dim(format!("  {}:{}", frame.file, frame.line))
        });
        lines.push(line);
        if !(own || chosen) {
            return;
        }
        let Some(text) = self.texts.text(&frame.file) else { return };
        let around = if chosen { AROUND } else { 0 };
        let (from, to) = (frame.line.saturating_sub(around).max(1), frame.line.saturating_add(around));
        for (number, text) in (1..=to).zip(text.lines()).filter(|(number, _)| *number >= from) {
            let (mark, role) = if number == frame.line { ("▸", Role::Notice) } else { (" ", Role::Dim) };
            let text = text.replace('\t', "    ");
            lines.push(vec![dim(format!("{number:>7} ")), (format!("{mark} "), Role::Notice), (text, role)]);
        }
    }
}

/// Who else waits there.
fn also_there(view: &View, own: GoId, address: Addr, lines: &mut Vec<Line>) {
    let queues: Vec<(&str, &[GoId])> = match view.objects.get(&address).map(AsRef::as_ref) {
        Some(SyncObject::Channel(channel)) => {
            vec![("send", &channel.senders), ("receive", &channel.receivers)]
        }
        Some(SyncObject::Lock(lock)) => vec![("wait", &lock.waiters)],
        None => Vec::new(),
    };
    for (doing, queue) in queues {
        let others: Vec<String> =
            queue.iter().filter(|id| **id != own).take(IDS).map(ToString::to_string).collect();
        if !others.is_empty() {
            let more = if queue.len() > IDS { " …" } else { "" };
            lines.push(vec![
                dim("  there  "),
                plain(format!("{}{more}", others.join(" "))),
                dim(format!("  {doing} too, {address}")),
            ]);
        }
    }
}

/// What became of it lately, newest first.
fn history(past: &History, view: &View, one: &Goroutine, lines: &mut Vec<Line>) {
    lines.push(Vec::new());
    let spent = past.in_state;
    let mut line = vec![dim("spent    ")];
    let states = [
        ("running", spent.running),
        ("runnable", spent.runnable),
        ("blocked", spent.blocked),
        ("in system calls", spent.syscall),
    ];
    for (word, time) in states.into_iter().filter(|(_, time)| *time > Duration::ZERO) {
        line.push(plain(format!("{} ", duration(time))));
        line.push(dim(format!("{word}  ")));
    }
    if line.len() > 1 {
        lines.push(line);
    }
    if one.blocks > 0 {
        lines.push(vec![dim("parked   "), plain(count(one.blocks)), dim(" times")]);
    }
    for (at, step) in past.transitions.iter().rev().enumerate() {
        let mut line = vec![
            dim(if at == 0 { "lately   " } else { "         " }),
            dim(format!("{:>7} ago  ", duration(view.time.since(step.time)))),
            (step.state.to_string(), Role::State(step.state)),
        ];
        line.extend(step.reason.map(|reason| (format!(" {reason}"), Role::State(step.state))));
        line.extend(step.by.map(|by| dim(format!("  by goroutine {by}"))));
        lines.push(line);
    }
}
