//! The goroutines as one sweep after the other sees them: all `g`s are read, and
//! those come out whose stacks have to be looked through, since they go on and are
//! not where they were.

use super::roots::Held;
use super::stopped::Stopped;
use super::watch::Watch;
use crate::binary::layout::Layout;
use crate::goruntime::fields::{index, length};
use crate::goruntime::g::{G, Status};
use crate::goruntime::running::Running;
use crate::goruntime::slots::Slots;
use crate::memory::{Batch, Memory, MemoryError};
use crate::model::{Addr, GoId};

/// `g`s that are read in one go.
const CHUNK: usize = 512;
/// Stands for no place; nothing is there.
const NOWHERE: u32 = u32::MAX;

/// One of them.
#[derive(Clone, Debug)]
struct Seen {
    one: Stopped,
    /// It goes on, or may.
    live: bool,
    /// Its stack was looked through since it stopped there.
    known: bool,
}

/// All of them, in the order of `allgs`.
#[derive(Default)]
pub(super) struct Goroutines {
    all: Vec<Option<Seen>>,
    /// Where those are that do not go on, by their place in the watch; else [`NOWHERE`].
    parked: Vec<u32>,
    /// The sudogs that they are parked with, until somebody takes them.
    sudogs: Vec<Addr>,
    batch: Batch,
}

impl Goroutines {
    /// Reads all `gs`. Whether all could be.
    pub(super) fn refresh<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        layout: &Layout,
        gs: &[Addr],
        (slots, running): (&Slots, &Running),
        watch: &mut Watch,
    ) -> Result<bool, MemoryError> {
        self.all.resize(gs.len(), None);
        self.parked.clear();
        self.parked.resize(watch.waiters.len(), NOWHERE);
        self.sudogs.clear();
        let mut whole = true;
        let size = length(layout.g.size);
        for (start, (chunk, all)) in
            (0..).step_by(CHUNK).zip(gs.chunks(CHUNK).zip(self.all.chunks_mut(CHUNK)))
        {
            self.batch.clear();
            let pieces: Vec<_> = chunk.iter().map(|&addr| (addr, self.batch.push(addr, size))).collect();
            memory.read_batch(&mut self.batch)?;
            for (place, ((addr, piece), seen)) in (start..).zip(pieces.into_iter().zip(all)) {
                let before = seen.take();
                let Some(bytes) = self.batch.bytes(piece) else {
                    whole = false;
                    continue;
                };
                let Some(mut g) = G::decode(layout, addr, bytes) else { continue };
                running.complete(&mut g);
                if g.status == Status::None {
                    continue;
                }
                if g.status == Status::Waiting && !g.waiting.is_nil() {
                    self.sudogs.push(g.waiting);
                }
                let one = Stopped::new(&g, Held::decode(layout, bytes));
                let stands = || slots.stands(place, &g);
                let mut live = true;
                if let Some(number) = watch.waiter(GoId(g.goid))
                    && let Some(waiter) = watch.waiters.get_mut(number)
                    && !waiter.live
                {
                    waiter.live = !stands();
                    live = waiter.live;
                    if let Some(parked) = self.parked.get_mut(number).filter(|_| !live) {
                        *parked = u32::try_from(place).unwrap_or(NOWHERE);
                    }
                }
                let known = before.is_some_and(|before| before.known && before.one.is_at_rest_like(&one));
                *seen = Some(Seen { one, live, known });
            }
        }
        Ok(whole)
    }

    /// Those that go on and whose stacks have to be looked through: their places in
    /// `allgs`. A list of themselves would be most of the memory that a sweep takes.
    pub(super) fn unknown(&mut self) -> Vec<usize> {
        let all = self.all.iter_mut().enumerate();
        let unknown = all.filter_map(|(place, seen)| Some((place, seen.as_mut()?)));
        let unknown = unknown.filter(|(_, seen)| seen.live && !seen.known);
        unknown
            .map(|(place, seen)| {
                seen.known = true;
                place
            })
            .collect()
    }

    /// The one at a place.
    pub(super) fn get(&self, place: usize) -> Option<&Stopped> {
        self.all.get(place)?.as_ref().map(|seen| &seen.one)
    }

    /// Those at `places`.
    pub(super) fn at<'a>(&'a self, places: &'a [usize]) -> impl Iterator<Item = &'a Stopped> {
        places.iter().filter_map(|&place| self.get(place))
    }

    /// Has one that did not go on do so: its place in `allgs`.
    pub(super) fn wake(&mut self, waiter: usize) -> Option<usize> {
        let place = index(std::mem::replace(self.parked.get_mut(waiter)?, NOWHERE));
        let seen = self.all.get_mut(place)?.as_mut()?;
        (seen.live, seen.known) = (true, true);
        Some(place)
    }

    /// The places of those that do not go on, by id.
    pub(super) fn parked(&self) -> Vec<usize> {
        let mut parked: Vec<usize> = self.of(false).collect();
        parked.sort_unstable_by_key(|&place| self.get(place).map(|one| one.id));
        parked
    }

    /// The places of those that go on, or do not.
    pub(super) fn of(&self, live: bool) -> impl Iterator<Item = usize> + '_ {
        let is = move |seen: &Option<Seen>| seen.as_ref().is_some_and(|seen| seen.live == live);
        self.all.iter().enumerate().filter(move |(_, seen)| is(seen)).map(|(place, _)| place)
    }

    /// The first sudog that each is parked with; they are told once.
    pub(super) fn take_sudogs(&mut self) -> Vec<Addr> {
        std::mem::take(&mut self.sudogs)
    }
}
