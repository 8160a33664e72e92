//! One span: pages that hold objects of one size, and what a search has noted
//! of each of them.
//!
//! A mark is a label, that says from where an object was reached, and whether it
//! waits to be looked through. Both are kept in two bytes an object, and only
//! for spans in which something was reached.

use crate::binary::layout::Layout;
use crate::goruntime::fields::Fields;
use crate::model::Addr;

/// Bytes of a page of Go's heap.
// go: runtime._PageShift (1.19-1.27)
pub(in crate::goruntime) const PAGE: u64 = 8192;
/// `mspan.state` of a span that holds objects.
// go: runtime.mSpanInUse (1.19-1.27)
const IN_USE: u8 = 1;
/// Objects under 16 bytes without pointers share blocks of this class.
// go: runtime.tinySpanClass (1.19-1.27): size class 2, noscan
const TINY: u8 = 5;
/// What is told apart in such blocks: the alignment of most of what is in them.
const TINY_GRAIN: u64 = 4;
/// No span is larger: 1 TiB.
const MOST_PAGES: u64 = (1 << 40) / PAGE;
/// The bit of a mark that says that the object has not been looked through.
const PENDING: u16 = 1 << 15;

/// One object of the heap: its span, and its number in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(in crate::goruntime) struct ObjectId {
    pub(in crate::goruntime) span: u32,
    pub(in crate::goruntime) object: u32,
}

/// From where something was reached; never zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(in crate::goruntime) struct Label(u16);

impl Label {
    /// Of what no search may enter.
    const OPAQUE: u16 = PENDING - 1;
    /// How many there can be.
    pub(in crate::goruntime) const COUNT: u16 = Label::OPAQUE - 1;
    /// The label with the highest number.
    pub(in crate::goruntime) const LAST: Label = Label(Label::COUNT);

    /// The label number `number`, from 0 on.
    pub(in crate::goruntime) fn new(number: u16) -> Option<Label> {
        (number < Label::COUNT).then_some(Label(number + 1))
    }

    pub(in crate::goruntime) fn number(self) -> u16 {
        self.0.saturating_sub(1)
    }
}

/// A span and its marks.
#[derive(Clone, Debug)]
pub(in crate::goruntime) struct Span {
    pub(in crate::goruntime) start: u64,
    pages: u64,
    /// Bytes from one object to the next.
    element: u64,
    class: u8,
    /// The first of the records on its objects.
    pub(in crate::goruntime) specials: u64,
    /// Where the runtime describes it.
    pub(super) record: Addr,
    /// Whether somebody wants to know of objects in it; else those without
    /// pointers need no marks.
    pub(in crate::goruntime) watched: bool,
    marks: Vec<u16>,
    pending: u32,
}

impl Span {
    /// The span of which `at` is the copy of a `record`, if it holds objects.
    pub(super) fn decode(layout: &Layout, record: Addr, at: Fields<'_>) -> Option<Span> {
        let mspan = &layout.mspan;
        if at.byte(mspan.state)? != IN_USE {
            return None;
        }
        let class = at.byte(mspan.spanclass)?;
        let span = Span {
            start: at.u64(mspan.start_addr)?,
            pages: at.u64(mspan.npages)?,
            element: if class == TINY { TINY_GRAIN } else { at.u64(mspan.elemsize)? },
            class,
            specials: at.u64(mspan.specials)?,
            record,
            watched: false,
            marks: Vec::new(),
            pending: 0,
        };
        let sane = span.start.is_multiple_of(PAGE)
            && span.start > 0
            && (1..=MOST_PAGES).contains(&span.pages)
            && span.start.checked_add(span.pages * PAGE).is_some_and(|end| end <= 1 << 47)
            && span.element > 0
            && u32::try_from(span.bytes() / span.element).is_ok();
        sane.then_some(span)
    }

    pub(super) fn is_like(&self, other: &Span) -> bool {
        let shape = |span: &Span| (span.start, span.pages, span.element, span.class);
        shape(self) == shape(other)
    }

    pub(super) fn take_marks(&mut self, from: Span) {
        self.marks = from.marks;
        self.pending = from.pending;
    }

    pub(super) fn end(&self) -> u64 {
        self.start.saturating_add(self.bytes())
    }

    pub(in crate::goruntime) fn bytes(&self) -> u64 {
        self.pages.saturating_mul(PAGE)
    }

    /// Whether its objects hold no pointers.
    // go: runtime.spanClass.noscan (1.19-1.27)
    pub(in crate::goruntime) fn is_noscan(&self) -> bool {
        self.class & 1 != 0
    }

    pub(super) fn size_class(&self) -> u8 {
        self.class >> 1
    }

    pub(in crate::goruntime) fn is_tiny(&self) -> bool {
        self.class == TINY
    }

    /// Bytes of one object.
    pub(in crate::goruntime) fn element(&self) -> u64 {
        self.element.min(self.bytes())
    }

    fn count(&self) -> u32 {
        // Checked when it was made.
        u32::try_from(self.bytes() / self.element).unwrap_or(0).max(1)
    }

    /// The number of the object that holds the byte at `address`.
    pub(super) fn object_at(&self, address: u64) -> Option<u32> {
        let offset = address.checked_sub(self.start)?;
        // Most spans are small, and so a division of half the width does.
        let object = match (u32::try_from(offset), u32::try_from(self.element)) {
            (Ok(offset), Ok(element)) => offset.checked_div(element)?,
            _ => u32::try_from(offset / self.element).ok()?,
        };
        (object < self.count()).then_some(object)
    }

    /// Where an object begins.
    pub(in crate::goruntime) fn address_of(&self, object: u32) -> u64 {
        self.start.saturating_add(u64::from(object).saturating_mul(self.element))
    }

    /// From where the object was reached, if it was.
    pub(in crate::goruntime) fn label(&self, object: u32) -> Option<Label> {
        let mark = self.marks.get(usize::try_from(object).ok()?).copied()? & !PENDING;
        (mark != 0 && mark != Label::OPAQUE).then_some(Label(mark))
    }

    /// Marks an object, to be looked through if it can hold pointers; whether it
    /// was not marked yet.
    pub(in crate::goruntime) fn mark(&mut self, object: u32, label: Label) -> bool {
        if self.is_noscan() && !self.watched {
            return false;
        }
        if self.marks.is_empty() {
            self.marks = vec![0; usize::try_from(self.count()).unwrap_or(0)];
        }
        let noscan = self.is_noscan();
        let Some(mark) = usize::try_from(object).ok().and_then(|object| self.marks.get_mut(object)) else {
            return false;
        };
        if *mark != 0 {
            return false;
        }
        *mark = label.0;
        if !noscan {
            *mark |= PENDING;
            self.pending += 1;
        }
        true
    }

    /// Has no search enter an object, or again has it entered.
    pub(in crate::goruntime) fn set_opaque(&mut self, object: u32, opaque: bool) {
        if self.marks.is_empty() && opaque {
            self.marks = vec![0; usize::try_from(self.count()).unwrap_or(0)];
        }
        let Some(mark) = usize::try_from(object).ok().and_then(|object| self.marks.get_mut(object)) else {
            return;
        };
        if *mark & PENDING != 0 {
            self.pending = self.pending.saturating_sub(1);
        }
        *mark = if opaque { Label::OPAQUE } else { 0 };
    }

    /// How many objects wait to be looked through.
    pub(in crate::goruntime) fn pending(&self) -> u32 {
        self.pending
    }

    /// Whether no search may enter the object.
    pub(in crate::goruntime) fn is_opaque(&self, object: u32) -> bool {
        let mark = usize::try_from(object).ok().and_then(|object| self.marks.get(object));
        mark == Some(&Label::OPAQUE)
    }

    /// Those that wait, with their labels; they wait no longer.
    pub(in crate::goruntime) fn take_pending(&mut self) -> Vec<(u32, Label)> {
        let mut taken = Vec::with_capacity(usize::try_from(self.pending).unwrap_or(0));
        if std::mem::take(&mut self.pending) > 0 {
            for (object, mark) in (0..).zip(&mut self.marks) {
                if *mark & PENDING != 0 {
                    *mark &= !PENDING;
                    taken.push((object, Label(*mark)));
                }
            }
        }
        taken
    }

    /// Has all that is marked looked through once more.
    pub(in crate::goruntime) fn look_again(&mut self) {
        if self.is_noscan() {
            return;
        }
        self.pending = 0;
        for mark in self.marks.iter_mut().filter(|mark| **mark != 0 && **mark != Label::OPAQUE) {
            *mark |= PENDING;
            self.pending += 1;
        }
    }
}
