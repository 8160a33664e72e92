//! Who waits for whom: goroutines and objects as [`Links`] join them, and who of
//! them can never go on. In: a World and its Links, by addresses or by names. Out:
//! how each waiting goroutine stands, and the cycles among those that are stuck.
//!
//! Who goes on is the least set that holds all that is not blocked and, with
//! somebody who can end a wait, those whose wait that is; the rest is stuck. It is
//! drawn three times, each time with less that counts as hope:
//!
//! | standing | what is hope |
//! |---|---|
//! | proven | all but an address that nothing reaches and a lock whose holder is certain |
//! | likely | whatever can get at the object, whether or not it will |
//! | under a lock | for who keeps others waiting: those alone who are known to use the object |

use std::collections::VecDeque;
use std::sync::Arc;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Map, World};
use crate::model::{
    Access, Certainty, GoId, GoState, Hold, Links, Object, ObjectIndex, ObjectKey, ObjectKind, Operation,
    Use, WaitFor, WaitReason,
};

/// The graph. It borrows what it is drawn from.
#[derive(Debug)]
pub struct WaitGraph<'a> {
    links: &'a Links,
    /// By object.
    joints: Vec<Joint<'a>>,
    standing: Map<GoId, Standing>,
    /// The waits of those that wait.
    waits: Map<GoId, &'a [WaitFor]>,
}

/// How a goroutine that waits stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Standing {
    /// Somebody or something can end its wait.
    GoesOn,
    /// It keeps others waiting, and all who are known to use what it waits for
    /// are stuck; something else could get at that.
    StuckUnderLock,
    /// Nobody who is known can end its wait.
    Stuck,
    /// Nobody can.
    Proven,
}

/// What lets a wait end.
#[derive(Clone, Copy, Debug)]
pub enum Hope<'a> {
    /// Something outside of all goroutines: what.
    Fed(&'a Arc<str>),
    /// A goroutine that goes on.
    Used(&'a Use),
    /// A goroutine that goes on holds the lock.
    Held(&'a Hold),
    /// Something can get at it: what.
    Reached(&'a Arc<str>),
}

/// One wait of a goroutine for another.
#[derive(Clone, Debug)]
pub struct Edge<'a> {
    /// Who waits,
    pub from: GoId,
    /// for whom,
    pub to: GoId,
    /// on what,
    pub object: &'a Object,
    /// to do what,
    pub operation: Operation,
    /// and why for that one.
    pub because: String,
}

/// Goroutines that wait for each other.
#[derive(Clone, Debug)]
pub struct Cycle<'a> {
    /// All of them, by id: each can be reached from each.
    pub members: Vec<GoId>,
    /// A shortest way around; the last waits for the first.
    pub way: Vec<Edge<'a>>,
}

/// What joins goroutines at one object.
#[derive(Default, Debug)]
struct Joint<'a> {
    holds: Vec<&'a Hold>,
    uses: Vec<&'a Use>,
    waiters: Vec<(GoId, Operation)>,
}

/// Where a wait ends, in the graph that cycles are looked for in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Node {
    Goroutine(GoId),
    /// All who wait to do the same with an object wait for the same.
    Object(ObjectIndex, Operation),
}

impl<'a> WaitGraph<'a> {
    /// Draws it.
    #[must_use]
    pub fn new(world: &World, links: &'a Links) -> WaitGraph<'a> {
        let mut joints: Vec<Joint<'a>> = links.objects.iter().map(|_| Joint::default()).collect();
        for hold in &links.holds {
            if let Some(joint) = joints.get_mut(index(hold.object)) {
                joint.holds.push(hold);
            }
        }
        for one in &links.uses {
            if let Some(joint) = joints.get_mut(index(one.object)) {
                joint.uses.push(one);
            }
        }
        let mut waits = Map::default();
        let mut starts = Vec::new();
        for goroutine in world.goroutines() {
            let known = links.waits.get(&goroutine.id).filter(|_| goroutine.state == GoState::Blocked);
            if let Some(known) = known {
                for wait in known {
                    if let Some(joint) = joints.get_mut(index(wait.object)) {
                        joint.waiters.push((goroutine.id, wait.operation));
                    }
                }
                waits.insert(goroutine.id, known.as_slice());
            } else if !rests(goroutine.state, goroutine.reason) {
                starts.push(goroutine.id);
            }
        }
        let mut graph = WaitGraph { links, joints, standing: Map::default(), waits };
        let keeping = graph.keeping_others();
        for (standing, keeping) in
            [(Standing::Proven, None), (Standing::Stuck, None), (Standing::StuckUnderLock, Some(&keeping))]
        {
            let mut starts = starts.clone();
            if standing == Standing::Proven {
                starts.extend(graph.waits.keys().filter(|id| world.is_uncertain(**id)));
            }
            let going = graph.going_on(starts, standing, keeping);
            for id in graph.waits.keys() {
                if !going.contains_key(id) {
                    graph.standing.entry(*id).or_insert(standing);
                }
            }
        }
        graph
    }

    /// How a goroutine stands; `None` where it is not known what it waits for.
    #[must_use]
    pub fn standing(&self, id: GoId) -> Option<Standing> {
        self.waits.get(&id).map(|_| self.standing.get(&id).copied().unwrap_or(Standing::GoesOn))
    }

    /// What a goroutine waits for.
    pub fn waits(&self, id: GoId) -> impl Iterator<Item = (&'a Object, Operation)> {
        let waits = self.waits.get(&id).copied().unwrap_or_default();
        waits.iter().filter_map(|wait| Some((self.links.object(wait.object)?, wait.operation)))
    }

    /// What lets the wait of a goroutine end that is not stuck, the strongest first.
    #[must_use]
    pub fn hope(&self, id: GoId) -> Option<Hope<'a>> {
        let waits = self.waits.get(&id)?;
        let alive = |id: GoId| self.standing.get(&id).is_none_or(|standing| *standing == Standing::GoesOn);
        let joints = || {
            waits.iter().filter_map(|wait| {
                Some((self.links.object(wait.object)?, self.joints.get(index(wait.object))?, wait.operation))
            })
        };
        let fed = |object: &'a Object| match &object.access {
            Access::Fed(what) => Some(Hope::Fed(what)),
            Access::Closed | Access::Reached(_) => None,
        };
        let reached = |object: &'a Object| match &object.access {
            Access::Reached(what) => Some(Hope::Reached(what)),
            Access::Closed | Access::Fed(_) => None,
        };
        joints()
            .find_map(|(object, ..)| fed(object))
            .or_else(|| {
                joints().find_map(|(_, joint, operation)| {
                    let mut uses = joint.uses.iter().copied();
                    let used = uses.find(|one| one.operation.ends(operation) && alive(one.goroutine));
                    let held = || joint.holds.iter().copied().find(|hold| alive(hold.goroutine));
                    used.map(Hope::Used).or_else(|| held().map(Hope::Held))
                })
            })
            .or_else(|| joints().find_map(|(object, ..)| reached(object)))
    }

    /// Those stuck goroutines that a goroutine waits for, in no order.
    #[must_use]
    pub fn waits_for(&self, id: GoId) -> Vec<Edge<'a>> {
        let waits = self.waits.get(&id).copied().unwrap_or_default();
        let edges = waits.iter().flat_map(|wait| self.edges(id, wait.object, wait.operation));
        edges.filter(|edge| self.is_stuck(edge.to)).collect()
    }

    /// The cycles among those that are stuck, by their first member.
    #[must_use]
    pub fn cycles(&self) -> Vec<Cycle<'a>> {
        let mut drawn = Drawn::default();
        let mut stuck: Vec<GoId> = self.waits.keys().copied().filter(|id| self.is_stuck(*id)).collect();
        stuck.sort_unstable();
        for &id in &stuck {
            for wait in self.waits.get(&id).copied().unwrap_or_default() {
                drawn.edge(Node::Goroutine(id), Node::Object(wait.object, wait.operation));
            }
        }
        for (at, joint) in joints_with_index(&self.joints) {
            let mut operations: Vec<Operation> =
                joint.waiters.iter().map(|(_, operation)| *operation).collect();
            operations.sort_unstable();
            operations.dedup();
            for operation in operations {
                for (to, _) in self.partners(at, operation) {
                    if self.is_stuck(to) {
                        drawn.edge(Node::Object(at, operation), Node::Goroutine(to));
                    }
                }
            }
        }
        let components = tarjan_scc(&drawn.graph);
        let mut cycles: Vec<Cycle<'a>> = components
            .into_iter()
            .filter(|component| component.len() > 1)
            .filter_map(|component| {
                let nodes = component.iter().filter_map(|node| drawn.graph.node_weight(*node));
                let mut members: Vec<GoId> = nodes
                    .filter_map(|node| match node {
                        Node::Goroutine(id) => Some(*id),
                        Node::Object(..) => None,
                    })
                    .collect();
                members.sort_unstable();
                let way = self.way_around(&members)?;
                Some(Cycle { members, way })
            })
            .collect();
        cycles.sort_by_key(|cycle| cycle.members.first().copied());
        cycles
    }

    fn is_stuck(&self, id: GoId) -> bool {
        self.standing.contains_key(&id)
    }

    /// Those who hold a lock that others, or they themselves, wait for.
    fn keeping_others(&self) -> Map<GoId, ()> {
        let contested = self.joints.iter().filter(|joint| !joint.waiters.is_empty());
        contested.flat_map(|joint| joint.holds.iter().map(|hold| (hold.goroutine, ()))).collect()
    }

    /// Who goes on, if those do that `start`.
    fn going_on(
        &self,
        start: Vec<GoId>,
        standing: Standing,
        keeping: Option<&Map<GoId, ()>>,
    ) -> Map<GoId, ()> {
        let mut uses: Map<GoId, Vec<&Use>> = Map::default();
        for one in &self.links.uses {
            uses.entry(one.goroutine).or_default().push(one);
        }
        let mut holds: Map<GoId, Vec<ObjectIndex>> = Map::default();
        for hold in &self.links.holds {
            holds.entry(hold.goroutine).or_default().push(hold.object);
        }
        let mut hopeful = Hopeful {
            graph: self,
            standing,
            keeping,
            going: Map::default(),
            used: vec![Vec::new(); self.joints.len()],
        };
        let mut next = start;
        next.extend(self.waits.iter().filter(|(id, waits)| hopeful.goes_on(**id, waits)).map(|(id, _)| *id));
        while let Some(id) = next.pop() {
            if hopeful.going.insert(id, ()).is_some() {
                continue;
            }
            // Where something has changed, those who wait there are asked again.
            let mut changed: Vec<ObjectIndex> = holds.get(&id).cloned().unwrap_or_default();
            let uses = uses.get(&id).into_iter().flatten().map(|one| (one.object, one.operation));
            // A writer that comes to its turn lets readers come to theirs.
            let waits = self.waits.get(&id).copied().unwrap_or_default();
            let writes = waits.iter().filter(|wait| wait.operation == Operation::Lock);
            for (object, operation) in uses.chain(writes.map(|wait| (wait.object, wait.operation))) {
                let Some(used) = hopeful.used.get_mut(index(object)) else { continue };
                if !used.contains(&operation) {
                    used.push(operation);
                    changed.push(object);
                }
            }
            for joint in changed.iter().filter_map(|object| self.joints.get(index(*object))) {
                let still = joint.waiters.iter().filter(|(waiter, _)| !hopeful.going.contains_key(waiter));
                next.extend(still.map(|(waiter, _)| *waiter).filter(|waiter| {
                    hopeful.goes_on(*waiter, self.waits.get(waiter).copied().unwrap_or_default())
                }));
            }
        }
        hopeful.going
    }

    /// Those who could end a wait to do `operation` with an object, but for who
    /// waits for the very same and is not known to do anything else with it.
    fn partners(&self, object: ObjectIndex, operation: Operation) -> Vec<(GoId, String)> {
        let Some(joint) = self.joints.get(index(object)) else { return Vec::new() };
        let waits_the_same = |id: GoId| {
            let mut waits = self.waits.get(&id).copied().unwrap_or_default().iter();
            waits.any(|wait| wait.object == object && wait.operation == operation)
        };
        let mut partners: Vec<(GoId, String)> = Vec::new();
        if matches!(operation, Operation::Lock | Operation::RLock) {
            let in_the_way = joint.holds.iter().filter(|hold| operation == Operation::Lock || !hold.shared);
            partners.extend(in_the_way.map(|hold| (hold.goroutine, hold.because())));
            if operation == Operation::RLock && joint.holds.iter().any(|hold| hold.shared) {
                // `RWMutex.RLock` (sync/rwmutex.go, Go 1.19 to 1.27): a writer that
                // waits comes before new readers.
                let writers = joint.waiters.iter().filter(|(_, waits)| *waits == Operation::Lock);
                partners
                    .extend(writers.map(|(id, _)| (*id, "waits to write, before new readers".to_owned())));
            }
            if !partners.is_empty() {
                return partners;
            }
        }
        let uses = joint.uses.iter().filter(|one| one.operation.ends(operation));
        let uses = uses.filter(|one| one.operation != Operation::Any || !waits_the_same(one.goroutine));
        partners.extend(uses.map(|one| (one.goroutine, one.because.to_string())));
        partners
    }

    fn edges(&self, from: GoId, object: ObjectIndex, operation: Operation) -> impl Iterator<Item = Edge<'a>> {
        let known = self.links.object(object);
        let partners = self.partners(object, operation);
        partners
            .into_iter()
            .filter_map(move |(to, because)| Some(Edge { from, to, object: known?, operation, because }))
    }

    /// A shortest way from the first of `members` back to it, within them.
    fn way_around(&self, members: &[GoId]) -> Option<Vec<Edge<'a>>> {
        let start = *members.first()?;
        let mut reached: Map<GoId, Edge<'a>> = Map::default();
        // All who wait to do the same with an object wait for the same.
        let mut seen: Map<(ObjectIndex, Operation), ()> = Map::default();
        let mut next = VecDeque::from([start]);
        while let Some(id) = next.pop_front() {
            let waits = self.waits.get(&id).copied().unwrap_or_default();
            let new = waits.iter().filter(|wait| seen.insert((wait.object, wait.operation), ()).is_none());
            for edge in new.flat_map(|wait| self.edges(id, wait.object, wait.operation)) {
                if members.binary_search(&edge.to).is_err() || reached.contains_key(&edge.to) {
                    continue;
                }
                let to = edge.to;
                reached.insert(to, edge);
                if to == start {
                    let mut way = Vec::new();
                    let mut at = start;
                    loop {
                        let edge = reached.get(&at)?.clone();
                        at = edge.from;
                        way.push(edge);
                        if at == start {
                            way.reverse();
                            return Some(way);
                        }
                    }
                }
                next.push_back(to);
            }
        }
        None
    }
}

/// What counts as hope for one of the three drawings.
struct Hopeful<'g, 'a> {
    graph: &'g WaitGraph<'a>,
    standing: Standing,
    keeping: Option<&'g Map<GoId, ()>>,
    /// Who goes on, as far as that is known,
    going: Map<GoId, ()>,
    /// and what they do with each object.
    used: Vec<Vec<Operation>>,
}

impl Hopeful<'_, '_> {
    fn goes_on(&self, id: GoId, waits: &[WaitFor]) -> bool {
        waits.iter().any(|wait| self.ends(id, wait))
    }

    fn ends(&self, id: GoId, wait: &WaitFor) -> bool {
        let known = self.graph.links.object(wait.object).zip(self.graph.joints.get(index(wait.object)));
        let Some((object, joint)) = known else { return true };
        if self.standing == Standing::Proven && matches!(object.key, ObjectKey::Name(_)) {
            return true;
        }
        let mut used = self.used.get(index(wait.object)).into_iter().flatten();
        if used.any(|operation| operation.ends(wait.operation)) {
            return true;
        }
        if object.is_lock()
            && let Some(held) = self.is_given_back(joint, wait)
        {
            return held;
        }
        match &object.access {
            Access::Closed => false,
            Access::Fed(_) => true,
            Access::Reached(_) => {
                let others = |one: &&Use| {
                    one.operation.ends(wait.operation)
                        && (one.goroutine != id || one.operation != Operation::Any)
                };
                let keeps = self.keeping.is_some_and(|keeping| keeping.contains_key(&id));
                !(keeps && joint.uses.iter().any(others))
            }
        }
    }

    /// Whether those who hold a lock give it back; `None`: not known who they are.
    fn is_given_back(&self, joint: &Joint<'_>, wait: &WaitFor) -> Option<bool> {
        let certain = |hold: &&&Hold| hold.certainty == Certainty::Sure;
        let goes = |hold: &&&Hold| self.going.contains_key(&hold.goroutine);
        let exclusive = |hold: &&&Hold| !hold.shared;
        let in_the_way: Vec<&&Hold> = match wait.operation {
            Operation::RLock => joint.holds.iter().filter(exclusive).collect(),
            _ => joint.holds.iter().collect(),
        };
        if in_the_way.is_empty() {
            let pending = joint.waiters.iter().any(|(_, waits)| *waits == Operation::Lock);
            let written =
                self.used.get(index(wait.object)).is_some_and(|used| used.contains(&Operation::Lock));
            return (pending && !joint.holds.is_empty()).then_some(written);
        }
        if in_the_way.iter().any(|hold| certain(hold) && !goes(hold)) {
            return Some(false);
        }
        if self.standing == Standing::Proven && !in_the_way.iter().any(certain) {
            return Some(true);
        }
        Some(in_the_way.iter().any(goes))
    }
}

/// The graph that cycles are looked for in.
#[derive(Default)]
struct Drawn {
    graph: DiGraph<Node, ()>,
    nodes: Map<Node, NodeIndex>,
}

impl Drawn {
    fn edge(&mut self, from: Node, to: Node) {
        let (from, to) = (self.node(from), self.node(to));
        self.graph.add_edge(from, to, ());
    }

    fn node(&mut self, node: Node) -> NodeIndex {
        *self.nodes.entry(node).or_insert_with(|| self.graph.add_node(node))
    }
}

impl Object {
    fn is_lock(&self) -> bool {
        matches!(self.kind, ObjectKind::Mutex | ObjectKind::RwMutex | ObjectKind::Once)
    }
}

impl Hold {
    fn because(&self) -> String {
        let holds = match (self.certainty, self.shared) {
            (Certainty::Sure, false) => "holds it",
            (Certainty::Sure, true) => "holds it to read",
            (Certainty::Likely, false) => "seems to hold it",
            (Certainty::Likely, true) => "seems to hold it to read",
        };
        match &self.taken_at {
            Some((file, line)) => {
                format!("{holds} since {}:{line}", file.rsplit(['/', '\\']).next().unwrap_or_default())
            }
            None => holds.to_owned(),
        }
    }
}

/// Whether it is parked for good by intention or by a nil channel, so that it will
/// never do anything.
fn rests(state: GoState, reason: Option<WaitReason>) -> bool {
    use WaitReason as Why;
    state == GoState::Blocked
        && matches!(reason, Some(Why::SelectNoCases | Why::ChanSendNil | Why::ChanReceiveNil))
}

fn index(object: ObjectIndex) -> usize {
    usize::try_from(object.0).unwrap_or(usize::MAX)
}

fn joints_with_index<'j, 'a>(joints: &'j [Joint<'a>]) -> impl Iterator<Item = (ObjectIndex, &'j Joint<'a>)> {
    (0..).map(ObjectIndex).zip(joints)
}
