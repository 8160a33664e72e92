//! Wait-for graphs of one World by what is known in several ways, such as by addresses
//! and by the source. In: Links of each. Out: what all of them together tell. Each
//! leaves room for whatever it cannot rule out; so who is stuck by one of them is.

use std::collections::BTreeSet;

use super::{Answers, Cycle, Edge, Hope, Standing, WaitGraph};
use crate::model::{GoId, Links, Object, Operation};
use crate::world::World;

/// The graphs, the one that is to be asked first first.
#[derive(Debug)]
pub struct WaitGraphs<'a>(Vec<WaitGraph<'a>>);

impl<'a> WaitGraphs<'a> {
    /// Draws one for each.
    #[must_use]
    pub fn new(world: &World, links: &[&'a Links]) -> WaitGraphs<'a> {
        WaitGraphs(links.iter().map(|links| WaitGraph::new(world, links)).collect())
    }

    /// How a goroutine stands by that which rules out most; `None` where none knows
    /// what it waits for.
    #[must_use]
    pub fn standing(&self, id: GoId) -> Option<Standing> {
        self.0.iter().filter_map(|graph| graph.standing(id)).max()
    }

    /// Whether a goroutine waits in a loop, for more.
    #[must_use]
    pub fn is_looping(&self, id: GoId) -> bool {
        self.0.iter().any(|graph| graph.is_looping(id))
    }

    /// Whether a goroutine is stuck by its names in the source.
    #[must_use]
    pub fn is_named(&self, id: GoId) -> bool {
        let stuck = |graph: &&WaitGraph<'_>| graph.standing(id) > Some(Standing::GoesOn);
        self.0.iter().filter(stuck).any(|graph| graph.is_named(id))
    }

    /// Whether what is known by addresses is all of one instant.
    #[must_use]
    pub fn is_still(&self) -> bool {
        self.0.iter().any(WaitGraph::is_still)
    }

    /// What a goroutine waits for.
    pub fn waits(&self, id: GoId) -> impl Iterator<Item = (&'a Object, Operation)> {
        self.surest(id).into_iter().flat_map(move |graph| graph.waits(id))
    }

    /// What lets the wait of a goroutine end that is not stuck, the strongest first.
    #[must_use]
    pub fn hope(&self, id: GoId) -> Option<Hope<'a>> {
        if self.standing(id)? > Standing::GoesOn {
            return None;
        }
        let hopes = || self.0.iter().filter_map(|graph| graph.hope(id));
        hopes().find(|hope| !matches!(hope, Hope::Reached(_))).or_else(|| hopes().next())
    }

    /// Those who go on and could end its wait.
    #[must_use]
    pub fn could_end(&self, id: GoId) -> BTreeSet<GoId> {
        self.0.iter().flat_map(|graph| graph.could_end(id)).collect()
    }

    /// Whether anybody would end any wait on coming to the end of a loop that has none.
    pub(crate) fn owes(&self) -> bool {
        self.0.iter().any(WaitGraph::owes)
    }

    /// Whether all that it waits for, one object or the several of a `select`, would come
    /// from such as `is_one` on coming to the end of a loop that has none. `known` is good
    /// for one `is_one`.
    pub(crate) fn is_owed_by(
        &self,
        id: GoId,
        is_one: &dyn Fn(GoId) -> bool,
        known: &mut Vec<Answers>,
    ) -> bool {
        self.with(known).any(|(graph, known)| graph.is_owed_by(id, is_one, known))
    }

    /// Whether such as `is_one` could end its wait; `known` as above.
    pub(crate) fn is_ended_by(
        &self,
        id: GoId,
        is_one: &dyn Fn(GoId) -> bool,
        known: &mut Vec<Answers>,
    ) -> bool {
        self.with(known).any(|(graph, known)| graph.is_ended_by(id, is_one, known))
    }

    /// Each with the answers that it has given.
    fn with<'g>(
        &'g self,
        known: &'g mut Vec<Answers>,
    ) -> impl Iterator<Item = (&'g WaitGraph<'a>, &'g mut Answers)> {
        known.resize_with(self.0.len(), Answers::default);
        self.0.iter().zip(known)
    }

    /// Those stuck goroutines that a goroutine waits for, in no order.
    #[must_use]
    pub fn waits_for(&self, id: GoId) -> Vec<Edge<'a>> {
        self.surest(id).map(|graph| graph.waits_for(id)).unwrap_or_default()
    }

    /// The cycles, those that are part of another one's left out. The way around each
    /// begins where a person would begin to read, best at one that is the program's `own`.
    #[must_use]
    pub fn cycles(&self, own: &dyn Fn(GoId) -> bool) -> Vec<Cycle<'a>> {
        let mut known: BTreeSet<GoId> = BTreeSet::new();
        let mut cycles = Vec::new();
        for graph in &self.0 {
            let of_graph = graph.cycles(own).into_iter();
            let more = of_graph.filter(|cycle| !cycle.members.iter().all(|id| known.contains(id)));
            let more: Vec<Cycle<'a>> = more.collect();
            known.extend(more.iter().flat_map(|cycle| cycle.members.iter().copied()));
            cycles.extend(more);
        }
        cycles
    }

    fn surest(&self, id: GoId) -> Option<&WaitGraph<'a>> {
        let standing = self.standing(id)?;
        self.0.iter().find(|graph| graph.standing(id) == Some(standing))
    }
}
