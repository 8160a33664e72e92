//! Races that Go's race detector saw, as findings. It saw them happen, so each is
//! `proven`; it sees those alone that happen while it looks, so that none is found
//! does not say that there is none.
//!
//! In: its reports, those at the same two places as one. Out: a finding for each
//! pair of places, whichever of them came first. It stands where the access is at
//! which the race was seen, or at the other one if that alone has a call of the
//! program's own; the other one is among the related places.

use std::time::Duration;

use super::finding::{Class, Confidence, Finding, Related, site_text};
use crate::model::{CreatedBy, Frame, GoId, MemoryAccess, Race, Races, Stack};

const EXPLANATION: &str = "Two goroutines get at the same memory, at least one of them to write, and nothing \
     says who comes first. What is read then can be old, half of each, or make the program crash: the compiler \
     and the processor count on it that this does not happen.";

/// All of them, in the order in which they were seen.
pub fn races(seen: &Races) -> Vec<Finding> {
    seen.found().map(|(race, times)| finding(race, times)).collect()
}

fn finding(race: &Race, times: u64) -> Finding {
    let [first, second] = &race.accesses;
    // What has no call of the program's own says nothing of where to look.
    let turned = !is_in_program(&first.stack) && is_in_program(&second.stack);
    let (access, previous) = if turned { (second, first) } else { (first, second) };
    let mut sites = [site_text(&access.stack), site_text(&previous.stack)];
    sites.sort();
    let mut goroutines: Vec<GoId> = race.accesses.iter().filter_map(|access| access.goroutine).collect();
    goroutines.sort();
    goroutines.dedup();
    let mut related = vec![Related { what: told(previous), stack: previous.stack.clone() }];
    related.extend(race.goroutines.iter().map(|racer| Related {
        what: format!("goroutine {} ({}) was made at", racer.goroutine, racer.state),
        stack: racer.created_at.clone(),
    }));
    let mut evidence = vec![format!("the race detector saw it: {}, {}", told(first), told(second))];
    if times > 1 {
        evidence.push(format!("reported {times} times at these two places"));
    }
    evidence.extend(race.notes.iter().cloned());
    if race.accesses.iter().any(|access| access.stack.frames().is_empty()) {
        evidence.push(
            "the detector had no room to keep one of the stacks: GORACE=history_size=7 gives it more"
                .to_owned(),
        );
    }
    let creator = race.goroutines.iter().find(|racer| Some(racer.goroutine) == access.goroutine);
    Finding {
        id: Class::DataRace.id_of(&sites),
        class: Class::DataRace,
        confidence: Confidence::Proven,
        title: title(access, previous),
        count: goroutines.len().max(1),
        goroutines,
        reason: None,
        wait: None,
        blocked_for: Duration::ZERO,
        stack: access.stack.clone(),
        created_by: creator.and_then(|racer| racer.created_at.site()).map(made_at),
        cycle: Vec::new(),
        related,
        evidence,
        explanation: EXPLANATION,
    }
}

fn is_in_program(stack: &Stack) -> bool {
    stack.site().is_some_and(|site| site.is_visible() && !site.is_machinery() && !site.is_standard())
}

fn title(access: &MemoryAccess, previous: &MemoryAccess) -> String {
    let short = |stack: &Stack| {
        let site = stack.site();
        site.map_or_else(
            || "a place that is not known".to_owned(),
            |site| format!("{}:{}", site.file.rsplit(['/', '\\']).next().unwrap_or_default(), site.line),
        )
    };
    let [kind, other] = [access, previous].map(|access| access.kind.trim_start_matches("previous "));
    format!("{kind} at {} races with {other} at {}", short(&access.stack), short(&previous.stack))
}

/// `write to 0xc000 by goroutine 7`.
fn told(access: &MemoryAccess) -> String {
    let at = access.address.map(|address| format!(" at {address}")).unwrap_or_default();
    format!("{}{at} by {}", access.kind, access.who)
}

fn made_at(site: &Frame) -> CreatedBy {
    CreatedBy { function: site.function.clone(), file: site.file.clone(), line: site.line }
}
