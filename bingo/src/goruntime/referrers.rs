//! Who refers to an object: its address comes in, the ways that lead to it from what
//! the program has by name go out.
//!
//! ```text
//!   variable ─▶ object ─▶ object ─▶ the object asked for
//!      ▲           ▲         ▲
//!    found      level 2    level 1: every word of the heap that points to it
//! ```
//!
//! It goes backwards, a level at a time, over the whole heap, until roots are found:
//! so the ways are the shortest that there are, nothing need be noted of the objects
//! that have no part in it, and what refers to it from memory that nobody can reach is
//! told from the rest by having no root. The marks of `reach` say from which root
//! something is reached first, but not on which way.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::code::Code;
use super::fields::{Fields, length, words};
use super::g::{G, Status};
use super::heap::ObjectId;
use super::live::Live;
use super::places::Places;
use super::reach::{Held, processors, running_timers, specials};
use super::sema::SemTable;
use super::stop::FrameOf;
use super::sudog;
use crate::memory::{Batch, Memory, MemoryError, Pages};
use crate::model::{Addr, GoId};

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// Bytes that are read in one go.
const CHUNK: u64 = 4 << 20;
/// Objects on a way.
const LONGEST: usize = 64;
/// Objects that are followed backwards, all together.
const OBJECTS: usize = 1 << 18;
/// Ways that are told.
const WAYS: usize = 12;
/// Once a way is known, so many levels more.
const FURTHER: usize = 12;
/// No further level after this time,
const LONG: Duration = Duration::from_secs(20);
/// and after this one where a way is known.
const LONG_ENOUGH: Duration = Duration::from_secs(2);
/// Ways from stacks of which the frame is looked for.
const FRAMES: usize = 1 << 13;
/// Goroutines that are named of those that have it in the same way.
const NAMED: usize = 16;
/// Deferred calls of one goroutine.
const DEFERS: usize = 64;

/// Who refers to an object.
#[derive(Clone, Default, Debug)]
pub struct Referrers {
    /// The ways to it, the shortest first.
    pub ways: Vec<Trail>,
    /// Objects of the heap that refer to it themselves,
    pub direct: usize,
    /// and those of them to which no way was found.
    pub rootless: usize,
    /// Why the search ended before it had seen everything, if it did.
    pub cut: Option<&'static str>,
}

/// A way to an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trail {
    /// Where it begins.
    pub origin: Origin,
    /// The pointers on it, that of the origin first.
    pub hops: Vec<Hop>,
    /// Who else has it in the same way, the one of the origin among them: some of them,
    pub goroutines: Vec<GoId>,
    /// and how many there are.
    pub count: usize,
}

/// Where a way begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A package variable.
    Variable,
    /// The stack of a goroutine, in this frame where it is known.
    Stack(GoId, Option<FrameOf>),
    /// What the runtime keeps for a goroutine: its labels, what it begins with.
    Goroutine(GoId),
    /// A call that a goroutine has deferred.
    Deferred(GoId),
    /// A finalizer or a cleanup.
    Finalizer,
    /// A timer that runs.
    Timer,
}

/// A pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hop {
    /// Where it stands, where that is known.
    pub place: Option<Addr>,
    /// What it points to.
    pub word: Addr,
}

/// A pointer that something has by name.
struct Root {
    word: u64,
    at: RootAt,
}

#[derive(Clone, Copy)]
enum RootAt {
    Variable(u64),
    /// The goroutine by its place in the list, and where the word stands.
    Stack(usize, u64),
    Goroutine(GoId),
    Deferred(GoId),
    Finalizer,
    Timer,
}

/// An object on the way back.
struct Node {
    id: ObjectId,
    /// The node that it refers to, and by which pointer; none of the object asked for.
    next: Option<(usize, Hop)>,
}

impl<M: Memory, C: Code> Places<'_, M, C> {
    /// The frame of the goroutine `id` that has the word at `address`.
    ///
    /// # Errors
    /// As [`Memory::read_batch`].
    pub fn frame(&self, id: GoId, address: Addr) -> Result<Option<FrameOf>, MemoryError> {
        let g = self.gs.iter().copied().find(|g| g.goid == id.0);
        let Some((g, position)) = g.and_then(|g| Some((g, g.position()?))) else { return Ok(None) };
        let stop = self.reader.walk(self.reader.memory(), g, position, None)?;
        Ok(stop.frames.into_iter().find(|frame| frame.end.is_some_and(|end| address.0 < end)))
    }

    /// Who refers to the object of the heap that holds `address`.
    ///
    /// # Errors
    /// As [`Memory::read_batch`].
    pub fn referrers(&self, address: Addr) -> Result<Referrers, MemoryError> {
        let Some(target) = self.heap.find(address.0) else { return Ok(Referrers::default()) };
        let roots = self.roots(&self.gs)?;
        let opaque = self.opaque(&self.gs)?;
        let mut seen: HashSet<ObjectId, foldhash::fast::FixedState> = opaque;
        seen.insert(target);
        let mut nodes = vec![Node { id: target, next: None }];
        let mut level = 0..1;
        let mut found = Referrers::default();
        let mut ways: Vec<(usize, RootAt, Hop)> = Vec::new();
        let mut past = 0;
        let began = Instant::now();
        for depth in 0.. {
            let here: Map<ObjectId, usize> =
                level.clone().filter_map(|place| Some((nodes.get(place)?.id, place))).collect();
            let mut explained = HashSet::new();
            for root in &roots {
                let node = self.heap.find(root.word).and_then(|id| here.get(&id));
                if let Some(&node) = node {
                    // How a variable is reached is no question any more.
                    if let RootAt::Variable(_) = root.at {
                        explained.insert(node);
                    }
                    ways.push((node, root.at, Hop { place: root.at.place(), word: Addr(root.word) }));
                }
            }
            past += usize::from(!ways.is_empty());
            let elapsed = began.elapsed();
            if ways.len() >= WAYS * 64 || past > FURTHER || (past > 0 && elapsed > LONG_ENOUGH) {
                break;
            }
            found.cut = match () {
                () if depth >= LONGEST => Some("no way of up to 64 objects was found"),
                () if nodes.len() >= OBJECTS => Some("too many objects lead to it"),
                () if elapsed > LONG => Some("it took too long"),
                () => None,
            };
            if found.cut.is_some() {
                break;
            }
            let before = nodes.len();
            // All who refer to the object itself are told of.
            let open = here.into_iter().filter(|(_, node)| *node == 0 || !explained.contains(node)).collect();
            self.point_to(&open, &mut seen, &mut nodes)?;
            if depth == 0 {
                found.direct = nodes.len() - before;
            }
            level = before..nodes.len();
            if level.is_empty() {
                break;
            }
        }
        let mut rooted: HashSet<usize> = HashSet::new();
        self.trails(&self.gs, &nodes, &ways, &mut rooted, &mut found)?;
        found.rootless = (1..=found.direct).filter(|node| !rooted.contains(node)).count();
        Ok(found)
    }

    /// Adds every object of the heap that points to one of `wanted` and was not seen.
    fn point_to(
        &self,
        wanted: &Map<ObjectId, usize>,
        seen: &mut HashSet<ObjectId, foldhash::fast::FixedState>,
        nodes: &mut Vec<Node>,
    ) -> Result<(), MemoryError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let bounds = |id: &ObjectId| {
            let span = self.heap.span(id.span)?;
            let start = span.address_of(id.object);
            Some((start, start.saturating_add(span.element())))
        };
        let low = wanted.keys().filter_map(bounds).map(|(low, _)| low).min().unwrap_or(0);
        let high = wanted.keys().filter_map(bounds).map(|(_, high)| high).max().unwrap_or(0);
        let mut batch = Batch::default();
        let mut asked = Vec::new();
        let mut bytes = 0;
        let mut spans = self.heap.spans().filter(|(_, span)| !span.is_noscan()).peekable();
        while let Some((_, span)) = spans.next() {
            let mut at = span.start;
            let end = span.start.saturating_add(span.bytes());
            while at < end {
                let some = CHUNK.min(end - at);
                asked.push((at, batch.push(Addr(at), length(some))));
                at += some;
                bytes += some;
                let is_last = at >= end && spans.peek().is_none();
                if bytes < CHUNK && !is_last {
                    continue;
                }
                self.reader.memory().read_batch(&mut batch)?;
                for (from, piece) in asked.drain(..) {
                    let found = batch.bytes(piece).unwrap_or_default();
                    for (word, place) in words(found).zip((from..).step_by(8)) {
                        if !(low..high).contains(&word) {
                            continue;
                        }
                        let Some(&node) = self.heap.find(word).and_then(|id| wanted.get(&id)) else {
                            continue;
                        };
                        let Some(id) = self.heap.find(place) else { continue };
                        if nodes.len() < OBJECTS && seen.insert(id) && self.is_there(id)? {
                            let hop = Hop { place: Some(Addr(place)), word: Addr(word) };
                            nodes.push(Node { id, next: Some((node, hop)) });
                        }
                    }
                }
                batch.clear();
                bytes = 0;
            }
        }
        Ok(())
    }

    /// Whether the program has made an object there.
    fn is_there(&self, id: ObjectId) -> Result<bool, MemoryError> {
        let Some(span) = self.heap.span(id.span) else { return Ok(false) };
        let (memory, layout) = (self.reader.memory(), &self.reader.runtime().layout);
        let slot = self.heap.slot(memory, layout, Addr(span.address_of(id.object)))?;
        Ok(slot.is_some_and(|slot| !slot.is_free))
    }

    /// Makes the ways out of where they begin and of the objects that were passed.
    fn trails(
        &self,
        gs: &[G],
        nodes: &[Node],
        ways: &[(usize, RootAt, Hop)],
        rooted: &mut HashSet<usize>,
        found: &mut Referrers,
    ) -> Result<(), MemoryError> {
        // Alike are those that begin in the same code and pass by the same offsets.
        let mut alike: HashMap<(u64, Vec<u64>), usize> = HashMap::new();
        let mut frames = FRAMES;
        for &(node, root, hop) in ways {
            let mut hops = vec![hop];
            let mut at = node;
            let mut first = node;
            while let Some((next, hop)) = nodes.get(at).and_then(|node| node.next) {
                hops.push(hop);
                first = at;
                at = next;
            }
            let origin = match root {
                RootAt::Variable(_) => Origin::Variable,
                RootAt::Goroutine(id) => Origin::Goroutine(id),
                RootAt::Deferred(id) => Origin::Deferred(id),
                RootAt::Finalizer => Origin::Finalizer,
                RootAt::Timer => Origin::Timer,
                RootAt::Stack(place, address) => {
                    let Some(g) = gs.get(place).filter(|_| frames > 0) else { continue };
                    frames -= 1;
                    match self.frame_of(g, address)? {
                        Some(frame) => Origin::Stack(GoId(g.goid), frame),
                        None => continue,
                    }
                }
            };
            rooted.insert(first);
            let start = match (origin, root) {
                (Origin::Stack(_, Some(frame)), RootAt::Stack(_, address)) => {
                    frame.pc.addr().0 ^ frame.end.unwrap_or(0).wrapping_sub(address).rotate_left(48)
                }
                (_, RootAt::Variable(address)) => address,
                (Origin::Goroutine(_), _) => 1,
                (Origin::Deferred(_), _) => 2,
                (Origin::Stack(..), _) => 3,
                _ => 4,
            };
            let offset = |hop: &Hop| {
                let place = hop.place.map_or(0, |place| place.0);
                let id = self.heap.find(place)?;
                Some(place.wrapping_sub(self.heap.span(id.span)?.address_of(id.object)))
            };
            let key = (start, hops.iter().skip(1).filter_map(offset).collect());
            let goroutine = origin.goroutine();
            if let Some(&same) = alike.get(&key) {
                let Some(way) = found.ways.get_mut(same) else { continue };
                let is_new = goroutine.is_none_or(|id| way.goroutines.last() != Some(&id));
                way.count += usize::from(is_new);
                if is_new && way.goroutines.len() < NAMED {
                    way.goroutines.extend(goroutine);
                }
                continue;
            }
            if found.ways.len() >= WAYS {
                found.cut = found.cut.or(Some("more ways lead to it"));
                continue;
            }
            alike.insert(key, found.ways.len());
            found.ways.push(Trail { origin, hops, goroutines: goroutine.into_iter().collect(), count: 1 });
        }
        Ok(())
    }

    /// The frame of `g` that has `address` in use, `Some(None)` where that is not
    /// known; `None` where no frame uses it any more.
    fn frame_of(&self, g: &G, address: u64) -> Result<Option<Option<FrameOf>>, MemoryError> {
        let Some(position) = g.position() else { return Ok(Some(None)) };
        let stop = self.reader.walk(self.reader.memory(), *g, position, None)?;
        let code = self.reader.code();
        // Arguments stand behind the end of the frame that got them.
        let mut inner: Option<FrameOf> = None;
        for frame in stop.frames {
            if frame.end.is_none_or(|end| address < end) {
                let as_argument =
                    inner.is_some_and(|inner| Live::of(inner, &**code).has(address).unwrap_or(false));
                if as_argument {
                    return Ok(Some(inner));
                }
                let frame_known = frame.end.is_some();
                return Ok(match Live::of(frame, &**code).has(address) {
                    Some(true) => Some(Some(frame)),
                    Some(false) => None,
                    None => Some(frame_known.then_some(frame)),
                });
            }
            inner = Some(frame);
        }
        Ok(Some(None))
    }

    /// Every pointer into the heap that the program has by name.
    fn roots(&self, gs: &[G]) -> Result<Vec<Root>, MemoryError> {
        let (memory, runtime) = (self.reader.memory(), self.reader.runtime());
        let layout = &runtime.layout;
        let mut roots = Vec::new();
        let mut add = |word: u64, at: RootAt| {
            if self.heap.find(word).is_some() {
                roots.push(Root { word, at });
            }
        };
        let mut batch = Batch::default();
        self.variables.scan(memory, &mut batch, |place, word| add(word, RootAt::Variable(place)))?;
        specials(memory, layout, &self.heap, |word| add(word, RootAt::Finalizer))?;
        let mut pages = Pages::new(memory);
        if let Some(allp) = runtime.allp {
            let all = processors(&mut pages, allp)?;
            for timer in running_timers(&mut pages, layout, &all)?.unwrap_or_default() {
                add(timer.address.0, RootAt::Timer);
                add(timer.argument.0, RootAt::Timer);
            }
        }
        let mut next = 0;
        while next < gs.len() {
            batch.clear();
            let (mut asked, mut bytes) = (Vec::new(), 0);
            while let Some(g) = gs.get(next)
                && bytes < CHUNK
            {
                let (low, high) = stack_of(g);
                let stack = (low, batch.push(Addr(low), length(high - low)));
                asked.push((next, stack, batch.push(g.addr, length(layout.g.size))));
                bytes += high - low;
                next += 1;
            }
            memory.read_batch(&mut batch)?;
            for (place, (low, stack), own) in asked {
                let Some(g) = gs.get(place) else { continue };
                for (word, at) in words(batch.bytes(stack).unwrap_or_default()).zip((low..).step_by(8)) {
                    add(word, RootAt::Stack(place, at));
                }
                let id = GoId(g.goid);
                let held = Held::decode(layout, batch.bytes(own).unwrap_or_default());
                held.words().for_each(|word| add(word, RootAt::Goroutine(id)));
                let mut deferred = held.defers;
                for _ in 0..DEFERS {
                    if deferred == 0 {
                        break;
                    }
                    let mut copy = vec![0; length(layout.defer.size)];
                    if pages.read(Addr(deferred), &mut copy)?.is_none() {
                        break;
                    }
                    let at = Fields(&copy);
                    add(at.u64(layout.defer.func).unwrap_or(0), RootAt::Deferred(id));
                    deferred = at.u64(layout.defer.link).unwrap_or(0);
                }
            }
        }
        Ok(roots)
    }

    /// What no way leads through: the runtime's own lists.
    fn opaque(&self, gs: &[G]) -> Result<HashSet<ObjectId, foldhash::fast::FixedState>, MemoryError> {
        let (memory, runtime) = (self.reader.memory(), self.reader.runtime());
        let layout = &runtime.layout;
        let mut all: Vec<Addr> = self.reader.gs().to_vec();
        let mut pages = Pages::new(memory);
        if let Some(allp) = runtime.allp {
            all.extend(processors(&mut pages, allp)?);
        }
        if let Some(semtable) = runtime.semtable {
            let limit = self.reader.slots().ids().limit();
            all.extend(SemTable::read(layout, &mut pages, semtable, limit)?.sudogs);
        }
        let mut chain = Vec::new();
        for g in gs.iter().filter(|g| !g.waiting.is_nil()) {
            let most = usize::from(u16::MAX);
            sudog::list(layout, &mut pages, g.waiting, |sudog| sudog.waitlink, most, &mut chain)?;
        }
        all.extend(chain.iter().map(|sudog| sudog.addr));
        Ok(all.into_iter().filter_map(|address| self.heap.find(address.0)).collect())
    }
}

/// The part of its stack that a goroutine uses.
fn stack_of(g: &G) -> (u64, u64) {
    let sp = g.position().map_or(g.stack_lo, |position| position.sp);
    let inside = (g.stack_lo..g.stack_hi).contains(&sp) && g.status != Status::Running;
    let low = if inside { sp } else { g.stack_lo }.next_multiple_of(8);
    (low, g.stack_hi.max(low))
}

impl RootAt {
    fn place(self) -> Option<Addr> {
        match self {
            RootAt::Variable(at) | RootAt::Stack(_, at) => Some(Addr(at)),
            RootAt::Goroutine(_) | RootAt::Deferred(_) | RootAt::Finalizer | RootAt::Timer => None,
        }
    }
}

impl Origin {
    /// Whether it is a deferred call.
    #[must_use]
    pub fn is_deferred(self) -> bool {
        matches!(self, Origin::Deferred(_))
    }

    /// The goroutine that it is of.
    #[must_use]
    pub fn goroutine(self) -> Option<GoId> {
        match self {
            Origin::Stack(id, _) | Origin::Goroutine(id) | Origin::Deferred(id) => Some(id),
            Origin::Variable | Origin::Finalizer | Origin::Timer => None,
        }
    }
}
