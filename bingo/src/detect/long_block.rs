//! Waits that took long and ended, or would: for a lock, to send, for a WaitGroup. To
//! receive or to select is how workers idle, so a long wait there says nothing; nor
//! does one to send, as long as it lasts, unless who could receive has gone round
//! without it: what makes values rests until somebody wants one.
//!
//! Known limits: of each place the eight longest waits are known by name.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::finding::{Class, Confidence, Finding, NAMED};
use super::waiting::{Waiting, is_at_a_once, is_for_another_test, is_programs_own, lasted};
use crate::model::{GoId, GoState, Stack, WaitReason};
use crate::world::{Glance, Place, Standing, WaitGraphs, World};

const EXPLANATION: &str = "While it waits, whatever waits for it does too. A lock that is held over slow \
     work, or a channel whose receivers do not keep up, makes a program slow without keeping it busy.";

/// Who has come to wait so often meanwhile, and gone on, has passed others over.
const ROUNDS: usize = 4;
/// Where fewer than one in so many waits took long, that may be no more than the machine:
/// it was busy with others, or the program stood still.
const RARE: u64 = 100;
/// Of so many at a place it is asked who keeps them waiting: the rest is like them.
const ASKED: usize = 8;

/// What is known of one place of waiting.
struct Here<'w> {
    waiting: Waiting,
    reason: Option<WaitReason>,
    stack: &'w Stack,
    /// Where some have ended that were long,
    places: Vec<&'w Place>,
    /// and those that are long by now.
    now: Vec<Glance<'w>>,
}

/// Where one waits that is in `told`, they are known to be worse off.
pub(super) fn findings(
    world: &World,
    graph: &WaitGraphs<'_>,
    told: &BTreeSet<GoId>,
    min_block: Duration,
) -> Vec<Finding> {
    let mut patterns: BTreeMap<String, Here<'_>> = BTreeMap::new();
    let worth = |reason, stack| {
        let waiting = Waiting::of(reason, stack).filter(|_| is_programs_own(stack))?;
        matches!(waiting, Waiting::Lock | Waiting::Send | Waiting::Group).then_some(waiting)
    };
    for place in world.places().filter(|place| place.long > 0) {
        let (reason, stack) = (place.reason, &place.stack);
        if let Some(waiting) = worth(reason, stack) {
            let here = patterns.entry(Class::LongBlock.id(reason, stack));
            here.or_insert_with(|| Here::new(waiting, reason, stack)).places.push(place);
        }
    }
    let is_long =
        |one: &Glance<'_>| one.state() == GoState::Blocked && lasted(world, one.since().time()) >= min_block;
    for one in world.glances().filter(|one| is_long(one) && !one.is_system()) {
        let (reason, stack) = (one.reason(), one.stack());
        if let Some(waiting) = worth(reason, stack)
            && !is_for_another_test(stack)
        {
            let here = patterns.entry(Class::LongBlock.id(reason, stack));
            here.or_insert_with(|| Here::new(waiting, reason, stack)).now.push(one);
        }
    }
    patterns.retain(|_, here| {
        // Where such waits end, those who still wait are no better off.
        if here.places.is_empty() {
            here.now.retain(|one| graph.standing(one.id()).unwrap_or(Standing::GoesOn) == Standing::GoesOn);
            let is_told = here.now.iter().any(|one| told.contains(&one.id()));
            let mut some = here.now.iter().take(ASKED);
            if is_told || !some.any(|one| is_kept_waiting(world, graph, *one, here.waiting)) {
                here.now.clear();
            }
        }
        !here.places.is_empty() || !here.now.is_empty()
    });
    patterns.into_iter().filter_map(|(id, here)| here.finding(world, id, min_block)).collect()
}

/// Whether somebody keeps it waiting, who goes on with other things.
fn is_kept_waiting(world: &World, graph: &WaitGraphs<'_>, one: Glance<'_>, waiting: Waiting) -> bool {
    match waiting {
        // No lock is there to idle at.
        Waiting::Lock => true,
        Waiting::Send => {
            let since = one.since().time();
            let rounds = |id| {
                let steps = world.glance(id).into_iter().flat_map(Glance::transitions);
                steps.filter(|step| step.state == GoState::Blocked && step.time > since).count()
            };
            graph.could_end(one.id()).into_iter().any(|id| rounds(id) >= ROUNDS)
        }
        _ => false,
    }
}

impl<'w> Here<'w> {
    fn new(waiting: Waiting, reason: Option<WaitReason>, stack: &'w Stack) -> Here<'w> {
        Here { waiting, reason, stack, places: Vec::new(), now: Vec::new() }
    }

    fn finding(self, world: &World, id: String, min_block: Duration) -> Option<Finding> {
        let Here { waiting, reason, stack, places, now } = self;
        let by_now = now.iter().map(|one| (lasted(world, one.since().time()), one.id())).max();
        let ended = places.iter().flat_map(|place| &place.longest).map(|one| (one.lasted, one.goroutine));
        let ended = ended.filter(|(lasted, _)| *lasted >= min_block).max();
        let (lasted, longest) = ended.max(by_now)?;
        let mut goroutines: BTreeSet<GoId> =
            places.iter().flat_map(|place| place.kept_long.iter().copied()).collect();
        goroutines.extend(now.iter().map(|one| one.id()));
        let what = match waiting {
            Waiting::Lock => "for a lock",
            Waiting::Send => "to send on a channel",
            _ => "for a WaitGroup",
        };
        let least = min_block.as_secs_f64();
        let mut evidence = Vec::new();
        let long: u64 = places.iter().map(|place| place.long).sum();
        let all: u64 = places.iter().map(|place| place.ended).sum();
        if let Some((lasted, goroutine)) = ended {
            let lasted = lasted.as_secs_f64();
            evidence.push(format!(
                "{long} of {all} waits there took {least:.3} s or longer, goroutine {goroutine}'s {lasted:.3} s"
            ));
        }
        if let Some((lasted, goroutine)) = by_now {
            let (count, lasted) = (now.len(), lasted.as_secs_f64());
            evidence.push(format!(
                "{count} have waited there for {least:.3} s or longer by now, goroutine {goroutine} for {lasted:.3} s"
            ));
        }
        let waker = places.iter().flat_map(|place| &place.wakers).max_by_key(|waker| waker.count);
        if let Some((waker, site)) = waker.and_then(|waker| Some((waker, waker.stack.site()?))) {
            evidence.push(format!(
                "{} of them were ended from {} ({}:{}), the last by goroutine {}",
                waker.count, site.function, site.file, site.line, waker.last.0
            ));
        }
        // What makes values for who asks rests alone, and others queue for who is slow.
        let alone = places.is_empty() && waiting == Waiting::Send && goroutines.len() == 1;
        // To wait for others to finish is what a WaitGroup is for, and a Once.
        let meant = waiting == Waiting::Group || is_at_a_once(stack) || alone;
        let rare = now.is_empty() && long.saturating_mul(RARE) < all;
        Some(Finding {
            id,
            class: Class::LongBlock,
            confidence: if meant || rare { Confidence::Low } else { Confidence::Medium },
            title: format!("goroutines wait long {what}: up to {:.3} s", lasted.as_secs_f64()),
            count: goroutines.len(),
            goroutines: goroutines.into_iter().take(NAMED).collect(),
            reason,
            wait: None,
            blocked_for: lasted,
            stack: stack.clone(),
            created_by: world.goroutine(longest).and_then(|goroutine| goroutine.created_by.clone()),
            cycle: Vec::new(),
            related: Vec::new(),
            evidence,
            explanation: EXPLANATION,
        })
    }
}
