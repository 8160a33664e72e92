//! Text on a part of the screen. In: words and what they are. Out: cells; what is too
//! long ends in an ellipsis, wide characters are never cut in half, and what a hostile
//! program calls its functions cannot move the cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::theme::{Role, Theme};

/// Where to draw, and how things look there.
pub(super) struct Canvas<'b> {
    pub(super) buffer: &'b mut Buffer,
    pub(super) theme: Theme,
}

/// Texts that stand one after the other.
pub(super) type Line = Vec<(String, Role)>;

/// The same, borrowed.
pub(super) fn lent(line: &Line) -> Vec<(&str, Role)> {
    line.iter().map(|(text, role)| (text.as_str(), *role)).collect()
}

/// What is read most.
pub(super) fn plain(text: impl Into<String>) -> (String, Role) {
    (text.into(), Role::Text)
}

/// What is there if one looks for it.
pub(super) fn dim(text: impl Into<String>) -> (String, Role) {
    (text.into(), Role::Dim)
}

/// How many columns `text` takes.
pub(super) fn width(text: &str) -> u16 {
    u16::try_from(Span::raw(text).width()).unwrap_or(u16::MAX)
}

impl Canvas<'_> {
    /// Writes `text` into `room` columns from `at` on, and answers the column behind it.
    pub(super) fn put(&mut self, at: (u16, u16), room: u16, text: &str, role: Role) -> u16 {
        let (x, y) = at;
        let inside = self.buffer.area;
        if room == 0 || y >= inside.bottom() || x >= inside.right() {
            return x;
        }
        let room = room.min(inside.right() - x);
        let style = self.theme.style(role);
        if width(text) <= room {
            return self.buffer.set_stringn(x, y, text, usize::from(room), style).0;
        }
        let end = self.buffer.set_stringn(x, y, text, usize::from(room - 1), style).0;
        self.buffer.set_stringn(end, y, "…", 1, style).0
    }

    /// The same, so that it ends where the room does.
    pub(super) fn put_right(&mut self, at: (u16, u16), room: u16, text: &str, role: Role) {
        let spare = room.saturating_sub(width(text));
        self.put((at.0 + spare, at.1), room - spare, text, role);
    }

    /// Writes several texts, one after the other.
    pub(super) fn line(&mut self, at: (u16, u16), room: u16, texts: &[(&str, Role)]) -> u16 {
        let end = at.0.saturating_add(room);
        texts.iter().fold(at.0, |x, (text, role)| self.put((x, at.1), end.saturating_sub(x), text, *role))
    }

    /// Gives a row a look without touching its words.
    pub(super) fn band(&mut self, area: Rect, y: u16, role: Role) {
        let row = Rect { y, height: 1, ..area }.intersection(self.buffer.area);
        self.buffer.set_style(row, self.theme.style(role));
    }

    /// A line across, with a title in it.
    pub(super) fn rule(&mut self, area: Rect, y: u16, title: &[(&str, Role)]) {
        let across = "─".repeat(usize::from(area.width));
        self.put((area.x, y), area.width, &across, Role::Rule);
        if !title.is_empty() {
            let x = self.put((area.x + 2.min(area.width), y), 1, " ", Role::Text);
            let room = area.right().saturating_sub(x + 2);
            let x = self.line((x, y), room, title);
            self.put((x, y), 1, " ", Role::Text);
        }
    }
}
