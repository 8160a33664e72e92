//! Whether a report says what a program asserts, strictly. In: the report's
//! findings, the program's assertions. Out: an [`Outcome`] for each `want`, and
//! the false alarms.

use std::path::PathBuf;

use anyhow::Context;
use bingo_tests::{Assertion, Count};
use serde_json::Value;

/// A finding, as far as it is scored.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Finding {
    /// As in the report: `goroutine_leak`.
    pub(super) class: String,
    /// As in the report: `low`, `medium` …
    pub(super) confidence: String,
    /// How many goroutines it is about.
    pub(super) count: usize,
    /// Where they are; `None` where the report does not say.
    pub(super) place: Option<Place>,
    /// Where the other access of a race is.
    pub(super) other: Option<Place>,
    /// What told it.
    pub(super) by: By,
}

/// What tells findings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum By {
    Trace,
    Live,
    RaceDetector,
    Test,
}

/// A line of a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Place {
    pub(super) file: PathBuf,
    pub(super) line: u32,
}

/// What became of a `want`, or of all of a program's; the later, the worse.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Outcome {
    /// A finding of an accepted type, at the line, with the count, is proven.
    Proven,
    /// It is there, over `low`.
    Found,
    /// It is there, at `low` alone.
    LowOnly,
    /// A finding over `low` is at the line, but of another type or count; or one
    /// of an accepted type is at a line where nothing is asserted.
    Wrong(Finding),
    /// None of these.
    Missed,
}

/// What a report is worth.
#[derive(Default, Debug)]
pub(super) struct Verdict {
    /// Of each `want`, in the order of the assertions.
    pub(super) wants: Vec<Outcome>,
    /// The findings over `low` where none may be.
    pub(super) false_alarms: Vec<Finding>,
    /// What each of the two was worth alone, where it was judged by both.
    pub(super) alone: Vec<(By, Verdict)>,
}

impl By {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            By::Trace => "trace",
            By::Live => "live",
            By::RaceDetector => "race detector",
            By::Test => "test",
        }
    }
}

impl Finding {
    /// The findings of a report, as JSON; `sources` are the program's own files.
    pub(super) fn all(by: By, report: &str, sources: &[PathBuf]) -> anyhow::Result<Vec<Finding>> {
        let report: Value = serde_json::from_str(report).context("the report is no JSON")?;
        let bugs = report.get("bugs").and_then(Value::as_array).context("a report without bugs")?;
        bugs.iter().map(|bug| Finding::of(by, bug, sources)).collect()
    }

    fn of(by: By, bug: &Value, sources: &[PathBuf]) -> anyhow::Result<Finding> {
        let text = |key| anyhow::Ok(bug.get(key).and_then(Value::as_str).context(key)?.to_owned());
        let count = bug.get("count").and_then(Value::as_u64).context("count")?;
        // The innermost frame in the program's own files; `location` is that one,
        // but where a wait stands in the standard library alone.
        let location = bug.get("location").and_then(Place::of);
        let stack = bug.get("stack").and_then(Value::as_array).into_iter().flatten();
        let own =
            location.iter().cloned().chain(stack.filter_map(Place::of)).find(|place| place.is_in(sources));
        Ok(Finding {
            class: text("type")?,
            confidence: text("confidence")?,
            count: usize::try_from(count)?,
            place: own.or(location),
            other: bug.pointer("/related/0/at").and_then(Place::of),
            by,
        })
    }

    fn is_proven(&self) -> bool {
        self.confidence == "proven"
    }

    fn over_low(&self) -> bool {
        self.confidence != "low"
    }

    fn is_at(&self, place: &Place) -> bool {
        self.place.as_ref() == Some(place)
    }

    fn is_of(&self, types: &[&str]) -> bool {
        types.contains(&self.class.as_str())
    }
}

impl Place {
    fn of(value: &Value) -> Option<Place> {
        let file = PathBuf::from(value.get("file")?.as_str()?);
        Some(Place { file, line: value.get("line")?.as_u64()?.try_into().ok()? })
    }

    fn is_in(&self, sources: &[PathBuf]) -> bool {
        sources.contains(&self.file)
    }
}

impl Verdict {
    /// Judges what was found in one run.
    pub(super) fn of(asserted: &[(Place, Assertion)], found: &[Finding]) -> Verdict {
        let wants: Vec<Want<'_>> = asserted.iter().filter_map(Want::of).collect();
        let stray = |finding: &&Finding| {
            finding.over_low() && !asserted.iter().any(|(place, assertion)| allows(place, assertion, finding))
        };
        let false_alarms: Vec<Finding> = found.iter().filter(stray).cloned().collect();
        let outcome = |want: &Want<'_>| {
            let answers = |finding: &&Finding| want.is_answered(finding, &wants);
            if found.iter().filter(answers).any(Finding::is_proven) {
                return Outcome::Proven;
            }
            if found.iter().filter(answers).any(Finding::over_low) {
                return Outcome::Found;
            }
            let here = found.iter().find(|finding| finding.over_low() && finding.is_at(want.place));
            let elsewhere = || false_alarms.iter().find(|finding| finding.is_of(want.types));
            if let Some(wrong) = here {
                Outcome::Wrong(wrong.clone())
            } else if found.iter().any(|finding| answers(&finding)) {
                Outcome::LowOnly
            } else {
                elsewhere().map_or(Outcome::Missed, |wrong| Outcome::Wrong(wrong.clone()))
            }
        };
        let wants = wants.iter().map(outcome).collect();
        Verdict { wants, false_alarms, alone: Vec::new() }
    }

    /// Judges what was found in one run by both, and by each of the two alone: the race
    /// detector may speak up in either.
    pub(super) fn of_both(asserted: &[(Place, Assertion)], found: &[Finding]) -> Verdict {
        let alone = [By::Trace, By::Live].map(|by| {
            let own: Vec<Finding> =
                found.iter().filter(|one| one.by == by || one.by == By::RaceDetector).cloned().collect();
            (by, Verdict::of(asserted, &own))
        });
        Verdict { alone: alone.into(), ..Verdict::of(asserted, found) }
    }

    /// That of the program: the worst of its `want`s.
    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.wants.iter().max()
    }
}

/// Whether a finding may be over `low` for what is asserted of a place. One at a
/// `want`'s line that is not what is wanted is wrong, and no false alarm.
fn allows(place: &Place, assertion: &Assertion, finding: &Finding) -> bool {
    finding.is_at(place)
        && match assertion {
            Assertion::Want { .. } => true,
            Assertion::May { types } => types.is_empty() || finding.is_of(types),
        }
}

/// A `want` with its place.
#[derive(Clone, Copy)]
struct Want<'a> {
    place: &'a Place,
    types: &'a [&'static str],
    count: Count,
}

impl<'a> Want<'a> {
    fn of((place, assertion): &'a (Place, Assertion)) -> Option<Want<'a>> {
        match assertion {
            Assertion::Want { types, count } => Some(Want { place, types, count: *count }),
            Assertion::May { .. } => None,
        }
    }

    fn is_answered(&self, finding: &Finding, all: &[Want<'_>]) -> bool {
        if !finding.is_of(self.types) {
            return false;
        }
        match finding.class.as_str() {
            "deadlock" => self.is_in_deadlock(finding, all),
            // The race detector counts no goroutines.
            "data_race" => finding.is_at(self.place) || finding.other.as_ref() == Some(self.place),
            _ => finding.is_at(self.place) && self.count.fits(finding.count),
        }
    }

    /// A deadlock is one finding with the goroutines of all its lines. A line that
    /// may also be a leak can be part of it, or stand for itself.
    fn is_in_deadlock(&self, finding: &Finding, all: &[Want<'_>]) -> bool {
        let deadlocks = all.iter().filter(|want| want.types.contains(&"deadlock"));
        let (certain, open): (Vec<&Want<'_>>, Vec<&Want<'_>>) = deadlocks.partition(|want| want.is_certain());
        let is_one_of = |wants: &[&Want<'_>]| {
            let count = Count {
                least: wants.iter().map(|want| want.count.least).sum(),
                more: wants.iter().any(|want| want.count.more),
            };
            wants.iter().any(|want| finding.is_at(want.place)) && count.fits(finding.count)
        };
        is_one_of(&[certain.as_slice(), open.as_slice()].concat())
            || if self.is_certain() { is_one_of(&certain) } else { is_one_of(&[self]) }
    }

    fn is_certain(&self) -> bool {
        self.types == ["deadlock"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `code` is a program; a finding is `line type count confidence [line]`. The answer
    /// is an outcome a `want`, then the lines of the false alarms.
    fn check(code: &str, found: &[&str], expect: &str) {
        let asserted = Assertion::all(code).expect("the assertions are well formed");
        let asserted: Vec<_> = asserted.into_iter().map(|(line, one)| (place(line), one)).collect();
        let findings: Vec<Finding> = found.iter().map(|finding| told(By::Trace, finding)).collect();
        assert_eq!(said(&Verdict::of(&asserted, &findings)), expect, "{code:?} {found:?}");
    }

    fn place(line: u32) -> Place {
        Place { file: PathBuf::from("bug.go"), line }
    }

    fn told(by: By, finding: &str) -> Finding {
        let words: Vec<&str> = finding.split(' ').collect();
        Finding {
            class: words[1].to_owned(),
            confidence: words[3].to_owned(),
            count: words[2].parse().expect("a count"),
            place: words[0].parse().ok().map(place),
            other: words.get(4).and_then(|line| line.parse().ok()).map(place),
            by,
        }
    }

    fn said(verdict: &Verdict) -> String {
        let mut said: Vec<String> = verdict
            .wants
            .iter()
            .map(|outcome| match outcome {
                Outcome::Proven => "proven".to_owned(),
                Outcome::Found => "found".to_owned(),
                Outcome::LowOnly => "low only".to_owned(),
                Outcome::Wrong(finding) => format!("wrong: {} {}", finding.class, finding.count),
                Outcome::Missed => "missed".to_owned(),
            })
            .collect();
        said.extend(verdict.false_alarms.iter().map(|alarm| {
            format!(
                "alarm at {}",
                alarm.place.as_ref().map_or("nowhere".to_owned(), |at| at.line.to_string())
            )
        }));
        said.join(", ")
    }

    #[test]
    fn of_both_it_is_known_what_each_said() {
        let asserted = Assertion::all("ch <- 1 // want goroutine_leak 1").expect("well formed");
        let asserted: Vec<_> = asserted.into_iter().map(|(line, one)| (place(line), one)).collect();
        let each = |found: &[(By, &str)]| {
            let found: Vec<Finding> = found.iter().map(|(by, finding)| told(*by, finding)).collect();
            let both = Verdict::of_both(&asserted, &found);
            let alone = both.alone.iter().map(|(by, verdict)| format!("{}: {}", by.as_str(), said(verdict)));
            format!("{}; {}", said(&both), alone.collect::<Vec<_>>().join("; "))
        };
        let (leak, alarm) = ("1 goroutine_leak 1 high", "2 deadlock 1 high");
        assert_eq!(each(&[(By::Trace, leak), (By::Live, leak)]), "found; trace: found; live: found");
        assert_eq!(
            each(&[(By::Trace, leak), (By::Live, alarm)]),
            "found, alarm at 2; trace: found; live: missed, alarm at 2"
        );
        assert_eq!(each(&[(By::RaceDetector, leak)]), "found; trace: found; live: found");
    }

    #[test]
    fn a_leak() {
        let code = "ch <- 1 // want goroutine_leak 5\nf()\n<-done // may\ng() // may starvation";
        check(code, &["1 goroutine_leak 5 high"], "found");
        check(code, &["1 goroutine_leak 5 low", "1 goroutine_leak 5 medium"], "found");
        check(code, &["1 goroutine_leak 5 low"], "low only");
        check(code, &["1 goroutine_leak 4 low"], "missed");
        check(code, &["1 goroutine_leak 4 high"], "wrong: goroutine_leak 4");
        check(code, &["1 long_block 5 high"], "wrong: long_block 5");
        check(code, &["1 long_block 5 high", "1 goroutine_leak 5 medium"], "found");
        check(code, &["2 goroutine_leak 5 high"], "wrong: goroutine_leak 5, alarm at 2");
        check(code, &["2 long_block 1 medium"], "missed, alarm at 2");
        check(code, &["2 goroutine_leak 5 low", "3 long_block 1 proven"], "missed");
        check(code, &["4 starvation 1 high", "4 long_block 1 high"], "missed, alarm at 4");
        check(code, &["nowhere long_block 1 high"], "missed, alarm at nowhere");
        check(code, &[], "missed");
    }

    #[test]
    fn counts_and_types() {
        let code = "mu.Lock() // want deadlock|goroutine_leak 3+";
        check(code, &["1 goroutine_leak 7 high"], "found");
        check(code, &["1 deadlock 3 proven"], "proven");
        check(code, &["1 deadlock 2 proven"], "wrong: deadlock 2");
        check("a = 1 // want data_race", &["1 data_race 2 proven"], "proven");
        check("a = 1 // want data_race\nb = a // may", &["2 data_race 2 proven 1"], "proven");
        check("a = 1 // want data_race\nb = a", &["2 data_race 2 proven 1"], "proven, alarm at 2");
    }

    #[test]
    fn a_deadlock_is_one_finding_over_its_lines() {
        let code = "a.Lock() // want deadlock\nb.Lock() // want deadlock 2";
        check(code, &["1 deadlock 3 proven"], "proven, proven");
        check(code, &["2 deadlock 3 high"], "found, found");
        check(code, &["1 deadlock 1 proven", "2 deadlock 2 proven"], "wrong: deadlock 1, wrong: deadlock 2");
        check(code, &["1 goroutine_leak 1 high"], "wrong: goroutine_leak 1, missed");
    }

    #[test]
    fn who_waits_for_a_deadlock_is_in_it_or_leaks() {
        let code = "a.Lock() // want deadlock 2\n<-a // want deadlock|goroutine_leak 3";
        check(code, &["1 deadlock 5 proven"], "proven, proven");
        check(code, &["1 deadlock 2 proven", "2 goroutine_leak 3 high"], "proven, found");
        check(code, &["1 deadlock 2 proven"], "proven, missed");
    }

    #[test]
    fn what_is_fixed_has_no_wants() {
        check("f()\n<-done // may", &["1 goroutine_leak 1 low", "2 long_block 1 high"], "");
        check("f()", &["1 goroutine_leak 1 medium"], "alarm at 1");
    }

    #[test]
    fn the_place_is_the_innermost_frame_of_the_program() {
        let frame = |file: &str, line: u32| format!(r#"{{"file":"{file}","line":{line},"function":"f"}}"#);
        let report = |location: String, stack: &[String]| {
            let stack = stack.join(",");
            format!(
                r#"{{"bugs":[{{"type":"long_block","confidence":"high","count":1,"location":{location},"stack":[{stack}]}}]}}"#
            )
        };
        let place_in = |report: String| {
            let found = Finding::all(By::Live, &report, &[PathBuf::from("/p/bug.go")]).expect("a report");
            let place = found[0].place.clone().expect("a place");
            format!("{}:{}", place.file.display(), place.line)
        };
        let stack = [frame("/go/net/http.go", 9), frame("/p/bug.go", 7), frame("/p/bug.go", 3)];
        assert_eq!(place_in(report(frame("/p/bug.go", 3), &stack)), "/p/bug.go:3");
        assert_eq!(place_in(report(frame("/go/net/http.go", 9), &stack)), "/p/bug.go:7");
        assert_eq!(place_in(report(frame("/go/net/http.go", 9), &stack[..1])), "/go/net/http.go:9");
        assert!(Finding::all(By::Live, "{}", &[]).is_err());
    }
}
