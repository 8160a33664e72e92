//! Channels with room that are used as a semaphore: one takes a slot by sending, or a
//! token by receiving, and gives it back by the other. In: where goroutines are, and what
//! they wait for. Out: the channels on which they wait for one.
//!
//! ```text
//!   slots <- struct{}{}    // waits here; nothing was received from it on the way
//!   work()
//!   <-slots                // gives back what it took
//! ```
//!
//! Who has done the other before, on every way to where it waits, hands on what others
//! are to take: that is none of these. Nor is who has one already, and waits for more.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::acts::{Code, call_of};
use super::context::Item;
use super::future::is_behind;
use super::ir::{Act, ActKind, SiteId};
use super::place::{Spot, Spots};
use crate::model::Operation;

/// Those channels of `waits` on which they wait for a slot, with how it is given back.
pub(super) fn slots(
    code: &mut Code,
    spots: &Spots,
    waits: &[(Item, Operation)],
) -> BTreeSet<(SiteId, Operation)> {
    let mut slots = BTreeSet::new();
    for (item, takes) in waits {
        let gives = match takes {
            Operation::Send => Operation::Receive,
            // Where something else can end the wait, it may well send without having one.
            Operation::Receive if waits.len() == 1 => Operation::Send,
            _ => continue,
        };
        let (site, takes) = (item.site, *takes);
        if !code.points.program.roomy.contains(&site) {
            continue;
        }
        let hands_on =
            |code: &mut Code, spot: &Spot| is_done(code, spot, (site, gives), None).unwrap_or(true);
        let has_one =
            |code: &mut Code, spot: &Spot| is_done(code, spot, (site, takes), Some(gives)).unwrap_or(false);
        if !spots.all.iter().any(|spot| hands_on(code, spot) || has_one(code, spot)) {
            slots.insert((site, gives));
        }
    }
    slots
}

/// Whether an operation was done with a channel on every way to a spot, and not undone
/// since; `None`: it may have been on the line where it is.
fn is_done(
    code: &mut Code,
    spot: &Spot,
    (channel, operation): (SiteId, Operation),
    undone: Option<Operation>,
) -> Option<bool> {
    let Some(func) = code.points.program.func(spot.context.func) else { return Some(false) };
    let body = Rc::clone(&func.body);
    // What the call under way does, it has not done yet, or has within.
    let under_way = |act: &Act| act.line <= spot.line && spot.line <= act.end && call_of(act).is_some();
    let mut does = |act: &Act| {
        let done = !under_way(act) && does(code, act, (channel, operation));
        let is_undone = || undone.filter(|undone| does(code, act, (channel, *undone))).map(|_| false);
        done.then_some(true).or_else(is_undone)
    };
    is_behind(&body, spot.line, &mut does)
}

fn does(code: &mut Code, act: &Act, (channel, operation): (SiteId, Operation)) -> bool {
    let direct = code.done(act, None);
    let is_it = |done, site| done == operation && site == channel;
    if direct.into_iter().any(|done| is_it(done.operation, done.item.site)) {
        return true;
    }
    if matches!(act.kind, ActKind::Go(_)) {
        return false;
    }
    let called = code.closure(std::iter::once(act));
    called
        .into_iter()
        .any(|func| code.doings(func).iter().any(|(_, done)| is_it(done.operation, done.item.site)))
}
