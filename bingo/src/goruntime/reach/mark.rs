//! From what is reached to what that reaches: marked objects of a [`Heap`] come
//! in, everything that their words point to is marked, with the label of what it
//! was reached from. Objects without pointers are never read, and of small ones those
//! words alone count that the collector takes for pointers: what stands behind the part of
//! a place that its object takes may be of any age.
//!
//! The heap is gone through by address, a part at a time, in rounds: each takes the
//! objects that wait by then, and those of the part that they make wait in turn.

use std::ops::Range;
use std::sync::Arc;

use super::found::{Found, Pointer};
use crate::goruntime::fields::{index, length, words};
use crate::goruntime::heap::{Heap, Label, ObjectId, PAGE, POINTER_BITS};
use crate::memory::{Batch, GAP, Memory, MemoryError, PieceId};
use crate::model::Addr;

/// Bytes of the heap that are read in one go: they stay in the processor's cache.
pub(super) const CHUNK: u64 = 256 << 10;
/// A span is read whole where its objects that wait are one in so many.
const SPARSE: u64 = 8;
/// Larger spans hold one object, or few: these are read one by one.
const SMALL: u64 = 64 << 10;

/// Asked now and then while a search lasts: whether it is to go on.
pub type GoOn = Arc<dyn Fn() -> bool + Send + Sync>;

/// Marks, and what is noted on the way.
#[derive(Default)]
pub(super) struct Marker {
    /// Objects that were marked and that somebody watches.
    pub(super) hits: Vec<ObjectId>,
    /// Bytes that could not be read.
    pub(super) unreadable: u64,
    /// Pages that do not stand still.
    pub(super) moving: Vec<u64>,
    /// Whether those are among them in which something is marked from now on.
    pub(super) keeps_new: bool,
    /// What is marked, where that may have to be undone.
    pub(super) journal: Option<Vec<ObjectId>>,
    /// Words that have to be looked up.
    found: Found,
    /// Parts of them that are worth it.
    full: Vec<usize>,
    /// Spans in which something waits.
    queue: Vec<u32>,
    /// Who is asked whether to go on.
    pub(super) go_on: Option<GoOn>,
    batch: Batch,
    parts: Vec<Part>,
    objects: Vec<u32>,
}

/// A part of a span that was read: all of it, or one object.
struct Part {
    span: u32,
    /// The object; `None` for all that wait.
    object: Option<u32>,
    piece: PieceId,
    /// The span's pointer bits, if it has any.
    bits: Option<PieceId>,
}

/// Which words of an object may be pointers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pointers {
    All,
    /// Those whose bit is set.
    Some(u64),
}

/// Words of pointer bits that a page has.
const BITS: usize = 16;

/// The pointer bits of a span's objects, if it has any.
pub(super) struct PointersOf {
    bits: Option<[u64; BITS + 1]>,
    /// Words of an object, and as many bits.
    words: u64,
    mask: u64,
}

impl PointersOf {
    /// Of a span whose objects have so many bytes.
    pub(super) fn new(bits: Option<&[u8]>, element: u64) -> PointersOf {
        let copied = bits.map(|bytes| {
            let mut bits = [0; BITS + 1];
            bits.iter_mut().zip(words(bytes).take(BITS)).for_each(|(into, word)| *into = word);
            bits
        });
        let words = element / 8;
        PointersOf { bits: copied, words, mask: u64::MAX >> (64 - words.clamp(1, 64)) }
    }

    /// Those of an object. One that has none was not made yet when they were read.
    #[inline]
    pub(super) fn of(&self, object: u32) -> Pointers {
        let Some(bits) = &self.bits else { return Pointers::All };
        let first = u64::from(object) * self.words;
        let place = length(first / 64);
        let Some(&[low, high]) = bits.get(place..).and_then(|bits| bits.first_chunk()) else {
            return Pointers::All;
        };
        let both = u128::from(low) | u128::from(high) << 64;
        match u64::try_from(both >> (first % 64) & u128::from(self.mask)) {
            Ok(mask) if mask != 0 => Pointers::Some(mask),
            _ => Pointers::All,
        }
    }
}

impl Marker {
    /// Marks the object that `word` points to, if it does point to one.
    pub(super) fn mark(&mut self, heap: &mut Heap, word: u64, label: Label) {
        let Some(marked) = heap.mark(word, label) else { return };
        if marked.watched {
            self.hits.push(marked.id);
        }
        self.journal.iter_mut().for_each(|journal| journal.push(marked.id));
        if self.keeps_new {
            self.note_moving(word);
        }
        if marked.first {
            self.queue.push(marked.id.span);
        }
    }

    /// Notes that the page of an address does not stand still.
    pub(super) fn note_moving(&mut self, address: u64) {
        let moving = &mut self.moving;
        if moving.len() == moving.capacity() {
            // Most are noted again and again.
            moving.sort_unstable();
            moving.dedup();
            moving.reserve(moving.len());
        }
        moving.push(address / PAGE * PAGE);
    }

    /// Notes what these words of an object point to, if that is in the heap, whose addresses
    /// are in a range: [`Marker::settle`] marks it.
    #[inline]
    pub(super) fn follow(&mut self, range: (u64, u64), bytes: &[u8], pointers: Pointers, label: Label) {
        match pointers {
            Pointers::All => words(bytes).for_each(|word| self.find(range, word, label)),
            Pointers::Some(mut mask) => {
                let words = bytes.as_chunks::<8>().0;
                while mask != 0 {
                    let word = words.get(index(mask.trailing_zeros()));
                    mask &= mask - 1;
                    word.into_iter().for_each(|&word| self.find(range, u64::from_le_bytes(word), label));
                }
            }
        }
    }

    /// Notes a word, if it may point into the heap.
    #[inline]
    fn find(&mut self, (low, high): (u64, u64), word: u64, label: Label) {
        if word.wrapping_sub(low) < high - low
            && let Some(full) = self.found.add(word, label)
        {
            self.full.push(full);
        }
    }

    /// Marks what was found where that is much.
    pub(super) fn settle_full(&mut self, heap: &mut Heap) {
        while let Some(part) = self.full.pop() {
            self.settle_part(heap, part);
        }
    }

    /// Marks all that was found.
    pub(super) fn settle(&mut self, heap: &mut Heap) {
        self.found.parts().for_each(|part| self.settle_part(heap, part));
    }

    /// Marks what was found of a range of addresses.
    fn settle_within(&mut self, heap: &mut Heap, range: &Range<u64>) {
        Found::parts_of(range).for_each(|part| self.settle_part(heap, part));
    }

    fn settle_part(&mut self, heap: &mut Heap, part: usize) {
        let Some(mut words) = self.found.take(part) else { return };
        heap.sift(&mut words, Pointer::word);
        for one in &words {
            self.mark(heap, one.word(), one.label());
        }
        self.found.give_back(part, words);
    }

    /// Whether it is to go on.
    pub(super) fn ask_on(&self) -> Result<(), MemoryError> {
        if self.go_on.as_ref().is_none_or(|go_on| go_on()) { Ok(()) } else { Err(MemoryError::Stopped) }
    }

    /// Goes on until nothing waits.
    pub(super) fn close<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        heap: &mut Heap,
    ) -> Result<(), MemoryError> {
        let mut batch = std::mem::take(&mut self.batch);
        let mut parts = std::mem::take(&mut self.parts);
        loop {
            self.settle(heap);
            let mut spans = std::mem::take(&mut self.queue);
            if spans.is_empty() {
                break;
            }
            spans.sort_unstable();
            let mut spans = spans.into_iter().peekable();
            while spans.peek().is_some() {
                batch.clear();
                parts.clear();
                let (mut bytes, mut low, mut high) = (0, u64::MAX, 0);
                while bytes < CHUNK
                    && let Some(number) = spans.next()
                    && let Some(span) = heap.span(number)
                {
                    let of = span.start..span.end();
                    self.settle_within(heap, &of);
                    (low, high) = (low.min(of.start), of.end);
                    bytes += self.ask(heap, number, &mut batch, &mut parts, memory)?;
                }
                self.ask_on()?;
                memory.read_batch(&mut batch)?;
                self.look_through(heap, &batch, (&parts, low..high));
            }
        }
        (self.batch, self.parts) = (batch, parts);
        Ok(())
    }

    /// Asks for what is to be looked through of a span; how many bytes are read for it at
    /// the most.
    fn ask<M: Memory + ?Sized>(
        &mut self,
        heap: &mut Heap,
        number: u32,
        batch: &mut Batch,
        parts: &mut Vec<Part>,
        memory: &M,
    ) -> Result<u64, MemoryError> {
        let Some(span) = heap.span(number) else { return Ok(0) };
        let (start, element, whole) = (span.start, span.element(), span.bytes());
        let count = heap.pending(number);
        let waiting = u64::from(count).saturating_mul(element);
        if waiting == 0 {
            return Ok(0);
        }
        if whole <= SMALL && waiting.saturating_mul(SPARSE) >= whole {
            let piece = batch.push(Addr(start), length(whole));
            let bits = span.pointer_bits().map(|bits| batch.push(bits, length(POINTER_BITS)));
            parts.push(Part { span: number, object: None, piece, bits });
            return Ok(whole);
        }
        let bits = span.pointer_bits().map(|bits| batch.push(bits, length(POINTER_BITS)));
        let mut objects = std::mem::take(&mut self.objects);
        heap.take_pending(number, &mut objects);
        for object in objects.drain(..) {
            let start = start.saturating_add(u64::from(object).saturating_mul(element));
            if element > CHUNK {
                self.look_through_large(memory, heap, (start, element), (number, object))?;
                continue;
            }
            let piece = batch.push(Addr(start), length(element));
            parts.push(Part { span: number, object: Some(object), piece, bits });
        }
        self.objects = objects;
        let between = u64::from(count).saturating_mul(GAP);
        Ok(whole.min(waiting.saturating_add(between)))
    }

    /// Looks through what was read, which is within a range of addresses, and through
    /// what comes to wait in it.
    fn look_through(&mut self, heap: &mut Heap, batch: &Batch, (parts, range): (&[Part], Range<u64>)) {
        let of_heap = heap.range();
        let element = |heap: &Heap, span| heap.span(span).map_or(0, |span| span.element());
        for part in parts {
            let Some(object) = part.object else { continue };
            let pointers =
                PointersOf::new(part.bits.and_then(|bits| batch.bytes(bits)), element(heap, part.span));
            match (batch.bytes(part.piece), heap.label(ObjectId { span: part.span, object })) {
                (Some(bytes), Some(label)) => self.follow(of_heap, bytes, pointers.of(object), label),
                (None, _) => self.unreadable += 8,
                (_, None) => {}
            }
            self.settle_full(heap);
        }
        self.settle_within(heap, &range);
        let mut objects = std::mem::take(&mut self.objects);
        let mut again = true;
        while std::mem::take(&mut again) {
            for part in parts.iter().filter(|part| part.object.is_none()) {
                if heap.pending(part.span) == 0 {
                    continue;
                }
                heap.take_pending(part.span, &mut objects);
                let Some(bytes) = batch.bytes(part.piece) else {
                    objects.clear();
                    self.unreadable += 8;
                    continue;
                };
                again = true;
                let element = element(heap, part.span);
                let pointers = PointersOf::new(part.bits.and_then(|bits| batch.bytes(bits)), element);
                let labels = heap.labels_of(part.span);
                for object in objects.drain(..) {
                    let Some(label) = labels.get(object) else { continue };
                    let from = length(u64::from(object).saturating_mul(element));
                    let bytes = bytes.get(from..).unwrap_or_default();
                    let bytes = bytes.get(..length(element)).unwrap_or(bytes);
                    self.follow(of_heap, bytes, pointers.of(object), label);
                }
                self.settle_full(heap);
            }
            self.settle_within(heap, &range);
        }
        self.objects = objects;
    }

    /// Looks through one object that is larger than a chunk.
    fn look_through_large<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        heap: &mut Heap,
        (start, size): (u64, u64),
        (span, object): (u32, u32),
    ) -> Result<(), MemoryError> {
        let Some(label) = heap.label(ObjectId { span, object }) else { return Ok(()) };
        let mut batch = Batch::default();
        let mut at = 0;
        while at < size {
            let some = CHUNK.min(size - at);
            self.ask_on()?;
            batch.clear();
            let piece = batch.push(Addr(start.saturating_add(at)), length(some));
            memory.read_batch(&mut batch)?;
            match batch.bytes(piece) {
                Some(bytes) => self.follow(heap.range(), bytes, Pointers::All, label),
                None => self.unreadable += some,
            }
            self.settle_full(heap);
            at += some;
        }
        Ok(())
    }
}
