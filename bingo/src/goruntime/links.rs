//! What a search found out, as [`Links`]: a snapshot and what can be reached
//! come in; objects with who can get at them, waits and uses come out.
//!
//! That nobody can get at an object any more is said only where two searches say
//! so, the first one some time ago, and the same goroutines have waited since.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::code::Code;
use super::fields::Fields;
use super::reach::{Holder, Reached, Root, Sight, Watched};
use crate::binary::layout::Layout;
use crate::memory::{Memory, MemoryError, Pages};
use crate::model::{
    Access, Addr, Certainty, Direction, Frame, GoId, Goroutine, Hold, Links, Lock, LockKind, Object,
    ObjectIndex, ObjectKey, ObjectKind, Operation, Pc, SIGNALS, Snapshot, SyncObject, Use, Wait, WaitFor,
    WaitReason,
};

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// The waits on objects that an earlier search has not reached.
#[derive(Default)]
pub(super) struct Unreached {
    waits: HashSet<(GoId, u8, Addr)>,
}

impl Unreached {
    /// Those of `snapshot` that `reached` leaves out.
    pub(super) fn of(snapshot: &Snapshot, reached: &Reached) -> Unreached {
        let mut waits = HashSet::new();
        for object in reached.watch.objects.iter().filter(|object| reached.whole && object.from.is_none()) {
            waits.extend(
                reached.watch.waiters_of(object).filter_map(|(id, _)| wait(snapshot, id, object.address)),
            );
        }
        Unreached { waits }
    }

    /// Whether all who wait on `object` do so since, and nobody reached it then either.
    fn confirm(&self, snapshot: &Snapshot, reached: &Reached, object: &Watched) -> bool {
        reached.watch.waiters_of(object).all(|(id, live)| {
            !live && wait(snapshot, id, object.address).is_some_and(|wait| self.waits.contains(&wait))
        })
    }
}

/// What links are made of.
pub(super) struct Making<'a, M: Memory + ?Sized, C> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) reached: &'a Reached,
    pub(super) layout: &'a Layout,
    pub(super) pages: Pages<'a, M>,
    pub(super) code: &'a C,
}

impl<M: Memory + ?Sized, C: Code> Making<'_, M, C> {
    /// Makes them; `before` is what an earlier search has not reached.
    pub(super) fn links(&mut self, before: Option<&Unreached>) -> Result<Links, MemoryError> {
        let mut links = Links::default();
        let mut texts = Texts { code: self.code, roots: Map::default(), calls: Map::default() };
        let mut places: Map<Addr, ObjectIndex> = Map::default();
        let (mut loops, mut takers) = (Map::default(), Map::default());
        links.objects.reserve_exact(self.reached.watch.objects.len());
        links.waits.reserve(self.snapshot.goroutines.len());
        for watched in &self.reached.watch.objects {
            let Some(object) = self.snapshot.objects.get(&watched.address) else { continue };
            let access = self.access(watched, object, before, &mut texts)?;
            places.insert(watched.address, ObjectIndex(number(links.objects.len())));
            let waiters =
                self.reached.watch.waiters_of(watched).filter_map(|(id, _)| self.snapshot.goroutine(id));
            let kind = kind(object, waiters);
            links.objects.push(Object { key: ObjectKey::Address(watched.address), kind, access });
        }
        for goroutine in &self.snapshot.goroutines {
            let waits: Vec<WaitFor> = match &goroutine.wait {
                Some(Wait::Channel { channel, direction }) if channel.is_nil() => {
                    let object = *places.entry(Addr(0)).or_insert_with(|| {
                        let key = ObjectKey::Address(Addr(0));
                        let kind = ObjectKind::Channel;
                        links.objects.push(Object { key, kind, access: Access::Closed });
                        ObjectIndex(number(links.objects.len() - 1))
                    });
                    vec![WaitFor { object, operation: end(*direction) }]
                }
                Some(wait @ (Wait::Channel { .. } | Wait::Lock(_) | Wait::Select(_))) => {
                    let operations = operations(wait, goroutine);
                    let known =
                        |(address, operation)| Some(WaitFor { object: *places.get(&address)?, operation });
                    operations.into_iter().filter_map(known).collect()
                }
                None if goroutine.reason == Some(WaitReason::SelectNoCases) => Vec::new(),
                Some(Wait::Sleep { .. } | Wait::Io { .. }) | None => continue,
            };
            if let [WaitFor { object, operation: Operation::Send }] = waits.as_slice()
                && let Some(frame) = waiting_call(goroutine)
                && *takers.entry(frame.pc).or_insert_with(|| self.code.receives_behind(Pc::Return(frame.pc)))
            {
                links.uses.push(Use {
                    goroutine: goroutine.id,
                    object: *object,
                    operation: Operation::Receive,
                    because: format!("would receive from it next, in {}", frame.function).into(),
                    certainty: Certainty::Sure,
                });
            }
            links.waits.insert(goroutine.id, &waits);
            if self.comes_back(goroutine, &mut loops) && !self.waits_for_timers(goroutine)? {
                links.looping.insert(goroutine.id);
            }
        }
        self.holds(&places, &mut links)?;
        for sight in &self.reached.sights {
            let Some(&object) =
                self.reached.watch.objects.get(sight.object).and_then(|watched| places.get(&watched.address))
            else {
                continue;
            };
            links.uses.push(Use {
                goroutine: sight.goroutine,
                object,
                operation: Operation::Any,
                because: texts.because(sight),
                certainty: if sight.exact { Certainty::Sure } else { Certainty::Likely },
            });
        }
        Ok(links)
    }

    /// Who holds the locks: of each only what its own state allows.
    fn holds(&mut self, places: &Map<Addr, ObjectIndex>, links: &mut Links) -> Result<(), MemoryError> {
        let mut known_holds: Map<(GoId, ObjectIndex), usize> = Map::default();
        for holder in &self.reached.holders {
            let Some((address, certain)) = self.lock_of(holder) else { continue };
            let (Some(&object), Some(known)) = (places.get(&address), self.snapshot.objects.get(&address))
            else {
                continue;
            };
            let SyncObject::Lock(lock) = &**known else { continue };
            let Some(goroutine) = self.snapshot.goroutine(holder.goroutine) else { continue };
            if !self.is_held(lock, holder.shared)? || self.given_to_wait(goroutine)? == Some(address) {
                continue;
            }
            let sure = certain && holder.always;
            let place = *known_holds.entry((holder.goroutine, object)).or_insert(links.holds.len());
            if let Some(hold) = links.holds.get_mut(place) {
                hold.shared &= holder.shared;
                if sure {
                    hold.certainty = Certainty::Sure;
                }
                continue;
            }
            links.holds.push(Hold {
                goroutine: holder.goroutine,
                object,
                shared: holder.shared,
                taken_at: taken_at(self.code, holder, goroutine),
                certainty: if sure { Certainty::Sure } else { Certainty::Likely },
                apart: false,
            });
        }
        // Only one can have a lock for itself. Of several that surely do, the code does
        // not tell which one does; beside one that surely does, the others only seem to.
        let mut sure: Map<ObjectIndex, usize> = Map::default();
        for hold in links.holds.iter().filter(|hold| !hold.shared && hold.certainty == Certainty::Sure) {
            *sure.entry(hold.object).or_default() += 1;
        }
        links.holds.retain_mut(|hold| {
            let surely = sure.get(&hold.object).copied().unwrap_or(0);
            if !hold.shared && surely > 1 {
                hold.certainty = Certainty::Likely;
            }
            hold.shared || surely != 1 || hold.certainty == Certainty::Sure
        });
        Ok(())
    }

    /// The lock that a goroutine holds, and whether that is sure: by its address,
    /// else the one that it has at hand in that call.
    fn lock_of(&self, holder: &Holder) -> Option<(Addr, bool)> {
        if let Some(lock) = holder.lock {
            return Some((lock, true));
        }
        let from = self.reached.sights.partition_point(|sight| sight.goroutine < holder.goroutine);
        let own =
            self.reached.sights.get(from..)?.iter().take_while(|sight| sight.goroutine == holder.goroutine);
        let mut near = own.filter(|sight| sight.depth <= 1 && sight.pc == Some(holder.during));
        let watched = self.reached.watch.objects.get(near.next()?.object)?;
        near.next().is_none().then_some((watched.address, false))
    }

    /// Whether anybody holds a lock so, by its own count.
    fn is_held(&mut self, lock: &Lock, shared: bool) -> Result<bool, MemoryError> {
        let half = |pages: &mut Pages<'_, M>, at: Addr| {
            let mut bytes = [0; 4];
            Ok(pages.read(at, &mut bytes)?.map(|()| i32::from_le_bytes(bytes)))
        };
        let (mutex, rw) = (&self.layout.mutex, &self.layout.rw_mutex);
        match lock.kind {
            LockKind::Mutex => {
                // go: sync.mutexLocked (1.19-1.27)
                let state = half(&mut self.pages, lock.address.offset(mutex.state))?;
                Ok(!shared && state.is_some_and(|state| state & 1 != 0))
            }
            LockKind::RwMutex if shared => {
                // go: sync.rwmutexMaxReaders (1.19-1.27), taken off while a writer waits
                let count = half(&mut self.pages, lock.address.offset(rw.reader_count))?;
                Ok(count.is_some_and(|count| if count < 0 { count > -(1 << 30) } else { count > 0 }))
            }
            LockKind::RwMutex => {
                let state = half(&mut self.pages, lock.address.offset(rw.w + mutex.state))?;
                Ok(state.is_some_and(|state| state & 1 != 0))
            }
            LockKind::WaitGroup | LockKind::Cond | LockKind::Semaphore => Ok(false),
        }
    }

    /// Whether the wait of a goroutine stands in a loop of the function that waits.
    /// `known` remembers the answers.
    fn comes_back(&self, goroutine: &Goroutine, known: &mut Map<Addr, bool>) -> bool {
        waiting_call(goroutine).is_some_and(|frame| {
            *known.entry(frame.pc).or_insert_with(|| self.code.is_in_loop(Pc::Return(frame.pc)))
        })
    }

    /// Whether it waits for timers alone, which bring no work.
    fn waits_for_timers(&mut self, goroutine: &Goroutine) -> Result<bool, MemoryError> {
        let channels: Vec<Addr> = match &goroutine.wait {
            Some(Wait::Channel { channel, .. }) => vec![*channel],
            Some(Wait::Select(cases)) => cases.iter().map(|case| case.0).collect(),
            _ => Vec::new(),
        };
        for &channel in &channels {
            if channel.is_nil() || self.timer(channel)?.is_none() {
                return Ok(false);
            }
        }
        Ok(!channels.is_empty())
    }

    fn access(
        &mut self,
        watched: &Watched,
        object: &SyncObject,
        before: Option<&Unreached>,
        texts: &mut Texts<'_, impl Code>,
    ) -> Result<Access, MemoryError> {
        if let SyncObject::Channel(channel) = object
            && (self.reached.fed.contains(&channel.address)
                || self.timer(channel.address)? == Some(Timer::Runs))
        {
            return Ok(Access::Fed(Arc::from("a timer that runs")));
        }
        Ok(match watched.from {
            Some(from) => texts.access(from.root(&self.reached.roots), watched.address, from.is_variable()),
            None if before.is_some_and(|before| before.confirm(self.snapshot, self.reached, watched))
                && self.reached.whole =>
            {
                Access::Closed
            }
            None => Access::Reached(Arc::from("nothing that was seen, in a single look")),
        })
    }

    /// The timer that sends on the channel, if it is one's.
    fn timer(&mut self, channel: Addr) -> Result<Option<Timer>, MemoryError> {
        let Some(timer) = self.layout.hchan.timer else { return Ok(None) };
        let timer = self.pages.word(channel.offset(timer))?.filter(|&timer| timer != 0);
        let Some(timer) = timer.map(Addr) else { return Ok(None) };
        // go: runtime.timer.when (1.23-1.27): 0 where it is stopped
        let mut bytes = [0; 8];
        let read = self.pages.read(timer.offset(self.layout.timer.when), &mut bytes)?;
        let runs = read.and_then(|()| Fields(&bytes).u64(0)).is_some_and(|when| when != 0);
        Ok(Some(if runs { Timer::Runs } else { Timer::Stands }))
    }

    /// The lock that a `Cond` has while its waiters wait: they have given it back.
    fn given_to_wait(&mut self, goroutine: &Goroutine) -> Result<Option<Addr>, MemoryError> {
        let mut calls = goroutine.stack.frames().iter().map(|frame| &*frame.function);
        if !calls.any(|name| name == "sync.(*Cond).Wait") {
            return Ok(None);
        }
        let Some(Wait::Lock(address)) = goroutine.wait else { return Ok(None) };
        let object = self.snapshot.objects.get(&address).map(|object| &**object);
        let is_cond = matches!(object, Some(SyncObject::Lock(lock)) if lock.kind == LockKind::Cond);
        // Woken already, it waits to get the lock back.
        let value = address.offset(self.layout.cond.locker + 8);
        if is_cond { Ok(self.pages.word(value)?.map(Addr)) } else { Ok(Some(address)) }
    }
}

/// The call that waits: the innermost one that does more than carry out the wait.
fn waiting_call(goroutine: &Goroutine) -> Option<&Frame> {
    goroutine.stack.visible().find(|frame| !frame.is_machinery())
}

/// What feeds a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Timer {
    /// It will fire.
    Runs,
    /// It has fired, or was stopped.
    Stands,
}

/// Texts that come again and again.
struct Texts<'a, C> {
    code: &'a C,
    roots: Map<Option<Root>, Access>,
    calls: Map<(Option<Pc>, bool), Arc<str>>,
}

impl<C: Code> Texts<'_, C> {
    fn access(&mut self, root: Option<Root>, address: Addr, variable: bool) -> Access {
        let root = if variable { Some(Root::Variable(address)) } else { root };
        let code = self.code;
        self.roots.entry(root).or_insert_with(|| access(root, code)).clone()
    }

    fn because(&mut self, sight: &Sight) -> Arc<str> {
        let key = (sight.pc, sight.depth == 0);
        let code = self.code;
        let made = || {
            let function = sight.pc.and_then(|pc| Some(Arc::clone(&code.frames(pc).last()?.function)));
            let has = if sight.depth == 0 { "has it on its stack" } else { "reaches it from its stack" };
            match function {
                Some(function) if !function.is_empty() => format!("{has} in {function}").into(),
                _ => Arc::from(has),
            }
        };
        Arc::clone(self.calls.entry(key).or_insert_with(made))
    }
}

fn access(root: Option<Root>, code: &impl Code) -> Access {
    let variable = |address| code.variable_at(address).map(|(name, _)| name);
    let text = match root {
        Some(Root::Variable(address)) => match variable(address) {
            Some(name) if name.starts_with("os/signal.") => return Access::Fed(Arc::from(SIGNALS)),
            Some(name) => format!("package variable {name}"),
            None => "a package variable".to_owned(),
        },
        Some(Root::Variables) => "a package variable".to_owned(),
        Some(Root::Goroutine(id)) => format!("goroutine {}, which goes on", id.0),
        Some(Root::Goroutines) => "goroutines that go on".to_owned(),
        Some(Root::Finalizer) => "a finalizer or a cleanup".to_owned(),
        Some(Root::Timer) => "a timer that runs".to_owned(),
        Some(Root::Thread) => "a thread that is at work for the runtime".to_owned(),
        None => "what is no part of Go's memory".to_owned(),
    };
    Access::Reached(text.into())
}

/// The file and line that took a lock: outside of package sync, which takes that of a
/// `Once` for its caller.
fn taken_at(code: &impl Code, holder: &Holder, goroutine: &Goroutine) -> Option<(Arc<str>, u32)> {
    let of_sync = |frame: &&Frame| {
        let name = &frame.function;
        name.starts_with("sync.") || name.starts_with("sync/") || name.starts_with("internal/")
    };
    let frames = code.frames(holder.taken);
    let during = holder.during.addr();
    let callers = || goroutine.stack.frames().iter().skip_while(|frame| frame.pc != during);
    let frame =
        frames.iter().find(|frame| !of_sync(frame)).or_else(|| callers().find(|one| !of_sync(one)))?;
    (frame.line > 0).then(|| (Arc::clone(&frame.file), frame.line))
}

fn kind<'a>(object: &SyncObject, mut waiters: impl Iterator<Item = &'a Goroutine>) -> ObjectKind {
    match object {
        SyncObject::Channel(_) => ObjectKind::Channel,
        SyncObject::Lock(lock) => match lock.kind {
            LockKind::Mutex if waiters.any(is_in_once) => ObjectKind::Once,
            LockKind::Mutex => ObjectKind::Mutex,
            LockKind::RwMutex => ObjectKind::RwMutex,
            LockKind::WaitGroup => ObjectKind::WaitGroup,
            LockKind::Cond => ObjectKind::Cond,
            LockKind::Semaphore => ObjectKind::Semaphore,
        },
    }
}

/// Whether the lock that it waits for is that of a `sync.Once`: the innermost
/// call that is not the lock's own.
fn is_in_once(goroutine: &Goroutine) -> bool {
    let mut calls = goroutine.stack.frames().iter().map(|frame| &*frame.function);
    let caller = calls.find(|name| {
        !name.starts_with("runtime.")
            && !name.starts_with("internal/")
            && !name.starts_with("sync.(*Mutex)")
            && !name.starts_with("sync.runtime_")
    });
    caller == Some("sync.(*Once).doSlow")
}

fn operations(wait: &Wait, goroutine: &Goroutine) -> Vec<(Addr, Operation)> {
    match wait {
        Wait::Channel { channel, direction } => vec![(*channel, end(*direction))],
        Wait::Select(cases) => cases.iter().map(|&(channel, direction)| (channel, end(direction))).collect(),
        Wait::Lock(lock) => vec![(*lock, lock_operation(goroutine))],
        Wait::Sleep { .. } | Wait::Io { .. } => Vec::new(),
    }
}

fn lock_operation(goroutine: &Goroutine) -> Operation {
    let mut calls = goroutine.stack.frames().iter().map(|frame| &*frame.function);
    let call = calls.find_map(|name| name.strip_prefix("sync.(*"));
    match (goroutine.reason, call) {
        (Some(WaitReason::RwMutexRLock), _) | (_, Some("RWMutex).RLock")) => Operation::RLock,
        (Some(WaitReason::CondWait | WaitReason::WaitGroupWait | WaitReason::WaitGroupWaitDurable), _)
        | (_, Some("WaitGroup).Wait" | "Cond).Wait")) => Operation::Wait,
        _ => Operation::Lock,
    }
}

fn end(direction: Direction) -> Operation {
    match direction {
        Direction::Send => Operation::Send,
        Direction::Receive => Operation::Receive,
    }
}

fn wait(snapshot: &Snapshot, id: GoId, object: Addr) -> Option<(GoId, u8, Addr)> {
    Some((id, snapshot.goroutine(id)?.switches?, object))
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
