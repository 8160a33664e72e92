//! Who waits for the end of one that is written to go on for ever, as a main waits for the
//! workers of a daemon. In: how goroutines stand by the [`WaitGraphs`]. Out: those whose
//! wait is meant to last. Of a `select` all cases have to be such: who waits for an answer or
//! for the end of the program, and has lost the answer, is no such one.
//!
//! ```text
//!   main ──Wait──▶ group ◀──defer Done── worker, `for { … }`, goes on      main: meant
//!   main ──Wait──▶ group ◀──defer Done── worker, `for { … }`, is stuck     main: stuck
//!   main ──Wait──▶ group                 worker, returned without Done     main: stuck
//!   main ──recv──▶ done ◀──close── supervisor ──Wait──▶ group ◀── …        as supervisor
//! ```

use std::collections::BTreeSet;

use super::waiting::Waiting;
use crate::model::{GoId, GoState};
use crate::world::{Glance, Standing, WaitGraphs, World};

/// Those that are stuck and wait for the end of one that goes on, or of one of these. No
/// lock is waited for like that, and who sends waits to be rid of something.
pub(super) fn who_wait_for_the_end(world: &World, graph: &WaitGraphs<'_>) -> BTreeSet<GoId> {
    if !graph.owes() {
        return BTreeSet::new();
    }
    let kind = |one: Glance<'_>| Waiting::of(one.reason(), one.stack());
    let selects = |one: Glance<'_>| kind(one) == Some(Waiting::Select);
    let is_stuck = |id| graph.standing(id).is_some_and(|standing| standing > Standing::GoesOn);
    let waits =
        |one: Glance<'_>| matches!(kind(one), Some(Waiting::Receive | Waiting::Select | Waiting::Group));
    let stuck = world.glances().filter(|one| one.state() == GoState::Blocked && is_stuck(one.id()));
    let mut open: Vec<GoId> = stuck.filter(|one| waits(*one)).map(Glance::id).collect();
    let goes_on = |id| {
        let rests =
            |one: Glance<'_>| one.state() == GoState::Blocked && kind(one).is_some_and(Waiting::is_for_ever);
        !is_stuck(id) && world.glance(id).is_some_and(|one| one.state() != GoState::Dead && !rests(one))
    };
    let (mut found, mut known) = (BTreeSet::new(), Vec::new());
    open.retain(|id| {
        let meant = graph.is_owed_by(*id, &goes_on, &mut known);
        if meant {
            found.insert(*id);
        }
        !meant
    });
    while !found.is_empty() {
        let is_one = |other| found.contains(&other);
        let (mut owed, mut ended) = (Vec::new(), Vec::new());
        let of_these = |id: &GoId| {
            let selects = world.glance(*id).is_some_and(selects);
            graph.is_owed_by(*id, &is_one, &mut owed)
                || !selects && graph.is_ended_by(*id, &is_one, &mut ended)
        };
        let more: Vec<GoId> = open.iter().copied().filter(of_these).collect();
        if more.is_empty() {
            break;
        }
        found.extend(more);
        open.retain(|id| !found.contains(id));
    }
    found
}
