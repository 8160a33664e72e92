//! What a program of the corpus says of itself: at the ends of its lines, what
//! is to be found there, and at its head, what kind of bug it is.
//!
//! In: the text of a Go file. Out: [`Assertion`]s and a [`Header`]. The grammar
//! is in `testdata/programs/README.md`.

use anyhow::{Context, bail, ensure};

/// The types of findings that an assertion may name.
const TYPES: [&str; 6] =
    ["deadlock", "goroutine_leak", "long_block", "lock_order", "starvation", "data_race"];

/// What is asked of the findings at one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Assertion {
    /// One is there, of one of the types, with so many goroutines.
    Want {
        /// The types that are right.
        types: Vec<&'static str>,
        /// The goroutines that wait at the line.
        count: Count,
    },
    /// One is neither asked for nor wrong.
    May {
        /// The types that this holds for; of any type when empty.
        types: Vec<&'static str>,
    },
}

/// How many goroutines a finding is to have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count {
    /// So many,
    pub least: usize,
    /// or more.
    pub more: bool,
}

/// What the first lines of a file say.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Header {
    /// What stands behind `class:`: the class, and the kind of bug.
    pub class: Option<(String, String)>,
    /// Whether the bug does not show in every run.
    pub sometimes: bool,
}

impl Assertion {
    /// The assertions of a file, each with its line, from 1 on.
    ///
    /// # Errors
    /// When a comment that begins like an assertion is none.
    pub fn all(text: &str) -> anyhow::Result<Vec<(u32, Assertion)>> {
        let mut found = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let Some((code, comment)) = line.rsplit_once("// ") else { continue };
            // What has a line for itself is prose.
            if !code.trim().is_empty()
                && let Some(assertion) =
                    Assertion::of(comment.trim_end()).with_context(|| format!("line {number}"))?
            {
                found.push((number, assertion));
            }
        }
        Ok(found)
    }

    fn of(comment: &str) -> anyhow::Result<Option<Assertion>> {
        let words: Vec<&str> = comment.split(' ').collect();
        Ok(Some(match words.as_slice() {
            ["want", named] => Assertion::Want { types: types(named)?, count: Count::ONE },
            ["want", named, count] => Assertion::Want { types: types(named)?, count: Count::of(count)? },
            ["may"] => Assertion::May { types: Vec::new() },
            ["may", named] => Assertion::May { types: types(named)? },
            ["want" | "may", ..] => bail!("`{comment}` is no assertion"),
            _ => return Ok(None),
        }))
    }
}

impl Count {
    const ONE: Count = Count { least: 1, more: false };

    /// Whether as many are what is asked.
    #[must_use]
    pub fn fits(self, count: usize) -> bool {
        count == self.least || self.more && count > self.least
    }

    fn of(word: &str) -> anyhow::Result<Count> {
        let number = word.strip_suffix('+').unwrap_or(word);
        let least = number.parse().with_context(|| format!("`{word}` is no count"))?;
        ensure!(least > 0, "`{word}` asks for nobody");
        Ok(Count { least, more: number != word })
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.least, if self.more { "+" } else { "" })
    }
}

impl Header {
    /// What the comment before `package` says.
    ///
    /// # Errors
    /// When `class:` or `shows:` is followed by what it cannot be.
    pub fn of(text: &str) -> anyhow::Result<Header> {
        let mut header = Header::default();
        for line in text.lines().take_while(|line| !line.starts_with("package ")) {
            let Some(line) = line.strip_prefix("// ") else { continue };
            if let Some(class) = line.strip_prefix("class: ") {
                let (class, kind) = class.split_once(", ").with_context(|| format!("no kind in `{line}`"))?;
                header.class = Some((class.to_owned(), kind.to_owned()));
            } else if let Some(shows) = line.strip_prefix("shows: ") {
                ensure!(shows == "sometimes", "`{line}`: it shows sometimes, or nothing is said");
                header.sometimes = true;
            }
        }
        Ok(header)
    }
}

fn types(named: &str) -> anyhow::Result<Vec<&'static str>> {
    named
        .split('|')
        .map(|name| {
            let known = TYPES.into_iter().find(|known| *known == name);
            known.with_context(|| format!("`{name}` is no type of finding"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: &str) {
        let said = match Assertion::all(line).as_deref() {
            Ok([]) => "none".to_owned(),
            Ok([(1, Assertion::Want { types, count })]) => format!("want {} {count}", types.join(" or ")),
            Ok([(1, Assertion::May { types })]) => format!("may {}", types.join(" or ")).trim().to_owned(),
            Ok(other) => format!("{other:?}"),
            Err(error) => format!("{error:#}"),
        };
        assert_eq!(said, expect, "{line}");
    }

    #[test]
    fn assertions() {
        check("mu.Lock() // want deadlock", "want deadlock 1");
        check("\tresult <- price // want goroutine_leak 5", "want goroutine_leak 5");
        check("mu.Lock()   // want deadlock|goroutine_leak 10+ ", "want deadlock or goroutine_leak 10+");
        check("<-stop // may", "may");
        check("g.Wait() // may data_race", "may data_race");
        check("go serve() // wants a port", "none");
        check("go serve(\"http://may\")", "none");
        check("\t// may be nil", "none");
        check("x := 1 // may be nil", "line 1: `may be nil` is no assertion");
        check("x := 1", "none");
    }

    #[test]
    fn comments_that_are_no_assertions() {
        check("x() // want", "line 1: `want` is no assertion");
        check("x() // want leak", "line 1: `leak` is no type of finding");
        check("x() // want deadlock two", "line 1: `two` is no count: invalid digit found in string");
        check("x() // want deadlock 0", "line 1: `0` asks for nobody");
        check("x() // want deadlock 2 goroutines", "line 1: `want deadlock 2 goroutines` is no assertion");
        check("x() // may deadlock 2", "line 1: `may deadlock 2` is no assertion");
    }

    #[test]
    fn lines_are_counted_from_one() {
        let found = Assertion::all("package main\n\nf() // may\n").expect("it is well formed");
        assert_eq!(found, [(3, Assertion::May { types: Vec::new() })]);
    }

    #[test]
    fn counts() {
        let (five, five_or_more) = (Count { least: 5, more: false }, Count { least: 5, more: true });
        assert_eq!([4, 5, 6].map(|count| five.fits(count)), [false, true, false]);
        assert_eq!([4, 5, 6].map(|count| five_or_more.fits(count)), [false, true, true]);
    }

    fn check_header(text: &str, expect: &str) {
        let said = match Header::of(text) {
            Ok(Header { class: Some((class, kind)), sometimes }) => format!("{class}: {kind}: {sometimes}"),
            Ok(Header { class: None, sometimes }) => format!("none: {sometimes}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expect, "{text}");
    }

    #[test]
    fn headers() {
        check_header(
            "// Sends.\n//\n// class: leak, first result\npackage main\n",
            "leak: first result: false",
        );
        check_header("// class: mixed, a, b\n// shows: sometimes\npackage main", "mixed: a, b: true");
        check_header("// Sends.\npackage main\n// class: leak, behind it\n", "none: false");
        check_header("// class: leak\npackage main", "no kind in `class: leak`");
        check_header(
            "// shows: never\npackage main",
            "`shows: never`: it shows sometimes, or nothing is said",
        );
    }
}
