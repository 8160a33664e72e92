//! One span: pages that hold objects of one size. A copy of `runtime.mspan` comes
//! in; where its objects are, and what kind they are of, comes out.

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
/// Larger objects say by their type, before them, where their pointers are.
// go: runtime.minSizeForMallocHeader (1.22-1.27)
const BITS_IN_SPAN: u64 = 512;
/// Bytes of a page's pointer bits, which stand at its end.
pub(in crate::goruntime) const POINTER_BITS: u64 = PAGE / 64;
/// Behind them there are the collector's marks, if objects have two words or more.
// go: runtime.spanInlineMarkBits (1.26-1.27)
const INLINE_MARKS: u64 = 128;
/// No span is larger: 1 TiB.
const MOST_PAGES: u64 = (1 << 40) / PAGE;
/// No span has more objects; those of several have some pages.
const MOST_OBJECTS: u64 = 1 << 12;

/// One object of the heap: its span, and its number in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(in crate::goruntime) struct ObjectId {
    pub(in crate::goruntime) span: u32,
    pub(in crate::goruntime) object: u32,
}

/// A span. A large heap has very many.
#[derive(Clone, Debug)]
pub(in crate::goruntime) struct Span {
    pub(in crate::goruntime) start: u64,
    /// Where the runtime describes it.
    pub(super) record: Addr,
    pages: u32,
    /// Bytes from one object to the next; 0: there is but one, as large as the span.
    element: u32,
    /// Its number when the list was read before, if it was in it.
    pub(super) before: Before,
    /// Where its pointer bits are, in bytes from its start; 0 where there are none.
    bits: u16,
    class: u8,
}

/// The number that a span had before; none where it is new.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Before(u32);

impl Before {
    pub(super) const NEW: Before = Before(u32::MAX);

    pub(super) fn at(number: u32) -> Before {
        Before(number)
    }

    pub(super) fn number(self) -> Option<u32> {
        (self != Before::NEW).then_some(self.0)
    }
}

impl Span {
    /// The span of which `at` is the copy of a `record`, if it holds objects.
    pub(super) fn decode(layout: &Layout, record: Addr, at: Fields<'_>) -> Option<Span> {
        let mspan = &layout.mspan;
        if at.byte(mspan.state)? != IN_USE {
            return None;
        }
        let class = at.byte(mspan.spanclass)?;
        let (start, pages) = (at.u64(mspan.start_addr)?, at.u64(mspan.npages)?);
        let element = if class == TINY { TINY_GRAIN } else { at.u64(mspan.elemsize)? };
        let sane = start.is_multiple_of(PAGE)
            && start > 0
            && (1..=MOST_PAGES).contains(&pages)
            && start.checked_add(pages * PAGE).is_some_and(|end| end <= 1 << 47);
        let count = sane.then_some(pages * PAGE)?.checked_div(element)?;
        let small = count <= 1 || count <= MOST_OBJECTS && pages * PAGE * element < 1 << 32;
        u32::try_from(count).ok().filter(|_| small)?;
        let has_bits =
            layout.pointer_bits && pages == 1 && class & 1 == 0 && (16..=BITS_IN_SPAN).contains(&element);
        let behind = if layout.minor >= 26 { INLINE_MARKS } else { 0 };
        let bits = if has_bits { u16::try_from(PAGE - POINTER_BITS - behind).unwrap_or(0) } else { 0 };
        let element = u32::try_from(element).ok().filter(|_| element < pages * PAGE).unwrap_or(0);
        let pages = u32::try_from(pages).ok()?;
        Some(Span { start, record, pages, element, before: Before::NEW, bits, class })
    }

    /// The first of the records on objects of the span of which `at` is a copy, if there are
    /// any.
    pub(super) fn specials(layout: &Layout, at: Fields<'_>) -> Option<u64> {
        at.u64(layout.mspan.specials).filter(|&specials| specials != 0)
    }

    pub(super) fn is_like(&self, other: &Span) -> bool {
        let shape = |span: &Span| (span.start, span.pages, span.element, span.class);
        shape(self) == shape(other)
    }

    pub(in crate::goruntime) fn end(&self) -> u64 {
        self.start.saturating_add(self.bytes())
    }

    pub(in crate::goruntime) fn bytes(&self) -> u64 {
        u64::from(self.pages) * PAGE
    }

    pub(super) fn pages(&self) -> u64 {
        u64::from(self.pages)
    }

    /// Whether its objects hold no pointers.
    // go: runtime.spanClass.noscan (1.19-1.27)
    pub(in crate::goruntime) fn is_noscan(&self) -> bool {
        self.class & 1 != 0
    }

    /// Where the bits are that say of each word of the span whether it is a pointer, if
    /// there are any.
    pub(in crate::goruntime) fn pointer_bits(&self) -> Option<Addr> {
        (self.bits != 0).then(|| Addr(self.start + u64::from(self.bits)))
    }

    pub(super) fn size_class(&self) -> u8 {
        self.class >> 1
    }

    pub(in crate::goruntime) fn is_tiny(&self) -> bool {
        self.class == TINY
    }

    /// Bytes of one object.
    pub(in crate::goruntime) fn element(&self) -> u64 {
        if self.element == 0 { self.bytes() } else { u64::from(self.element) }
    }

    /// How many objects there are.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.bytes() / self.element()).unwrap_or(u32::MAX)
    }

    /// Where an object begins.
    pub(in crate::goruntime) fn address_of(&self, object: u32) -> u64 {
        self.start.saturating_add(u64::from(object).saturating_mul(self.element()))
    }

    /// The object that holds the byte at `offset`.
    pub(super) fn object_at(&self, offset: u64) -> Option<u32> {
        let element = self.element();
        let object = offset.checked_div(element)?;
        let end = object.checked_add(1)?.checked_mul(element)?;
        u32::try_from(object).ok().filter(|_| end <= self.bytes())
    }
}
