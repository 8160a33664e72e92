//! Who serves others and has nothing to do. A worker that waits in a loop for its
//! next task, in the service of somebody who is still there and has given it tasks,
//! is no leak, though nobody may ever come again. In: what goroutines wait for and
//! could do. Out: the access to what such workers wait for, and the uses that they
//! will not come to.
//!
//! | a goroutine that waits in a loop to be given something | is |
//! |---|---|
//! | somebody else than such goroutines could give it | decided by who goes on |
//! | a function that is under way, and goes on, has given or could have, before | idle |
//! | one that is idle could give it | idle |
//! | else | stuck |

use std::collections::{BTreeMap, BTreeSet};

use super::joined::Joined;
use super::place::owners;
use crate::model::{Access, GoId, ObjectIndex, Operation, WaitFor};

/// The main goroutine.
const MAIN: GoId = GoId(1);

impl Joined<'_> {
    /// Finds those that are idle.
    pub(super) fn idle(&mut self) {
        let resting = self.resting();
        let mut idle = self.employed(&resting);
        loop {
            let before = idle.len();
            for one in &self.links.uses {
                if !idle.contains_key(&one.goroutine) {
                    continue;
                }
                for id in &resting {
                    let employer = one.goroutine;
                    if !idle.contains_key(id) && self.waits_of(*id).any(|wait| ends(one, wait)) {
                        idle.insert(*id, employer);
                    }
                }
            }
            if idle.len() == before {
                break;
            }
        }
        for (id, employer) in &idle {
            let objects: Vec<ObjectIndex> = self.waits_of(*id).map(|wait| wait.object).collect();
            for object in objects {
                self.reached(object, &format!("goroutine {employer} still has it"));
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
        self.links.waits.get(&id).into_iter().flatten()
    }

    fn reached(&mut self, object: ObjectIndex, why: &str) {
        let object = usize::try_from(object.0).ok().and_then(|at| self.links.objects.get_mut(at));
        if let Some(object) = object.filter(|object| object.access == Access::Closed) {
            object.access = Access::Reached(why.into());
        }
    }

    /// Those who wait in a loop to be given something, and whom others of the kind
    /// alone could give it.
    fn resting(&self) -> BTreeSet<GoId> {
        let serving = self.members.iter().filter(|(_, pattern)| self.serves(*pattern));
        let takes = |id: &GoId| {
            let mut waits = self.waits_of(*id).peekable();
            waits.peek().is_some()
                && waits.all(|wait| {
                    matches!(wait.operation, Operation::Receive | Operation::Wait | Operation::Send)
                })
                && self.waits_of(*id).any(|wait| wait.operation != Operation::Send)
        };
        let mut resting: BTreeSet<GoId> = serving.map(|(id, _)| *id).filter(takes).collect();
        let mut waiters: BTreeMap<ObjectIndex, Vec<(GoId, WaitFor)>> = BTreeMap::new();
        for id in &resting {
            for wait in self.waits_of(*id) {
                waiters.entry(wait.object).or_default().push((*id, *wait));
            }
        }
        loop {
            let mut left = Vec::new();
            for one in self.links.uses.iter().filter(|one| !resting.contains(&one.goroutine)) {
                for (id, wait) in waiters.get(&one.object).into_iter().flatten() {
                    if resting.contains(id) && ends(one, wait) {
                        left.push(*id);
                    }
                }
            }
            if left.is_empty() {
                return resting;
            }
            for id in left {
                resting.remove(&id);
            }
        }
    }

    /// Those of them for whom somebody who goes on has had something, and who that is.
    fn employed(&self, resting: &BTreeSet<GoId>) -> BTreeMap<GoId, GoId> {
        let mut by_object: BTreeMap<ObjectIndex, Vec<(GoId, Operation)>> = BTreeMap::new();
        for id in resting {
            for wait in self.waits_of(*id) {
                by_object.entry(wait.object).or_default().push((*id, wait.operation));
            }
        }
        let mut employed = BTreeMap::new();
        for (id, pattern) in &self.members {
            let Some(pattern) = self.patterns.get(*pattern) else { continue };
            if pattern.done_before.is_empty() || !self.surely_goes_on(*id) {
                continue;
            }
            let owners = owners(self.world, *id);
            for (item, operation) in &pattern.done_before {
                for object in self.objects_of(*item, self.owner(*item, &owners)) {
                    for (worker, waits) in by_object.get(&object).into_iter().flatten() {
                        if operation.ends(*waits) && worker != id {
                            employed.entry(*worker).or_insert(*id);
                        }
                    }
                }
            }
        }
        employed
    }

    fn surely_goes_on(&self, id: GoId) -> bool {
        self.links.waits.get(&id).is_none_or(|waits| {
            waits.iter().any(|wait| {
                let object = self.links.object(wait.object);
                object.is_some_and(|object| matches!(object.access, Access::Fed(_)))
            })
        })
    }

    /// The main goroutine that waits for what nothing in the source ever does keeps
    /// the program going, as `select {}` would.
    fn parked_main(&mut self) {
        let Some(&[wait]) = self.links.waits.get(&MAIN).map(Vec::as_slice) else { return };
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
