//! Channels with room that are used as a semaphore: who sends takes a slot, who
//! receives gives one back. In: where goroutines are, and what they wait for. Out: the
//! channels on which they wait for a slot.
//!
//! ```text
//!   slots <- struct{}{}    // waits here; nothing was received from it on the way
//!   work()
//!   <-slots                // gives back what it took
//! ```
//!
//! Who has received from the channel before, on every way to where it sends, hands on
//! what others are to take: that is none of these.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::acts::{Code, call_of};
use super::context::Item;
use super::future::is_behind;
use super::ir::{Act, ActKind, SiteId};
use super::place::{Spot, Spots};
use crate::model::Operation;

/// Those channels of `waits` on which they wait for a slot.
pub(super) fn slots(code: &mut Code, spots: &Spots, waits: &[(Item, Operation)]) -> BTreeSet<SiteId> {
    let sends = waits.iter().filter(|(_, operation)| *operation == Operation::Send);
    let sites: BTreeSet<SiteId> = sends.map(|(item, _)| item.site).collect();
    let roomy = sites.into_iter().filter(|site| code.points.program.roomy.contains(site));
    let roomy: Vec<SiteId> = roomy.collect();
    roomy.into_iter().filter(|site| !spots.all.iter().any(|spot| has_received(code, spot, *site))).collect()
}

/// Whether something was received from a channel on every way to a spot, or may have
/// been on the line where it is.
fn has_received(code: &mut Code, spot: &Spot, channel: SiteId) -> bool {
    let Some(func) = code.points.program.func(spot.context.func) else { return false };
    let body = Rc::clone(&func.body);
    // What the call under way receives, it has not received yet, or has within.
    let under_way = |act: &Act| act.line <= spot.line && spot.line <= act.end && call_of(act).is_some();
    let mut does = |act: &Act| (!under_way(act) && receives(code, act, channel)).then_some(true);
    is_behind(&body, spot.line, &mut does).unwrap_or(true)
}

fn receives(code: &mut Code, act: &Act, channel: SiteId) -> bool {
    let direct = code.done(act, None);
    let is_it = |operation, site| operation == Operation::Receive && site == channel;
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
