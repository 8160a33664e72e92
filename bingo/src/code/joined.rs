//! What is known of each goroutine, joined at the objects. In: the World and the
//! source. Out: [`Links`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::acts::Code;
use super::context::Item;
use super::foreign;
use super::ir::{Made, Name, SiteId};
use super::load;
use super::pattern::{self, Doing, Pattern, Seen, of_package};
use super::place::{Places, owners};
use super::points::{Node, OUTSIDE};
use super::which::Which;
use super::{Enough, LeftOut};
use crate::model::{
    Access, Certainty, GoId, GoState, Hold, Links, Nested, Object, ObjectIndex, ObjectKey, ObjectKind,
    Operation, Use, WaitFor, WaitReason,
};
use crate::world::{Glance, World};

/// How late a timer may be.
const LATE: Duration = Duration::from_millis(200);
/// Objects of one place that are told apart by who made them.
const TOLD_APART: usize = 4096;

/// What goroutines that are alike have in common.
#[derive(PartialEq, Eq, Hash)]
struct Alike {
    stack: usize,
    state: GoState,
    reason: Option<WaitReason>,
    created_by: Option<(Arc<str>, u32)>,
    /// Those who started it, by their stacks.
    parents: [usize; 2],
    is_main: bool,
}

/// How goroutines hang together: all of it, or nothing.
pub(super) fn links(world: &World, code: &mut Code, enough: Enough<'_>) -> Result<Links, LeftOut> {
    let mut places = Places::default();
    let mut patterns: Vec<Pattern> = Vec::new();
    let mut known: HashMap<Alike, Option<usize>> = HashMap::new();
    let mut members: Vec<(GoId, usize)> = Vec::new();
    let mut goroutines: Vec<Glance<'_>> = world.glances().filter(|one| !one.is_system()).collect();
    goroutines.sort_by_key(|goroutine| goroutine.id());
    for goroutine in goroutines {
        if enough() {
            return Err(LeftOut::Stopped);
        }
        let pattern = *known.entry(alike(world, goroutine)).or_insert_with(|| {
            let goroutine = goroutine.whole();
            let spots = places.of(code, world, goroutine);
            let seen = Seen { state: goroutine.state, reason: goroutine.reason, stack: &goroutine.stack };
            let mut pattern = pattern::of(code, &seen, &spots);
            // Of a goroutine that was never seen anywhere, nothing is known but what
            // starts it.
            let unseen = goroutine.stack.frames().is_empty();
            let idle = pattern.uses.is_empty() && pattern.unknown.is_empty();
            let nowhere = spots.all.is_empty() && spots.within.is_empty();
            pattern.opaque |= unseen && nowhere && idle && goroutine.state != GoState::Dead;
            let foreign = goroutine.stack.frames().iter().all(load::is_foreign);
            if foreign && !unseen && idle {
                return None;
            }
            patterns.push(pattern);
            Some(patterns.len() - 1)
        });
        members.extend(pattern.map(|pattern| (goroutine.id(), pattern)));
    }
    let mut joined = Joined::new(world, code, patterns, members);
    joined.waits();
    joined.holds();
    joined.uses();
    joined.tell_own(enough)?;
    joined.accesses();
    joined.nested(&mut places, enough)?;
    Ok(joined.links)
}

fn alike(world: &World, goroutine: Glance<'_>) -> Alike {
    let mut parents = [0; 2];
    let mut at = goroutine.parent();
    for slot in &mut parents {
        let Some(parent) = at.and_then(|id| world.glance(id)) else { break };
        *slot = parent.stack().address();
        at = parent.parent();
    }
    let created_by = goroutine.created_by().map(|made| (Arc::clone(&made.file), made.line));
    let stack = goroutine.stack();
    let stack = if stack.frames().is_empty() { 0 } else { stack.address() };
    let (state, reason) = (goroutine.state(), goroutine.reason());
    Alike { stack, state, reason, created_by, parents, is_main: goroutine.id() == GoId::MAIN }
}

pub(super) struct Joined<'w> {
    pub(super) world: &'w World,
    pub(super) code: &'w mut Code,
    pub(super) patterns: Vec<Pattern>,
    pub(super) members: Vec<(GoId, usize)>,
    pub(super) links: Links,
    /// Objects by where they are made, by whom, and which of those that is.
    pub(super) by_site: BTreeMap<SiteId, BTreeMap<(Option<GoId>, Which), ObjectIndex>>,
    /// Places whose objects are one.
    merged: BTreeSet<SiteId>,
    /// What those wait for who have such an object each for itself, by that of the others.
    pub(super) twins: BTreeMap<ObjectIndex, ObjectIndex>,
}

impl<'w> Joined<'w> {
    fn new(
        world: &'w World,
        code: &'w mut Code,
        patterns: Vec<Pattern>,
        members: Vec<(GoId, usize)>,
    ) -> Joined<'w> {
        let (links, by_site) = (Links::default(), BTreeMap::new());
        let (merged, twins) = (BTreeSet::new(), BTreeMap::new());
        let mut joined = Joined { world, code, patterns, members, links, by_site, merged, twins };
        joined.merge();
        joined
    }

    /// Where many are told apart that others cannot tell apart, they are one.
    fn merge(&mut self) {
        let mut counts: HashMap<SiteId, usize> = HashMap::new();
        for (_, pattern) in &self.members {
            let waits = self.patterns.get(*pattern).and_then(|pattern| pattern.waits.as_ref());
            for (item, _) in waits.into_iter().flatten() {
                *counts.entry(item.site).or_default() += 1;
            }
        }
        let many = |site: &SiteId| counts.get(site).is_some_and(|count| *count > TOLD_APART);
        for pattern in &self.patterns {
            let waits = pattern.waits.iter().flatten().map(|(item, _)| item);
            let uses = pattern.uses.iter().map(|doing| &doing.item);
            let holds = pattern.holds.iter().map(|held| &held.item);
            let all = waits.chain(uses).chain(holds).chain(&pattern.reach);
            self.merged.extend(all.filter(|item| item.owner.is_none()).map(|item| item.site).filter(many));
        }
    }

    pub(super) fn owner(&self, item: Item, owners: &[GoId]) -> Option<GoId> {
        if self.merged.contains(&item.site) {
            return None;
        }
        owners.get(usize::from(item.owner?)).copied()
    }

    fn object(&mut self, item: Item, owner: Option<GoId>) -> Option<ObjectIndex> {
        let which = self.which(item);
        if let Some(known) = self.by_site.get(&item.site).and_then(|of| of.get(&(owner, which))) {
            return Some(*known);
        }
        let kind = self.code.kind(item.site)?;
        let index = ObjectIndex(u32::try_from(self.links.objects.len()).ok()?);
        let key = ObjectKey::Name(which.told(&self.code.points.program, name(self.code, item.site)));
        self.links.objects.push(Object { key, kind, access: Access::Closed });
        self.by_site.entry(item.site).or_default().insert((owner, which), index);
        Some(index)
    }

    /// What those wait for whose channels are all nil: nobody gets at it.
    fn nil_channel(&mut self) -> Option<ObjectIndex> {
        let key = ObjectKey::Name("nil, the only one of its cases".into());
        let index = ObjectIndex(u32::try_from(self.links.objects.len()).ok()?);
        self.links.objects.push(Object { key, kind: ObjectKind::Channel, access: Access::Closed });
        Some(index)
    }

    /// The objects that an item may be.
    pub(super) fn objects_of(&self, item: Item, owner: Option<GoId>) -> Vec<ObjectIndex> {
        let Some(of) = self.by_site.get(&item.site) else { return Vec::new() };
        let which = self.which(item);
        let fits = |((_, other), _): &(&(Option<GoId>, Which), &ObjectIndex)| other.may_be(which);
        let all = |of: &mut dyn Iterator<Item = (&(Option<GoId>, Which), &ObjectIndex)>| {
            of.filter(fits).map(|(_, object)| *object).collect()
        };
        match owner {
            None => all(&mut of.iter()),
            Some(_) => {
                let by = |owner| of.range((owner, Which::ANY)..=(owner, Which::LAST));
                all(&mut by(owner).chain(by(None)))
            }
        }
    }

    /// Which one that is, where they are told apart.
    fn which(&self, item: Item) -> Which {
        if self.merged.contains(&item.site) { Which::ANY } else { item.which }
    }

    fn waits(&mut self) {
        let known = |(item, _): &&(Item, Operation)| item.which != Which::ANY;
        for at in 0..self.members.len() {
            let Some(&(id, pattern)) = self.members.get(at) else { continue };
            let waits = self.patterns.get(pattern).and_then(|pattern| pattern.waits.as_deref());
            let known: Vec<Item> = waits.into_iter().flatten().filter(known).map(|(item, _)| *item).collect();
            if known.is_empty() {
                continue;
            }
            let owners = owners(self.world, id);
            for item in known {
                self.object(item, self.owner(item, &owners));
            }
        }
        self.links.waits.reserve(self.members.len());
        for at in 0..self.members.len() {
            let Some(&(id, pattern)) = self.members.get(at) else { continue };
            let waits = self.patterns.get(pattern).and_then(|pattern| pattern.waits.clone());
            let Some(waits) = waits else { continue };
            let owners = owners(self.world, id);
            let mut found = Vec::new();
            if waits.is_empty() {
                found.extend(
                    self.nil_channel().map(|object| WaitFor { object, operation: Operation::Receive }),
                );
            }
            for (item, operation) in waits {
                let owner = self.owner(item, &owners);
                if let Some(object) = self.object(item, owner) {
                    found.push(WaitFor { object, operation });
                    self.as_well(item, owner, object, &mut found);
                }
            }
            if self.patterns.get(pattern).is_some_and(|pattern| pattern.serves) {
                self.links.looping.insert(id);
            }
            self.links.waits.insert(id, &found);
        }
    }

    /// Who waits for one of several `RWMutex`es may wait for the one for which another is
    /// known to wait, and comes in the way of that one there.
    fn as_well(&self, item: Item, owner: Option<GoId>, object: ObjectIndex, found: &mut Vec<WaitFor>) {
        let is_it = self.links.object(object).is_some_and(|object| object.kind == ObjectKind::RwMutex);
        let Some(wait) = found.last().copied().filter(|_| is_it && self.which(item) == Which::ANY) else {
            return;
        };
        let of = self.by_site.get(&item.site).into_iter();
        let known = of.flat_map(|of| of.range((owner, Which::ANY)..=(owner, Which::LAST)));
        let others = known.map(|(_, other)| *other).filter(|other| *other != object);
        found.extend(others.map(|object| WaitFor { object, ..wait }));
    }

    fn holds(&mut self) {
        for (id, pattern) in &self.members {
            let Some(pattern) = self.patterns.get(*pattern) else { continue };
            if pattern.holds.is_empty() {
                continue;
            }
            let owners = owners(self.world, *id);
            for held in &pattern.holds {
                for object in self.objects_of(held.item, self.owner(held.item, &owners)) {
                    self.links.holds.push(Hold {
                        goroutine: *id,
                        object,
                        shared: held.shared,
                        taken_at: Some(held.at.clone()),
                        certainty: Certainty::Likely,
                        apart: held.apart,
                    });
                }
            }
        }
    }

    fn uses(&mut self) {
        let mut texts = Texts::default();
        for at in 0..self.members.len() {
            let Some((id, pattern)) = self.members.get(at).copied() else { continue };
            let Some(pattern) = self.patterns.get(pattern) else { continue };
            let owed = pattern.owed.as_deref();
            if ![Some(pattern), owed].into_iter().flatten().any(Pattern::does_something) {
                continue;
            }
            let owners = owners(self.world, id);
            let mut told = BTreeSet::new();
            let uses = self.uses_of((id, pattern), &owners, &mut told, &mut texts);
            let owed = owed.map(|owed| self.uses_of((id, owed), &owners, &mut told, &mut texts));
            self.links.uses.extend(uses);
            self.links.owed.extend(owed.unwrap_or_default());
        }
        // There may be several of each goroutine, and there is much that comes beside them.
        self.links.uses.shrink_to_fit();
        self.links.owed.shrink_to_fit();
    }

    /// What a goroutine of this pattern may yet do, but for what is `told`.
    fn uses_of(
        &self,
        (id, pattern): (GoId, &Pattern),
        owners: &[GoId],
        told: &mut BTreeSet<(ObjectIndex, Operation)>,
        texts: &mut Texts,
    ) -> Vec<Use> {
        let mut uses = Vec::new();
        let mut tell = |object: ObjectIndex, doing: &Doing| {
            if told.insert((object, doing.operation)) {
                uses.push(Use {
                    goroutine: id,
                    object,
                    operation: doing.operation,
                    because: texts.because(doing),
                    certainty: Certainty::Likely,
                });
            }
        };
        for doing in &pattern.uses {
            for object in self.objects_of(doing.item, self.owner(doing.item, owners)) {
                tell(object, doing);
            }
        }
        for doing in &pattern.unknown {
            for item in &pattern.reach {
                for object in self.objects_of(*item, self.owner(*item, owners)) {
                    let kind = self.links.object(object).map(|object| object.kind);
                    if kind.is_some_and(|kind| like(kind, doing.kind)) {
                        tell(object, doing);
                    }
                }
            }
        }
        uses
    }

    /// Who else could get at each object.
    fn accesses(&mut self) {
        let spent = self.spent_timers();
        let fed: Vec<(SiteId, &'static str)> =
            self.code.points.fed.iter().map(|(site, why)| (*site, *why)).collect();
        for (site, why) in fed {
            let of = self.by_site.get(&site).into_iter().flat_map(|of| of.values());
            let alive: Vec<ObjectIndex> = of.copied().filter(|object| !spent.contains(object)).collect();
            alive.into_iter().for_each(|object| self.set_object_access(object, &Access::Fed(why.into())));
        }
        self.wrapped_pipes();
        self.called_later();
        self.opaque();
        self.idle();
    }

    fn set_access(&mut self, site: SiteId, access: &Access) {
        let of: Vec<ObjectIndex> =
            self.by_site.get(&site).into_iter().flat_map(|of| of.values().copied()).collect();
        of.into_iter().for_each(|object| self.set_object_access(object, access));
    }

    fn set_object_access(&mut self, object: ObjectIndex, access: &Access) {
        for object in [Some(object), self.twins.get(&object).copied()].into_iter().flatten() {
            let object = usize::try_from(object.0).ok().and_then(|at| self.links.objects.get_mut(at));
            if let Some(object) = object.filter(|object| object.access.is_closed()) {
                object.access = access.clone();
            }
        }
    }

    /// The channels of timers that do not fire any more unless they are set anew: who
    /// waits there does so for longer than they are ever set to, or has stopped them
    /// himself.
    fn spent_timers(&self) -> BTreeSet<ObjectIndex> {
        let mut waiters: BTreeMap<ObjectIndex, Vec<(GoId, usize)>> = BTreeMap::new();
        for (id, pattern) in &self.members {
            for wait in self.links.waits.get(*id).unwrap_or_default() {
                waiters.entry(wait.object).or_default().push((*id, *pattern));
            }
        }
        let mut spent = BTreeSet::new();
        for (site, longest) in &self.code.points.timers {
            for object in self.by_site.get(site).into_iter().flat_map(|of| of.values()) {
                let waiters = waiters.get(object).map(Vec::as_slice).unwrap_or_default();
                let over = |(id, pattern): &(GoId, usize)| {
                    let stopped = self.patterns.get(*pattern).is_some_and(|one| one.stopped.contains(site));
                    stopped || longest.is_some_and(|longest| self.waits_longer(*id, longest))
                };
                if !waiters.is_empty() && waiters.iter().all(over) {
                    spent.insert(*object);
                }
            }
        }
        spent
    }

    fn waits_longer(&self, id: GoId, nanoseconds: u64) -> bool {
        let waited = self.world.glance(id).map(|one| self.world.latest().since(one.since().time()));
        let set = Duration::from_nanos(nanoseconds).saturating_mul(2) + LATE;
        waited.is_some_and(|waited| waited > set)
    }

    /// Pipes whose end was given to what has goroutines of its own: a server, a
    /// command.
    fn wrapped_pipes(&mut self) {
        let ends = self.code.points.ends.clone();
        if ends.is_empty() {
            return;
        }
        let sites = (0..self.code.points.program.sites.len()).filter_map(|at| u32::try_from(at).ok());
        for site in sites.map(SiteId).collect::<Vec<_>>() {
            let of = self.code.points.program.site(site).map(|of| super::points::bare(&of.kind));
            let Some(super::ir::Type::Foreign(package, _)) = of.filter(|_| !ends.contains(&site)) else {
                continue;
            };
            if !foreign::calls_later(package) {
                continue;
            }
            let why: Arc<str> = format!("package {package} has an end of it").into();
            let inside = self.code.evaluator().reach([Item::any(site)].into(), None);
            let pipe = foreign::named("io", "Pipe");
            for item in inside {
                if self.code.points.program.site(item.site).is_some_and(|of| of.kind == pipe) {
                    self.set_access(item.site, &Access::Reached(Arc::clone(&why)));
                }
            }
        }
    }

    /// What functions do that may be called at any time: by a server, by a timer.
    fn called_later(&mut self) {
        let later: Vec<_> = self.code.points.later.iter().copied().collect();
        if later.is_empty() {
            return;
        }
        let called = self.code.closure_of(later.clone());
        let mut items = of_package(self.code, called.iter().copied());
        for func in later {
            let site = self.code.points.func_site(func);
            items.insert(Item::any(site));
            // And what it is called with.
            let params = self.code.points.program.func(func).into_iter().flat_map(|func| &func.params);
            let given = params.flat_map(|param| self.code.points.set(&Node::Var(*param)));
            items.extend(given.map(Item::any));
        }
        let mut waited: HashMap<SiteId, BTreeSet<Operation>> = HashMap::new();
        for (item, operation) in self.patterns.iter().flat_map(|pattern| pattern.waits.iter().flatten()) {
            waited.entry(item.site).or_default().insert(*operation);
        }
        let helps = |site: SiteId, operation: Operation| {
            waited.get(&site).is_some_and(|waits| waits.iter().any(|waits| operation.ends(*waits)))
        };
        let reach = self.code.evaluator().reach(items, None);
        let sites: BTreeSet<SiteId> = reach.into_iter().map(|item| item.site).collect();
        for func in called {
            let (doings, locks) = (self.code.doings(func), self.code.locks_in(func));
            let Some(of) = self.code.points.program.func(func) else { continue };
            let why: Arc<str> = format!("{} may be called at any time", of.name).into();
            let own = |act, done| pattern::unlocks_its_own(self.code, act, done, &locks);
            let doings: Vec<_> = doings.iter().filter(|(act, done)| !own(act, *done)).collect();
            for (_, done) in doings {
                for site in waited.keys().filter(|site| sites.contains(site)) {
                    let it = done.item.site == *site
                        || done.item.site == OUTSIDE
                            && self.code.kind(*site).is_some_and(|kind| like(kind, done.kind));
                    if it && helps(*site, done.operation) {
                        self.set_access(*site, &Access::Reached(Arc::clone(&why)));
                    }
                }
            }
        }
    }

    /// Goroutines whose source is not there can do anything with what they have.
    fn opaque(&mut self) {
        if self.patterns.iter().any(|pattern| pattern.spots.anywhere) {
            let sites: Vec<SiteId> = self.by_site.keys().copied().collect();
            let why: Arc<str> = "the main goroutine, which was not seen at any place".into();
            sites.into_iter().for_each(|site| self.set_access(site, &Access::Reached(Arc::clone(&why))));
        }
        let opaque: Vec<(GoId, usize)> = self
            .members
            .iter()
            .filter(|(_, pattern)| self.patterns.get(*pattern).is_some_and(|pattern| pattern.opaque))
            .copied()
            .collect();
        let Some((first, _)) = opaque.first() else { return };
        let why: Arc<str> = format!("goroutine {first}, whose source is not there").into();
        let funcs = (0..self.code.points.program.funcs.len()).filter_map(|at| u32::try_from(at).ok());
        let mut items = of_package(self.code, funcs.map(super::ir::FuncId));
        let patterns: BTreeSet<usize> = opaque.iter().map(|(_, pattern)| *pattern).collect();
        for pattern in patterns.iter().filter_map(|pattern| self.patterns.get(*pattern)) {
            items.extend(pattern.reach.iter().map(|item| Item::any(item.site)));
        }
        for item in self.code.evaluator().reach(items, None) {
            self.set_access(item.site, &Access::Reached(Arc::clone(&why)));
        }
    }

    /// Locks that were waited for under others, now and earlier.
    fn nested(&mut self, places: &mut Places, enough: Enough<'_>) -> Result<(), LeftOut> {
        let mut found: Vec<(GoId, pattern::HeldItem, Item, crate::model::Stack, bool)> = Vec::new();
        for (id, pattern) in &self.members {
            let Some(pattern) = self.patterns.get(*pattern) else { continue };
            let Some([(wanted, Operation::Lock | Operation::RLock)]) = pattern.waits.as_deref() else {
                continue;
            };
            let Some(goroutine) = self.world.glance(*id) else { continue };
            for held in &pattern.holds {
                found.push((*id, held.clone(), *wanted, goroutine.stack().clone(), false));
            }
        }
        for place in self.world.places() {
            let Some(ended) = place.longest.first() else { continue };
            let is_lock = place.stack.frames().iter().any(|frame| {
                matches!(
                    frame.function.strip_prefix("internal/").unwrap_or(&frame.function),
                    "sync.(*Mutex).Lock" | "sync.(*RWMutex).Lock" | "sync.(*RWMutex).RLock"
                )
            });
            if !is_lock {
                continue;
            }
            if enough() {
                return Err(LeftOut::Stopped);
            }
            let spots = places.of_stack(self.code, &place.stack);
            let seen = Seen { state: GoState::Blocked, reason: place.reason, stack: &place.stack };
            let pattern = pattern::of(self.code, &seen, &spots);
            let Some([(wanted, _)]) = pattern.waits.as_deref() else { continue };
            for held in pattern.holds {
                found.push((ended.goroutine, held, *wanted, place.stack.clone(), true));
            }
        }
        for (id, held, wanted, stack, ended) in found {
            if held.item.site == wanted.site && held.item.which.may_be(wanted.which) {
                continue;
            }
            let owners = owners(self.world, id);
            let (at, to) = (self.owner(held.item, &owners), self.owner(wanted, &owners));
            let (Some(at), Some(to)) = (self.object(held.item, at), self.object(wanted, to)) else {
                continue;
            };
            self.links.nested.push(Nested {
                goroutine: id,
                held: at,
                held_at: Some(held.at),
                wanted: to,
                stack,
                ended,
            });
        }
        Ok(())
    }
}

/// Whether an operation on a thing of one kind may be on one of another.
fn like(kind: ObjectKind, other: ObjectKind) -> bool {
    let lock = |kind| matches!(kind, ObjectKind::Mutex | ObjectKind::RwMutex);
    kind == other || lock(kind) && lock(other)
}

/// What the source calls an object.
fn name(code: &Code, site: SiteId) -> Arc<str> {
    let program = &code.points.program;
    let Some(of) = program.site(site) else { return "".into() };
    if let Made::Part(whole) = of.made {
        let whole = program.site(whole);
        return match whole.map(|whole| super::points::bare(&whole.kind)) {
            Some(super::ir::Type::Named(_, kind)) => format!("{kind}.{}", of.name).into(),
            _ => format!("{}.{}", whole.map_or("", |whole| &*whole.name), of.name).into(),
        };
    }
    let what: &str = if of.name.is_empty() { "what is made" } else { &of.name };
    match of.func.and_then(|func| program.func(func)) {
        Some(func) if of.name.is_empty() => format!("{what} at {}:{}", base(&func.file), of.line).into(),
        Some(func) => format!("{what} of {}", func.name).into(),
        None => Arc::from(what),
    }
}

fn base(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// What says that somebody does something: many do the same.
#[derive(Default)]
struct Texts(HashMap<(Operation, Name, u32), Arc<str>>);

impl Texts {
    fn because(&mut self, doing: &Doing) -> Arc<str> {
        let (file, line) = &doing.at;
        let key = (doing.operation, file.clone(), *line);
        Arc::clone(self.0.entry(key).or_insert_with(|| because(doing).into()))
    }
}

fn because(doing: &Doing) -> String {
    let does = match doing.operation {
        Operation::Send => "sends",
        Operation::Receive => "receives",
        Operation::Close => "closes it",
        Operation::Unlock => "unlocks it",
        Operation::Done => "counts it down",
        Operation::Signal => "signals it",
        _ => "uses it",
    };
    let (file, line): &(Name, u32) = &doing.at;
    format!("{does} at {}:{line}", base(file))
}
