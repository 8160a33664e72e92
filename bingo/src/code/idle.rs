//! Who serves others and has nothing to do. A worker that waits in a loop for its
//! next task is no leak as long as somebody still has what it waits on, though
//! nobody may ever come again. In: what goroutines wait for, could do and can get
//! at. Out: the access to what such workers wait for, and the uses that they will
//! not come to.
//!
//! | a goroutine that waits in a loop to be given something | is |
//! |---|---|
//! | somebody else than such goroutines could give it | decided by who goes on |
//! | a package variable has it, and the source gives or could give | idle |
//! | who goes on has it in what it comes to yet, whatever it does with that | idle |
//! | who goes on is in a function that has given itself, or could have, before, and whose variable is in scope | idle |
//! | one that is idle could give it | idle |
//! | else | stuck |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::context::Item;
use super::ir::{FuncId, SiteId};
use super::joined::Joined;
use super::pattern::of_package;
use super::place::owners;
use crate::model::{Access, GoId, ObjectIndex, Operation, WaitFor};

impl Joined<'_> {
    /// Finds those that are idle.
    pub(super) fn idle(&mut self) {
        let resting = self.resting();
        let mut idle = self.employed(&resting);
        let waiters = self.waiters_among(&resting);
        let mut done = BTreeSet::new();
        loop {
            let before = idle.len();
            for one in &self.links.uses {
                if !idle.contains_key(&one.goroutine) || !done.insert((one.object, one.operation)) {
                    continue;
                }
                for (id, waits) in waiters.get(&one.object).into_iter().flatten() {
                    if one.operation.ends(*waits) {
                        let why = || format!("goroutine {} still has it", one.goroutine).into();
                        idle.entry(*id).or_insert_with(why);
                    }
                }
            }
            if idle.len() == before {
                break;
            }
        }
        for (id, why) in &idle {
            let objects: Vec<ObjectIndex> = self.waits_of(*id).map(|wait| wait.object).collect();
            for object in objects {
                self.reached(object, why);
            }
        }
        // Who waits once, for one of these, has been forgotten by it.
        let mut served: BTreeSet<ObjectIndex> = BTreeSet::new();
        for (id, _) in self.members.iter().filter(|(_, pattern)| self.serves(*pattern)) {
            served.extend(self.waits_of(*id).map(|wait| wait.object));
        }
        self.links.uses.retain(|one| !idle.contains_key(&one.goroutine) || served.contains(&one.object));
        self.parked_main();
    }

    fn serves(&self, pattern: usize) -> bool {
        self.patterns.get(pattern).is_some_and(|pattern| pattern.serves)
    }

    fn waits_of(&self, id: GoId) -> impl Iterator<Item = &WaitFor> {
        self.links.waits.get(id).unwrap_or_default().iter()
    }

    fn reached(&mut self, object: ObjectIndex, why: &str) {
        let object = usize::try_from(object.0).ok().and_then(|at| self.links.objects.get_mut(at));
        if let Some(object) = object.filter(|object| object.access.is_closed()) {
            object.access = Access::Reached(why.into());
        }
    }

    /// Those who wait in a loop to be given something, and whom others of the kind
    /// alone could give it.
    fn resting(&self) -> BTreeSet<GoId> {
        let serving = self.members.iter().filter(|(_, pattern)| self.serves(*pattern));
        // A timer that fires no more has no work to give.
        let timers = self.code.points.timers.keys().filter_map(|site| self.by_site.get(site));
        let timers: BTreeSet<ObjectIndex> = timers.flat_map(|of| of.values().copied()).collect();
        let takes = |id: &GoId| {
            let mut waits = self.waits_of(*id).peekable();
            waits.peek().is_some()
                && waits.all(|wait| {
                    matches!(wait.operation, Operation::Receive | Operation::Wait | Operation::Send)
                })
                && self.waits_of(*id).any(|wait| wait.operation != Operation::Send)
                && !self.waits_of(*id).any(|wait| self.is_open(wait) || timers.contains(&wait.object))
        };
        let mut resting: BTreeSet<GoId> = serving.map(|(id, _)| *id).filter(takes).collect();
        let waiters = self.waiters_among(&resting);
        let mut done = BTreeSet::new();
        loop {
            let mut left = Vec::new();
            for one in self.links.uses.iter().filter(|one| !resting.contains(&one.goroutine)) {
                if !done.insert((one.object, one.operation)) {
                    continue;
                }
                let waiters = waiters.get(&one.object).into_iter().flatten();
                left.extend(waiters.filter(|(_, waits)| one.operation.ends(*waits)).map(|(id, _)| *id));
            }
            if left.is_empty() {
                return resting;
            }
            for id in left {
                resting.remove(&id);
            }
        }
    }

    /// Who of `resting` waits on each object, to do what.
    fn waiters_among(&self, resting: &BTreeSet<GoId>) -> BTreeMap<ObjectIndex, Vec<(GoId, Operation)>> {
        let mut waiters: BTreeMap<ObjectIndex, Vec<(GoId, Operation)>> = BTreeMap::new();
        for id in resting {
            for wait in self.waits_of(*id) {
                waiters.entry(wait.object).or_default().push((*id, wait.operation));
            }
        }
        waiters
    }

    /// Whether something else than goroutines is known to get at what is waited for.
    fn is_open(&self, wait: &WaitFor) -> bool {
        self.links.object(wait.object).is_some_and(|object| !object.access.is_closed())
    }

    /// Those of them whose object somebody who goes on, or a package variable, still
    /// has, and why.
    fn employed(&mut self, resting: &BTreeSet<GoId>) -> BTreeMap<GoId, Arc<str>> {
        let by_object = self.waiters_among(resting);
        let mut done = BTreeSet::new();
        let mut employed = BTreeMap::new();
        if resting.is_empty() {
            return employed;
        }
        let mut employ = |object: &ObjectIndex, by: Option<Operation>, why: &dyn Fn() -> Arc<str>| {
            // Many may have it, and many wait for it.
            if !done.insert((*object, by)) {
                return;
            }
            for (worker, waits) in by_object.get(object).into_iter().flatten() {
                if by.is_none_or(|by| by.ends(*waits)) {
                    employed.entry(*worker).or_insert_with(why);
                }
            }
        };
        let going = self.going_on();
        for (id, pattern) in self.members.iter().filter(|(id, _)| going.contains(id)) {
            let Some(pattern) = self.patterns.get(*pattern) else { continue };
            let owners = owners(self.world, *id);
            for item in &pattern.reach {
                for object in self.objects_of(*item, self.owner(*item, &owners)) {
                    employ(&object, None, &|| format!("goroutine {id} still has it").into());
                }
            }
            for (item, operation) in &pattern.done_before {
                for object in self.objects_of(*item, self.owner(*item, &owners)) {
                    employ(&object, Some(*operation), &|| {
                        format!("goroutine {id} has had it, and is still there").into()
                    });
                }
            }
        }
        let funcs = (0..self.code.points.program.funcs.len()).filter_map(|at| u32::try_from(at).ok());
        let globals = of_package(self.code, funcs.map(FuncId));
        let reach: BTreeSet<SiteId> =
            self.code.evaluator().reach(globals, None).into_iter().map(|item| item.site).collect();
        for site in reach {
            for object in self.objects_of(Item::any(site), None) {
                employ(&object, None, &|| "a package variable has it, and the program goes on".into());
            }
        }
        employed
    }

    /// Those who surely go on: they do not wait, or for what is fed, or somebody of
    /// them ends their wait.
    fn going_on(&self) -> BTreeSet<GoId> {
        let held: BTreeSet<ObjectIndex> = self.links.holds.iter().map(|hold| hold.object).collect();
        let fed = |wait: &WaitFor| {
            let lock = matches!(wait.operation, Operation::Lock | Operation::RLock);
            self.is_open(wait) || lock && !held.contains(&wait.object)
        };
        let mut ending: BTreeMap<ObjectIndex, Vec<(GoId, Operation)>> = BTreeMap::new();
        for (id, waits) in self.links.waits.iter() {
            for wait in waits {
                ending.entry(wait.object).or_default().push((id, wait.operation));
            }
        }
        let mut uses: BTreeMap<GoId, Vec<(ObjectIndex, Operation)>> = BTreeMap::new();
        for one in &self.links.uses {
            uses.entry(one.goroutine).or_default().push((one.object, one.operation));
        }
        for hold in &self.links.holds {
            uses.entry(hold.goroutine).or_default().push((hold.object, Operation::Unlock));
        }
        let all = self.members.iter().map(|(id, _)| *id);
        let mut next: Vec<GoId> = all.filter(|id| self.goes_by_itself(*id, &fed)).collect();
        let (mut going, mut done) = (BTreeSet::new(), BTreeSet::new());
        while let Some(id) = next.pop() {
            if !going.insert(id) {
                continue;
            }
            for (object, operation) in uses.get(&id).into_iter().flatten() {
                if !done.insert((object, operation)) {
                    continue;
                }
                let waiters = ending.get(object).into_iter().flatten();
                next.extend(waiters.filter(|(_, waits)| operation.ends(*waits)).map(|(waiter, _)| *waiter));
            }
        }
        going
    }

    fn goes_by_itself(&self, id: GoId, fed: &dyn Fn(&WaitFor) -> bool) -> bool {
        match self.links.waits.get(id) {
            Some(waits) => waits.iter().any(fed),
            None => true,
        }
    }

    /// The main goroutine that waits for what nothing in the source ever does keeps
    /// the program going, as `select {}` would.
    fn parked_main(&mut self) {
        let Some(&[wait]) = self.links.waits.get(GoId::MAIN) else { return };
        if wait.operation != Operation::Receive || self.links.uses.iter().any(|one| ends(one, &wait)) {
            return;
        }
        let site = self.by_site.iter().find(|(_, of)| of.values().any(|object| *object == wait.object));
        let Some(site) = site.map(|(site, _)| *site) else { return };
        if !self.code.is_ever_ended(site) {
            self.reached(wait.object, "nothing in the source ever ends that wait, as it seems on purpose");
        }
    }
}

fn ends(one: &crate::model::Use, wait: &WaitFor) -> bool {
    one.object == wait.object && one.operation.ends(wait.operation)
}
