//! Which line of a list is selected, and which lines are seen. In: moves, the list's
//! length, the room there is. Out: the first line that is seen.

/// The place in a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Cursor {
    /// The line that keys act on,
    pub(super) selected: usize,
    /// and the first that is seen.
    pub(super) first: usize,
    /// How many are seen.
    room: usize,
}

/// A way to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Up,
    Down,
    PageUp,
    PageDown,
    Begin,
    End,
}

impl Cursor {
    /// Goes a step in a list of so many lines.
    pub(super) fn go(&mut self, step: Step, lines: usize) {
        let page = self.room.saturating_sub(1).max(1);
        let last = lines.saturating_sub(1);
        self.selected = match step {
            Step::Up => self.selected.saturating_sub(1),
            Step::Down => self.selected.saturating_add(1),
            Step::PageUp => self.selected.saturating_sub(page),
            Step::PageDown => self.selected.saturating_add(page),
            Step::Begin => 0,
            Step::End => last,
        }
        .min(last);
    }

    /// The selected line is another one now, at `to`: it stays where it is on the screen,
    /// unless one looks at the list's beginning.
    pub(super) fn follow(&mut self, to: usize) {
        if self.first > 0 {
            let above = self.selected.saturating_sub(self.first);
            self.first = to.saturating_sub(above);
        }
        self.selected = to;
    }

    /// Sees to it that the selected of so many lines is among those that there is room
    /// for, and answers the first.
    pub(super) fn fit(&mut self, lines: usize, room: usize) -> usize {
        self.room = room;
        self.selected = self.selected.min(lines.saturating_sub(1));
        let lowest = (self.selected + 1).saturating_sub(room);
        let highest = lines.saturating_sub(room).min(self.selected);
        self.first = self.first.clamp(lowest.min(highest), highest);
        self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_line_is_always_seen() {
        let mut cursor = Cursor::default();
        for lines in [0, 1, 5, 100] {
            for room in [0, 1, 3, 10, 200] {
                for step in [Step::Down, Step::End, Step::PageUp, Step::Up, Step::PageDown, Step::Begin] {
                    cursor.go(step, lines);
                    let first = cursor.fit(lines, room);
                    assert!(cursor.selected < lines.max(1));
                    let seen = first..first + room;
                    assert!(room == 0 || seen.contains(&cursor.selected), "{cursor:?} {lines} {room}");
                    assert!(first == 0 || first + room <= lines.max(room), "{cursor:?} {lines} {room}");
                }
            }
        }
    }

    #[test]
    fn what_moves_in_the_list_stays_on_the_screen() {
        let mut cursor = Cursor::default();
        cursor.fit(100, 10);
        cursor.follow(3);
        assert_eq!((cursor.selected, cursor.fit(100, 10)), (3, 0));
        cursor.go(Step::End, 100);
        cursor.fit(100, 10);
        cursor.follow(50);
        assert_eq!((cursor.selected, cursor.fit(100, 10)), (50, 41));
    }
}
