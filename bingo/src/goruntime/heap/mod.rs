//! A mirror of the heap: which object is at an address, how large it is, and
//! whether it can hold pointers. In: `runtime.mheap_`, read while the program
//! runs. Out: [`Heap::find`], and the marks that a search leaves on objects.
//!
//! ```text
//!   address ─▶ arena (64 MiB) ─▶ page (8 KiB) ─▶ span ─▶ object number
//! ```

mod bits;
mod labels;
mod marks;
mod news;
mod pages;
mod slot;
mod span;

use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

use super::fields::{Fields, length, words};
use crate::binary::layout::Layout;
use crate::memory::{Batch, Memory, MemoryError};
use crate::model::Addr;
pub(super) use labels::{Label, LabelsOf};
pub(super) use marks::Marked;
use marks::{BLOCK, Marks};
use news::News;
use pages::PageTable;
pub use slot::Slot;
use span::Before;
pub(super) use span::{ObjectId, PAGE, POINTER_BITS, Span};

/// No heap has more spans than this: of one page each they are 256 GiB.
const MOST_SPANS: u64 = 1 << 25;
/// So many spans are read at a time.
const CHUNK: usize = 1 << 10;
/// The list of spans moves when it grows: so often it is read again.
const TRIES: usize = 4;

/// The spans that hold objects.
#[derive(Default)]
pub(super) struct Heap {
    /// By address.
    spans: Vec<Span>,
    /// Where those spans begin that have records on their objects, and the first of those.
    specials: Vec<(u64, u64)>,
    table: PageTable,
    marks: Marks,
    news: News,
}

impl Heap {
    /// Reads the spans at `mheap` anew; marks on spans that have not changed stay,
    /// and nothing is opaque any more. Whether all of them could be read.
    pub(super) fn refresh<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        layout: &Layout,
        mheap: Addr,
    ) -> Result<bool, MemoryError> {
        let list = mheap.offset(layout.mheap.allspans);
        let mut batch = Batch::default();
        let mut whole = false;
        let mut new = Vec::new();
        for _ in 0..TRIES {
            let header = header(memory, list)?;
            new.clear();
            self.specials.clear();
            self.spans.iter_mut().for_each(|span| span.before = Before::NEW);
            whole = self.read_spans(memory, layout, header, &mut batch, &mut new)?;
            if whole {
                break;
            }
        }
        self.spans.retain(|span| span.before != Before::NEW);
        self.spans.reserve_exact(new.len());
        self.spans.append(&mut new);
        self.spans.sort_unstable_by_key(|span| span.start);
        // Two that claim the same pages were read at different times: the later list wins nothing.
        self.spans.dedup_by(|later, earlier| later.start < earlier.end());
        let new = self.spans.iter().filter(|span| span.before == Before::NEW);
        self.news = News::of(new.map(|span| span.start..span.end()));
        self.marks.fit(&self.spans);
        whole &= self.table.fill(&self.spans, |span| self.marks.bits(span));
        Ok(whole)
    }

    /// The object that holds the byte at `address`.
    pub(super) fn find(&self, address: u64) -> Option<ObjectId> {
        let index = self.table.get(address)?;
        let span = self.span(index)?;
        let object = span.object_at(address.checked_sub(span.start)?)?;
        Some(ObjectId { span: index, object })
    }

    pub(super) fn span(&self, index: u32) -> Option<&Span> {
        self.spans.get(usize::try_from(index).ok()?)
    }

    /// All spans, by address, with their numbers.
    pub(super) fn spans(&self) -> impl Iterator<Item = (u32, &Span)> {
        (0..).zip(&self.spans)
    }

    /// Reads the list `first[..count]`: spans that were known before are noted to be there
    /// still, others are added to `new`. Whether all were readable.
    fn read_spans<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        layout: &Layout,
        (first, count): (Addr, u64),
        batch: &mut Batch,
        new: &mut Vec<Span>,
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
            let pieces: Vec<_> =
                pointers.iter().map(|&pointer| (pointer, batch.push(pointer, size))).collect();
            memory.read_batch(batch)?;
            for (record, piece) in pieces {
                match batch.bytes(piece).map(Fields) {
                    Some(at) => self.note_span(layout, record, at, new),
                    None => whole = false,
                }
            }
            next += some;
        }
        Ok(whole)
    }

    /// Notes the span of which `at` is the copy of a `record`, if it holds objects.
    fn note_span(&mut self, layout: &Layout, record: Addr, at: Fields<'_>, new: &mut Vec<Span>) {
        let Some(span) = Span::decode(layout, record, at) else { return };
        self.specials.extend(Span::specials(layout, at).map(|specials| (span.start, specials)));
        let place = self.spans.binary_search_by_key(&span.start, |span| span.start).ok();
        let known = place.and_then(|place| Some((u32::try_from(place).ok()?, self.spans.get_mut(place)?)));
        match known.filter(|(_, known)| known.is_like(&span)) {
            Some((number, known)) => {
                *known = span;
                known.before = Before::at(number);
            }
            None => {
                // Twice the room each time would be much too much of what a large heap has.
                if new.len() == new.capacity() {
                    new.reserve_exact(CHUNK + new.len() / 8);
                }
                new.push(span);
            }
        }
    }

    /// Where those spans begin that have records on their objects, and the first of those.
    pub(super) fn specials(&self) -> &[(u64, u64)] {
        &self.specials
    }

    /// Marks the object that holds the byte at `address`; `None` where there is
    /// none, it was marked before, or nobody wants to know of it.
    pub(super) fn mark(&mut self, address: u64, label: Label) -> Option<Marked> {
        let target = self.table.target(self.table.place(address)?, address);
        self.marks.mark(&self.spans, self.table.get(address)?, target, label)
    }

    /// Takes those of `words` out, by the address that `word` finds in each, that point to
    /// nothing that [`Heap::mark`] would mark.
    pub(super) fn sift<T: Copy>(&self, words: &mut Vec<T>, word: impl Fn(T) -> u64) {
        self.marks.sift(words, word, &self.table);
    }

    /// From where the object was reached, if it was.
    pub(super) fn label(&self, id: ObjectId) -> Option<Label> {
        self.marks.label(id)
    }

    /// The labels of the marked objects of a span.
    pub(super) fn labels_of(&self, span: u32) -> LabelsOf<'_> {
        self.marks.labels_of(span)
    }

    /// The objects among `range` of a span that are marked.
    pub(super) fn marked(&self, span: u32, range: Range<u32>) -> impl Iterator<Item = u32> + '_ {
        self.marks.among(span, range)
    }

    /// How many spans there are.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.spans.len()).unwrap_or(u32::MAX)
    }

    /// From the first object of a span that is marked to the end of the last one, if
    /// they hold pointers.
    pub(super) fn extent(&self, span: u32) -> Option<Range<u64>> {
        let (first, last) = self.marks.extent(span)?;
        let span = self.span(span)?;
        Some(span.address_of(first)..span.address_of(last).saturating_add(span.element()))
    }

    /// The same of the span that holds the byte at `address`, with its number.
    pub(super) fn extent_around(&self, address: u64) -> Option<(u32, Range<u64>)> {
        let span = self.table.get(address)?;
        Some((span, self.extent(span)?))
    }

    /// How many objects of a span are marked and have still to be looked through.
    pub(super) fn pending(&self, span: u32) -> u32 {
        self.marks.pending(span)
    }

    /// Adds these to `into`; they wait no longer.
    pub(super) fn take_pending(&mut self, span: u32, into: &mut Vec<u32>) {
        self.marks.take_pending(span, into);
    }

    /// Has what is marked in a span told of, even if it holds no pointers; whether
    /// that is new.
    pub(super) fn watch(&mut self, span: u32) -> bool {
        let Some((is_new, bits)) = self.marks.watch(span) else { return false };
        if is_new && let Some(of) = self.spans.get(usize::try_from(span).unwrap_or(usize::MAX)) {
            // Where there is no room for what is noted of it, that was told of before.
            let _ = self.table.set_bits(of, bits);
        }
        is_new
    }

    pub(super) fn is_watched(&self, span: u32) -> bool {
        self.marks.is_watched(span)
    }

    /// Takes the mark off an object of which nothing waits to be looked through.
    pub(super) fn unmark(&mut self, id: ObjectId) {
        self.marks.unmark(id);
    }

    /// Has no search enter the object at `address`.
    pub(super) fn set_opaque(&mut self, address: Addr) {
        if let Some(id) = self.find(address.0) {
            self.marks.set_opaque(id);
        }
    }

    pub(super) fn is_opaque(&self, id: ObjectId) -> bool {
        self.marks.is_opaque(id)
    }

    /// Notes what the page of `start` holds from there on: `bytes`. Which of its blocks
    /// hold something else than when that was noted before.
    pub(super) fn note_page(&mut self, span: u32, start: u64, bytes: &[u8]) -> Blocks {
        let Some(of) = self.span(span) else { return Blocks::ALL };
        let (first, pages) = (of.start, of.pages());
        let mut changed = Blocks::default();
        let head = length(BLOCK - start % BLOCK).min(bytes.len());
        let (head, rest) = bytes.split_at(head);
        let mut at = start;
        for block in std::iter::once(head).chain(rest.chunks(length(BLOCK))) {
            if self.marks.set_sum(span, (at.saturating_sub(first) / BLOCK, pages), sum(block)) {
                changed.add(at);
            }
            at += block.len() as u64;
        }
        changed
    }

    /// Adds the blocks, from `start` on, that hold a word which may point to what was not
    /// there when the spans were read before: it was of no use then.
    pub(super) fn add_news(&self, start: u64, bytes: &[u8], blocks: &mut Blocks) {
        if self.news.is_empty() {
            return;
        }
        for (at, word) in (start..).step_by(8).zip(words(bytes)) {
            if self.news.may_hold(word) {
                blocks.add(at);
            }
        }
    }

    /// Forgets what pages held.
    pub(super) fn forget_sums(&mut self) {
        self.marks.forget_sums();
    }

    /// Gives the room back that is not needed until it is read anew, if nothing waits
    /// to be looked through.
    pub(super) fn rest(&mut self) {
        self.marks.rest();
        self.table = PageTable::default();
        self.specials = Vec::new();
        self.news = News::default();
    }

    /// Where its first object begins and its last one ends.
    pub(super) fn range(&self) -> (u64, u64) {
        self.spans.first().zip(self.spans.last()).map_or((0, 0), |(low, high)| (low.start, high.end()))
    }
}

/// Some of the blocks of a page.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Blocks(u16);

impl Blocks {
    pub(super) const ALL: Blocks = Blocks(u16::MAX);

    fn add(&mut self, address: u64) {
        self.0 |= 1 << (address % PAGE / BLOCK);
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether one of those is among them that the bytes of `range`, all of that page
    /// and at least one, are in.
    pub(super) fn touch(self, range: &Range<u64>) -> bool {
        let (first, last) = (range.start % PAGE / BLOCK, (range.end - 1) % PAGE / BLOCK);
        u64::from(self.0) >> first & ((2 << (last.saturating_sub(first))) - 1) != 0
    }
}

/// A number for what a block holds, never zero.
fn sum(bytes: &[u8]) -> u32 {
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    hasher.write(bytes);
    // The upper half; both of them are as good.
    u32::try_from(hasher.finish() >> 32).unwrap_or(0) | 1
}

/// Pointer and length of a slice.
fn header<M: Memory + ?Sized>(memory: &M, at: Addr) -> Result<(Addr, u64), MemoryError> {
    let mut bytes = [0; 16];
    memory.read(at, &mut bytes)?;
    let mut words = words(&bytes);
    Ok((Addr(words.next().unwrap_or(0)), words.next().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_changed_touch_the_objects_that_are_in_them() {
        let page = 0xc000_0000_2000;
        let mut changed = Blocks::default();
        assert!(changed.is_empty() && !changed.touch(&(page..page + PAGE)));
        changed.add(page + 3 * BLOCK + 8);
        let touches = |from: u64, until: u64| changed.touch(&(page + from..page + until));
        assert!(touches(0, PAGE) && touches(3 * BLOCK, 3 * BLOCK + 1) && touches(2 * BLOCK, 4 * BLOCK));
        assert!(!touches(0, 3 * BLOCK) && !touches(4 * BLOCK, PAGE) && !touches(PAGE - 1, PAGE));
        changed.add(page + PAGE - 8);
        assert!(changed.touch(&(page + PAGE - BLOCK..page + PAGE)));
        assert!(Blocks::ALL.touch(&(page + 16..page + 24)));
        assert_ne!(sum(&[0; 16]), 0);
    }
}
