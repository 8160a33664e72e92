//! From what is reached to what that reaches: marked objects of a [`Heap`] come
//! in, everything that their words point to is marked, with the label of what it
//! was reached from. Objects without pointers are never read.
//!
//! Spans are read by address in chunks, and within a chunk the search goes on until
//! nothing in it waits: neighbours mostly refer to neighbours.

use crate::goruntime::fields::{length, words};
use crate::goruntime::heap::{Heap, Label, ObjectId};
use crate::memory::{Batch, Memory, MemoryError, PieceId};
use crate::model::Addr;

/// Bytes of the heap that are read in one go.
const CHUNK: u64 = 4 << 20;
/// A span is read whole where its objects that wait are one in so many.
const SPARSE: u64 = 4;
/// Larger spans hold one object, or few: these are read one by one.
const SMALL: u64 = 64 << 10;

/// Marks, and what is noted on the way.
#[derive(Default)]
pub(super) struct Marker {
    /// Objects that were marked and that somebody watches.
    pub(super) hits: Vec<ObjectId>,
    /// Bytes that could not be read.
    pub(super) unreadable: u64,
    /// Spans in which something waits, some of them more than once.
    queue: Vec<u32>,
    batch: Batch,
}

/// A part of a span that was read: all of it, or one object.
struct Part {
    span: u32,
    /// The object, with its label; `None` for all.
    object: Option<(u32, Label)>,
    piece: PieceId,
}

impl Marker {
    /// Marks the object that `word` points to, if it does point to one; whether
    /// it was not marked before.
    pub(super) fn mark(&mut self, heap: &mut Heap, word: u64, label: Label) -> bool {
        let Some(id) = heap.find(word) else { return false };
        let Some(span) = heap.span_mut(id.span) else { return false };
        let waited = span.pending();
        if !span.mark(id.object, label) {
            return false;
        }
        if span.watched {
            self.hits.push(id);
        }
        if waited == 0 && span.pending() > 0 {
            self.queue.push(id.span);
        }
        true
    }

    /// Has all that is marked looked through once more.
    pub(super) fn look_again(&mut self, heap: &mut Heap) {
        self.queue.clear();
        for (number, span) in heap.spans_mut() {
            span.look_again();
            if span.pending() > 0 {
                self.queue.push(number);
            }
        }
    }

    /// Goes on until nothing waits.
    pub(super) fn close<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        heap: &mut Heap,
    ) -> Result<(), MemoryError> {
        let mut batch = std::mem::take(&mut self.batch);
        let mut parts = Vec::new();
        while !self.queue.is_empty() {
            let mut spans = std::mem::take(&mut self.queue);
            spans.sort_unstable();
            spans.dedup();
            let mut spans = spans.into_iter().peekable();
            while spans.peek().is_some() {
                batch.clear();
                parts.clear();
                let mut bytes = 0;
                while bytes < CHUNK
                    && let Some(span) = spans.next()
                {
                    bytes += self.ask(heap, span, &mut batch, &mut parts, memory)?;
                }
                memory.read_batch(&mut batch)?;
                self.look_through(heap, &batch, &parts);
            }
        }
        self.batch = batch;
        Ok(())
    }

    /// Asks for what is to be looked through of `span`; how many bytes that is.
    fn ask<M: Memory + ?Sized>(
        &mut self,
        heap: &mut Heap,
        number: u32,
        batch: &mut Batch,
        parts: &mut Vec<Part>,
        memory: &M,
    ) -> Result<u64, MemoryError> {
        let Some(span) = heap.span_mut(number) else { return Ok(0) };
        let (element, whole) = (span.element(), span.bytes());
        let waiting = u64::from(span.pending()).saturating_mul(element);
        if waiting == 0 {
            return Ok(0);
        }
        if whole <= SMALL && waiting.saturating_mul(SPARSE) >= whole {
            let piece = batch.push(Addr(span.start), length(whole));
            parts.push(Part { span: number, object: None, piece });
            return Ok(whole);
        }
        for (object, label) in span.take_pending() {
            let Some(span) = heap.span(number) else { break };
            let start = span.address_of(object);
            if element > CHUNK {
                self.look_through_large(memory, heap, (start, element), label)?;
                continue;
            }
            let piece = batch.push(Addr(start), length(element));
            parts.push(Part { span: number, object: Some((object, label)), piece });
        }
        Ok(waiting)
    }

    /// Looks through what was read, and through what comes to wait in it.
    fn look_through(&mut self, heap: &mut Heap, batch: &Batch, parts: &[Part]) {
        for part in parts {
            if let Some((_, label)) = part.object {
                match batch.bytes(part.piece) {
                    Some(bytes) => self.follow(heap, bytes, label),
                    None => self.unreadable += 8,
                }
            }
        }
        let mut again = true;
        while std::mem::take(&mut again) {
            for part in parts.iter().filter(|part| part.object.is_none()) {
                let Some(span) = heap.span_mut(part.span).filter(|span| span.pending() > 0) else { continue };
                let (element, waiting) = (span.element(), span.take_pending());
                let Some(bytes) = batch.bytes(part.piece) else {
                    self.unreadable += 8;
                    continue;
                };
                again = true;
                for (object, label) in waiting {
                    let from = length(u64::from(object).saturating_mul(element));
                    let object = bytes.get(from..).unwrap_or_default();
                    self.follow(heap, object.get(..length(element)).unwrap_or(object), label);
                }
            }
        }
    }

    /// Looks through one object that is larger than a chunk.
    fn look_through_large<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        heap: &mut Heap,
        (start, size): (u64, u64),
        label: Label,
    ) -> Result<(), MemoryError> {
        let mut batch = Batch::default();
        let mut at = 0;
        while at < size {
            let some = CHUNK.min(size - at);
            batch.clear();
            let piece = batch.push(Addr(start.saturating_add(at)), length(some));
            memory.read_batch(&mut batch)?;
            match batch.bytes(piece) {
                Some(bytes) => self.follow(heap, bytes, label),
                None => self.unreadable += some,
            }
            at += some;
        }
        Ok(())
    }

    /// Marks what these bytes point to.
    fn follow(&mut self, heap: &mut Heap, bytes: &[u8], label: Label) {
        let (low, high) = heap.range();
        for word in words(bytes) {
            if (low..high).contains(&word) {
                self.mark(heap, word, label);
            }
        }
    }
}
