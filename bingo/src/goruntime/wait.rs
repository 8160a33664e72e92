//! What parked goroutines wait on: their `g`s, reasons and stacks' words come
//! in; waits come out, and the objects waited on are noted in [`Objects`].
//!
//! Nothing is guessed. A channel operation counts only with the goroutine's
//! sudog in a queue of that channel, a lock only with the goroutine in the
//! semaphore table, a condition or a descriptor only where it points back to
//! the goroutine. What should be there and is not was in motion: [`Found::Lost`].

use std::collections::HashMap;

use super::fields::length;
use super::g::G;
use super::hchan::Hchan;
use super::ids::Ids;
use super::lock::LockCall;
use super::look::Steady;
use super::objects::Objects;
use super::poll_desc;
use super::sema::{self, SemTable};
use super::sudog::{self, Sudog};
use crate::binary::layout::Layout;
use crate::memory::{Memory, MemoryError, Pages};
use crate::model::{
    Addr, Channel, Direction, GoId, Lock, LockKind, Problem, SyncObject, Time, Wait, WaitReason, Waiters,
};

/// Channels whose queues are read in one go.
const TOGETHER: usize = 256;

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// It waits on this; `None` where the reason names nothing to wait on.
    Known(Option<Wait>),
    /// It was in motion.
    Lost,
}

/// What outlives one snapshot.
#[derive(Default)]
pub(super) struct Waits {
    pub(super) objects: Objects,
    /// The lock that each semaphore in the table belongs to.
    locks: Map<Addr, (Addr, LockKind)>,
    /// The word of a stack that was the right one the last time.
    hints: Map<usize, usize>,
}

/// One round of finding out.
pub(super) struct Round<'r, 'm, M: Memory + ?Sized> {
    pub(super) layout: &'r Layout,
    pub(super) semtable: Option<Addr>,
    pub(super) pages: Pages<'m, M>,
    pub(super) ids: &'r Ids,
    pub(super) problems: &'r mut Vec<Problem>,
}

/// The sudogs of many goroutines, one goroutine's after the other's: most have
/// one, and a list for each would take more room than it.
#[derive(Default)]
struct Chains {
    sudogs: Vec<Sudog>,
    /// Where each goroutine's end.
    ends: Vec<usize>,
}

impl Chains {
    fn each(&self) -> impl Iterator<Item = &[Sudog]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| self.sudogs.get(start..end).unwrap_or_default())
    }
}

/// Which structures a wait for this reason is found in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Nothing,
    NilChannel(Direction),
    Channel,
    Select,
    Semaphore,
    Cond,
    Sleep,
    Poller,
}

fn place(reason: Option<WaitReason>) -> Place {
    use WaitReason as R;
    let Some(reason) = reason else { return Place::Nothing };
    match reason {
        R::ChanReceive | R::ChanSend | R::ChanReceiveDurable | R::ChanSendDurable => Place::Channel,
        R::ChanReceiveNil => Place::NilChannel(Direction::Receive),
        R::ChanSendNil => Place::NilChannel(Direction::Send),
        R::Select | R::SelectDurable => Place::Select,
        R::Semacquire
        | R::MutexLock
        | R::RwMutexLock
        | R::RwMutexRLock
        | R::WaitGroupWait
        | R::WaitGroupWaitDurable => Place::Semaphore,
        R::CondWait => Place::Cond,
        R::Sleep => Place::Sleep,
        R::IoWait => Place::Poller,
        _ => Place::Nothing,
    }
}

/// Whether the first words of its stack are needed to tell what a goroutine waits on.
pub(super) fn needs_words(reason: WaitReason) -> bool {
    matches!(place(Some(reason)), Place::Cond | Place::Poller)
}

impl<M: Memory + ?Sized> Round<'_, '_, M> {
    /// Finds out what each of `parked` waits on, and reads anew the objects
    /// that they, or goroutines that have left, are or were queued at.
    pub(super) fn find(&mut self, parked: &[&Steady], waits: &mut Waits) -> Result<Vec<Found>, MemoryError> {
        let stale = waits.objects.take_stale();
        let chains = self.sudogs(parked)?;
        let queued = self.channels(&chains, &stale, waits)?;
        let waiting_for = self.semaphores(parked, &stale, waits)?;
        let listed = self.conditions(parked, &chains, &stale, waits)?;
        let mut found = Vec::with_capacity(parked.len());
        for (one, chain) in parked.iter().zip(chains.each()) {
            found.push(match place(one.reason) {
                Place::Nothing => Found::Known(None),
                Place::NilChannel(direction) => {
                    Found::Known(Some(Wait::Channel { channel: Addr(0), direction }))
                }
                Place::Channel | Place::Select => channel_wait(one, chain, &queued),
                Place::Semaphore => lost_or(waiting_for.get(&one.g.addr).copied().map(Wait::Lock)),
                Place::Cond => lost_or(listed.get(&one.g.addr).copied().map(Wait::Lock)),
                Place::Sleep => self.sleep(&one.g)?,
                Place::Poller => self.descriptor(one, waits)?,
            });
        }
        Ok(found)
    }

    /// The sudogs that each goroutine waits with, its channels' first.
    fn sudogs(&mut self, parked: &[&Steady]) -> Result<Chains, MemoryError> {
        let size = length(self.layout.sudog.size);
        let most = |one: &Steady| match place(one.reason) {
            Place::Select => usize::from(u16::MAX),
            Place::Channel | Place::Cond => 1,
            _ => 0,
        };
        let queues = |one: &&&Steady| most(one) > 0 && !one.g.waiting.is_nil();
        self.pages.prefetch(parked.iter().filter(queues).map(|one| (one.g.waiting, size)))?;
        let mut chains = Chains::default();
        for one in parked {
            let most = most(one);
            let link = |sudog: &Sudog| if most > 1 { sudog.waitlink } else { Addr(0) };
            let first = if most == 0 { Addr(0) } else { one.g.waiting };
            let begun = chains.sudogs.len();
            let whole = sudog::list(self.layout, &mut self.pages, first, link, most, &mut chains.sudogs)?;
            let own = |sudogs: &[Sudog]| sudogs.iter().all(|sudog| sudog.g == one.g.addr);
            if whole.is_none() || !chains.sudogs.get(begun..).is_some_and(own) {
                chains.sudogs.truncate(begun);
            }
            chains.ends.push(chains.sudogs.len());
        }
        Ok(chains)
    }

    /// Reads all channels concerned; which sudog is queued at which end.
    fn channels(
        &mut self,
        chains: &Chains,
        stale: &[std::sync::Arc<SyncObject>],
        waits: &mut Waits,
    ) -> Result<Map<Addr, Direction>, MemoryError> {
        let of_chains = chains.sudogs.iter().map(|sudog| sudog.c);
        let of_stale = stale.iter().filter_map(|object| match &**object {
            SyncObject::Channel(channel) => Some(channel.address),
            SyncObject::Lock(_) => None,
        });
        let mut channels: Vec<Addr> = of_chains.chain(of_stale).filter(|channel| !channel.is_nil()).collect();
        channels.sort_unstable();
        channels.dedup();
        let mut queued = Map::default();
        for channels in channels.chunks(TOGETHER) {
            self.queues(channels, &mut queued, waits)?;
        }
        Ok(queued)
    }

    /// Reads these channels: which sudog is queued at which end is added to `queued`.
    fn queues(
        &mut self,
        channels: &[Addr],
        queued: &mut Map<Addr, Direction>,
        waits: &mut Waits,
    ) -> Result<(), MemoryError> {
        let size = length(self.layout.hchan.size);
        self.pages.prefetch(channels.iter().map(|&channel| (channel, size)))?;
        let mut first = Vec::new();
        for channel in channels {
            for queue in [self.layout.hchan.recvq_first, self.layout.hchan.sendq_first] {
                first.extend(self.pages.word(channel.offset(queue))?.filter(|&first| first != 0));
            }
        }
        let size = length(self.layout.sudog.size);
        self.pages.prefetch(first.into_iter().map(|first| (Addr(first), size)))?;
        for &address in channels {
            let Some(hchan) = Hchan::read(self.layout, &mut self.pages, address, self.ids.limit())? else {
                self.problem(None, format!("queues of the channel at {address} cannot be followed"));
                continue;
            };
            queued.extend(hchan.receivers.iter().map(|sudog| (sudog.addr, Direction::Receive)));
            queued.extend(hchan.senders.iter().map(|sudog| (sudog.addr, Direction::Send)));
            let channel = Channel {
                address,
                cap: hchan.cap,
                len: hchan.len,
                closed: hchan.closed,
                receivers: self.ids_of(hchan.receivers.iter().map(|sudog| sudog.g))?,
                senders: self.ids_of(hchan.senders.iter().map(|sudog| sudog.g))?,
            };
            waits.objects.set(address, SyncObject::Channel(channel));
        }
        Ok(())
    }

    /// Reads the semaphore table where anything in it matters; the lock that
    /// each `g` waits for.
    fn semaphores(
        &mut self,
        parked: &[&Steady],
        stale: &[std::sync::Arc<SyncObject>],
        waits: &mut Waits,
    ) -> Result<Map<Addr, Addr>, MemoryError> {
        let of_locks =
            |object: &SyncObject| matches!(object, SyncObject::Lock(lock) if lock.kind != LockKind::Cond);
        let mut asked: Map<Addr, LockCall> = Map::default();
        let semaphore = |one: &&&Steady| place(one.reason) == Place::Semaphore;
        asked.extend(parked.iter().filter(semaphore).map(|one| (one.g.addr, one.stack.lock_call)));
        let Some(address) = self.semtable else { return Ok(Map::default()) };
        if asked.is_empty() && !stale.iter().any(|object| of_locks(object)) {
            return Ok(Map::default());
        }
        let table = SemTable::read(self.layout, &mut self.pages, address, self.ids.limit())?;
        if table.broken > 0 {
            self.problem(
                None,
                format!("{} branches of the semaphore table cannot be followed", table.broken),
            );
        }
        let mut locks: Map<Addr, (Addr, LockKind)> = Map::default();
        let mut waiting_for = Map::default();
        let mut parts: Map<Addr, Vec<(&sema::Semaphore, LockKind)>> = Map::default();
        for semaphore in &table.semaphores {
            let calls = semaphore.waiters.iter().filter_map(|g| asked.get(g));
            let told = calls.max_by_key(|&&call| call != LockCall::None);
            let lock = told.map(|call| call.object(semaphore.address, self.layout));
            let before = waits.locks.get(&semaphore.address).copied();
            let before = before.filter(|lock| waits.objects.contains(lock.0));
            let Some(lock) = lock.filter(|lock| lock.1 != LockKind::Semaphore).or(before).or(lock) else {
                continue;
            };
            locks.insert(semaphore.address, lock);
            parts.entry(lock.0).or_default().push((semaphore, lock.1));
            waiting_for.extend(semaphore.waiters.iter().map(|&g| (g, lock.0)));
        }
        waits.locks = locks;
        for (address, mut parts) in parts {
            // The semaphores of a RWMutex stand behind that of its writers'
            // mutex, which shares its address and is the last to be passed.
            let is_first =
                |part: &(&sema::Semaphore, LockKind)| part.0.address.0 < address.0 + self.layout.mutex.size;
            let kind = if parts.iter().any(|part| part.1 == LockKind::RwMutex) {
                LockKind::RwMutex
            } else {
                parts.first().map_or(LockKind::Semaphore, |part| part.1)
            };
            parts.sort_by_key(|part| (is_first(part), part.0.address));
            let waiters = self.ids_of(parts.iter().flat_map(|part| part.0.waiters.iter().copied()))?;
            let semaphore = parts.first().map_or(address, |part| part.0.address);
            waits.objects.set(address, SyncObject::Lock(Lock { address, kind, semaphore, waiters }));
        }
        Ok(waiting_for)
    }

    /// Reads the conditions concerned; the one that each `g` waits for.
    fn conditions(
        &mut self,
        parked: &[&Steady],
        chains: &Chains,
        stale: &[std::sync::Arc<SyncObject>],
        waits: &mut Waits,
    ) -> Result<Map<Addr, Addr>, MemoryError> {
        let mut listed = Map::default();
        for object in stale {
            if let SyncObject::Lock(lock) = &**object
                && lock.kind == LockKind::Cond
            {
                self.condition(lock.semaphore, None, &mut listed, waits)?;
            }
        }
        for (one, chain) in parked.iter().zip(chains.each()) {
            if place(one.reason) != Place::Cond || listed.contains_key(&one.g.addr) {
                continue;
            }
            // Since Go 1.26 the sudog names the list; before, the stack does.
            let named = chain.first().map(|sudog| sudog.elem).filter(|list| !list.is_nil());
            if let Some(list) = named
                && self.condition(list, Some(one.g.addr), &mut listed, waits)?
            {
                continue;
            }
            for (position, candidate) in candidates(one, waits.hints.get(&one.stack.id()).copied()) {
                if self.condition(candidate, Some(one.g.addr), &mut listed, waits)? {
                    waits.hints.insert(one.stack.id(), position);
                    break;
                }
            }
        }
        Ok(listed)
    }

    /// Reads the notify list at `list`; whether `wanted` waits there.
    fn condition(
        &mut self,
        list: Addr,
        wanted: Option<Addr>,
        listed: &mut Map<Addr, Addr>,
        waits: &mut Waits,
    ) -> Result<bool, MemoryError> {
        let waiters = sema::notify_list(self.layout, &mut self.pages, list, self.ids.limit())?;
        if wanted.is_some_and(|wanted| !waiters.contains(&wanted)) {
            return Ok(false);
        }
        let address = Addr(list.0.wrapping_sub(self.layout.cond.notify));
        listed.extend(waiters.iter().map(|&g| (g, address)));
        let waiters = self.ids_of(waiters)?;
        let lock = Lock { address, kind: LockKind::Cond, semaphore: list, waiters };
        waits.objects.set(address, SyncObject::Lock(lock));
        Ok(true)
    }

    fn sleep(&mut self, g: &G) -> Result<Found, MemoryError> {
        let until = match self.layout.g.sleep_when {
            Some(_) => Some(g.sleep_when),
            None if g.timer.is_nil() => None,
            None => self.pages.word(g.timer.offset(self.layout.timer.when))?,
        };
        Ok(lost_or(until.map(|until| Wait::Sleep { until: Time(until) })))
    }

    fn descriptor(&mut self, one: &Steady, waits: &mut Waits) -> Result<Found, MemoryError> {
        for (position, candidate) in candidates(one, waits.hints.get(&one.stack.id()).copied()) {
            if let Some((fd, direction)) =
                poll_desc::wait_of(self.layout, &mut self.pages, candidate, one.g.addr)?
            {
                waits.hints.insert(one.stack.id(), position);
                return Ok(Found::Known(Some(Wait::Io { fd, direction })));
            }
        }
        Ok(Found::Lost)
    }

    fn ids_of(&mut self, gs: impl IntoIterator<Item = Addr>) -> Result<Waiters, MemoryError> {
        let gs = gs.into_iter();
        // No longer than that: very many objects have one each.
        let mut ids = Vec::with_capacity(gs.size_hint().0);
        for g in gs {
            let id = match self.ids.of(g) {
                Some(id) => Some(id),
                // It was made after the list of all was read.
                None => self.pages.word(g.offset(self.layout.g.goid))?.filter(|&id| id != 0).map(GoId),
            };
            match id {
                Some(id) => ids.push(id),
                None => self.problem(None, format!("the queued goroutine at {g} cannot be read")),
            }
        }
        Ok(ids.into())
    }

    fn problem(&mut self, goroutine: Option<GoId>, what: String) {
        self.problems.push(Problem { goroutine, what });
    }
}

fn lost_or(wait: Option<Wait>) -> Found {
    wait.map_or(Found::Lost, |wait| Found::Known(Some(wait)))
}

fn channel_wait(one: &Steady, chain: &[Sudog], queued: &Map<Addr, Direction>) -> Found {
    let case = |sudog: &Sudog| Some((sudog.c, *queued.get(&sudog.addr)?));
    if place(one.reason) == Place::Select {
        let mut cases: Option<Vec<_>> = chain.iter().map(case).collect();
        cases.iter_mut().for_each(Vec::shrink_to_fit);
        // It is queued nowhere where all of its channels are nil.
        let none = one.g.waiting.is_nil();
        return lost_or(cases.filter(|cases| none || !cases.is_empty()).map(Wait::Select));
    }
    let case = chain.first().and_then(case);
    lost_or(case.map(|(channel, direction)| Wait::Channel { channel, direction }))
}

/// The words of the stack that may be an address of what it waits on, with
/// their places: the one that was right for this stack before, then those
/// far from the stack and so outside Go's heap, where the network poller's
/// records are, then all.
fn candidates(one: &Steady, hint: Option<usize>) -> impl Iterator<Item = (usize, Addr)> {
    let plausible = |word: u64| {
        word.is_multiple_of(8)
            && (0x1_0000..1 << 47).contains(&word)
            && !(one.g.stack_lo..one.g.stack_hi).contains(&word)
    };
    let outside_heap = |word: u64| word.abs_diff(one.g.stack_lo) > 1 << 36;
    let first = hint.and_then(|place| Some((place, *one.words.get(place)?)));
    let all = || one.words.iter().copied().enumerate();
    first
        .into_iter()
        .chain(all().filter(move |&(_, word)| outside_heap(word)))
        .chain(all().filter(move |&(_, word)| !outside_heap(word)))
        .filter(move |&(_, word)| plausible(word))
        .map(|(place, word)| (place, Addr(word)))
}
