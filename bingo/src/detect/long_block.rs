//! Waits that took long and ended: for a lock, to send, for a WaitGroup. To
//! receive or to select is how workers idle, so a long wait there says nothing.
//!
//! Known limits: of each place the eight longest waits are known by name.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::finding::{Class, Confidence, Finding, NAMED};
use super::waiting::{Waiting, is_programs_own};
use crate::model::{GoId, GoState};
use crate::world::{Glance, Place, World};

const EXPLANATION: &str = "While it waits, whatever waits for it does too. A lock that is held over slow \
     work, or a channel whose receivers do not keep up, makes a program slow without keeping it busy.";

pub(super) fn findings(world: &World, min_block: Duration) -> Vec<Finding> {
    let mut patterns: HashMap<String, Vec<(&Place, Waiting)>> = HashMap::new();
    for place in world.places().filter(|place| place.long > 0 && is_programs_own(&place.stack)) {
        let waiting = Waiting::of(place.reason, &place.stack);
        let worth = |waiting: &Waiting| matches!(waiting, Waiting::Lock | Waiting::Send | Waiting::Group);
        if let Some(waiting) = waiting.filter(worth) {
            let id = Class::LongBlock.id(place.reason, &place.stack);
            patterns.entry(id).or_default().push((place, waiting));
        }
    }
    patterns.into_iter().filter_map(|(id, places)| pattern(world, id, &places, min_block)).collect()
}

fn pattern(world: &World, id: String, places: &[(&Place, Waiting)], min_block: Duration) -> Option<Finding> {
    let (place, waiting) = *places.first()?;
    let long: u64 = places.iter().map(|(place, _)| place.long).sum();
    let ended: u64 = places.iter().map(|(place, _)| place.ended).sum();
    let mut waits: Vec<_> = places.iter().flat_map(|(place, _)| &place.longest).collect();
    waits.retain(|wait| wait.lasted >= min_block);
    waits.sort_by_key(|wait| std::cmp::Reverse(wait.lasted));
    let longest = *waits.first()?;
    let mut goroutines: BTreeSet<GoId> =
        places.iter().flat_map(|(place, _)| place.kept_long.iter().copied()).collect();
    // Those who have waited there as long by now are no better off.
    let waits_now = |one: &Glance<'_>| {
        one.state() == GoState::Blocked
            && world.latest().since(one.since().time()) >= min_block
            && places.iter().any(|(place, _)| one.reason() == place.reason && *one.stack() == place.stack)
    };
    goroutines.extend(world.glances().filter(waits_now).map(Glance::id));
    let what = match waiting {
        Waiting::Lock => "for a lock",
        Waiting::Send => "to send on a channel",
        _ => "for a WaitGroup",
    };
    let mut evidence = vec![format!(
        "{long} of {ended} waits there took {:.3} s or longer, goroutine {}'s {:.3} s",
        min_block.as_secs_f64(),
        longest.goroutine,
        longest.lasted.as_secs_f64()
    )];
    let waker = places.iter().flat_map(|(place, _)| &place.wakers).max_by_key(|waker| waker.count);
    if let Some((waker, site)) = waker.and_then(|waker| Some((waker, waker.stack.site()?))) {
        evidence.push(format!(
            "{} of them were ended from {} ({}:{}), the last by goroutine {}",
            waker.count, site.function, site.file, site.line, waker.last.0
        ));
    }
    Some(Finding {
        id,
        class: Class::LongBlock,
        // To wait for others to finish is what a WaitGroup is for.
        confidence: if waiting == Waiting::Group { Confidence::Low } else { Confidence::Medium },
        title: format!("goroutines wait long {what}: up to {:.3} s", longest.lasted.as_secs_f64()),
        count: goroutines.len(),
        goroutines: goroutines.into_iter().take(NAMED).collect(),
        reason: place.reason,
        wait: None,
        blocked_for: longest.lasted,
        stack: place.stack.clone(),
        created_by: world.goroutine(longest.goroutine).and_then(|goroutine| goroutine.created_by.clone()),
        cycle: Vec::new(),
        related: Vec::new(),
        evidence,
        explanation: EXPLANATION,
    })
}
