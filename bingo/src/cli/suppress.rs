//! Findings that are not to be told: those in a baseline, and those that a comment
//! in the source ignores. In: what was found. Out: the same with these set aside.
//!
//! A comment is `//bingo:ignore <type> <reason>`, at the end of the line that a
//! finding is at, or alone on the line above it. Any line of a cycle will do, and
//! either access of a race.

use std::sync::Arc;

use crate::model::{Frame, Problem, Texts};
use crate::report::Baseline;
use crate::session::{Analysis, Class, Finding, Suppression};

const MARK: &str = "//bingo:ignore";

/// Stale ids that are named.
const NAMED: usize = 10;

/// Sets aside what `baseline` has and what comments ignore.
pub(super) fn apply(found: &mut Analysis, baseline: Option<&Baseline>, texts: &dyn Texts) {
    for gone in baseline.map(|baseline| baseline.stale(found)).unwrap_or_default().iter().take(NAMED) {
        super::tell(format_args!("bingo: in the baseline, and not found any more: {gone}"));
    }
    let mut wrong: Vec<String> = Vec::new();
    found.suppress(|finding| {
        if baseline.is_some_and(|baseline| baseline.has(finding)) {
            return Some(Suppression::Baseline);
        }
        let mut heeded = None;
        for frame in places(finding) {
            match comment_at(frame, texts) {
                Some((line, Ok((class, reason)))) if class == finding.class && heeded.is_none() => {
                    let file = Arc::clone(&frame.file);
                    heeded = Some(Suppression::Comment { reason, file, line });
                }
                Some((line, Err(what))) => wrong.push(format!("{}:{line}: {what}", frame.file)),
                _ => {}
            }
        }
        heeded
    });
    wrong.sort();
    wrong.dedup();
    found.problems.extend(wrong.into_iter().map(|what| Problem { goroutine: None, what }));
}

/// Where a comment may stand.
fn places(finding: &Finding) -> impl Iterator<Item = &Frame> {
    let cycle = finding.cycle.iter().map(|step| &step.stack);
    let other = finding.related.first().filter(|_| finding.class == Class::DataRace);
    let stacks = std::iter::once(&finding.stack).chain(cycle).chain(other.map(|other| &other.stack));
    stacks.filter_map(|stack| stack.site())
}

/// A type with the reason, or what is wrong.
type Said = Result<(Class, String), String>;

/// The comment at a place: its line, and what it says or what is wrong with it.
fn comment_at(frame: &Frame, texts: &dyn Texts) -> Option<(u32, Said)> {
    let text = texts.text(&frame.file)?;
    let line = |number: u32| text.lines().nth(usize::try_from(number).ok()?.checked_sub(1)?);
    let own = line(frame.line).and_then(|own| own.split_once(MARK)).map(|(_, rest)| (frame.line, rest));
    let above = || {
        let number = frame.line.checked_sub(1)?;
        Some((number, line(number)?.trim_start().strip_prefix(MARK)?))
    };
    let (number, rest) = own.or_else(above)?;
    rest.is_empty().then_some("").or_else(|| rest.strip_prefix([' ', '\t'])).map(|rest| (number, parse(rest)))
}

/// `goroutine_leak it ends with the program`.
fn parse(rest: &str) -> Said {
    let rest = rest.trim();
    let (name, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let known = || Class::ALL.map(Class::as_str).join(", ");
    let Some(class) = Class::ALL.into_iter().find(|class| class.as_str() == name) else {
        return Err(format!("{MARK} names no type of finding: {name:?} is none of {}", known()));
    };
    match reason.trim() {
        "" => Err(format!("{MARK} {name} is not heeded: it has to say why behind the type")),
        reason => Ok((class, reason.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Addr;

    struct Source(&'static str);

    impl Texts for Source {
        fn text(&self, _: &str) -> Option<Arc<str>> {
            Some(self.0.into())
        }

        fn files(&self, _: &str) -> Vec<Arc<str>> {
            Vec::new()
        }
    }

    /// What a comment in `source` says of its second line.
    fn check(source: &'static str, expect: Option<&str>) {
        let (function, file) = ("main.f".into(), "a.go".into());
        let frame = Frame { function, file, line: 2, pc: Addr(0), inlined: false };
        let said = comment_at(&frame, &Source(source)).map(|(line, said)| match said {
            Ok((class, reason)) => format!("{line} {}: {reason}", class.as_str()),
            Err(what) => format!("{line} {what}"),
        });
        match expect {
            None => assert_eq!(said, None, "{source}"),
            Some(expect) => {
                assert!(said.as_ref().is_some_and(|said| said.starts_with(expect)), "{source}: {said:?}");
            }
        }
    }

    #[test]
    fn comments_are_understood() {
        check(
            "\nx <- 1 //bingo:ignore goroutine_leak  it ends with us ",
            Some("2 goroutine_leak: it ends with us"),
        );
        check("\t//bingo:ignore deadlock why not\nmu.Lock()", Some("1 deadlock: why not"));
        check("f() //bingo:ignore deadlock of the line above\nmu.Lock()", None);
        check(
            "\nx <- 1 //bingo:ignore goroutine_leak",
            Some("2 //bingo:ignore goroutine_leak is not heeded"),
        );
        check("\nx <- 1 //bingo:ignore", Some("2 //bingo:ignore names no type"));
        check(
            "\nx <- 1 //bingo:ignore leak it is fine",
            Some("2 //bingo:ignore names no type of finding: \"leak\""),
        );
        check("\nx <- 1 //bingo:ignored deadlock x", None);
        check("\nx <- 1", None);
        check("", None);
    }
}
