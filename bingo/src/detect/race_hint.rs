//! Memory that two goroutines get at without an order, as the source tells, where
//! the two lived at once. Nobody saw them do it: a hint where to let the race
//! detector look.
//!
//! In: [`Shared`] memory, and where goroutines were made. Out: a finding for each
//! thing that is shared so, at the write; the other use is among the related places.

use std::collections::BTreeSet;
use std::time::Duration;

use super::finding::{Class, Confidence, Finding, Related, site_text};
use super::words::file_name;
use crate::model::{CreatedBy, GoId, Links, MadeAt, Shared, SharedUse, Stack};
use crate::world::{Birthplace, World};

const EXPLANATION: &str = "Two goroutines may get at the same memory, at least one of them to write, and the source \
     shows nothing that says who comes first: no lock that both take, no channel and no WaitGroup in between. \
     Nobody saw it happen. `bingo run --race` tells whether it does.";

/// What is found.
pub(super) fn findings(world: &World, links: &Links) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for shared in &links.shared {
        if let Some(goroutines) = together(world, shared) {
            let finding = finding(shared, &goroutines);
            if !found.iter().any(|known| known.id == finding.id) {
                found.push(finding);
            }
        }
    }
    found
}

/// Drops hints at what the race detector saw: a line of theirs that raced.
pub fn drop_hints(found: &mut Vec<Finding>) {
    let lines = |finding: &Finding| -> BTreeSet<String> {
        let related = finding.related.iter().map(|related| &related.stack);
        std::iter::once(&finding.stack).chain(related).map(site_text).collect()
    };
    let seen: BTreeSet<String> =
        found.iter().filter(|finding| finding.class == Class::DataRace).flat_map(lines).collect();
    found.retain(|finding| finding.class != Class::RaceHint || lines(finding).is_disjoint(&seen));
}

/// Goroutines that lived at once and do what is told, and what says so.
fn together(world: &World, shared: &Shared) -> Option<(Vec<GoId>, String)> {
    let births = |at: &MadeAt| -> Vec<&Birthplace> {
        world.birthplaces().iter().filter(|place| is_at(&place.stack, at)).collect()
    };
    let [one, other] = &shared.uses;
    match (&one.made_at, &other.made_at) {
        (Some(one), Some(other)) if one == other => {
            let births = births(one);
            let place = births.iter().max_by_key(|place| place.at_once)?;
            let said = format!(
                "{} of the goroutines made at {} lived at once, {} among them",
                place.at_once,
                place_text(one),
                ids(&place.together)
            );
            (place.at_once > 1).then(|| (place.together.clone(), said))
        }
        (Some(one), Some(other)) => {
            let (ones, others) = (births(one), births(other));
            let mut pairs = ones.iter().flat_map(|one| others.iter().map(move |other| (one, other)));
            let (one, other) = pairs.find(|(one, other)| are_at_once(one, other))?;
            let both = vec![*one.together.first()?, *other.together.first()?];
            let said = format!("{} lived while the other one's kind did", ids(&both));
            Some((both, said))
        }
        (Some(made), None) | (None, Some(made)) => {
            let births = births(made);
            let place = births.iter().max_by_key(|place| place.made)?;
            let first = *place.together.first()?;
            let said = format!("goroutine {first} was made at {}, and its maker went on", place_text(made));
            Some((vec![first], said))
        }
        (None, None) => None,
    }
}

fn is_at(stack: &Stack, at: &MadeAt) -> bool {
    stack.frames().iter().any(|frame| frame.file == at.file && (at.line..=at.end).contains(&frame.line))
}

/// Whether those of one place lived while those of the other did.
fn are_at_once(one: &Birthplace, other: &Birthplace) -> bool {
    one.last.is_none_or(|last| other.first < last) && other.last.is_none_or(|last| one.first < last)
}

fn finding(shared: &Shared, (goroutines, said): &(Vec<GoId>, String)) -> Finding {
    let [one, other] = &shared.uses;
    let stacks = [one, other].map(|told| Stack::new(vec![told.at.clone()]));
    let mut sites = stacks.each_ref().map(site_text);
    sites.sort();
    let [stack, second] = stacks;
    let mut goroutines = goroutines.clone();
    goroutines.sort();
    let nothing =
        "no lock that both take, no channel and no WaitGroup orders the two, as far as the source tells";
    let related = Related { what: format!("{} {}", does(other), by(other)), stack: second };
    let created_by = one.made_at.as_ref().or(other.made_at.as_ref());
    Finding {
        id: Class::RaceHint.id_of(&sites),
        class: Class::RaceHint,
        confidence: Confidence::Low,
        title: title(shared),
        count: goroutines.len(),
        goroutines,
        reason: None,
        wait: None,
        blocked_for: Duration::ZERO,
        stack,
        created_by: created_by.map(|made| CreatedBy {
            function: made.function.clone(),
            file: made.file.clone(),
            line: made.line,
        }),
        cycle: Vec::new(),
        related: vec![related],
        evidence: vec![said.clone(), nothing.to_owned()],
        explanation: EXPLANATION,
    }
}

fn title(shared: &Shared) -> String {
    let [one, other] = &shared.uses;
    let line = |told: &SharedUse| format!("{}:{}", file_name(&told.at.file), told.at.line);
    if one.at == other.at {
        return format!("{} may be set by several goroutines at once at {}", shared.name, line(one));
    }
    format!("{} may be set at {} while it is {} at {}", shared.name, line(one), does(other), line(other))
}

fn does(told: &SharedUse) -> &'static str {
    if told.write { "set" } else { "read" }
}

fn by(told: &SharedUse) -> String {
    match &told.made_at {
        Some(at) => format!("by a goroutine made at {}", place_text(at)),
        None => "by who made the goroutine".to_owned(),
    }
}

fn place_text(at: &MadeAt) -> String {
    format!("{}:{}", file_name(&at.file), at.line)
}

fn ids(all: &[GoId]) -> String {
    let all: Vec<String> = all.iter().map(|id| format!("goroutine {id}")).collect();
    all.join(" and ")
}
