//! Colour, where it is wanted.

/// Whether to colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// Not at all.
    Plain,
    /// With the sixteen colours that every terminal has.
    Colour,
}

/// What a colour means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tone {
    /// Somebody should look at this.
    Stuck,
    /// This may be as it should.
    Waiting,
    /// This is idle or at work.
    Calm,
    /// A heading.
    Heading,
}

impl Style {
    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match (self, tone) {
            (Style::Plain, _) | (Style::Colour, Tone::Waiting) => return text.to_owned(),
            (_, Tone::Stuck) => "31;1",
            (_, Tone::Calm) => "2",
            (_, Tone::Heading) => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
