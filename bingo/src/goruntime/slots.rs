//! What is known of each `g` of `allgs`, from one snapshot to the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::g::{G, Print};
use super::ids::Ids;
use super::objects::Objects;
use crate::model::{Addr, GoId, Goroutine, Problem};

/// One place for each entry of `allgs`.
#[derive(Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    /// What is wrong with some of them, by place.
    troubles: BTreeMap<usize, Box<str>>,
    ids: Ids,
    /// The places of goroutines, by id.
    order: Vec<u32>,
    /// Whether `order` holds no longer.
    reordered: bool,
}

#[derive(Default)]
struct Slot {
    /// Of the copy of which the rest was made; `None`: not to be trusted again.
    g: Option<Print>,
    goroutine: Option<Arc<Goroutine>>,
}

impl Slots {
    /// Makes place for `total` entries.
    pub(super) fn resize(&mut self, total: usize) {
        self.slots.reserve_exact(total.saturating_sub(self.slots.len()));
        self.slots.resize_with(total, Slot::default);
        self.troubles.split_off(&total);
        self.ids.set_total(total);
    }

    /// The ids of all goroutines known.
    pub(super) fn ids(&self) -> &Ids {
        &self.ids
    }

    /// Whether what is known was made of an equal copy.
    pub(super) fn is_same(&self, index: usize, g: &G) -> bool {
        self.slots.get(index).is_some_and(|slot| slot.g == Some(g.print()))
    }

    /// Whether the goroutine at `index` is where it was when what is known was made.
    pub(super) fn stands(&self, index: usize, g: &G) -> bool {
        self.slots.get(index).and_then(|slot| slot.g).is_some_and(|before| before.same_stop(g.print()))
    }

    /// Whether what is known of the goroutine at `index` is to be trusted.
    pub(super) fn is_known(&self, index: usize) -> bool {
        self.slots.get(index).is_some_and(|slot| slot.g.is_some())
    }

    /// Notes which goroutine the `g` at `addr` is, before more is known of it.
    pub(super) fn name(&mut self, addr: Addr, id: GoId) {
        self.ids.set(addr, Some(id));
    }

    /// Notes that there is no goroutine at `index`, and what is wrong if that is not as it should be.
    pub(super) fn clear(
        &mut self,
        index: usize,
        addr: Addr,
        g: Option<G>,
        trouble: Option<String>,
        objects: &mut Objects,
    ) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        if let Some(gone) = slot.goroutine.take() {
            if let Some(wait) = &gone.wait {
                objects.release(wait);
            }
            self.ids.set(addr, None);
            self.reordered = true;
        }
        slot.g = g.filter(|_| trouble.is_none()).map(|g| g.print());
        set_trouble(&mut self.troubles, index, trouble);
    }

    /// Notes the goroutine at `index`, made of `g`.
    pub(super) fn put(
        &mut self,
        index: usize,
        g: G,
        goroutine: Goroutine,
        trouble: Option<String>,
        objects: &mut Objects,
    ) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        slot.g = trouble.is_none().then(|| g.print());
        set_trouble(&mut self.troubles, index, trouble);
        let before = slot.goroutine.as_deref();
        if before == Some(&goroutine) {
            return;
        }
        self.reordered |= before.is_none_or(|before| before.id != goroutine.id);
        let (old, new) = (before.and_then(|before| before.wait.as_ref()), goroutine.wait.as_ref());
        if old != new {
            new.into_iter().for_each(|wait| objects.hold(wait));
            old.into_iter().for_each(|wait| objects.release(wait));
        }
        slot.goroutine = Some(Arc::new(goroutine));
    }

    /// All goroutines by id; what is wrong with them is added to `problems`.
    pub(super) fn share(&mut self, problems: &mut Vec<Problem>) -> Vec<Arc<Goroutine>> {
        if std::mem::take(&mut self.reordered) {
            let known = |(index, slot): (u32, &Slot)| slot.goroutine.is_some().then_some(index);
            self.order.clear();
            self.order.extend((0..).zip(&self.slots).filter_map(known));
            let slots = &self.slots;
            self.order.sort_by_key(|&index| goroutine(slots, index).map(|goroutine| goroutine.id));
        }
        for (&index, what) in &self.troubles {
            let goroutine = self.slots.get(index).and_then(|slot| slot.goroutine.as_ref());
            let goroutine = goroutine.map(|goroutine| goroutine.id);
            problems.push(Problem { goroutine, what: what.to_string() });
        }
        let mut goroutines: Vec<Arc<Goroutine>> = Vec::with_capacity(self.order.len());
        for one in self.order.iter().filter_map(|&index| goroutine(&self.slots, index)) {
            // One that ended and another that took its id while both were read.
            if goroutines.last().is_some_and(|last| last.id == one.id) {
                problems.push(Problem { goroutine: Some(one.id), what: "found twice".to_owned() });
                continue;
            }
            goroutines.push(Arc::clone(one));
        }
        goroutines
    }
}

/// Notes what is wrong with the one at a place, if anything is.
fn set_trouble(troubles: &mut BTreeMap<usize, Box<str>>, index: usize, trouble: Option<String>) {
    match trouble {
        Some(trouble) => troubles.insert(index, trouble.into_boxed_str()),
        None => troubles.remove(&index),
    };
}

/// The goroutine at a place.
fn goroutine(slots: &[Slot], place: u32) -> Option<&Arc<Goroutine>> {
    slots.get(super::fields::index(place))?.goroutine.as_ref()
}
