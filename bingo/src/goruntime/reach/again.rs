//! Another look at what is marked already: the program runs on, and may have moved a
//! pointer from where nobody had looked yet to where somebody had. Marked objects of a
//! [`Heap`] come in, and what their words point to by now is marked.
//!
//! A block of a page that holds what it held when all in it was looked through has
//! nothing new to tell, but where it points to a span that was not known by then: the list
//! of spans is read first, and what comes to be behind that is no place that a word could
//! point to. Pages that do not stand still are kept in mind, so that there one can look
//! again, and again.

use super::mark::{CHUNK, Marker, PointersOf};
use crate::goruntime::fields::length;
use crate::goruntime::heap::{Blocks, Heap, PAGE, POINTER_BITS};
use crate::memory::{Batch, Memory, MemoryError, PieceId};
use crate::model::Addr;

/// Where to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Where {
    /// At all that is marked.
    All,
    /// At what has changed since the last look.
    Changed,
    /// At what has changed between the last looks, and there alone.
    Moving,
}

/// What is marked of one page.
struct Slice {
    span: u32,
    start: u64,
    end: u64,
    piece: PieceId,
    /// The span's pointer bits, if it has any.
    bits: Option<PieceId>,
}

/// Slices that are read in one go.
#[derive(Default)]
struct Slices {
    batch: Batch,
    all: Vec<Slice>,
    bytes: u64,
}

impl Marker {
    /// Looks again; what comes to wait for being looked through is left to
    /// [`Marker::close`].
    pub(super) fn look_again<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        heap: &mut Heap,
        place: Where,
    ) -> Result<(), MemoryError> {
        let mut slices = Slices::default();
        if place == Where::Moving {
            let mut moving = std::mem::take(&mut self.moving);
            moving.sort_unstable();
            moving.dedup();
            for &page in &moving {
                let Some((span, marked)) = heap.extent_around(page) else { continue };
                slices.ask(heap, span, marked.start.max(page)..marked.end.min(page + PAGE));
                slices.read(self, memory, heap, place, CHUNK)?;
            }
            self.moving.append(&mut moving);
        } else {
            for span in 0..heap.count() {
                let Some(marked) = heap.extent(span) else { continue };
                let mut start = marked.start;
                while start < marked.end {
                    let end = marked.end.min((start / PAGE + 1) * PAGE);
                    slices.ask(heap, span, start..end);
                    slices.read(self, memory, heap, place, CHUNK)?;
                    start = end;
                }
            }
        }
        slices.read(self, memory, heap, place, 0)?;
        self.settle(heap);
        Ok(())
    }
}

impl Slices {
    fn ask(&mut self, heap: &Heap, span: u32, range: std::ops::Range<u64>) {
        let Some(size) = range.end.checked_sub(range.start).filter(|&size| size > 0) else { return };
        let piece = self.batch.push(Addr(range.start), length(size));
        let bits = heap.span(span).and_then(|span| span.pointer_bits());
        let bits = bits.map(|bits| self.batch.push(bits, length(POINTER_BITS)));
        self.all.push(Slice { span, start: range.start, end: range.end, piece, bits });
        self.bytes += size;
    }

    /// Reads them if there are so many bytes, and looks through them.
    fn read<M: Memory + ?Sized>(
        &mut self,
        marker: &mut Marker,
        memory: &M,
        heap: &mut Heap,
        place: Where,
        least: u64,
    ) -> Result<(), MemoryError> {
        if self.bytes < least {
            return Ok(());
        }
        marker.ask_on()?;
        memory.read_batch(&mut self.batch)?;
        for slice in &self.all {
            let Some(bytes) = self.batch.bytes(slice.piece) else {
                marker.unreadable += 8;
                continue;
            };
            let mut to_see = heap.note_page(slice.span, slice.start, bytes);
            if place == Where::All {
                to_see = Blocks::ALL;
            } else {
                if place == Where::Changed && !to_see.is_empty() {
                    marker.note_moving(slice.start);
                }
                heap.add_news(slice.start, bytes, &mut to_see);
            }
            if to_see.is_empty() {
                continue;
            }
            let bits = slice.bits.and_then(|bits| self.batch.bytes(bits));
            slice.look_through(marker, heap, to_see, (bytes, bits));
        }
        self.batch.clear();
        self.all.clear();
        self.bytes = 0;
        Ok(())
    }
}

impl Slice {
    /// Looks through what is marked in the blocks `to_see`.
    fn look_through(
        &self,
        marker: &mut Marker,
        heap: &mut Heap,
        to_see: Blocks,
        (bytes, bits): (&[u8], Option<&[u8]>),
    ) {
        let Some(span) = heap.span(self.span) else { return };
        let (start, element) = (span.start, span.element());
        let numbers = (self.start - start) / element..(self.end - start).div_ceil(element);
        let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let within = |object: u32| {
            let first = start + u64::from(object) * element;
            first.max(self.start)..(first + element).min(self.end)
        };
        let pointers = PointersOf::new(bits, element);
        let labels = heap.labels_of(self.span);
        let of_heap = heap.range();
        for object in heap.marked(self.span, number(numbers.start)..number(numbers.end)) {
            let range = within(object);
            if !to_see.touch(&range) {
                continue;
            }
            let Some(label) = labels.get(object) else { continue };
            let (from, until) = (range.start - self.start, range.end - self.start);
            let bytes = bytes.get(length(from)..length(until)).unwrap_or_default();
            marker.follow(of_heap, bytes, pointers.of(object), label);
        }
        marker.settle_full(heap);
    }
}
