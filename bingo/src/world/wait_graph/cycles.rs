//! Cycles of goroutines that wait for each other, by Tarjan's algorithm on a graph of
//! goroutines and objects: all who wait to do the same with an object wait for the
//! same, so that a thousand at one lock are a thousand edges, not a million.

use std::collections::VecDeque;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Cycle, Edge, Joint, Map, WaitGraph};
use crate::model::{GoId, ObjectIndex, ObjectKind, Operation, WaitFor};

/// Where a wait ends, in the graph that cycles are looked for in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Node {
    Goroutine(GoId),
    /// All who wait to do the same with an object wait for the same.
    Object(ObjectIndex, Operation),
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

impl<'a> WaitGraph<'a> {
    /// The cycles among those that are stuck, by their first member. The way around each
    /// begins where a person would begin to read, best at one that is the program's `own`.
    #[must_use]
    pub fn cycles(&self, own: &dyn Fn(GoId) -> bool) -> Vec<Cycle<'a>> {
        let mut drawn = Drawn::default();
        // Where nobody holds or uses anything, nobody is waited for.
        let joined = |joint: &Joint<'_, 'a>| !(joint.holds.is_empty() && joint.uses.is_empty());
        for (at, joint) in self.joints().filter(|(_, joint)| joined(joint)) {
            let mut operations: Vec<Operation> =
                joint.waiters.iter().map(|(_, operation)| *operation).collect();
            operations.sort_unstable();
            operations.dedup();
            for operation in operations {
                let mut partners = self.partners(at, operation);
                partners.retain(|(to, _)| self.is_stuck(*to));
                if partners.is_empty() {
                    continue;
                }
                let object = Node::Object(at, operation);
                partners.iter().for_each(|(to, _)| drawn.edge(object, Node::Goroutine(*to)));
                let waiters =
                    joint.waiters.iter().filter(|(id, waits)| *waits == operation && self.is_stuck(*id));
                waiters.for_each(|(id, _)| drawn.edge(Node::Goroutine(*id), object));
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
                let start = members.iter().min_by_key(|id| (!own(**id), self.tells_little(**id)))?;
                let way = self.way_around(&members, *start)?;
                Some(Cycle { members, way })
            })
            .collect();
        cycles.sort_by_key(|cycle| cycle.members.first().copied());
        cycles
    }

    /// How little the wait of a goroutine tells of what is wrong: a worker waits for more,
    /// as it always does, and who waits for others waits for what those do.
    fn tells_little(&self, id: GoId) -> u8 {
        let waits = self.waits_of(id);
        let group = |wait: &WaitFor| {
            let object = self.links.object(wait.object);
            object.is_some_and(|object| object.kind == ObjectKind::WaitGroup)
        };
        match waits {
            [wait] if matches!(wait.operation, Operation::Lock | Operation::RLock) => 0,
            [wait] if wait.operation == Operation::Send => 1,
            [wait] if wait.operation == Operation::Wait && !group(wait) => 2,
            [_, _, ..] if self.is_looping(id) => 5,
            [wait] if wait.operation == Operation::Receive && self.is_looping(id) => 5,
            [wait] if group(wait) => 4,
            _ => 3,
        }
    }

    /// A shortest way from `start`, one of `members`, back to it, within them.
    fn way_around(&self, members: &[GoId], start: GoId) -> Option<Vec<Edge<'a>>> {
        let mut reached: Map<GoId, Edge<'a>> = Map::default();
        // All who wait to do the same with an object wait for the same, but each for
        // another than itself: the second one of them may come back to the first.
        let mut seen: Map<(ObjectIndex, Operation), u8> = Map::default();
        let mut next = VecDeque::from([start]);
        while let Some(id) = next.pop_front() {
            let waits = self.waits_of(id);
            let new = waits.iter().filter(|wait| {
                let times = seen.entry((wait.object, wait.operation)).or_default();
                *times = times.saturating_add(1);
                *times <= 2
            });
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
