//! The objects that goroutines wait on, as a search sees them: where each lies,
//! who waits for it, and from where it was reached.

use std::collections::HashMap;

use super::roots::Variables;
use crate::binary::layout::Layout;
use crate::goruntime::heap::{Heap, Label, ObjectId};
use crate::model::{Addr, GoId, LockKind, Snapshot, SyncObject, Wait, WaitReason};

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// In blocks that small objects share, what is told apart is 4 bytes wide; a
/// pointer to a struct may point so far before the lock in it.
const BEFORE: u64 = 4;

/// Where an object was reached from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::goruntime) enum From {
    /// What goes on, by the label of its mark.
    Mark(Label),
    /// It is a package variable, or part of one.
    Variable,
    /// It lies in memory that is not Go's.
    Outside,
}

/// One object.
#[derive(Clone, Debug)]
pub(in crate::goruntime) struct Watched {
    pub(in crate::goruntime) address: Addr,
    size: u64,
    /// Who waits on it, by place in [`Watch::waiters`].
    pub(super) waiters: Vec<usize>,
    pub(in crate::goruntime) from: Option<From>,
}

/// A goroutine that waits on objects.
#[derive(Clone, Debug)]
pub(super) struct Waiter {
    pub(super) id: GoId,
    /// The objects, by place in [`Watch::objects`].
    pub(super) objects: Vec<usize>,
    /// Whether it may go on: one of them can be reached.
    pub(super) live: bool,
}

/// All of them.
#[derive(Default)]
pub(super) struct Watch {
    pub(super) objects: Vec<Watched>,
    pub(super) waiters: Vec<Waiter>,
    /// The mutexes among the objects.
    pub(super) locks: Vec<Addr>,
    by_id: Map<GoId, usize>,
    /// The objects and their places in the heap, by place: most have one each.
    places: Vec<(ObjectId, u32)>,
    /// Those that are no part of the heap, by address.
    elsewhere: Vec<(u64, usize)>,
}

impl Watch {
    /// What `snapshot` knows of waits.
    pub(super) fn new(snapshot: &Snapshot, layout: &Layout) -> Watch {
        let mut watch = Watch::default();
        let mut known: Map<Addr, usize> = Map::default();
        let mut addresses: Vec<Addr> = snapshot.objects.keys().copied().collect();
        addresses.sort_unstable();
        for address in addresses {
            let Some(object) = snapshot.objects.get(&address) else { continue };
            known.insert(address, watch.objects.len());
            let size = size(object, layout);
            if let SyncObject::Lock(lock) = &**object
                && matches!(lock.kind, LockKind::Mutex | LockKind::RwMutex)
            {
                watch.locks.push(address);
            }
            watch.objects.push(Watched { address, size, waiters: Vec::new(), from: None });
        }
        for goroutine in &snapshot.goroutines {
            let addresses: Vec<Addr> = match &goroutine.wait {
                Some(Wait::Channel { channel, .. }) if channel.is_nil() => Vec::new(),
                Some(Wait::Channel { channel, .. }) => vec![*channel],
                Some(Wait::Lock(lock)) => vec![*lock],
                Some(Wait::Select(cases)) => cases.iter().map(|case| case.0).collect(),
                None if goroutine.reason == Some(WaitReason::SelectNoCases) => Vec::new(),
                Some(Wait::Sleep { .. } | Wait::Io { .. }) | None => continue,
            };
            let mut objects: Vec<usize> =
                addresses.iter().filter_map(|address| known.get(address).copied()).collect();
            objects.sort_unstable();
            objects.dedup();
            // One of which not all is known may go on.
            let live = objects.is_empty() && !addresses.is_empty();
            for &object in &objects {
                if let Some(object) = watch.objects.get_mut(object) {
                    object.waiters.push(watch.waiters.len());
                }
            }
            watch.by_id.insert(goroutine.id, watch.waiters.len());
            watch.waiters.push(Waiter { id: goroutine.id, objects, live });
        }
        watch
    }

    /// Finds where each object lies, and has the heap tell of it. Whether that is new
    /// of a span of which marks may be missing for it.
    pub(super) fn place(&mut self, heap: &mut Heap, variables: &Variables) -> bool {
        let mut unmarked = false;
        self.places.clear();
        self.elsewhere.clear();
        for (number, object) in self.objects.iter_mut().enumerate() {
            let address = object.address.0;
            let Some(id) = heap.find(address) else {
                self.elsewhere.push((address, number));
                let variable = variables.contains(address);
                object.from.get_or_insert(if variable { From::Variable } else { From::Outside });
                continue;
            };
            let is_new = heap.watch(id.span);
            let Some(span) = heap.span(id.span) else { continue };
            unmarked |= is_new && span.is_noscan();
            if !span.is_tiny() {
                self.places.push((id, place(number)));
                continue;
            }
            let last = address.saturating_add(object.size);
            let mut at = address.saturating_sub(BEFORE);
            while at < last {
                if let Some(id) = heap.find(at).filter(|at| at.span == id.span) {
                    self.places.push((id, place(number)));
                }
                at += BEFORE;
            }
        }
        self.places.sort_unstable();
        self.elsewhere.sort_unstable();
        unmarked
    }

    /// Takes the marks off all objects: what they are reached from is to be found anew.
    pub(super) fn unmark(&self, heap: &mut Heap) {
        self.places.iter().for_each(|&(id, _)| heap.unmark(id));
    }

    /// The place among [`Watch::waiters`] of a goroutine that waits.
    pub(super) fn waiter(&self, id: GoId) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    /// Whether a goroutine waits for a mutex.
    pub(super) fn waits_for_lock(&self, id: GoId) -> bool {
        let waiter = self.waiter(id).and_then(|place| self.waiters.get(place));
        let mut objects = waiter.iter().flat_map(|waiter| &waiter.objects);
        objects.any(|&object| {
            let address = self.objects.get(object).map(|object| object.address);
            // They were taken in, in the order of their addresses.
            address.is_some_and(|address| self.locks.binary_search(&address).is_ok())
        })
    }

    /// Whether a goroutine itself waits on an object.
    pub(super) fn waits(&self, id: GoId, object: usize) -> bool {
        let waiter = self.waiter(id).and_then(|place| self.waiters.get(place));
        waiter.is_some_and(|waiter| waiter.objects.contains(&object))
    }

    /// The objects at a place of the heap.
    pub(super) fn at(&self, id: ObjectId) -> impl Iterator<Item = usize> + '_ {
        let from = self.places.partition_point(|&(place, _)| place < id);
        let behind = self.places.get(from..).unwrap_or_default();
        let here = behind.iter().take_while(move |&&(place, _)| place == id);
        here.map(|&(_, number)| usize::try_from(number).unwrap_or(usize::MAX))
    }

    /// Whether an object at a place of the heap has not been reached yet.
    pub(super) fn lacks(&self, id: ObjectId) -> bool {
        let mut objects = self.at(id).filter_map(|number| self.objects.get(number));
        objects.any(|object| object.from.is_none())
    }

    /// The object outside of the heap that `word` points to or into.
    pub(super) fn elsewhere(&self, word: u64) -> Option<usize> {
        let after = self.elsewhere.partition_point(|&(address, _)| address <= word);
        let &(address, number) = self.elsewhere.get(after.checked_sub(1)?)?;
        (word - address < self.objects.get(number)?.size).then_some(number)
    }

    /// Notes that what lies at `id` was reached; who waits for it goes on.
    /// Those that did not before are added to `woken`.
    pub(super) fn reached(&mut self, id: ObjectId, label: Label, woken: &mut Vec<usize>) {
        let numbers: Vec<usize> = self.at(id).collect();
        for number in numbers {
            let Some(object) = self.objects.get_mut(number) else { continue };
            object.from.get_or_insert(From::Mark(label));
            self.wake(number, woken);
        }
    }

    /// Those who wait on an object that was reached go on.
    pub(super) fn wake(&mut self, number: usize, woken: &mut Vec<usize>) {
        let Some(object) = self.objects.get(number) else { return };
        for &waiter in &object.waiters {
            if let Some(one) = self.waiters.get_mut(waiter).filter(|one| !one.live) {
                one.live = true;
                woken.push(waiter);
            }
        }
    }
}

fn place(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// As many bytes of an object as a pointer to it may point into.
fn size(object: &SyncObject, layout: &Layout) -> u64 {
    match object {
        SyncObject::Channel(_) => layout.hchan.size,
        SyncObject::Lock(lock) => match lock.kind {
            LockKind::Mutex => layout.mutex.size,
            LockKind::RwMutex => layout.rw_mutex.size,
            LockKind::WaitGroup => layout.wait_group.size,
            LockKind::Cond => layout.cond.size,
            LockKind::Semaphore => 4,
        },
    }
}
