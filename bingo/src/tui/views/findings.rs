//! What is wrong: a line for each finding, worst first, and below it what it rests on. In:
//! judgements, keys. Out: a list whose selection stays with its finding, and the
//! goroutines of the one that is selected.

use std::collections::HashSet;

use ratatui::layout::Rect;

use super::super::canvas::{Canvas, Line, dim, lent, plain};
use super::super::cursor::{Cursor, Step};
use super::super::desk::Judged;
use super::super::theme::Role;
use crate::model::{Frame, GoId, Texts};
use crate::report::{count, duration, place, place_within, wrapped};
use crate::session::{Confidence, Finding};

/// Columns of the list.
const CONFIDENCE: u16 = 7;
const CLASS: u16 = 14;
const LASTED: u16 = 8;
/// From this width on the place has a column.
const ROOM_FOR_PLACE: u16 = 120;
const PLACE: u16 = 36;
/// Ids that are listed.
const IDS: usize = 40;

/// The list.
#[derive(Debug, Default)]
pub(in crate::tui) struct Findings {
    cursor: Cursor,
    /// Which one is selected, wherever it comes to stand.
    id: Option<String>,
    /// The first line that is seen of what it rests on.
    first: usize,
    list: Rect,
}

impl Findings {
    /// Takes another judgement.
    pub(in crate::tui) fn arrange(&mut self, judged: &Judged) {
        let at = self.id.as_ref().and_then(|id| judged.findings.iter().position(|finding| finding.id == *id));
        match at {
            Some(at) => self.cursor.follow(at),
            None => self.note(judged),
        }
    }

    fn note(&mut self, judged: &Judged) {
        self.cursor.selected = self.cursor.selected.min(judged.findings.len().saturating_sub(1));
        self.id = self.selected(judged).map(|finding| finding.id.clone());
        self.first = 0;
    }

    /// The one that keys act on.
    pub(in crate::tui) fn selected<'j>(&self, judged: &'j Judged) -> Option<&'j Finding> {
        judged.findings.get(self.cursor.selected)
    }

    /// Its goroutines.
    pub(in crate::tui) fn goroutines(&self, judged: &Judged) -> Option<HashSet<GoId>> {
        self.selected(judged).map(|finding| finding.goroutines.iter().copied().collect())
    }

    /// Goes a step; pages go through what the finding rests on.
    pub(in crate::tui) fn go(&mut self, judged: &Judged, step: Step) {
        match step {
            Step::PageUp => self.first = self.first.saturating_sub(5),
            Step::PageDown => self.first = self.first.saturating_add(5),
            _ => {
                self.cursor.go(step, judged.findings.len());
                self.note(judged);
            }
        }
    }

    /// Takes a click. `true`: the line that was selected already.
    pub(in crate::tui) fn on_click(&mut self, judged: &Judged, x: u16, y: u16) -> bool {
        if !self.list.contains((x, y).into()) {
            return false;
        }
        let at = self.cursor.first + usize::from(y - self.list.y);
        let again = at == self.cursor.selected;
        if at < judged.findings.len() {
            self.cursor.selected = at;
            self.note(judged);
        }
        again
    }

    /// Draws the list, and the selected one closely.
    pub(in crate::tui) fn draw(
        &mut self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        judged: &Judged,
        texts: &dyn Texts,
    ) {
        let lines = judged.findings.len();
        if lines == 0 {
            let what =
                format!("nothing is wrong, as far as can be seen; looked for {}", duration(judged.took));
            canvas.put((area.x + 2, area.y + 1), area.width.saturating_sub(2), &what, Role::Dim);
            return;
        }
        titles(canvas, area);
        let most = (area.height / 3).max(2);
        let height = u16::try_from(lines).unwrap_or(u16::MAX).min(most).min(area.height.saturating_sub(1));
        self.list = Rect { y: area.y + 1, height, ..area };
        let first = self.cursor.fit(lines, usize::from(height));
        for (y, (at, finding)) in
            (self.list.y..self.list.bottom()).zip(judged.findings.iter().enumerate().skip(first))
        {
            draw_line(canvas, Rect { y, height: 1, ..area }, finding);
            if at == self.cursor.selected {
                canvas.band(self.list, y, Role::Selected);
            }
        }
        let below =
            Rect { y: self.list.bottom(), height: area.bottom().saturating_sub(self.list.bottom()), ..area };
        if let Some(finding) = self.selected(judged).filter(|_| below.height > 1) {
            self.closely(canvas, below, finding, texts);
        }
    }

    fn closely(&mut self, canvas: &mut Canvas<'_>, area: Rect, finding: &Finding, texts: &dyn Texts) {
        let room = area.width.saturating_sub(2);
        let sure = format!("{}  ", finding.confidence.as_str());
        let title =
            [(sure.as_str(), Role::Confidence(finding.confidence)), (finding.class.as_str(), Role::Title)];
        canvas.rule(area, area.y, &title);
        let lines = lines(finding, usize::from(room), texts);
        let height = usize::from(area.height - 1);
        self.first = self.first.min(lines.len().saturating_sub(height));
        for (y, line) in (area.y + 1..area.bottom()).zip(lines.iter().skip(self.first)) {
            canvas.line((area.x + 1, y), room, &lent(line));
        }
        let below = lines.len().saturating_sub(self.first + height);
        if below > 0 {
            let more = format!(" {below} more, pgdn ");
            canvas.put_right((area.x, area.bottom() - 1), area.width, &more, Role::Dim);
        }
    }
}

fn titles(canvas: &mut Canvas<'_>, area: Rect) {
    let mut x = area.x + 1;
    for (title, room) in [("SURE", CONFIDENCE), ("TYPE", CLASS)] {
        canvas.put((x, area.y), room, title, Role::Dim);
        x += room + 1;
    }
    canvas.put_right((x, area.y), LASTED, "FOR", Role::Dim);
    x += LASTED + 1;
    canvas.put((x, area.y), area.right().saturating_sub(x), "WHAT", Role::Dim);
    if area.width >= ROOM_FOR_PLACE {
        canvas.put((area.right() - PLACE, area.y), PLACE, "WHERE", Role::Dim);
    }
}

fn draw_line(canvas: &mut Canvas<'_>, area: Rect, finding: &Finding) {
    let (mut x, y) = (area.x + 1, area.y);
    let text = if finding.confidence == Confidence::Low { Role::Dim } else { Role::Text };
    canvas.put((x, y), CONFIDENCE, finding.confidence.as_str(), Role::Confidence(finding.confidence));
    x += CONFIDENCE + 1;
    canvas.put((x, y), CLASS, finding.class.as_str(), text);
    x += CLASS + 1;
    if !finding.blocked_for.is_zero() {
        canvas.put_right((x, y), LASTED, &duration(finding.blocked_for), text);
    }
    x += LASTED + 1;
    let placed = area.width >= ROOM_FOR_PLACE;
    let end = if placed { area.right() - PLACE - 1 } else { area.right() };
    canvas.put((x, y), end.saturating_sub(x), &finding.title, text);
    if let Some(site) = finding.stack.site().filter(|_| placed) {
        canvas.put((area.right() - PLACE, y), PLACE, &place_within(site, usize::from(PLACE)), text);
    }
}

/// All that is said of a finding.
fn lines(finding: &Finding, room: usize, texts: &dyn Texts) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for line in wrapped(&finding.title, room) {
        lines.push(vec![(line, Role::Title)]);
    }
    if let Some(site) = finding.stack.site() {
        lines.push(vec![
            dim("at       "),
            plain(&*site.function),
            dim(format!("  {}:{}", site.file, site.line)),
        ]);
        lines.extend(source(site, texts));
    }
    if !finding.goroutines.is_empty() {
        let ids: Vec<String> = finding.goroutines.iter().take(IDS).map(ToString::to_string).collect();
        let more = if finding.count > ids.len() { " …" } else { "" };
        let number = if finding.count > 1 { format!("  ({})", count(finding.count)) } else { String::new() };
        lines.push(vec![dim("who      "), plain(ids.join(" ") + more), dim(number)]);
    }
    if let Some(by) = &finding.created_by {
        lines.push(vec![dim("made by  "), plain(&*by.function), dim(format!("  {}:{}", by.file, by.line))]);
    }
    cycle(finding, &mut lines);
    for related in &finding.related {
        let site = related.stack.site().map(place).unwrap_or_default();
        lines.push(vec![dim("also     "), plain(&related.what), dim(format!("  {site}"))]);
    }
    lines.push(Vec::new());
    for evidence in &finding.evidence {
        let mut mark = "because  ";
        for line in wrapped(evidence, room.saturating_sub(9)) {
            lines.push(vec![dim(mark), plain(line)]);
            mark = "         ";
        }
    }
    lines.push(Vec::new());
    lines.extend(wrapped(finding.explanation, room.min(100)).into_iter().map(|line| vec![(line, Role::Dim)]));
    lines
}

/// The line it is at.
fn source(site: &Frame, texts: &dyn Texts) -> Option<Line> {
    let line = usize::try_from(site.line).ok()?.checked_sub(1)?;
    let text = texts.text(&site.file)?;
    let text = text.lines().nth(line)?.trim().to_owned();
    Some(vec![
        (format!("{:>7} ", site.line), Role::Dim),
        ("▸ ".to_owned(), Role::Notice),
        (text, Role::Notice),
    ])
}

/// Who waits for whom, back to the first.
fn cycle(finding: &Finding, lines: &mut Vec<Line>) {
    let last = finding.cycle.len().saturating_sub(1);
    if !finding.cycle.is_empty() {
        lines.push(Vec::new());
    }
    for (at, step) in finding.cycle.iter().enumerate() {
        let site = step.stack.site().map(place).unwrap_or_default();
        let edge = if at == 0 { "╭─▶ " } else { "│   " };
        lines.push(vec![
            (edge.to_owned(), Role::Alarm),
            (format!("goroutine {}", step.goroutine), Role::Title),
            (format!("  {site}"), Role::Dim),
        ]);
        lines.push(vec![
            ("│      ".to_owned(), Role::Alarm),
            ("waits on ".to_owned(), Role::Dim),
            (step.on.words(), Role::Text),
        ]);
        let edge = if at == last { "╰────▶ " } else { "│    ▼ " };
        lines.push(vec![
            (edge.to_owned(), Role::Alarm),
            (format!("goroutine {} ", step.waits_for), Role::Text),
            (step.because.clone(), Role::Dim),
        ]);
    }
}
