//! How sure it is of each of several goroutines that it is stuck, and what makes it less
//! so. In: how they stand by the [`WaitGraphs`], since when they wait, and how the
//! picture of them was made. Out: a confidence for each, with a [`Doubt`].
//!
//! ```text
//!   the process is read    ├───────────────────────┤
//!   7 waits             ───────────────────────────────  sure
//!   8 waits                          ──────────────────  one more of those: left out
//!   9 waits               ─────────                      what 7 is, where 8 comes and no
//!                                                        wait there lasts: not known
//! ```

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::finding::Confidence;
use super::waiting::{SHORTEST, lasted};
use crate::model::{GoId, Object, Operation};
use crate::world::{Glance, Standing, WaitGraphs, World};

/// So many are followed of those that one waits for, by way of others.
const FOLLOWED: usize = 100;

/// How sure it is, and why it is not surer.
pub(super) type Surety = (Confidence, Option<Doubt>);

/// What makes less sure that a goroutine is stuck.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Doubt {
    /// Events were lost.
    Lost,
    /// The picture need not be of one moment.
    Moments,
    /// Others come there, and it may be about to go.
    Brief,
    /// It has just come.
    Young,
    /// It is stuck for who knows all who use what it waits for.
    UnderLock,
}

impl Doubt {
    pub(super) fn words(self) -> &'static str {
        match self {
            Doubt::Lost => "events were lost since, and the wait may be over",
            Doubt::Moments => {
                "the wait, or that of another whom it is for, began while the process was read, a piece after the other"
            }
            Doubt::Brief => {
                "others come to wait there, and the wait is no longer than such a one lasts or the reading takes"
            }
            Doubt::Young => "the wait began less than 10 ms ago, and may be about to end",
            Doubt::UnderLock => "all who are known to use what it waits for are stuck; something else could",
        }
    }

    /// Why a finding is no surer than that.
    pub(super) fn said(self, confidence: Confidence) -> String {
        format!("no surer than {}: {}", confidence.as_str(), self.words())
    }
}

/// How sure it is of those of `members`, who are at one place, that are stuck. `ended`:
/// how long a wait there has lasted at the most that is over.
pub(super) fn sureties(
    world: &World,
    graph: &WaitGraphs<'_>,
    members: &[Glance<'_>],
    ended: Option<Duration>,
) -> HashMap<GoId, Surety> {
    let stuck = members.iter().filter_map(|member| {
        let standing = graph.standing(member.id())?;
        (standing > Standing::GoesOn).then_some((*member, standing))
    });
    let stuck: Vec<_> = stuck.collect();
    let mut moments = Moments::of(world, graph);
    // Where others come, those who wait there may be the ones that go.
    let come_and_go = stuck.iter().any(|(member, _)| moments.came_meanwhile(member.id()));
    let least = world.snapshot_took().max(ended.unwrap_or_default());
    let mut sure = |member: Glance<'_>, standing| {
        let (id, since) = (member.id(), member.since().time());
        let young = lasted(world, since) < SHORTEST;
        match standing {
            Standing::Proven => (Confidence::Proven, None),
            _ if world.is_uncertain(id) => (Confidence::Low, Some(Doubt::Lost)),
            _ if moments.are_several(id) => (Confidence::Low, Some(Doubt::Moments)),
            _ if come_and_go && world.snapshot_taken().since(since) < least => {
                (Confidence::Low, Some(Doubt::Brief))
            }
            _ if young && !graph.is_still() && !graph.is_named(id) => (Confidence::Low, Some(Doubt::Young)),
            _ if young => (Confidence::Medium, Some(Doubt::Young)),
            Standing::Stuck => (Confidence::High, None),
            Standing::StuckUnderLock | Standing::GoesOn => (Confidence::Medium, Some(Doubt::UnderLock)),
        }
    };
    stuck.iter().map(|(member, standing)| (member.id(), sure(*member, *standing))).collect()
}

/// How sure it is of all of these together, who wait for each other: no surer than of
/// any of them.
pub(super) fn together(world: &World, graph: &WaitGraphs<'_>, members: &[GoId]) -> Option<Surety> {
    let members: Vec<Glance<'_>> = members.iter().filter_map(|id| world.glance(*id)).collect();
    sureties(world, graph, &members, None).into_values().min()
}

/// Who of a picture of a running process, which is read a piece after the other, need not
/// all have waited at one moment.
struct Moments<'g, 'a> {
    world: &'g World,
    graph: &'g WaitGraphs<'a>,
    /// Whether all of it is of one moment.
    is_one: bool,
    /// What is known of those that wait for the same, by the objects and what for.
    known: HashMap<Vec<(*const Object, Operation)>, bool>,
}

impl<'g, 'a> Moments<'g, 'a> {
    fn of(world: &'g World, graph: &'g WaitGraphs<'a>) -> Moments<'g, 'a> {
        let is_one = world.snapshot_took().is_zero() || graph.is_still();
        Moments { world, graph, is_one, known: HashMap::new() }
    }

    /// Whether one came to wait after the reading was begun.
    fn came_meanwhile(&self, id: GoId) -> bool {
        let since = self.world.glance(id).map(|one| one.since().time());
        !self.is_one && since.is_some_and(|since| since >= self.world.snapshot_taken())
    }

    /// Whether one, or a stuck one that it waits for, did.
    fn are_several(&mut self, id: GoId) -> bool {
        if self.came_meanwhile(id) {
            return true;
        }
        if self.is_one {
            return false;
        }
        let waits = self.graph.waits(id).map(|(object, operation)| (std::ptr::from_ref(object), operation));
        let waits: Vec<_> = waits.collect();
        if let Some(known) = self.known.get(&waits) {
            return *known;
        }
        let (mut followed, mut next): (HashSet<GoId>, Vec<GoId>) = (HashSet::new(), vec![id]);
        while let Some(id) = next.pop() {
            if followed.insert(id) && followed.len() < FOLLOWED {
                next.extend(self.graph.waits_for(id).iter().map(|edge| edge.to));
            }
        }
        let several = followed.into_iter().any(|id| self.came_meanwhile(id));
        self.known.insert(waits, several);
        several
    }
}
