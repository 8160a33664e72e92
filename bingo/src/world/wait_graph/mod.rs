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
//! | under a lock | for who keeps others waiting: those alone who are known to use the object, before the program is told to end |

mod cycles;
mod grouped;
mod several;
mod standing;

use std::cell::RefCell;
use std::sync::Arc;

use grouped::Grouped;
pub use several::WaitGraphs;

use super::{Map, World};
use crate::model::{
    Access, Certainty, GoId, GoState, Hold, Links, Object, ObjectIndex, ObjectKey, Operation, Use, WaitFor,
    WaitReason,
};

/// What was found out of an object and of all who wait to do the same with it, who may be
/// many.
pub(crate) type Answers = Map<(ObjectIndex, Operation), bool>;

/// The graph. It borrows what it is drawn from.
#[derive(Debug)]
pub struct WaitGraph<'a> {
    links: &'a Links,
    holds: Grouped<&'a Hold>,
    uses: Grouped<&'a Use>,
    owed: Grouped<&'a Use>,
    waiters: Grouped<(GoId, Operation)>,
    /// Those that wait, by id.
    waiting: Vec<Waiting<'a>>,
    /// What was found to end waits: many wait for the same.
    ends: RefCell<Map<(ObjectIndex, Operation), Option<Hope<'a>>>>,
}

/// A goroutine that waits.
#[derive(Debug)]
struct Waiting<'a> {
    id: GoId,
    waits: &'a [WaitFor],
    standing: Standing,
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
    /// A shortest way around from one of them; the last waits for the first.
    pub way: Vec<Edge<'a>>,
}

/// What joins goroutines at one object.
#[derive(Clone, Copy)]
struct Joint<'g, 'a> {
    holds: &'g [&'a Hold],
    uses: &'g [&'a Use],
    waiters: &'g [(GoId, Operation)],
}

impl<'a> WaitGraph<'a> {
    /// Draws it.
    #[must_use]
    pub fn new(world: &World, links: &'a Links) -> WaitGraph<'a> {
        let mut waiting = Vec::with_capacity(links.waits.len());
        let mut waiters = Vec::with_capacity(links.waits.total());
        let mut starts = Vec::new();
        for goroutine in world.glances() {
            let (id, blocked) = (goroutine.id(), goroutine.state() == GoState::Blocked);
            if let Some(known) = links.waits.get(id).filter(|_| blocked) {
                waiters.extend(known.iter().map(|wait| (wait.object, (id, wait.operation))));
                waiting.push(Waiting { id, waits: known, standing: Standing::GoesOn });
            } else if !rests(goroutine.state(), goroutine.reason()) {
                starts.push(id);
            }
        }
        waiting.sort_unstable_by_key(|one| one.id);
        let objects = links.objects.len();
        let holds = Grouped::new(objects, links.holds.iter().map(|hold| (hold.object, hold)).collect());
        let uses = Grouped::new(objects, links.uses.iter().map(|one| (one.object, one)).collect());
        let owed = Grouped::new(objects, links.owed.iter().map(|one| (one.object, one)).collect());
        let waiters = Grouped::new(objects, waiters);
        let ends = RefCell::default();
        let mut graph = WaitGraph { links, holds, uses, owed, waiters, waiting, ends };
        let keeping = graph.keeping_others();
        for (standing, keeping) in
            [(Standing::Proven, None), (Standing::Stuck, None), (Standing::StuckUnderLock, Some(&keeping))]
        {
            // Less hope says nothing new of who has none, nor where nobody is kept waiting.
            let open = graph.waiting.iter().any(|one| one.standing == Standing::GoesOn);
            if !open || keeping.is_some_and(Map::is_empty) {
                break;
            }
            let mut starts = starts.clone();
            if standing == Standing::Proven {
                let waiting = graph.waiting.iter().map(|one| one.id);
                starts.extend(waiting.filter(|id| world.is_uncertain(*id)));
            }
            let going = graph.going_on(starts, standing, keeping);
            for one in graph.waiting.iter_mut().filter(|one| one.standing == Standing::GoesOn) {
                if !going.contains_key(&one.id) {
                    one.standing = standing;
                }
            }
        }
        graph
    }

    /// How a goroutine stands; `None` where it is not known what it waits for.
    #[must_use]
    pub fn standing(&self, id: GoId) -> Option<Standing> {
        self.waiting(id).map(|one| one.standing)
    }

    fn waiting(&self, id: GoId) -> Option<&Waiting<'a>> {
        let place = self.waiting.binary_search_by_key(&id, |one| one.id).ok()?;
        self.waiting.get(place)
    }

    fn waits_of(&self, id: GoId) -> &'a [WaitFor] {
        self.waiting(id).map_or(&[], |one| one.waits)
    }

    /// What is at an object. `None`: there is none of this number.
    fn joint(&self, object: ObjectIndex) -> Option<Joint<'_, 'a>> {
        self.links.object(object)?;
        let (holds, uses) = (self.holds.of(object), self.uses.of(object));
        Some(Joint { holds, uses, waiters: self.waiters.of(object) })
    }

    /// All objects with what is there.
    fn joints(&self) -> impl Iterator<Item = (ObjectIndex, Joint<'_, 'a>)> {
        (0..).map(ObjectIndex).map_while(|object| Some((object, self.joint(object)?)))
    }

    /// Whether a goroutine waits in a loop, for more.
    #[must_use]
    pub fn is_looping(&self, id: GoId) -> bool {
        self.links.looping.contains(&id)
    }

    /// Whether what it waits for is told by its name in the source.
    #[must_use]
    pub fn is_named(&self, id: GoId) -> bool {
        self.waits(id).all(|(object, _)| matches!(object.key, ObjectKey::Name(_)))
    }

    /// Whether all that it is drawn from is of one instant.
    #[must_use]
    pub fn is_still(&self) -> bool {
        self.links.still
    }

    /// What a goroutine waits for.
    pub fn waits(&self, id: GoId) -> impl Iterator<Item = (&'a Object, Operation)> {
        let waits = self.waits_of(id);
        waits.iter().filter_map(|wait| Some((self.links.object(wait.object)?, wait.operation)))
    }

    /// What lets the wait of a goroutine end that is not stuck, the strongest first.
    #[must_use]
    pub fn hope(&self, id: GoId) -> Option<Hope<'a>> {
        let waits = self.waiting(id)?.waits;
        let objects = || waits.iter().filter_map(|wait| self.links.object(wait.object));
        let fed = |object: &'a Object| match &object.access {
            Access::Fed(what) => Some(Hope::Fed(what)),
            Access::Closed | Access::Counted { .. } | Access::Reached(_) => None,
        };
        let reached = |object: &'a Object| match &object.access {
            Access::Reached(what) => Some(Hope::Reached(what)),
            Access::Closed | Access::Counted { .. } | Access::Fed(_) => None,
        };
        objects()
            .find_map(fed)
            .or_else(|| waits.iter().find_map(|wait| self.end_of(wait)))
            .or_else(|| objects().find_map(reached))
    }

    /// Who goes on and can end a wait.
    fn end_of(&self, wait: &WaitFor) -> Option<Hope<'a>> {
        let find = || {
            let joint = self.joint(wait.object)?;
            let alive = |id: GoId| !self.is_stuck(id);
            let mut uses = joint.uses.iter().copied();
            let used = uses.find(|one| one.operation.ends(wait.operation) && alive(one.goroutine));
            let held = || joint.holds.iter().copied().find(|hold| alive(hold.goroutine));
            used.map(Hope::Used).or_else(|| held().map(Hope::Held))
        };
        *self.ends.borrow_mut().entry((wait.object, wait.operation)).or_insert_with(find)
    }

    /// Those who go on and could end its wait, in no order.
    pub fn could_end(&self, id: GoId) -> impl Iterator<Item = GoId> {
        let partners = self.waits_of(id).iter().flat_map(|wait| self.partners(wait.object, wait.operation));
        partners.map(|(partner, _)| partner).filter(move |partner| *partner != id && !self.is_stuck(*partner))
    }

    /// Whether anybody would end any wait on coming to the end of a loop that has none.
    pub(crate) fn owes(&self) -> bool {
        !self.links.owed.is_empty()
    }

    /// Whether all that it waits for, one object or the several of a `select`, would come
    /// from such as `is_one` on coming to the end of a loop that has none.
    pub(crate) fn is_owed_by(&self, id: GoId, is_one: &dyn Fn(GoId) -> bool, known: &mut Answers) -> bool {
        let waits = self.waits_of(id);
        let mut is_owed = |wait: &WaitFor| {
            let owed = || {
                let mut owed = self.owed.of(wait.object).iter();
                owed.any(|one| one.operation.ends(wait.operation) && is_one(one.goroutine))
            };
            *known.entry((wait.object, wait.operation)).or_insert_with(owed)
        };
        !waits.is_empty() && waits.iter().all(&mut is_owed)
    }

    /// Whether such as `is_one` could end its wait.
    pub(crate) fn is_ended_by(&self, id: GoId, is_one: &dyn Fn(GoId) -> bool, known: &mut Answers) -> bool {
        self.waits_of(id).iter().any(|wait| {
            let partners = || self.partners(wait.object, wait.operation);
            let ended = || partners().iter().any(|(partner, _)| is_one(*partner));
            *known.entry((wait.object, wait.operation)).or_insert_with(ended)
        })
    }

    /// Those stuck goroutines that a goroutine waits for, in no order.
    #[must_use]
    pub fn waits_for(&self, id: GoId) -> Vec<Edge<'a>> {
        let waits = self.waits_of(id);
        let edges = waits.iter().flat_map(|wait| self.edges(id, wait.object, wait.operation));
        edges.filter(|edge| self.is_stuck(edge.to)).collect()
    }

    fn is_stuck(&self, id: GoId) -> bool {
        self.standing(id).is_some_and(|standing| standing > Standing::GoesOn)
    }

    /// Those who could end a wait to do `operation` with an object, but for who
    /// waits for the very same and is not known to do anything else with it.
    fn partners(&self, object: ObjectIndex, operation: Operation) -> Vec<(GoId, String)> {
        let Some(joint) = self.joint(object) else { return Vec::new() };
        let waits_the_same = |id: GoId| {
            let mut waits = self.waits_of(id).iter();
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
        // Who waits to send is not helped by a close: it would panic.
        let helps = |one: &&&Use| {
            one.operation.ends(operation) && (operation, one.operation) != (Operation::Send, Operation::Close)
        };
        let uses = joint.uses.iter().filter(helps);
        // Who waits for more, and closes in the end, closes what is his own.
        let own = |one: &&Use| matches!(one.operation, Operation::Any | Operation::Close);
        let uses = uses.filter(|one| !own(one) || !waits_the_same(one.goroutine));
        partners.extend(uses.map(|one| (one.goroutine, one.because.to_string())));
        partners
    }

    fn edges(&self, from: GoId, object: ObjectIndex, operation: Operation) -> impl Iterator<Item = Edge<'a>> {
        let known = self.links.object(object);
        let partners = self.partners(object, operation);
        // What it would do itself, later, is no way out; a lock of its own is in its way.
        let joint = self.joint(object).filter(|joint| !joint.is_of_several(from));
        let holds = joint.is_some_and(|joint| joint.holds.iter().any(|hold| hold.goroutine == from));
        partners
            .into_iter()
            .filter(move |(to, _)| *to != from || holds)
            .filter_map(move |(to, because)| Some(Edge { from, to, object: known?, operation, because }))
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
