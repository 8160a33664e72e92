//! The channels and locks that goroutines wait on, kept from one snapshot to
//! the next: each with the number of goroutines that wait on it, so that it
//! goes when the last one does.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::model::{Addr, SyncObject, Wait};

type Map<V> = HashMap<Addr, V, foldhash::fast::FixedState>;

/// What is waited on.
#[derive(Default)]
pub(super) struct Objects {
    /// How many goroutines wait on each.
    waits: Map<usize>,
    /// What each is; for a moment also such that nobody waits on yet.
    objects: Arc<HashMap<Addr, Arc<SyncObject>>>,
    /// Those that nobody may be waiting on.
    unsure: Vec<Addr>,
    /// Those whose queues lost a goroutine since they were read.
    stale: HashSet<Addr, foldhash::fast::FixedState>,
}

impl Objects {
    /// One more goroutine waits so.
    pub(super) fn hold(&mut self, wait: &Wait) {
        for address in wait.addresses() {
            *self.waits.entry(address).or_default() += 1;
        }
    }

    /// One goroutine no longer waits so.
    pub(super) fn release(&mut self, wait: &Wait) {
        for address in wait.addresses() {
            let Some(waits) = self.waits.get_mut(&address) else { continue };
            *waits = waits.saturating_sub(1);
            if *waits == 0 {
                // The next that waits on it may be about to be noted.
                self.waits.remove(&address);
                self.stale.remove(&address);
                self.unsure.push(address);
            } else {
                self.stale.insert(address);
            }
        }
    }

    /// Takes the list of those to be read again.
    pub(super) fn take_stale(&mut self) -> Vec<Arc<SyncObject>> {
        let stale = std::mem::take(&mut self.stale);
        stale.iter().filter_map(|address| self.objects.get(address).cloned()).collect()
    }

    /// Whether anybody waits on it.
    pub(super) fn contains(&self, address: Addr) -> bool {
        self.waits.contains_key(&address)
    }

    /// Notes what an object is now. Waits on it may be noted before or after.
    pub(super) fn set(&mut self, address: Addr, object: SyncObject) {
        if self.objects.get(&address).is_none_or(|before| **before != object) {
            Arc::make_mut(&mut self.objects).insert(address, Arc::new(object));
            self.unsure.push(address);
        }
    }

    /// All that somebody waits on; forgets the others.
    pub(super) fn share(&mut self) -> Arc<HashMap<Addr, Arc<SyncObject>>> {
        for address in std::mem::take(&mut self.unsure) {
            if !self.contains(address) && self.objects.contains_key(&address) {
                Arc::make_mut(&mut self.objects).remove(&address);
            }
        }
        Arc::clone(&self.objects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Channel, Direction, Waiters};

    #[test]
    fn an_object_lives_while_somebody_waits() {
        let channel = Channel {
            address: Addr(8),
            cap: 0,
            len: 0,
            closed: false,
            receivers: Waiters::default(),
            senders: Waiters::default(),
        };
        let wait = Wait::Channel { channel: Addr(8), direction: Direction::Send };
        let select = Wait::Select(vec![(Addr(8), Direction::Send), (Addr(16), Direction::Receive)]);
        let mut objects = Objects::default();
        objects.hold(&wait);
        objects.hold(&select);
        objects.set(Addr(8), SyncObject::Channel(channel.clone()));
        objects.release(&wait);
        assert_eq!(objects.take_stale().len(), 1);
        let shared = objects.share();
        objects.set(Addr(8), SyncObject::Channel(channel));
        assert!(Arc::ptr_eq(&objects.share()[&Addr(8)], &shared[&Addr(8)]));
        objects.release(&select);
        assert!(objects.share().is_empty());
        assert!(objects.take_stale().is_empty());
    }
}
