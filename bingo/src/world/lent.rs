//! What the numbers in bursts stand for in the World. In: a burst's tables. Out: the
//! record of a goroutine, the place of a stack, without a look-up.

use super::history::{Past, PlaceIndex};
use super::tally::Tallies;
use crate::model::{Burst, ShortEvent, Stack, WaitReason};

/// No number.
pub(super) const NONE: u32 = ShortEvent::NONE;

/// What bursts have told of by number.
#[derive(Debug, Default)]
pub(super) struct Lent {
    waits: Waits,
    /// By a goroutine's number the number of its record, or [`NONE`].
    records: Vec<u32>,
}

/// The stacks of the last burst, and where those wait who have them.
#[derive(Debug, Default)]
pub(super) struct Waits {
    stacks: Vec<Stack>,
    /// The place of each stack and the reason it was last waited there for.
    places: Vec<Option<(Option<WaitReason>, PlaceIndex)>>,
    pub(super) tallies: Tallies,
}

impl Lent {
    /// Whether a burst's stacks are those of the one before, and more.
    pub(super) fn is_continued_by(&self, burst: &Burst<'_>) -> bool {
        let Some(last) = self.waits.stacks.len().checked_sub(1) else { return true };
        let pair = self.waits.stacks.get(last).zip(burst.stacks.get(last));
        pair.is_some_and(|(ours, theirs)| ours.is_same(theirs))
    }

    /// Takes over a burst's tables.
    pub(super) fn take_over(&mut self, burst: &Burst<'_>) {
        let Waits { stacks, places, tallies } = &mut self.waits;
        let new = burst.stacks.get(stacks.len()..).unwrap_or_default();
        stacks.extend_from_slice(new);
        places.resize(stacks.len(), None);
        tallies.resize(stacks.len());
        if self.records.len() < burst.goroutines.len() {
            self.records.resize(burst.goroutines.len(), NONE);
        }
        burst.renamed.iter().for_each(|number| self.note_record(*number, NONE));
    }

    /// Forgets which records goroutines have: of some it is another now.
    pub(super) fn forget_records(&mut self) {
        self.records.fill(NONE);
    }

    /// Forgets the stacks: their numbers are about to mean others.
    pub(super) fn forget_stacks(&mut self) {
        self.waits.stacks.clear();
        self.waits.places.clear();
        self.waits.tallies.resize(0);
    }

    /// A stack by its number.
    #[inline]
    pub(super) fn stack(&self, number: u32) -> Option<&Stack> {
        self.waits.stack(number)
    }

    /// The numbers of the records of goroutines by their own, and the stacks.
    pub(super) fn tables(&mut self) -> (&[u32], &mut Waits) {
        (&self.records, &mut self.waits)
    }

    /// Notes the number of a goroutine's record.
    pub(super) fn note_record(&mut self, goroutine: u32, record: u32) {
        if let Some(place) = self.records.get_mut(goroutine as usize) {
            *place = record;
        }
    }
}

impl Waits {
    /// A stack by its number.
    #[inline]
    pub(super) fn stack(&self, number: u32) -> Option<&Stack> {
        self.stacks.get(number as usize)
    }

    /// The place of a reason and a stack by its number.
    #[inline]
    pub(super) fn place(
        &mut self,
        past: &mut Past,
        reason: Option<WaitReason>,
        number: u32,
    ) -> Option<PlaceIndex> {
        match self.places.get(number as usize) {
            Some(Some((known, place))) if *known == reason => Some(*place),
            _ => self.learn_place(past, reason, number),
        }
    }

    #[cold]
    fn learn_place(
        &mut self,
        past: &mut Past,
        reason: Option<WaitReason>,
        number: u32,
    ) -> Option<PlaceIndex> {
        let place = past.place(reason, self.stacks.get(number as usize)?)?;
        if let Some(known) = self.places.get_mut(number as usize) {
            *known = Some((reason, place));
        }
        Some(place)
    }
}
