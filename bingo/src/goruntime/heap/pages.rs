//! From a page of the heap to the span that it belongs to, and to what is needed of that
//! for each word that points into it: spans come in; the number of one, and of an object,
//! goes out. Only arenas that have a span take room.

use super::span::{PAGE, Span};

/// Bytes that one part of the table is for, as Go's own arenas are on linux/amd64.
const ARENA: u64 = 64 << 20;
const PAGES: u64 = ARENA / PAGE;
/// Arenas of the whole address space that user programs have.
const MOST_ARENAS: u64 = (1 << 47) / ARENA;
/// Where no span is.
const NONE: u32 = u32::MAX;

/// Which span each page belongs to.
#[derive(Default)]
pub(super) struct PageTable {
    /// The number of the first arena.
    first: u64,
    /// For each arena where its pages stand; [`NONE`] for none.
    arenas: Vec<u32>,
    pages: Vec<u32>,
    cells: Vec<Cell>,
    /// 2^32 divided by the sizes of objects, rounded up, each once; the first one is 0, of
    /// spans of which objects are not told apart.
    inverses: Vec<u32>,
}

/// What is needed of a page for each word that points into it: short, since words point
/// anywhere, and a processor's cache is small.
#[derive(Clone, Copy, Default)]
struct Cell {
    /// Where the bits of the span are.
    bits: u32,
    /// How many pages of the span are before it; those with several objects are short.
    before: u16,
    /// Which of the inverses is the span's.
    inverse: u8,
}

/// Where a word points to.
#[derive(Clone, Copy, Default)]
pub(super) struct Target {
    /// Where the bits of the span are.
    pub(super) bits: u32,
    pub(super) object: u32,
}

impl PageTable {
    /// Notes `spans`, sorted by address, the bits of each of which are where `bits` says, 0
    /// for none; whether all of them found room.
    pub(super) fn fill(&mut self, spans: &[Span], bits: impl Fn(u32) -> u32) -> bool {
        self.arenas.clear();
        self.pages.clear();
        self.cells.clear();
        self.inverses.clear();
        self.inverses.push(0);
        let Some((low, high)) = spans.first().zip(spans.last()) else { return true };
        self.first = low.start / ARENA;
        let last = high.end().saturating_sub(1) / ARENA;
        if last >= MOST_ARENAS {
            return false;
        }
        self.arenas.resize(index(last - self.first + 1), NONE);
        let mut whole = true;
        for (number, span) in (0_u32..).zip(spans) {
            let mut page = span.start / PAGE;
            let end = span.end() / PAGE;
            while page < end {
                let until = end.min((page / PAGES + 1) * PAGES);
                whole &= self.set(page, until, number).is_some();
                page = until;
            }
            whole &= self.set_bits(span, bits(number)).is_some();
        }
        whole
    }

    /// Notes where the bits of a span are; `None` if there is no room for what is noted.
    pub(super) fn set_bits(&mut self, span: &Span, bits: u32) -> Option<()> {
        // Exact for every offset in the span: offset * (inverse * size - 2^32) < 2^32.
        let inverse = (1_u64 << 32).div_ceil(span.element());
        let inverse = u32::try_from(inverse).ok().filter(|_| span.count() > 1).unwrap_or(0);
        // There are as many as there are size classes; one that has no bits may get some.
        let known = self.inverses.iter().position(|&known| known == inverse);
        let known = u8::try_from(known.unwrap_or(self.inverses.len())).ok()?;
        if usize::from(known) == self.inverses.len() {
            self.inverses.push(inverse);
        }
        let several = inverse != 0 && bits != 0;
        let inverse = if several { known } else { 0 };
        for page in 0..span.pages() {
            let before = if several { u16::try_from(page).ok()? } else { 0 };
            let place = self.place(span.start + page * PAGE)?;
            *self.cells.get_mut(place)? = Cell { bits, before, inverse };
        }
        Some(())
    }

    /// Where what is noted of the page of `address` stands.
    #[inline]
    pub(super) fn place(&self, address: u64) -> Option<usize> {
        let arena = (address / ARENA).checked_sub(self.first)?;
        let base = *self.arenas.get(usize::try_from(arena).ok()?)?;
        (base != NONE).then(|| index(u64::from(base) + address / PAGE % PAGES))
    }

    /// The object that an address is in, whose page stands at a place.
    #[inline]
    pub(super) fn target(&self, place: usize, address: u64) -> Target {
        let cell = self.cells.get(place).copied().unwrap_or_default();
        let inverse = self.inverses.get(usize::from(cell.inverse)).copied().unwrap_or(0);
        let offset = u64::from(cell.before) * PAGE + address % PAGE;
        let object = u32::try_from(offset.wrapping_mul(u64::from(inverse)) >> 32).unwrap_or(u32::MAX);
        Target { bits: cell.bits, object }
    }

    /// The span that holds `address`.
    pub(super) fn get(&self, address: u64) -> Option<u32> {
        self.pages.get(self.place(address)?).copied().filter(|&span| span != NONE)
    }

    /// Notes that the pages `[from, until)`, all of one arena, belong to `span`.
    fn set(&mut self, from: u64, until: u64, span: u32) -> Option<()> {
        let arena = self.arenas.get_mut(index((from / PAGES).checked_sub(self.first)?))?;
        if *arena == NONE {
            *arena = u32::try_from(self.pages.len()).ok()?;
            self.pages.resize(self.pages.len() + index(PAGES), NONE);
            self.cells.resize(self.pages.len(), Cell::default());
        }
        let start = index(u64::from(*arena) + from % PAGES);
        self.pages.get_mut(start..start + index(until - from))?.fill(span);
        Some(())
    }
}

/// Numbers of pages and arenas are small.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
