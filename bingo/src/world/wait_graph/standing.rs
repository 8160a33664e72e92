//! Who goes on: the fixed point behind [`Standing`]. In: the waits, holds and uses
//! of a [`WaitGraph`], and who goes on for certain. Out: all who go on with them.

use super::{Joint, Map, Standing, WaitGraph, index};
use crate::model::{
    Access, Certainty, GoId, Hold, Object, ObjectIndex, ObjectKey, ObjectKind, Operation, SIGNALS, Use,
    WaitFor,
};

impl WaitGraph<'_> {
    /// Those who hold a lock that others, or they themselves, wait for.
    pub(super) fn keeping_others(&self) -> Map<GoId, ()> {
        let contested = self.joints().filter(|(_, joint)| !joint.waiters.is_empty());
        contested.flat_map(|(_, joint)| joint.holds.iter().map(|hold| (hold.goroutine, ()))).collect()
    }

    /// Who goes on, if those do that `start`.
    pub(super) fn going_on(
        &self,
        start: Vec<GoId>,
        standing: Standing,
        keeping: Option<&Map<GoId, ()>>,
    ) -> Map<GoId, ()> {
        let mut uses: Vec<&Use> = self.links.uses.iter().collect();
        uses.sort_by_key(|one| one.goroutine);
        let mut holds: Map<GoId, Vec<ObjectIndex>> = Map::default();
        for hold in &self.links.holds {
            holds.entry(hold.goroutine).or_default().push(hold.object);
        }
        let mut hopeful = Hopeful {
            graph: self,
            standing,
            keeping,
            ending: Map::default(),
            closing: false,
            going: Map::default(),
            used: vec![Operations::default(); self.links.objects.len()],
        };
        if keeping.is_none() {
            hopeful.spread(start, &uses, &holds);
        } else {
            // What comes when the program is told to end, and not before, is no hope
            // for who keeps others waiting until then.
            let ending = self.waiting.iter().filter(|one| self.is_for_the_end(one.waits));
            hopeful.ending = ending.map(|one| (one.id, ())).collect();
            hopeful.spread(start, &uses, &holds);
            hopeful.closing = true;
            hopeful.spread(Vec::new(), &uses, &holds);
        }
        hopeful.going
    }

    /// Whether these are waits for the signal to end.
    fn is_for_the_end(&self, waits: &[WaitFor]) -> bool {
        !waits.is_empty()
            && waits.iter().all(|wait| {
                let access = self.links.object(wait.object).map(|object| &object.access);
                matches!(access, Some(Access::Fed(what)) if **what == *SIGNALS)
            })
    }
}

/// What counts as hope for one of the three drawings.
struct Hopeful<'g, 'a> {
    graph: &'g WaitGraph<'a>,
    standing: Standing,
    keeping: Option<&'g Map<GoId, ()>>,
    /// Who waits for the signal to end,
    ending: Map<GoId, ()>,
    /// and whether that has come.
    closing: bool,
    /// Who goes on, as far as that is known,
    going: Map<GoId, ()>,
    /// and what they do with each object.
    used: Vec<Operations>,
}

/// Some operations, a bit each: there may be a million objects.
#[derive(Clone, Copy, Default)]
struct Operations(u16);

impl Operations {
    const ALL: [Operation; 10] = [
        Operation::Send,
        Operation::Receive,
        Operation::Close,
        Operation::Lock,
        Operation::RLock,
        Operation::Unlock,
        Operation::Wait,
        Operation::Done,
        Operation::Signal,
        Operation::Any,
    ];

    fn contains(self, operation: Operation) -> bool {
        self.0 >> operation as u16 & 1 != 0
    }

    /// Adds one; whether it was not among them.
    fn insert(&mut self, operation: Operation) -> bool {
        let is_new = !self.contains(operation);
        self.0 |= 1 << operation as u16;
        is_new
    }

    fn each(self) -> impl Iterator<Item = Operation> {
        Operations::ALL.into_iter().filter(move |operation| self.contains(*operation))
    }
}

/// Those of `uses`, which are by goroutine, that are of one.
fn of<'u, 'a>(uses: &'u [&'a Use], goroutine: GoId) -> impl Iterator<Item = &'a Use> + use<'u, 'a> {
    let from = uses.partition_point(|one| one.goroutine < goroutine);
    let behind = uses.get(from..).unwrap_or_default().iter().copied();
    behind.take_while(move |one| one.goroutine == goroutine)
}

impl Hopeful<'_, '_> {
    /// Lets go on who can, beginning with `start`, and whom they let go on.
    fn spread(&mut self, start: Vec<GoId>, uses: &[&Use], holds: &Map<GoId, Vec<ObjectIndex>>) {
        let graph = self.graph;
        let mut next = start;
        let hopes = graph.waiting.iter().filter(|one| self.goes_on(one.id, one.waits));
        next.extend(hopes.map(|one| one.id));
        while let Some(id) = next.pop() {
            if self.going.insert(id, ()).is_some() {
                continue;
            }
            // Where something has changed, those who wait there are asked again.
            let mut changed: Vec<ObjectIndex> = holds.get(&id).cloned().unwrap_or_default();
            let uses = of(uses, id).map(|one| (one.object, one.operation));
            // A writer that comes to its turn lets readers come to theirs.
            let waits = graph.waits_of(id);
            let writes = waits.iter().filter(|wait| wait.operation == Operation::Lock);
            for (object, operation) in uses.chain(writes.map(|wait| (wait.object, wait.operation))) {
                let Some(used) = self.used.get_mut(index(object)) else { continue };
                if used.insert(operation) {
                    changed.push(object);
                }
            }
            for joint in changed.iter().filter_map(|object| graph.joint(*object)) {
                let still = joint.waiters.iter().filter(|(waiter, _)| !self.going.contains_key(waiter));
                let still = still.map(|(waiter, _)| *waiter);
                next.extend(still.filter(|waiter| self.goes_on(*waiter, graph.waits_of(*waiter))));
            }
        }
    }

    fn goes_on(&self, id: GoId, waits: &[WaitFor]) -> bool {
        let too_late = match self.closing {
            false => self.ending.contains_key(&id),
            true => self.keeping.is_some_and(|keeping| keeping.contains_key(&id)),
        };
        !too_late && waits.iter().any(|wait| self.ends(id, wait))
    }

    fn ends(&self, id: GoId, wait: &WaitFor) -> bool {
        let known = self.graph.links.object(wait.object).zip(self.graph.joint(wait.object));
        let Some((object, joint)) = known else { return true };
        if self.standing == Standing::Proven && matches!(object.key, ObjectKey::Name(_)) {
            return true;
        }
        let given_back = object.is_lock().then(|| self.is_given_back(id, joint, wait)).flatten();
        // Who has a lock at hand that another surely holds is not known to unlock it.
        let at_hand_alone = self.keeping.is_some() && given_back == Some(false) && joint.is_surely_held();
        let mut used = self.used.get(index(wait.object)).into_iter().flat_map(|used| used.each());
        if used.any(|one| one.ends(wait.operation) && !(at_hand_alone && one == Operation::Any)) {
            return true;
        }
        if let Some(held) = given_back {
            return held;
        }
        match &object.access {
            Access::Closed | Access::Counted { .. } => false,
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
    fn is_given_back(&self, id: GoId, joint: Joint<'_, '_>, wait: &WaitFor) -> Option<bool> {
        let certain = |hold: &&Hold| hold.certainty == Certainty::Sure;
        let goes = |hold: &&Hold| self.going.contains_key(&hold.goroutine);
        let mut in_the_way: Vec<&Hold> = joint.holds.to_vec();
        in_the_way.retain(|hold| !(hold.shared && wait.operation == Operation::RLock));
        if joint.is_of_several(id) {
            in_the_way.retain(|hold| hold.goroutine != id);
        }
        if in_the_way.is_empty() {
            let pending = joint.waiters.iter().any(|(_, waits)| *waits == Operation::Lock);
            let written =
                self.used.get(index(wait.object)).is_some_and(|used| used.contains(Operation::Lock));
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

impl Joint<'_, '_> {
    /// Whether what a goroutine holds is another one of several locks of this name than
    /// what it waits for: that may be so, and only one can have a lock for itself.
    pub(super) fn is_of_several(&self, id: GoId) -> bool {
        let (mut own, mut others) = (false, false);
        for hold in self.holds {
            if hold.goroutine != id {
                others |= !hold.shared;
            } else if hold.apart {
                own = true;
            } else {
                return false;
            }
        }
        own && others
    }

    fn is_surely_held(&self) -> bool {
        self.holds.iter().any(|hold| hold.certainty == Certainty::Sure)
    }
}

impl Object {
    fn is_lock(&self) -> bool {
        matches!(self.kind, ObjectKind::Mutex | ObjectKind::RwMutex | ObjectKind::Once)
    }
}
