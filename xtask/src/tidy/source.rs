//! A Rust file as words and marks, without comments and literals: enough to
//! follow paths and to see names. In: text. Out: [`Source`].

/// A Rust file, cut into tokens.
pub(super) struct Source<'a> {
    tokens: Vec<Token<'a>>,
}

/// A word or a mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Token<'a> {
    /// The word, `::`, or one other character.
    pub(super) text: &'a str,
    /// Its line, from 1 on.
    pub(super) line: usize,
}

/// A path that leaves its own module: `crate::a::b`, `super::super::a`.
#[derive(Debug)]
pub(super) struct Crossing<'a> {
    /// Modules up from the one it stands in; `None` for `crate`.
    pub(super) up: Option<usize>,
    /// Inline modules (`mod tests { … }`) around it.
    pub(super) inside: usize,
    /// The first name behind.
    pub(super) name: Token<'a>,
}

impl<'a> Source<'a> {
    /// Cuts `text`.
    pub(super) fn of(text: &'a str) -> Source<'a> {
        let mut tokens = Vec::new();
        let mut rest = text;
        let mut line = 1;
        while let Some(first) = rest.chars().next() {
            let length = length(rest, first);
            let (taken, after) = rest.split_at(length);
            let word = first.is_alphanumeric() || first == '_';
            let literal = first == '"' || taken.len() > 1 && (first == '\'' || taken.ends_with(['"', '#']));
            let comment = taken.len() > 1 && first == '/';
            if word && !literal || !(first.is_whitespace() || literal || comment) {
                tokens.push(Token { text: taken, line });
            }
            line += taken.matches('\n').count();
            rest = after;
        }
        Source { tokens }
    }

    /// Each run of as many tokens as `N`.
    pub(super) fn windows<const N: usize>(&self) -> impl Iterator<Item = [Token<'a>; N]> {
        self.tokens.windows(N).filter_map(|window| window.try_into().ok())
    }

    /// The paths that begin with `crate` or `super`, those in a `use` group each.
    pub(super) fn crossings(&self) -> Vec<Crossing<'a>> {
        let mut found = Vec::new();
        let mut depth = 0_usize;
        let mut modules = Vec::new();
        let mut at = 0;
        while let Some(token) = self.tokens.get(at) {
            match token.text {
                "{" => {
                    depth += 1;
                    if at >= 2 && self.text(at - 2) == "mod" {
                        modules.push(depth);
                    }
                }
                "}" => {
                    if modules.last() == Some(&depth) {
                        modules.pop();
                    }
                    depth = depth.saturating_sub(1);
                }
                "crate" | "super" if self.text(at + 1) == "::" => {
                    let mut up = usize::from(token.text == "super");
                    at += 2;
                    while self.text(at) == "super" && self.text(at + 1) == "::" {
                        up += 1;
                        at += 2;
                    }
                    let up = (token.text == "super").then_some(up);
                    let names = self.names_at(at);
                    found.extend(names.into_iter().map(|name| Crossing { up, inside: modules.len(), name }));
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        found
    }

    /// The first names of the path, or of the group of paths, that begins at `at`.
    fn names_at(&self, at: usize) -> Vec<Token<'a>> {
        let mut names = Vec::new();
        if self.text(at) != "{" {
            names.extend(self.tokens.get(at));
            return names;
        }
        let mut depth = 0;
        let mut before = "";
        for token in self.tokens.iter().skip(at) {
            match token.text {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ if depth == 1 && matches!(before, "{" | ",") => names.push(*token),
                _ => {}
            }
            before = token.text;
            if depth == 0 {
                break;
            }
        }
        names
    }

    fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| token.text)
    }
}

/// How many bytes the token, comment, literal or blank at the start of `rest` has.
fn length(rest: &str, first: char) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return rest.find("*/").map_or(rest.len(), |end| end + 2);
    }
    if let Some(raw) = raw_string(rest) {
        return raw;
    }
    if first == '"' || rest.starts_with("b\"") {
        return quoted(rest, '"');
    }
    if first == '\'' {
        // A character has a quote behind it, a lifetime has none.
        let mut inside = rest.chars().skip(1);
        let (one, two) = (inside.next(), inside.next());
        return if one == Some('\\') || two == Some('\'') { quoted(rest, '\'') } else { 1 };
    }
    if first.is_alphanumeric() || first == '_' {
        return rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    }
    if rest.starts_with("::") { 2 } else { first.len_utf8() }
}

/// The length of a raw string at the start of `rest`, if one is there.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let marks = after.len() - after.trim_start_matches('#').len();
    let start = rest.len() - after.len() + marks + 1;
    after.get(marks..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(marks));
    Some(rest.get(start..)?.find(&end).map_or(rest.len(), |at| start + at + end.len()))
}

/// The length of a literal that `quote` opens (after at most a `b`) and closes.
fn quoted(rest: &str, quote: char) -> usize {
    let open = rest.find(quote).map_or(rest.len(), |at| at + 1);
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}
