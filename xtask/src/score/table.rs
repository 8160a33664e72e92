//! The score as it is shown. In: trials, in the order of the corpus. Out: a line
//! a class and what it rests on below, or an object a program.

use std::collections::BTreeMap;

use bingo_tests::{Assertion, Program, Variant};
use serde_json::{Value, json};

use super::judge::{By, Finding, Outcome, Place, Verdict};
use super::trial::Trial;

/// What was not found: where, what was asked, what there was, in how many runs.
type Shortfalls = BTreeMap<(Place, String, Outcome), usize>;

/// How often each outcome came, and how often a false alarm.
#[derive(Clone, Copy, Default)]
struct Tally {
    /// Proven or not.
    found: usize,
    proven: usize,
    low_only: usize,
    missed: usize,
    wrong: usize,
    false_alarms: usize,
}

impl Tally {
    fn of<'a>(trials: impl Iterator<Item = &'a Trial>) -> Tally {
        Tally::of_verdicts(trials.flat_map(Trial::judged))
    }

    fn of_verdicts<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> Tally {
        let mut tally = Tally::default();
        for verdict in verdicts {
            tally.false_alarms += verdict.false_alarms.len();
            match verdict.outcome() {
                Some(Outcome::Proven) => (tally.found, tally.proven) = (tally.found + 1, tally.proven + 1),
                Some(Outcome::Found) => tally.found += 1,
                Some(Outcome::LowOnly) => tally.low_only += 1,
                Some(Outcome::Wrong(_)) => tally.wrong += 1,
                Some(Outcome::Missed) => tally.missed += 1,
                None => {}
            }
        }
        tally
    }

    fn line(&self, class: &str, programs: usize) -> String {
        let Tally { found, proven, low_only, missed, wrong, false_alarms } = self;
        format!(
            "{class:<14}{programs:>9}{found:>7}{proven:>8}{low_only:>10}{missed:>8}{wrong:>7}{false_alarms:>14}"
        )
    }
}

impl Trial {
    /// The runs that there were.
    fn judged(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().flatten()
    }

    fn shortfalls(&self) -> Shortfalls {
        self.shortfalls_of(self.judged())
    }

    /// The same of each of the two, where it was judged by both.
    fn shortfalls_alone(&self) -> Vec<(By, Shortfalls)> {
        let each = [By::Trace, By::Live].map(|by| (by, self.shortfalls_of(alone(self.judged(), by))));
        each.into_iter().filter(|(_, short)| !short.is_empty()).collect()
    }

    fn shortfalls_of<'a>(&self, verdicts: impl Iterator<Item = &'a Verdict>) -> Shortfalls {
        let mut counted = BTreeMap::new();
        for verdict in verdicts {
            for ((place, asked), outcome) in self.wants().zip(&verdict.wants) {
                if *outcome > Outcome::Found {
                    *counted.entry((place.clone(), asked, outcome.clone())).or_default() += 1;
                }
            }
        }
        counted
    }

    /// Each `want`, as it is written.
    fn wants(&self) -> impl Iterator<Item = (&Place, String)> {
        self.asserted.iter().filter_map(|(place, assertion)| match assertion {
            Assertion::Want { types, count } => Some((place, format!("{} {count}", types.join("|")))),
            Assertion::May { .. } => None,
        })
    }

    /// The false alarms, and in how many runs.
    fn false_alarms(&self) -> BTreeMap<&Finding, usize> {
        let mut counted = BTreeMap::new();
        for alarm in self.judged().flat_map(|verdict| &verdict.false_alarms) {
            *counted.entry(alarm).or_default() += 1;
        }
        counted
    }

    /// Why runs came to nothing.
    fn errors(&self) -> impl Iterator<Item = String> {
        self.verdicts.iter().filter_map(|verdict| Some(format!("{:#}", verdict.as_ref().err()?)))
    }

    /// Whether the bug may have stayed away.
    fn shows_sometimes(&self) -> bool {
        self.program.header(self.variant).is_ok_and(|header| header.sometimes)
    }
}

/// What each verdict by both was `by` one of the two alone.
fn alone<'a>(verdicts: impl Iterator<Item = &'a Verdict>, by: By) -> impl Iterator<Item = &'a Verdict> {
    let own = move |verdict: &'a Verdict| verdict.alone.iter().filter(move |(one, _)| *one == by);
    verdicts.flat_map(own).map(|(_, verdict)| verdict)
}

/// Prints a line a class, and below it what it rests on.
pub(super) fn print(trials: &[Trial]) {
    println!("class          programs  found  proven  low only  missed  wrong  false alarms");
    for class in Program::CLASSES {
        let of_class: Vec<&Trial> = trials.iter().filter(|trial| trial.program.class == class).collect();
        if !of_class.is_empty() {
            println!(
                "{}",
                Tally::of(of_class.iter().copied()).line(class, programs(of_class.iter().copied()))
            );
            of_class.iter().for_each(|trial| print_details(trial));
        }
    }
    println!("{}", Tally::of(trials.iter()).line("all", programs(trials.iter())));
    for by in [By::Trace, By::Live] {
        let mut verdicts = alone(trials.iter().flat_map(Trial::judged), by).peekable();
        if verdicts.peek().is_some() {
            let line = format!("  by {}", by.as_str());
            println!("{}", Tally::of_verdicts(verdicts).line(&line, programs(trials.iter())));
        }
    }
}

fn programs<'a>(trials: impl Iterator<Item = &'a Trial>) -> usize {
    trials.filter(|trial| trial.variant != Variant::Fixed).count()
}

fn print_details(trial: &Trial) {
    let runs = trial.verdicts.len() + trial.hidden;
    let often = |times: usize| if runs > 1 { format!(" ({times} of {runs} runs)") } else { String::new() };
    let all = trial.shortfalls().into_iter().map(|short| (None, short));
    let each = trial.shortfalls_alone().into_iter();
    let each = each.flat_map(|(by, short)| short.into_iter().map(move |short| (Some(by), short)));
    for (by, ((place, asked, outcome), times)) in all.chain(each) {
        let (name, instead) = match &outcome {
            Outcome::Wrong(finding) => ("wrong", format!(", but {}", shown(finding))),
            other => (name(other), String::new()),
        };
        let at = at(trial, Some(&place));
        let by = by.map_or_else(String::new, |by| format!(" by {}", by.as_str()));
        println!("    {name:<12} {at} {asked}{instead}{by}{}", often(times));
    }
    for (alarm, times) in trial.false_alarms() {
        let at = at(trial, alarm.place.as_ref());
        let Finding { class, confidence, count, by, .. } = alarm;
        let by = by.as_str();
        println!("    false alarm  {at} {class} {count} {confidence} by {by}{}", often(times));
    }
    if trial.hidden > 0 {
        println!("    did not show {}{}", trial.program.fixture(trial.variant), often(trial.hidden));
    }
    for error in trial.errors() {
        println!("    not run      {}: {error}", trial.program.fixture(trial.variant));
    }
}

fn shown(finding: &Finding) -> String {
    let Finding { class, confidence, count, place, .. } = finding;
    let line = place.as_ref().map_or_else(String::new, |place| format!(" at line {}", place.line));
    format!("{class} {count} {confidence}{line}")
}

/// The place, under the program's name where it is in one of its files.
fn at(trial: &Trial, place: Option<&Place>) -> String {
    let Some(Place { file, line }) = place else {
        return trial.program.fixture(trial.variant);
    };
    let folder = file.parent();
    let own = folder.is_some_and(|folder| folder.ends_with(trial.program.to_string()));
    match file.file_name() {
        Some(file) if own => format!("{}/{}:{line}", trial.program, file.to_string_lossy()),
        _ => format!("{} {}:{line}", trial.program.fixture(trial.variant), file.display()),
    }
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Proven => "proven",
        Outcome::Found => "found",
        Outcome::LowOnly => "low only",
        Outcome::Wrong(_) => "wrong",
        Outcome::Missed => "missed",
    }
}

/// Prints an object a program.
pub(super) fn print_json(programs: &[Program], trials: &[Trial]) {
    for program in programs {
        let own: Vec<&Trial> = trials.iter().filter(|trial| trial.program == *program).collect();
        println!("{}", object(program, &own));
    }
}

fn object(program: &Program, trials: &[&Trial]) -> Value {
    let Tally { found, proven, low_only, missed, wrong, false_alarms } = Tally::of(trials.iter().copied());
    let shortfall = |((place, asked, outcome), runs): ((Place, String, Outcome), usize)| {
        let instead = if let Outcome::Wrong(finding) = &outcome { json_of(finding) } else { Value::Null };
        json!({ "line": place.line, "want": asked, "outcome": name(&outcome), "instead": instead, "runs": runs })
    };
    let mut not_found_by = serde_json::Map::new();
    for (by, short) in trials.iter().flat_map(|trial| trial.shortfalls_alone()) {
        let known = not_found_by.entry(by.as_str()).or_insert_with(|| json!([]));
        known
            .as_array_mut()
            .into_iter()
            .for_each(|known| known.extend(short.clone().into_iter().map(shortfall)));
    }
    let alarm = |(finding, runs): (&Finding, usize)| {
        let mut alarm = json_of(finding);
        if let Value::Object(keys) = &mut alarm {
            keys.insert("runs".to_owned(), runs.into());
        }
        alarm
    };
    json!({
        "program": program.name,
        "class": program.class,
        "kind": trials.first().and_then(|trial| trial.program.header(trial.variant).ok()?.class).map(|(_, kind)| kind),
        "shows_sometimes": trials.iter().any(|trial| trial.shows_sometimes()),
        "runs": trials.iter().map(|trial| trial.verdicts.len() + trial.hidden).max(),
        "did_not_show": trials.iter().map(|trial| trial.hidden).sum::<usize>(),
        "found": found,
        "proven": proven,
        "low_only": low_only,
        "missed": missed,
        "wrong": wrong,
        "false_alarms": false_alarms,
        "not_found": trials.iter().flat_map(|trial| trial.shortfalls()).map(shortfall).collect::<Vec<_>>(),
        "not_found_by": not_found_by,
        "alarms": trials.iter().flat_map(|trial| trial.false_alarms()).map(alarm).collect::<Vec<_>>(),
        "not_run": trials.iter().flat_map(|trial| trial.errors()).collect::<Vec<_>>(),
    })
}

fn json_of(finding: &Finding) -> Value {
    let Finding { class, confidence, count, place, by, .. } = finding;
    let place = place.as_ref().map(|place| json!({ "file": place.file, "line": place.line }));
    json!({ "type": class, "confidence": confidence, "count": count, "location": place, "by": by.as_str() })
}
