//! Where everything that is reached is reached from, but for stacks: what
//! package variables hold, what finalizers and cleanups do, what a `g` itself
//! refers to.
//!
//! Memory comes in, words that may be pointers go out, each with its place.

use crate::binary::layout::Layout;
use crate::goruntime::fields::{Fields, length, words};
use crate::goruntime::heap::Heap;
use crate::memory::{Batch, Memory, MemoryError};
use crate::model::Addr;

/// Bytes of variables that are read in one go.
const CHUNK: u64 = 4 << 20;
/// No program has more modules.
const MOST_MODULES: usize = 256;
/// No module has more bytes of variables.
const MOST_BYTES: u64 = 1 << 36;
/// Blocks of finalizers, and of cleanups, that are followed.
const MOST_BLOCKS: usize = 1 << 16;
/// Records on objects of one span that are followed.
const MOST_SPECIALS: usize = 1 << 12;
/// The kind of a cleanup.
const CLEANUP: u8 = 7;

/// A range of variables that may hold pointers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Range {
    start: u64,
    end: u64,
    /// The bits that say which words are pointers.
    mask: Addr,
}

/// The variables of all modules.
#[derive(Clone, Default, Debug)]
pub(in crate::goruntime) struct Variables {
    pointers: Vec<Range>,
    /// Each module's variables, those without pointers too.
    all: Vec<(u64, u64)>,
}

impl Variables {
    /// Reads which modules there are, from the program's own one at `first` on.
    pub(in crate::goruntime) fn read<M: Memory + ?Sized>(
        memory: &M,
        layout: &Layout,
        first: Addr,
    ) -> Result<Option<Variables>, MemoryError> {
        let mut found = Variables::default();
        let mut next = first;
        for _ in 0..MOST_MODULES {
            if next.is_nil() {
                return Ok(Some(found));
            }
            let mut bytes = vec![0; length(layout.module.size)];
            match memory.read(next, &mut bytes) {
                Ok(()) => {}
                Err(MemoryError::Unreadable { .. }) => return Ok(None),
                Err(error) => return Err(error),
            }
            let (at, module) = (Fields(&bytes), &layout.module);
            let range = |start, end, mask| {
                let range = Range { start: at.u64(start)?, end: at.u64(end)?, mask: at.pointer(mask)? };
                let size = range.end.checked_sub(range.start)?;
                (range.start.is_multiple_of(8) && size <= MOST_BYTES).then_some(range)
            };
            let (Some(data), Some(bss)) = (
                range(module.data, module.edata, module.gcdatamask),
                range(module.bss, module.ebss, module.gcbssmask),
            ) else {
                return Ok(None);
            };
            found.pointers.extend([data, bss]);
            let ends = at.u64(module.noptrdata).zip(at.u64(module.enoptrbss));
            let (low, high) = ends.unwrap_or((data.start, bss.end));
            found.all.push((low.min(data.start), high.max(bss.end)));
            next = at.pointer(module.next).unwrap_or_default();
        }
        Ok(None)
    }

    /// Whether `address` lies among variables.
    pub(in crate::goruntime) fn contains(&self, address: u64) -> bool {
        self.all.iter().any(|&(low, high)| (low..high).contains(&address))
    }

    /// Tells `visit` of each pointer that a variable holds: its place and the word.
    /// Whether all could be read.
    pub(in crate::goruntime) fn scan<M: Memory + ?Sized>(
        &self,
        memory: &M,
        batch: &mut Batch,
        mut visit: impl FnMut(u64, u64),
    ) -> Result<bool, MemoryError> {
        let mut whole = true;
        for range in &self.pointers {
            let mut at = range.start;
            while at < range.end {
                let some = CHUNK.min(range.end - at);
                batch.clear();
                let piece = batch.push(Addr(at), length(some));
                let first_bit = (at - range.start) / 8;
                // A chunk begins with a whole byte of the mask.
                let mask = batch.push(range.mask.offset(first_bit / 8), length((some / 8).div_ceil(8)));
                memory.read_batch(batch)?;
                let mask = batch.bytes(mask).filter(|_| !range.mask.is_nil());
                match batch.bytes(piece) {
                    Some(bytes) => {
                        for (place, word) in words(bytes).enumerate() {
                            let bits = mask.map_or(Some(&0xff), |mask| mask.get(place / 8));
                            if word != 0 && bits.is_some_and(|bits| bits >> (place % 8) & 1 != 0) {
                                visit(at + place as u64 * 8, word);
                            }
                        }
                    }
                    None => whole = false,
                }
                at += some;
            }
        }
        Ok(whole)
    }
}

/// Tells `visit` of each function that is to be called for an object that is
/// gone, and of each pointer in an object that a finalizer would get.
pub(in crate::goruntime) fn specials<M: Memory + ?Sized>(
    memory: &M,
    layout: &Layout,
    heap: &Heap,
    mut visit: impl FnMut(u64),
) -> Result<(), MemoryError> {
    // go: runtime._KindSpecialFinalizer: 1 until 1.24, behind tiny blocks 2 since 1.25
    let finalizer = if layout.minor >= 25 { 2 } else { 1 };
    // go: runtime._KindSpecialCleanup (1.26-1.27), whose runtime.cleanupFn has an adapter,
    // the function and what that is called with; 1.24 and 1.25 have the function alone
    let cleanup = (layout.minor >= 26).then_some(CLEANUP);
    let (special, size) = (&layout.special, length(layout.special.size));
    let mut batch = Batch::default();
    let mut next: Vec<(u64, u64)> = heap.specials().to_vec();
    let mut objects = Vec::new();
    for _ in 0..MOST_SPECIALS {
        if next.is_empty() {
            break;
        }
        batch.clear();
        let pieces: Vec<_> =
            next.iter().map(|&(start, at)| (start, batch.push(Addr(at), size.saturating_add(24)))).collect();
        memory.read_batch(&mut batch)?;
        next.clear();
        for (start, piece) in pieces {
            let Some(at) = batch.bytes(piece).map(Fields) else { continue };
            // Its function stands behind the common part, in all kinds that have one.
            let function = layout.special.size;
            at.u64(function).into_iter().for_each(&mut visit);
            if cleanup.is_some() && at.byte(special.kind) == cleanup {
                let more = [function.saturating_add(8), function.saturating_add(16)];
                more.into_iter().filter_map(|word| at.u64(word)).for_each(&mut visit);
            }
            if at.byte(special.kind) == Some(finalizer)
                && let Some(offset) = at.u64(special.offset)
            {
                let offset = if layout.minor >= 24 { offset } else { offset & 0xffff };
                objects.push(start.saturating_add(offset));
            }
            next.extend(at.u64(special.next).filter(|&next| next != 0).map(|next| (start, next)));
        }
    }
    // What the object refers to is there until the finalizer has run; the object
    // itself may be out of everybody's reach.
    for object in objects {
        let Some((span, id)) = heap.find(object).and_then(|id| Some((heap.span(id.span)?, id))) else {
            continue;
        };
        if span.is_noscan() {
            continue;
        }
        let (start, end) = (span.address_of(id.object), span.element());
        let mut at = 0;
        while at < end {
            let some = CHUNK.min(end - at);
            batch.clear();
            let piece = batch.push(Addr(start + at), length(some));
            memory.read_batch(&mut batch)?;
            words(batch.bytes(piece).unwrap_or_default()).for_each(&mut visit);
            at += some;
        }
    }
    Ok(())
}

/// Blocks of what waits to be run, each linked to the next.
#[derive(Clone, Copy)]
struct Blocks {
    /// Bytes of a block.
    size: usize,
    /// Where in it the address of the next one is,
    link: u64,
    /// and where what waits begins. What has been run is cleared.
    first: usize,
}

// go: runtime.finblock (1.19-1.27): alllink, next, cnt: u32
const FINALIZERS: Blocks = Blocks { size: 4096, link: 0, first: 24 };
// go: runtime.cleanupBlock (1.25-1.27): lfnode of two words, alllink, n: u32
const CLEANUPS: Blocks = Blocks { size: 512, link: 16, first: 32 };
/// The first of them, in the queue.
// go: runtime.cleanupQueue.all (1.25-1.27)
const ALL_CLEANUPS: u64 = 128;

/// Tells `visit` of what the finalizers that wait to be run, or are run, hold: their
/// objects' records are gone by then. Whether all could be read.
pub(in crate::goruntime) fn finalizers<M: Memory + ?Sized>(
    memory: &M,
    allfin: Addr,
    visit: impl FnMut(u64),
) -> Result<bool, MemoryError> {
    FINALIZERS.visit(memory, allfin, visit)
}

/// The same of cleanups, by their queue.
pub(in crate::goruntime) fn cleanups<M: Memory + ?Sized>(
    memory: &M,
    queue: Addr,
    visit: impl FnMut(u64),
) -> Result<bool, MemoryError> {
    CLEANUPS.visit(memory, Addr(queue.0.saturating_add(ALL_CLEANUPS)), visit)
}

impl Blocks {
    /// Tells `visit` of the words of all blocks, the first of which `link` points to.
    /// Whether all could be read.
    fn visit<M: Memory + ?Sized>(
        self,
        memory: &M,
        mut link: Addr,
        mut visit: impl FnMut(u64),
    ) -> Result<bool, MemoryError> {
        let mut bytes = vec![0; self.size];
        for _ in 0..MOST_BLOCKS {
            let mut next = [0; 8];
            let read = memory.read(link, &mut next).and_then(|()| match Addr(u64::from_le_bytes(next)) {
                next if next.is_nil() => Ok(None),
                next => memory.read(next, &mut bytes).map(|()| Some(next)),
            });
            link = match read {
                Ok(Some(next)) => Addr(next.0.saturating_add(self.link)),
                Ok(None) => return Ok(true),
                Err(MemoryError::Unreadable { .. }) => return Ok(false),
                Err(error) => return Err(error),
            };
            words(bytes.get(self.first..).unwrap_or_default()).for_each(&mut visit);
        }
        Ok(false)
    }
}

/// What a `g` refers to that its stack may not.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(in crate::goruntime) struct Held {
    words: [u64; 5],
    /// The innermost deferred call.
    pub(in crate::goruntime) defers: u64,
}

impl Held {
    /// Of the `g` of which `bytes` are a copy.
    pub(in crate::goruntime) fn decode(layout: &Layout, bytes: &[u8]) -> Held {
        let (at, g) = (Fields(bytes), &layout.g);
        let word = |offset| at.u64(offset).unwrap_or(0);
        let optional = |offset: Option<u64>| offset.map_or(0, word);
        Held {
            words: [
                word(g.sched_ctxt),
                word(g.param),
                word(g.labels),
                optional(g.coroarg),
                optional(g.bubble),
            ],
            defers: word(g.defers),
        }
    }

    pub(in crate::goruntime) fn words(&self) -> impl Iterator<Item = u64> {
        self.words.into_iter().filter(|&word| word != 0)
    }
}
