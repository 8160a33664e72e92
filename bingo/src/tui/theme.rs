//! What things look like: for a dark terminal, a light one, and one without colour,
//! where modifiers and letters tell what colours do. In: what a thing is. Out: a style.

use std::ffi::OsString;

use ratatui::style::{Color, Modifier, Style};

use crate::model::GoState;
use crate::report::Urgency;
use crate::session::Confidence;

/// One of the three.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Theme {
    /// Light on dark.
    Dark,
    /// Dark on light.
    Light,
    /// No colour.
    Plain,
}

/// What a thing is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// What is read most.
    Text,
    /// What is there if one looks for it.
    Dim,
    /// The name of the program, a heading.
    Title,
    /// A key that does something.
    Key,
    /// What stands between.
    Rule,
    /// The row that keys act on,
    Selected,
    /// and the same where they act on another pane.
    Resting,
    /// The view that is shown.
    Tab,
    /// What is not as it should be.
    Alarm,
    /// What one should know.
    Notice,
    /// What is as it should be.
    Good,
    /// A goroutine's state,
    State(GoState),
    /// how far up it belongs,
    Urgency(Urgency),
    /// and how sure a finding is.
    Confidence(Confidence),
}

/// A colour on dark and on light, by the numbers that 256 colours have.
struct Hue(u8, u8);

const RED: Hue = Hue(203, 160);
const AMBER: Hue = Hue(179, 130);
const GREEN: Hue = Hue(114, 28);
const BLUE: Hue = Hue(110, 25);
const VIOLET: Hue = Hue(140, 97);
const GREY: Hue = Hue(244, 244);
const FAINT: Hue = Hue(239, 251);
const BAND: Hue = Hue(237, 254);
const FAINT_BAND: Hue = Hue(235, 255);

impl Theme {
    /// By what the environment says: `NO_COLOR`, `COLORFGBG`.
    pub fn of_environment(variable: impl Fn(&str) -> Option<OsString>) -> Theme {
        let background = variable("COLORFGBG")
            .and_then(|value| value.to_str().and_then(|value| value.rsplit(';').next()?.parse::<u8>().ok()));
        if variable("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            Theme::Plain
        } else if matches!(background, Some(7 | 9..=15)) {
            Theme::Light
        } else {
            Theme::Dark
        }
    }

    /// The one after it.
    pub(super) fn next(self) -> Theme {
        match self {
            Theme::Dark => Theme::Light,
            Theme::Light => Theme::Plain,
            Theme::Plain => Theme::Dark,
        }
    }

    fn hue(self, Hue(dark, light): Hue) -> Color {
        match self {
            Theme::Dark => Color::Indexed(dark),
            Theme::Light => Color::Indexed(light),
            Theme::Plain => Color::Reset,
        }
    }

    /// How it looks.
    pub(super) fn style(self, role: Role) -> Style {
        let style = Style::default();
        let in_hue = |hue| style.fg(self.hue(hue));
        let plain = self == Theme::Plain;
        match role {
            Role::Text | Role::Urgency(Urgency::Waiting) if plain => style,
            Role::Text => style,
            Role::Dim if plain => style.add_modifier(Modifier::DIM),
            Role::Dim => in_hue(GREY),
            Role::Rule if plain => style.add_modifier(Modifier::DIM),
            Role::Rule => in_hue(FAINT),
            Role::Title => style.add_modifier(Modifier::BOLD),
            Role::Key => in_hue(BLUE).add_modifier(Modifier::BOLD),
            Role::Selected if plain => style.add_modifier(Modifier::REVERSED),
            Role::Selected => style.bg(self.hue(BAND)).add_modifier(Modifier::BOLD),
            Role::Resting if plain => style.add_modifier(Modifier::UNDERLINED),
            Role::Resting => style.bg(self.hue(FAINT_BAND)),
            Role::Tab if plain => style.add_modifier(Modifier::REVERSED),
            Role::Tab => style.bg(self.hue(BAND)).add_modifier(Modifier::BOLD),
            Role::Alarm => in_hue(RED).add_modifier(Modifier::BOLD),
            Role::Notice => in_hue(AMBER),
            Role::Good => in_hue(GREEN),
            Role::State(state) => match state {
                GoState::Blocked => in_hue(AMBER),
                GoState::Running => in_hue(GREEN),
                GoState::Runnable => in_hue(BLUE),
                GoState::Syscall => in_hue(VIOLET),
                GoState::Dead => self.style(Role::Dim),
            },
            Role::Urgency(urgency) => match urgency {
                Urgency::Stuck => self.style(Role::Alarm),
                Urgency::Waiting => in_hue(AMBER),
                Urgency::Idle => self.style(Role::Dim),
                Urgency::Busy => in_hue(GREEN),
            },
            Role::Confidence(confidence) => match confidence {
                Confidence::Proven | Confidence::High => self.style(Role::Alarm),
                Confidence::Medium => in_hue(AMBER),
                Confidence::Low => self.style(Role::Dim),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_chooses() {
        let with = |name: &'static str, value: &'static str| {
            Theme::of_environment(move |asked| (asked == name).then(|| value.into()))
        };
        assert_eq!(with("NO_COLOR", "1"), Theme::Plain);
        assert_eq!(with("NO_COLOR", ""), Theme::Dark);
        assert_eq!(with("COLORFGBG", "0;15"), Theme::Light);
        assert_eq!(with("COLORFGBG", "15;default;0"), Theme::Dark);
        assert_eq!(with("COLORFGBG", "nonsense"), Theme::Dark);
    }

    #[test]
    fn without_colour_nothing_is_coloured() {
        for role in [Role::Alarm, Role::Selected, Role::State(GoState::Running), Role::Dim, Role::Key] {
            let style = Theme::Plain.style(role);
            assert!(style.fg.is_none_or(|colour| colour == Color::Reset) && style.bg.is_none(), "{role:?}");
        }
    }
}
