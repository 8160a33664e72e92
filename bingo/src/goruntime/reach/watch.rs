//! The objects that goroutines wait on, as a search sees them: where each lies,
//! who waits for it, and from where it was reached.

use super::roots::Variables;
use crate::binary::layout::Layout;
use crate::goruntime::fields::index;
use crate::goruntime::heap::{Heap, Label, ObjectId};
use crate::model::{Addr, GoId, LockKind, Snapshot, SyncObject, Wait, WaitReason};

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

/// Some of the numbers of a list that all have together: where they begin and end.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Part(u32, u32);

/// One object.
#[derive(Clone, Debug)]
pub(in crate::goruntime) struct Watched {
    pub(in crate::goruntime) address: Addr,
    size: u32,
    /// Who waits on it, among [`Watch::waiters_of`].
    waiters: Part,
    pub(in crate::goruntime) from: Option<From>,
}

/// A goroutine that waits on objects.
#[derive(Clone, Debug)]
pub(super) struct Waiter {
    pub(super) id: GoId,
    /// The objects, among [`Watch::objects_of`].
    objects: Part,
    /// Whether it may go on: one of them can be reached.
    pub(super) live: bool,
}

/// All of them.
#[derive(Default)]
pub(in crate::goruntime) struct Watch {
    /// By address.
    pub(in crate::goruntime) objects: Vec<Watched>,
    /// By id.
    pub(super) waiters: Vec<Waiter>,
    /// Those of the first waiter by place in `objects`, those of the second one, and so on.
    objects_of: Vec<u32>,
    /// Those of the first object by place in `waiters`, and so on.
    waiters_of: Vec<u32>,
    /// The mutexes among the objects.
    pub(super) locks: Vec<Addr>,
    /// The objects and their places in the heap, by place: most have one each.
    places: Vec<(ObjectId, u32)>,
    /// Those that are no part of the heap, by address.
    elsewhere: Vec<(u64, usize)>,
}

impl Part {
    fn of(self, numbers: &[u32]) -> impl Iterator<Item = usize> + '_ {
        let all = numbers.get(index(self.0)..index(self.1)).unwrap_or_default();
        all.iter().map(|&number| index(number))
    }
}

impl Watch {
    /// What `snapshot` knows of waits.
    pub(super) fn new(snapshot: &Snapshot, layout: &Layout) -> Watch {
        let mut watch = Watch { objects: Vec::with_capacity(snapshot.objects.len()), ..Watch::default() };
        for (&address, object) in snapshot.objects.iter() {
            let size = u32::try_from(size(object, layout)).unwrap_or(u32::MAX);
            if let SyncObject::Lock(lock) = &**object
                && matches!(lock.kind, LockKind::Mutex | LockKind::RwMutex)
            {
                watch.locks.push(address);
            }
            watch.objects.push(Watched { address, size, waiters: Part::default(), from: None });
        }
        watch.objects.sort_unstable_by_key(|object| object.address);
        watch.locks.sort_unstable();
        watch.waiters.reserve_exact(snapshot.goroutines.len());
        watch.objects_of.reserve_exact(snapshot.goroutines.len());
        for goroutine in &snapshot.goroutines {
            let (one, cases): (Option<Addr>, &[_]) = match &goroutine.wait {
                Some(Wait::Channel { channel, .. }) => (Some(*channel).filter(|at| !at.is_nil()), &[]),
                Some(Wait::Lock(lock)) => (Some(*lock), &[]),
                Some(Wait::Select(cases)) => (None, cases),
                None if goroutine.reason == Some(WaitReason::SelectNoCases) => (None, &[]),
                Some(Wait::Sleep { .. } | Wait::Io { .. }) | None => continue,
            };
            let addresses = one.into_iter().chain(cases.iter().map(|case| case.0));
            let known = |address| watch.objects.binary_search_by_key(&address, |object| object.address).ok();
            let mut objects: Vec<u32> = addresses.clone().filter_map(known).map(place).collect();
            objects.sort_unstable();
            objects.dedup();
            // One of which not all is known may go on.
            let live = objects.is_empty() && addresses.count() > 0;
            let begin = place(watch.objects_of.len());
            watch.objects_of.append(&mut objects);
            let objects = Part(begin, place(watch.objects_of.len()));
            watch.waiters.push(Waiter { id: goroutine.id, objects, live });
        }
        watch.waiters.sort_by_key(|waiter| waiter.id);
        watch.join();
        watch
    }

    /// Notes of each object who waits on it.
    fn join(&mut self) {
        let Watch { objects, waiters, objects_of, waiters_of, .. } = self;
        for object in objects_of.iter() {
            let object = objects.get_mut(index(*object));
            object.into_iter().for_each(|object| object.waiters.1 += 1);
        }
        let mut end = 0;
        for Watched { waiters: Part(from, count), .. } in objects.iter_mut() {
            (*from, end) = (end, end + *count);
            *count = *from;
        }
        waiters_of.resize(index(end), 0);
        for (number, waiter) in (0..).zip(waiters.iter()) {
            for object in waiter.objects.of(objects_of) {
                if let Some(Watched { waiters: Part(_, end), .. }) = objects.get_mut(object)
                    && let Some(into) = waiters_of.get_mut(index(*end))
                {
                    *into = number;
                    *end += 1;
                }
            }
        }
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
            let last = address.saturating_add(u64::from(object.size));
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

    /// Who waits on an object, and whether it may go on.
    pub(in crate::goruntime) fn waiters_of(&self, object: &Watched) -> impl Iterator<Item = (GoId, bool)> {
        let waiters = object.waiters.of(&self.waiters_of).filter_map(|waiter| self.waiters.get(waiter));
        waiters.map(|waiter| (waiter.id, waiter.live))
    }

    /// The place among [`Watch::waiters`] of a goroutine that waits.
    pub(super) fn waiter(&self, id: GoId) -> Option<usize> {
        self.waiters.binary_search_by_key(&id, |waiter| waiter.id).ok()
    }

    /// Whether a goroutine waits for a mutex.
    pub(super) fn waits_for_lock(&self, id: GoId) -> bool {
        let waiter = self.waiter(id).and_then(|place| self.waiters.get(place));
        let mut objects = waiter.iter().flat_map(|waiter| waiter.objects.of(&self.objects_of));
        objects.any(|object| {
            let address = self.objects.get(object).map(|object| object.address);
            address.is_some_and(|address| self.locks.binary_search(&address).is_ok())
        })
    }

    /// Whether a goroutine itself waits on an object.
    pub(super) fn waits(&self, id: GoId, object: usize) -> bool {
        let waiter = self.waiter(id).and_then(|place| self.waiters.get(place));
        waiter.is_some_and(|waiter| waiter.objects.of(&self.objects_of).any(|own| own == object))
    }

    /// The objects at a place of the heap.
    pub(super) fn at(&self, id: ObjectId) -> impl Iterator<Item = usize> + '_ {
        let from = self.places.partition_point(|&(place, _)| place < id);
        let behind = self.places.get(from..).unwrap_or_default();
        let here = behind.iter().take_while(move |&&(place, _)| place == id);
        here.map(|&(_, number)| index(number))
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
        (word - address < u64::from(self.objects.get(number)?.size)).then_some(number)
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
        for waiter in object.waiters.of(&self.waiters_of) {
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
