//! What a search has noted of the objects of spans: which are reached, from where,
//! which of these have still to be looked through, and which no search enters.
//!
//! Most objects have three bits, in tables that fit into a processor's cache, and no
//! label of their own: what is in one span is reached from one root as a rule, and
//! then the span has the label. Objects in which nobody looks for anything have
//! nothing.

use std::ops::Range;

use super::bits::{Bits, lengthen, rearrange, words_for};
use super::labels::{Label, Labels, LabelsOf, Place};
use super::pages::{PageTable, Target};
use super::span::{ObjectId, PAGE, Span};
use crate::goruntime::fields::index;

/// An object that was marked for the first time.
#[derive(Clone, Copy, Debug)]
pub(in crate::goruntime) struct Marked {
    pub(in crate::goruntime) id: ObjectId,
    /// Whether it is the first of its span that waits to be looked through.
    pub(in crate::goruntime) first: bool,
    /// Whether somebody wants to know of objects in its span.
    pub(in crate::goruntime) watched: bool,
}

/// The bits of what nobody needs marks of: all are set.
const UNMARKED: u32 = 0;
/// Where there are no sums.
const NOWHERE: u32 = u32::MAX;
/// Words that are looked up side by side.
const ABREAST: usize = 128;
/// Bytes of which it is noted together whether they have changed.
pub(super) const BLOCK: u64 = 1024;
/// How many of these a page has.
const BLOCKS: u64 = PAGE / BLOCK;

/// What is noted of one span.
#[derive(Clone, Debug)]
struct Notes {
    count: u32,
    pending: u32,
    /// Where its bits are.
    bits: u32,
    noscan: bool,
    watched: bool,
    /// Where the labels of its objects are.
    labels: Place,
    /// Where the sums of its blocks are.
    sums: u32,
}

/// What is noted of all spans.
#[derive(Default)]
pub(super) struct Marks {
    spans: Vec<Notes>,
    /// Marked or opaque: not to be marked again.
    seen: Bits,
    pending: Bits,
    opaque: Bits,
    labels: Labels,
    /// Of what each block held when all that is marked in it was looked through; 0
    /// where that is not known.
    sums: Vec<u32>,
}

impl Notes {
    /// Of a span without objects.
    const NONE: Notes = Notes {
        count: 0,
        pending: 0,
        bits: UNMARKED,
        noscan: true,
        watched: false,
        labels: Place::Nowhere,
        sums: NOWHERE,
    };

    fn of(span: &Span) -> Notes {
        Notes { count: span.count(), noscan: span.is_noscan(), ..Notes::NONE }
    }

    /// Where the sums of the blocks are that an object of the span is in.
    fn sums_of(&self, span: &Span, object: u32) -> Range<usize> {
        let block = |address: u64| index(address / BLOCK).saturating_add(index(self.sums));
        let start = u64::from(object) * span.element();
        block(start)..block(start.saturating_add(span.element() - 1)).saturating_add(1)
    }

    fn words(&self) -> u32 {
        // Behind the last object there may be a part of one more.
        words_for(self.count.saturating_add(1))
    }
}

impl Marks {
    /// Makes room for spans, by address; of those that were there before what was noted
    /// stays where it is, but for what is opaque. The room of spans that are gone stays, too:
    /// in the seconds that a search lasts few go.
    pub(super) fn fit(&mut self, spans: &[Span]) {
        self.pending.match_room(&self.seen);
        self.opaque.match_room(&self.seen);
        self.seen.subtract(&self.opaque);
        self.pending.subtract(&self.opaque);
        self.opaque.clear_all();
        if self.seen.is_empty() {
            self.grow(1);
            self.seen.fill(UNMARKED);
        }
        rearrange(&mut self.spans, spans.iter().map(|span| span.before.number()), Notes::NONE);
        for (number, span) in spans.iter().enumerate() {
            if span.before.number().is_some() {
                continue;
            }
            let mut notes = Notes::of(span);
            if !notes.noscan {
                notes.bits = self.grow(notes.words());
            }
            self.spans.get_mut(number).into_iter().for_each(|into| *into = notes.clone());
        }
    }

    /// Room for more bits: where they are.
    fn grow(&mut self, words: u32) -> u32 {
        self.pending.grow(words);
        self.opaque.grow(words);
        self.seen.grow(words).unwrap_or(UNMARKED)
    }

    /// Takes those of `words` out, by the address that `word` finds in each, which point
    /// to nothing that is still to be marked.
    ///
    /// Tables of a large heap do not fit into a processor's cache, so what is needed
    /// of them is fetched for many words at once.
    pub(super) fn sift<T: Copy>(&self, words: &mut Vec<T>, word: impl Fn(T) -> u64, table: &PageTable) {
        let mut kept = 0;
        let mut next = 0;
        while next < words.len() {
            let end = words.len().min(next + ABREAST);
            let mut targets = [Target::default(); ABREAST];
            let mut open = [false; ABREAST];
            let some = words.get(next..end).unwrap_or_default();
            for (target, &one) in targets.iter_mut().zip(some) {
                if let Some(place) = table.place(word(one)) {
                    *target = table.target(place, word(one));
                }
            }
            for (open, target) in open.iter_mut().zip(&targets) {
                *open = !self.seen.get(target.bits, target.object);
            }
            for (place, open) in (next..end).zip(open) {
                if let Some(&word) = words.get(place)
                    && let Some(into) = words.get_mut(kept)
                {
                    *into = word;
                    kept += usize::from(open);
                }
            }
            next = end;
        }
        words.truncate(kept);
    }

    /// Marks an object of a span, to be looked through if it can hold pointers; `None` where
    /// it was marked before. `of` is the span number `span`.
    pub(super) fn mark(&mut self, of: &[Span], span: u32, target: Target, label: Label) -> Option<Marked> {
        let Target { bits, object } = target;
        let notes = self.spans.get_mut(index(span)).filter(|notes| object < notes.count)?;
        if !self.seen.set(bits, object) {
            return None;
        }
        self.labels.set(&mut notes.labels, notes.count, object, label);
        if notes.sums != NOWHERE
            && let Some(of) = of.get(index(span))
        {
            // What it holds has not been looked through.
            self.sums.get_mut(notes.sums_of(of, object)).unwrap_or_default().fill(0);
        }
        let first = !notes.noscan && notes.pending == 0;
        if !notes.noscan && self.pending.set(bits, object) {
            notes.pending += 1;
        }
        Some(Marked { id: ObjectId { span, object }, first, watched: notes.watched })
    }

    /// Has marks set in a span, whatever is in it, and told of: whether they were not told
    /// of before, and where its bits are.
    pub(super) fn watch(&mut self, number: u32) -> Option<(bool, u32)> {
        let notes = self.spans.get_mut(index(number))?;
        let is_new = !std::mem::replace(&mut notes.watched, true);
        let (words, mut bits) = (notes.words(), notes.bits);
        if bits == UNMARKED {
            bits = self.grow(words);
            self.spans.get_mut(index(number)).into_iter().for_each(|notes| notes.bits = bits);
        }
        Some((is_new, bits))
    }

    /// Where the bits of a span are.
    pub(super) fn bits(&self, span: u32) -> u32 {
        self.notes(span).map_or(UNMARKED, |notes| notes.bits)
    }

    fn notes(&self, span: u32) -> Option<&Notes> {
        self.spans.get(index(span))
    }

    /// What is noted of a span that has bits, and where they are.
    fn marked(&self, span: u32) -> Option<(&Notes, u32)> {
        let bits = self.bits(span);
        self.notes(span).filter(|_| bits != UNMARKED).map(|notes| (notes, bits))
    }

    pub(super) fn is_watched(&self, span: u32) -> bool {
        self.notes(span).is_some_and(|notes| notes.watched)
    }

    /// From where the object was reached, if it was.
    pub(super) fn label(&self, id: ObjectId) -> Option<Label> {
        let (notes, bits) = self.marked(id.span)?;
        let marked = self.seen.get(bits, id.object) && !self.opaque.get(bits, id.object);
        marked.then(|| self.labels.get(notes.labels, id.object)).flatten()
    }

    /// The labels of the marked objects of a span.
    pub(super) fn labels_of(&self, span: u32) -> LabelsOf<'_> {
        self.labels.of(self.notes(span).map_or(Place::Nowhere, |notes| notes.labels))
    }

    /// Has no search enter an object.
    pub(super) fn set_opaque(&mut self, id: ObjectId) {
        let bits = self.bits(id.span);
        if bits == UNMARKED {
            return;
        }
        self.seen.set(bits, id.object);
        self.opaque.set(bits, id.object);
        if self.pending.clear(bits, id.object)
            && let Some(notes) = self.spans.get_mut(index(id.span))
        {
            notes.pending = notes.pending.saturating_sub(1);
        }
    }

    /// Takes the mark off an object.
    pub(super) fn unmark(&mut self, id: ObjectId) {
        let bits = self.bits(id.span);
        if bits != UNMARKED && !self.opaque.get(bits, id.object) {
            self.seen.clear(bits, id.object);
        }
    }

    pub(super) fn is_opaque(&self, id: ObjectId) -> bool {
        self.marked(id.span).is_some_and(|(_, bits)| self.opaque.get(bits, id.object))
    }

    /// How many objects of a span wait to be looked through.
    pub(super) fn pending(&self, span: u32) -> u32 {
        self.notes(span).map_or(0, |notes| notes.pending)
    }

    /// Adds those that wait to `into`; they wait no longer.
    pub(super) fn take_pending(&mut self, span: u32, into: &mut Vec<u32>) {
        let bits = self.bits(span);
        if let Some(notes) = self.spans.get_mut(index(span)).filter(|notes| notes.pending > 0) {
            notes.pending = 0;
            let words = notes.words();
            self.pending.take(bits, words, into);
        }
    }

    /// The objects among `range` of a span that are marked.
    pub(super) fn among(&self, span: u32, range: Range<u32>) -> impl Iterator<Item = u32> + '_ {
        self.marked(span).into_iter().flat_map(move |(notes, bits)| {
            let within = range.start..range.end.min(notes.count);
            let marked = self.seen.among(bits, within);
            marked.filter(move |&object| !self.opaque.get(bits, object))
        })
    }

    /// The lowest object of a span that is marked, and the highest.
    pub(super) fn extent(&self, span: u32) -> Option<(u32, u32)> {
        let (notes, bits) = self.marked(span).filter(|(notes, _)| !notes.noscan)?;
        self.seen.extent(&self.opaque, bits, notes.words())
    }

    /// Notes the sum of a block of a span, which has so many pages; whether it is
    /// another than the one that was noted before.
    pub(super) fn set_sum(&mut self, span: u32, (block, pages): (u64, u64), sum: u32) -> bool {
        let Some(notes) = self.spans.get_mut(index(span)) else { return true };
        if notes.sums == NOWHERE {
            notes.sums = u32::try_from(self.sums.len()).unwrap_or(NOWHERE);
            lengthen(&mut self.sums, index(pages * BLOCKS), 0);
        }
        let noted = self.sums.get_mut(index(notes.sums).saturating_add(index(block)));
        noted.is_none_or(|noted| std::mem::replace(noted, sum) != sum)
    }

    /// Gives the room back that marks do not need until [`Marks::of`]: nothing waits, and
    /// nothing is opaque any more.
    pub(super) fn rest(&mut self) {
        self.seen.subtract(&self.opaque);
        self.opaque.give_up();
        self.pending.give_up();
        self.labels.rest();
    }

    /// Forgets the sums of all blocks.
    pub(super) fn forget_sums(&mut self) {
        self.sums.fill(0);
    }
}
