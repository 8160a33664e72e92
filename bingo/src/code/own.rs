//! Who waits for an object of its own, of those that are made at one place: by the place
//! they are one object, and whoever has one of them at hand could end all these waits. So
//! they are counted. In: what goroutines wait for and could do. Out: those waits apart that
//! nobody can end, for there are fewer of the objects in the hands of others.
//!
//! ```text
//!   7 8 … 66  each waits to send on the channel that its go statement gave it alone
//!   1         is in the function that makes them: it has one of them at hand
//!   ⇒ at least 59 of these 60 are stuck; it is not known which, and the youngest is let be
//! ```
//!
//! Nothing is told where something else than variables of functions has such objects.

use std::collections::{BTreeMap, BTreeSet};

use super::hands::Hands;
use super::ir::{CallId, SiteId};
use super::joined::Joined;
use super::{Enough, LeftOut};
use crate::model::{Access, GoId, GoState, Object, ObjectIndex, ObjectKind, Operation, WaitFor};

/// Places that are looked at so closely.
const PLACES: usize = 64;

impl Joined<'_> {
    /// Tells those waits apart.
    pub(super) fn tell_own(&mut self, enough: Enough<'_>) -> Result<(), LeftOut> {
        let mut looked_at: BTreeMap<SiteId, Option<Hands>> = BTreeMap::new();
        for (site, object, waiters) in self.shared_with_others() {
            if enough() {
                return Err(LeftOut::Stopped);
            }
            if looked_at.len() >= PLACES && !looked_at.contains_key(&site) {
                break;
            }
            let hands = looked_at.entry(site).or_insert_with(|| self.code.hands(site));
            if let Some(hands) = hands {
                self.count(object, &waiters, hands);
            }
        }
        Ok(())
    }

    /// Channels for which several wait, where others are known who could end that.
    fn shared_with_others(&self) -> Vec<(SiteId, ObjectIndex, BTreeMap<GoId, usize>)> {
        let mut waiters: BTreeMap<ObjectIndex, BTreeMap<GoId, (usize, Operation)>> = BTreeMap::new();
        for (id, pattern) in &self.members {
            for wait in self.links.waits.get(*id).unwrap_or_default() {
                waiters.entry(wait.object).or_default().insert(*id, (*pattern, wait.operation));
            }
        }
        // How they wait for each, by one who does so and whether there are more: very many
        // may wait for one object, and very many use it.
        let mut ways: BTreeMap<ObjectIndex, Vec<(Operation, GoId, bool)>> = BTreeMap::new();
        for (object, waiters) in &waiters {
            let ways = ways.entry(*object).or_default();
            for (id, (_, operation)) in waiters {
                match ways.iter_mut().find(|way| way.0 == *operation) {
                    Some(way) => way.2 = true,
                    None => ways.push((*operation, *id, false)),
                }
            }
        }
        let mut used = BTreeSet::new();
        for one in &self.links.uses {
            let helps = |&(waits, id, several): &(Operation, GoId, bool)| {
                (several || id != one.goroutine) && one.operation.ends(waits)
            };
            if ways.get(&one.object).is_some_and(|ways| ways.iter().any(helps)) {
                used.insert(one.object);
            }
        }
        let mut found = Vec::new();
        for (site, objects) in &self.by_site {
            for object in objects.values().filter(|object| used.contains(object)) {
                let is_channel =
                    self.links.object(*object).is_some_and(|object| object.kind == ObjectKind::Channel);
                let Some(waiters) = waiters.get(object).filter(|waiters| is_channel && waiters.len() > 1)
                else {
                    continue;
                };
                let waiters = waiters.iter().map(|(id, (pattern, _))| (*id, *pattern)).collect();
                found.push((*site, *object, waiters));
            }
        }
        found
    }

    /// Of those who wait for an object of their own, by one `go` statement, lets so many wait
    /// for what others have as these can have at hand.
    fn count(&mut self, object: ObjectIndex, waiters: &BTreeMap<GoId, usize>, hands: &Hands) {
        let patterns = self.patterns.iter().map(|pattern| self.code.each_its_own(&pattern.spots, hands));
        let made_by: Vec<Option<CallId>> = patterns.collect();
        let made_by = |pattern: &usize| made_by.get(*pattern).copied().flatten();
        let mut groups: BTreeMap<CallId, Vec<GoId>> = BTreeMap::new();
        for (id, pattern) in waiters {
            if let Some(call) = made_by(pattern) {
                groups.entry(call).or_default().push(*id);
            }
        }
        let Some((call, mut own)) = groups.into_iter().max_by_key(|(_, own)| own.len()) else { return };
        let mut at_hand: BTreeMap<usize, usize> = BTreeMap::new();
        let mut others = 0_usize;
        for (id, pattern) in &self.members {
            let state = self.world.glance(*id).map(|one| one.state());
            // Each of those has its own, wherever it is.
            if made_by(pattern) == Some(call) || state.is_none_or(|state| state == GoState::Dead) {
                continue;
            }
            let of = *at_hand.entry(*pattern).or_insert_with(|| {
                let exact = state != Some(GoState::Running);
                let spots = self.patterns.get(*pattern).map(|pattern| &pattern.spots);
                spots.map_or(0, |spots| self.code.at_most(spots, exact, hands))
            });
            others = others.saturating_add(of);
        }
        let Some(alone) = own.len().checked_sub(others).filter(|alone| *alone > 0) else { return };
        let all = own.len();
        own.truncate(alone);
        let Some(of) = self.links.object(object).cloned() else { return };
        let Ok(twin) = u32::try_from(self.links.objects.len()).map(ObjectIndex) else { return };
        self.links.objects.push(Object { access: Access::Counted { all, others }, ..of });
        self.twins.insert(object, twin);
        for id in own {
            let mut waits: Vec<WaitFor> = self.links.waits.get(id).unwrap_or_default().to_vec();
            for wait in waits.iter_mut().filter(|wait| wait.object == object) {
                wait.object = twin;
            }
            self.links.waits.insert(id, &waits);
        }
    }
}
