//! Locks that are taken in two orders, without a deadlock yet: A then B here, B then
//! A there. Seen where somebody waited for the second one under the first one.
//!
//! Known limits: an order that never had to wait is not seen, and of a process none
//! that was over before it was watched: its memory keeps nothing of what was held when
//! a wait that has ended began. Of one that is watched it takes the probes and the
//! source. Locks that the source calls the same (one field of two values) may be one
//! lock or two: no order of them is told.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Class, Confidence, Finding, NAMED, Related, Step};
use super::words;
use crate::model::{GoId, Links, Nested, ObjectIndex};
use crate::world::World;

const EXPLANATION: &str = "Two goroutines that take the two locks in these two orders at the same time wait for \
     each other for ever. It has gone well so far. One order for all who take both prevents it.";

/// A first lock and a second one.
type Order = (ObjectIndex, ObjectIndex);

/// What is found but for what is a deadlock already.
pub(super) fn findings(world: &World, links: &Links, deadlocked: &BTreeSet<GoId>) -> Vec<Finding> {
    let mut orders: BTreeMap<Order, Vec<&Nested>> = BTreeMap::new();
    for nested in links.nested.iter().filter(|nested| nested.held != nested.wanted) {
        orders.entry((nested.held, nested.wanted)).or_default().push(nested);
    }
    let mut found = Vec::new();
    for ((first, second), here) in &orders {
        let Some(there) = orders.get(&(*second, *first)) else { continue };
        let mut all = here.iter().chain(there);
        if all.any(|nested| deadlocked.contains(&nested.goroutine))
            || is_one_goroutines(here, there)
            || is_guarded(links, here, there)
        {
            continue;
        }
        found.extend(order(world, links, here, there));
    }
    found
}

/// What one goroutine does now so and then so cannot meet itself.
fn is_one_goroutines(here: &[&Nested], there: &[&Nested]) -> bool {
    let goroutines: BTreeSet<GoId> = here.iter().chain(there).map(|nested| nested.goroutine).collect();
    goroutines.len() < 2
}

/// Whether a third lock is held in both orders, always.
fn is_guarded(links: &Links, here: &[&Nested], there: &[&Nested]) -> bool {
    let held_beside = |nested: &Nested| -> BTreeSet<ObjectIndex> {
        let same = links.nested.iter().filter(|other| {
            other.goroutine == nested.goroutine
                && other.wanted == nested.wanted
                && other.stack == nested.stack
        });
        same.map(|other| other.held).filter(|held| *held != nested.held).collect()
    };
    let mut all = here.iter().chain(there).map(|nested| held_beside(nested));
    let first = all.next().unwrap_or_default();
    let in_all = all.fold(first, |common, held| common.intersection(&held).copied().collect());
    !in_all.is_empty()
}

fn order(world: &World, links: &Links, here: &[&Nested], there: &[&Nested]) -> Option<Finding> {
    let (first, other) = (*here.first()?, *there.first()?);
    let goroutines: BTreeSet<GoId> = here.iter().map(|nested| nested.goroutine).collect();
    let name = |index| links.object(index).map(words::which);
    let (held, wanted) = (name(first.held)?, name(first.wanted)?);
    let says = |nested: &Nested, held: &str, wanted: &str| {
        let since = nested
            .held_at
            .as_ref()
            .map_or(String::new(), |(file, line)| format!(", taken at {}:{line}", words::file_name(file)));
        format!(
            "goroutine {} waited for {wanted}{} while it held {held}{since}",
            nested.goroutine,
            words::at(&nested.stack)
        )
    };
    let step = |nested: &Nested, next: GoId| {
        Some(Step {
            goroutine: nested.goroutine,
            stack: nested.stack.clone(),
            waits_for: next,
            on: links.object(nested.wanted)?.clone(),
            because: "takes the two in the other order".to_owned(),
        })
    };
    Some(Finding {
        id: Class::LockOrder.id(None, &first.stack),
        class: Class::LockOrder,
        confidence: Confidence::Medium,
        title: format!("{wanted} is taken under {held} here, and the other way around elsewhere"),
        goroutines: goroutines.iter().copied().take(NAMED).collect(),
        count: goroutines.len(),
        reason: None,
        wait: None,
        blocked_for: std::time::Duration::ZERO,
        stack: first.stack.clone(),
        created_by: world.goroutine(first.goroutine).and_then(|one| one.created_by.clone()),
        cycle: [step(first, other.goroutine), step(other, first.goroutine)].into_iter().flatten().collect(),
        related: vec![Related { what: "the other order".to_owned(), stack: other.stack.clone() }],
        evidence: vec![says(first, &held, &wanted), says(other, &wanted, &held)],
        explanation: EXPLANATION,
    })
}
