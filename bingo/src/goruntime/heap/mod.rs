//! A mirror of the heap: which object is at an address, how large it is, and
//! whether it can hold pointers. In: `runtime.mheap_`, read while the program
//! runs. Out: [`Heap::find`], and the marks that a search leaves on objects.
//!
//! ```text
//!   address ─▶ arena (64 MiB) ─▶ page (8 KiB) ─▶ span ─▶ object number
//! ```

mod pages;
mod slot;
mod span;

use super::fields::{Fields, length, words};
use crate::binary::layout::Layout;
use crate::memory::{Batch, Memory, MemoryError};
use crate::model::Addr;
use pages::PageTable;
pub use slot::Slot;
pub(super) use span::{Label, ObjectId, Span};

/// No heap has more spans than this: of one page each they are 256 GiB.
const MOST_SPANS: u64 = 1 << 25;
/// So many spans are read at a time.
const CHUNK: usize = 1 << 14;
/// The list of spans moves when it grows: so often it is read again.
const TRIES: usize = 4;

/// The spans that hold objects.
#[derive(Default)]
pub(super) struct Heap {
    spans: Vec<Span>,
    table: PageTable,
}

impl Heap {
    /// Reads the spans at `mheap` anew; marks on spans that have not changed stay.
    /// Whether all of them could be read.
    pub(super) fn refresh<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        layout: &Layout,
        mheap: Addr,
    ) -> Result<bool, MemoryError> {
        let list = mheap.offset(layout.mheap.allspans);
        let mut batch = Batch::default();
        let mut whole = false;
        let mut found = Vec::new();
        for _ in 0..TRIES {
            let header = header(memory, list)?;
            found.clear();
            whole = read_spans(memory, layout, header, &mut batch, &mut found)?;
            if whole {
                break;
            }
        }
        found.sort_unstable_by_key(|span: &Span| span.start);
        // Two that claim the same pages were read at different times: the later list wins nothing.
        found.dedup_by(|later, earlier| later.start < earlier.end());
        let mut old = std::mem::take(&mut self.spans).into_iter().peekable();
        for span in &mut found {
            while old.next_if(|old| old.start < span.start).is_some() {}
            if let Some(same) = old.next_if(|old| old.is_like(span)) {
                span.take_marks(same);
            }
        }
        self.spans = found;
        whole &= self.table.fill(&self.spans);
        Ok(whole)
    }

    /// The object that holds the byte at `address`.
    pub(super) fn find(&self, address: u64) -> Option<ObjectId> {
        let index = self.table.get(address)?;
        let object = self.span(index)?.object_at(address)?;
        Some(ObjectId { span: index, object })
    }

    pub(super) fn span(&self, index: u32) -> Option<&Span> {
        self.spans.get(usize::try_from(index).ok()?)
    }

    pub(super) fn span_mut(&mut self, index: u32) -> Option<&mut Span> {
        self.spans.get_mut(usize::try_from(index).ok()?)
    }

    /// All spans, by address, with their numbers.
    pub(super) fn spans(&self) -> impl Iterator<Item = (u32, &Span)> {
        (0..).zip(&self.spans)
    }

    pub(super) fn spans_mut(&mut self) -> impl Iterator<Item = (u32, &mut Span)> {
        (0..).zip(&mut self.spans)
    }

    /// Where its first object begins and its last one ends.
    pub(super) fn range(&self) -> (u64, u64) {
        self.spans.first().zip(self.spans.last()).map_or((0, 0), |(low, high)| (low.start, high.end()))
    }
}

/// Pointer and length of a slice.
fn header<M: Memory + ?Sized>(memory: &M, at: Addr) -> Result<(Addr, u64), MemoryError> {
    let mut bytes = [0; 16];
    memory.read(at, &mut bytes)?;
    let mut words = words(&bytes);
    Ok((Addr(words.next().unwrap_or(0)), words.next().unwrap_or(0)))
}

/// Adds the spans of the list `first[..count]` to `found`; whether all were readable.
fn read_spans<M: Memory + ?Sized>(
    memory: &M,
    layout: &Layout,
    (first, count): (Addr, u64),
    batch: &mut Batch,
    found: &mut Vec<Span>,
) -> Result<bool, MemoryError> {
    if count > MOST_SPANS {
        return Ok(false);
    }
    let mut whole = true;
    let mut next = 0;
    while next < count {
        let some = (count - next).min(CHUNK as u64);
        batch.clear();
        let pointers = batch.push(first.offset(next * 8), length(some * 8));
        memory.read_batch(batch)?;
        let Some(pointers) = batch.bytes(pointers) else { return Ok(false) };
        let pointers: Vec<Addr> = words(pointers).map(Addr).filter(|pointer| !pointer.is_nil()).collect();
        batch.clear();
        let size = length(layout.mspan.size);
        let pieces: Vec<_> = pointers.iter().map(|&pointer| (pointer, batch.push(pointer, size))).collect();
        memory.read_batch(batch)?;
        for (record, piece) in pieces {
            match batch.bytes(piece) {
                Some(bytes) => found.extend(Span::decode(layout, record, Fields(bytes))),
                None => whole = false,
            }
        }
        next += some;
    }
    Ok(whole)
}
