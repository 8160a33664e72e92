//! From a page of the heap to the span that it belongs to: spans come in, a
//! number goes out. Only arenas that have a span take room.

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
}

impl PageTable {
    /// Notes `spans`, sorted by address; whether all of them found room.
    pub(super) fn fill(&mut self, spans: &[Span]) -> bool {
        self.arenas.clear();
        self.pages.clear();
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
        }
        whole
    }

    /// The span that holds `address`.
    pub(super) fn get(&self, address: u64) -> Option<u32> {
        let arena = (address / ARENA).checked_sub(self.first)?;
        let base = *self.arenas.get(usize::try_from(arena).ok()?)?;
        if base == NONE {
            return None;
        }
        let page = u64::from(base) + address / PAGE % PAGES;
        self.pages.get(usize::try_from(page).ok()?).copied().filter(|&span| span != NONE)
    }

    /// Notes that the pages `[from, until)`, all of one arena, belong to `span`.
    fn set(&mut self, from: u64, until: u64, span: u32) -> Option<()> {
        let arena = self.arenas.get_mut(index((from / PAGES).checked_sub(self.first)?))?;
        if *arena == NONE {
            *arena = u32::try_from(self.pages.len()).ok()?;
            self.pages.resize(self.pages.len() + index(PAGES), NONE);
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
