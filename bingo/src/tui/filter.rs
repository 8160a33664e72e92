//! The line that a filter is typed into, which holds from the first character on. In:
//! keys. Out: the filter; where what stands there is none, why, and the last one goes on.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::canvas::Canvas;
use super::theme::Role;
use crate::report::Filter;

/// The line.
#[derive(Debug, Default)]
pub(super) struct FilterLine {
    text: Vec<char>,
    /// Where the next character comes.
    caret: usize,
    /// Whether keys go to it.
    pub(super) open: bool,
    /// What is wrong with it.
    wrong: Option<String>,
}

/// What a key did to the filter.
#[derive(Debug)]
pub(super) enum Typed {
    /// It is another one, or none.
    Another(Option<Filter>),
    /// Nothing.
    Nothing,
    /// The key is not for the line.
    Elsewhere,
}

impl FilterLine {
    /// A line with this in it.
    pub(super) fn of(text: &str) -> FilterLine {
        let text: Vec<char> = text.chars().collect();
        FilterLine { caret: text.len(), text, ..FilterLine::default() }
    }

    /// Whether something stands in it.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Has keys go to it.
    pub(super) fn open(&mut self) {
        self.open = true;
        self.caret = self.text.len();
    }

    /// Empties it.
    pub(super) fn clear(&mut self) {
        *self = FilterLine::default();
    }

    /// Takes a key.
    pub(super) fn on_key(&mut self, key: KeyEvent) -> Typed {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let (before, after) = self.text.split_at(self.caret.min(self.text.len()));
        let (mut text, after) = (before.to_vec(), after.to_vec());
        match key.code {
            KeyCode::Enter => self.open = false,
            KeyCode::Esc => {
                self.clear();
                return Typed::Another(None);
            }
            KeyCode::Left => self.caret = self.caret.saturating_sub(1),
            KeyCode::Right => self.caret = (self.caret + 1).min(self.text.len()),
            KeyCode::Home => self.caret = 0,
            KeyCode::End => self.caret = self.text.len(),
            KeyCode::Char('u') if control => return self.change(Vec::new(), after),
            KeyCode::Char('w') if control => {
                while text.pop_if(|c| *c == ' ').is_some() {}
                while text.pop_if(|c| *c != ' ').is_some() {}
                return self.change(text, after);
            }
            KeyCode::Char(c) if !control && !key.modifiers.contains(KeyModifiers::ALT) => {
                text.push(c);
                return self.change(text, after);
            }
            KeyCode::Backspace if text.is_empty() && after.is_empty() => self.open = false,
            KeyCode::Backspace => {
                text.pop();
                return self.change(text, after);
            }
            KeyCode::Delete => return self.change(text, after.get(1..).unwrap_or_default().to_vec()),
            _ => return Typed::Elsewhere,
        }
        Typed::Nothing
    }

    fn change(&mut self, before: Vec<char>, after: Vec<char>) -> Typed {
        self.caret = before.len();
        self.text = [before, after].concat();
        self.wrong = None;
        if self.text.is_empty() {
            return Typed::Another(None);
        }
        match Filter::new(&self.text.iter().collect::<String>()) {
            Ok(filter) => Typed::Another(Some(filter)),
            Err(error) => {
                // Its last line says what is wrong; those before quote the expression.
                let error = error.to_string();
                let last = error.lines().next_back().unwrap_or_default();
                self.wrong = Some(last.trim_start_matches("error: ").to_owned());
                Typed::Nothing
            }
        }
    }

    /// Draws it, with how many goroutines match.
    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, at: (u16, u16), room: u16, matching: &str) {
        let text: String = self.text.iter().collect();
        let end = at.0 + room;
        let mut x = canvas.put(at, room, "/", Role::Key);
        // The end of a long one is where one types.
        let before: String = self.text.iter().take(self.caret).collect();
        let tail = |text: &str, room: usize| {
            let skip = text.chars().count().saturating_sub(room);
            text.chars().skip(skip).collect::<String>()
        };
        if self.open {
            let room = usize::from(room / 2);
            x = canvas.put((x, at.1), end.saturating_sub(x), &tail(&before, room), Role::Text);
            let under: String = self.text.get(self.caret).unwrap_or(&' ').to_string();
            let style = ratatui::style::Style::default().add_modifier(ratatui::style::Modifier::REVERSED);
            if x < end {
                x = canvas.buffer.set_stringn(x, at.1, under, 1, style).0;
            }
            let after: String = self.text.iter().skip(self.caret + 1).collect();
            x = canvas.put((x, at.1), end.saturating_sub(x), &after, Role::Text);
        } else {
            x = canvas.put((x, at.1), end.saturating_sub(x), &text, Role::Text);
        }
        let x = x + 2;
        match &self.wrong {
            Some(wrong) => canvas.put((x, at.1), end.saturating_sub(x), wrong, Role::Alarm),
            None => canvas.put((x, at.1), end.saturating_sub(x), matching, Role::Dim),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &mut FilterLine, keys: &str) -> Vec<Typed> {
        keys.chars().map(|c| line.on_key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE))).collect()
    }

    #[test]
    fn it_holds_as_one_types_and_the_last_valid_one_goes_on() {
        let mut line = FilterLine::default();
        line.open();
        let said = typed(&mut line, "a[b");
        assert!(
            matches!(said.as_slice(), [Typed::Another(Some(_)), Typed::Nothing, Typed::Nothing]),
            "{said:?}"
        );
        assert_eq!(line.wrong.as_deref(), Some("unclosed character class"));
        assert!(matches!(typed(&mut line, "]").as_slice(), [Typed::Another(Some(_))]));
        assert_eq!(line.wrong, None);
    }

    #[test]
    fn one_edits_in_the_middle() {
        let mut line = FilterLine::of("chan recv");
        line.open();
        let press = |line: &mut FilterLine, code, modifiers| line.on_key(KeyEvent::new(code, modifiers));
        press(&mut line, KeyCode::Char('w'), KeyModifiers::CONTROL);
        assert_eq!(line.text.iter().collect::<String>(), "chan ");
        press(&mut line, KeyCode::Home, KeyModifiers::NONE);
        typed(&mut line, "^é");
        press(&mut line, KeyCode::Delete, KeyModifiers::NONE);
        press(&mut line, KeyCode::Backspace, KeyModifiers::NONE);
        assert_eq!(line.text.iter().collect::<String>(), "^han ");
        assert!(matches!(press(&mut line, KeyCode::Esc, KeyModifiers::NONE), Typed::Another(None)));
        assert!(line.is_empty() && !line.open);
    }
}
