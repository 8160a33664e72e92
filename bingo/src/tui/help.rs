//! What the keys do. In: nothing. Out: a box over the screen, and the line at its foot.

use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::canvas::{Canvas, width};
use super::theme::Role;

/// Keys, and what they do; without a key: a heading.
const KEYS: &[(&str, &str)] = &[
    ("", "everywhere"),
    ("1 2, tab", "goroutines, findings"),
    ("space", "hold the picture; nothing is lost meanwhile"),
    ("/", "filter: a regex on `state reason function file:line`"),
    ("esc", "back, and then no filter"),
    ("a", "the runtime's goroutines, too"),
    ("t", "dark, light, no colour"),
    ("ctrl-z q", "suspend, quit"),
    ("", "goroutines"),
    ("↑ ↓ pgup pgdn home end", "go; n N go on, round the end"),
    ("g", "group by stack, each, by state, reason, function, go statement"),
    ("→ ←", "open and close a group"),
    ("enter", "closely; again: walk its stack"),
    ("e", "the source of the chosen call, in $EDITOR"),
    ("< > s", "sort by another column, the other way round"),
    ("S", "what is stuck first, as at the beginning"),
    ("", "findings"),
    ("enter, esc", "the goroutines of one, and back"),
];

/// What stands at the foot.
pub(super) fn foot(canvas: &mut Canvas<'_>, area: Rect, keys: &[(&str, &str)]) {
    let mut x = area.x + 1;
    for (key, does) in keys {
        let taken = width(key) + 1 + width(does) + 2;
        if x + taken > area.right() {
            break;
        }
        x = canvas.line((x, area.y), taken, &[(key, Role::Key), (" ", Role::Text), (does, Role::Dim)]) + 2;
    }
}

/// Draws the box.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect) {
    let height = u16::try_from(KEYS.len()).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
    let columns = 78.min(area.width);
    let inside = Rect {
        x: area.x + (area.width - columns) / 2,
        y: area.y + (area.height - height) / 2,
        width: columns,
        height,
    };
    Clear.render(inside, canvas.buffer);
    canvas.rule(inside, inside.y, &[("keys", Role::Title)]);
    canvas.rule(inside, inside.bottom().saturating_sub(1), &[]);
    for (y, (key, does)) in (inside.y + 1..inside.bottom().saturating_sub(1)).zip(KEYS) {
        if key.is_empty() {
            canvas.put((inside.x + 2, y), columns - 2, does, Role::Title);
        } else {
            canvas.put_right((inside.x + 1, y), 23, key, Role::Key);
            canvas.put((inside.x + 26, y), columns.saturating_sub(27), does, Role::Text);
        }
    }
}
