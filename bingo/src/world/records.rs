//! The records of the goroutines that live, each with a number that is its own as
//! long as it lives. In: ids. Out: records, by id or by number.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::goroutine::Record;
use crate::model::GoId;

/// Records by number and by id.
#[derive(Debug, Default)]
pub(super) struct Records {
    by_number: Vec<Option<Record>>,
    /// The numbers by id.
    numbers: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
    free: Vec<u32>,
}

impl Records {
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn reserve(&mut self, more: usize) {
        let (records, hasher) = (&self.by_number, &self.hasher);
        self.numbers.reserve(more, |number| hash(records, hasher, *number));
        self.by_number.reserve(more.saturating_sub(self.free.len()));
    }

    /// The number of a goroutine's record.
    pub(super) fn number(&self, id: GoId) -> Option<u32> {
        self.numbers.find(self.hasher.hash_one(id), |number| is_of(&self.by_number, *number, id)).copied()
    }

    pub(super) fn get(&self, id: GoId) -> Option<&Record> {
        self.by_number.get(self.number(id)? as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: GoId) -> Option<&mut Record> {
        self.at(self.number(id)?)
    }

    /// All places of records, by number.
    pub(super) fn by_number(&mut self) -> &mut [Option<Record>] {
        &mut self.by_number
    }

    /// The record of a number.
    #[inline]
    pub(super) fn at(&mut self, number: u32) -> Option<&mut Record> {
        self.by_number.get_mut(number as usize)?.as_mut()
    }

    /// Adds the record of a goroutine that has none; its number. `None`: there are
    /// more than can be counted.
    pub(super) fn insert(&mut self, record: Record) -> Option<u32> {
        let number = match self.free.pop() {
            Some(number) => number,
            None => {
                let number = u32::try_from(self.by_number.len()).ok()?;
                self.by_number.push(None);
                number
            }
        };
        let id = record.id;
        *self.by_number.get_mut(number as usize)? = Some(record);
        let (records, hasher) = (&self.by_number, &self.hasher);
        self.numbers.insert_unique(hasher.hash_one(id), number, |number| hash(records, hasher, *number));
        Some(number)
    }

    pub(super) fn remove(&mut self, id: GoId) -> Option<Record> {
        let is_it = |number: &u32| is_of(&self.by_number, *number, id);
        let (number, _) = self.numbers.find_entry(self.hasher.hash_one(id), is_it).ok()?.remove();
        self.free.push(number);
        self.by_number.get_mut(number as usize)?.take()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.by_number.iter().flatten()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Record> {
        self.by_number.iter_mut().flatten()
    }

    /// The same as [`Records::iter`], and how many come: in the order in which they were
    /// made, as a rule, which is the order in memory.
    pub(super) fn iter_exact(&self) -> impl ExactSizeIterator<Item = &Record> {
        Exactly { records: self.iter(), left: self.len() }
    }
}

fn is_of(records: &[Option<Record>], number: u32, id: GoId) -> bool {
    matches!(records.get(number as usize), Some(Some(record)) if record.id == id)
}

fn hash(records: &[Option<Record>], hasher: &impl BuildHasher, number: u32) -> u64 {
    let record = records.get(number as usize).and_then(Option::as_ref);
    record.map_or(0, |record| hasher.hash_one(record.id))
}

/// So many of an iterator's.
struct Exactly<I> {
    records: I,
    left: usize,
}

impl<'r, I: Iterator<Item = &'r Record>> Iterator for Exactly<I> {
    type Item = &'r Record;

    fn next(&mut self) -> Option<&'r Record> {
        let next = self.records.next();
        self.left = self.left.saturating_sub(1);
        next
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<'r, I: Iterator<Item = &'r Record>> ExactSizeIterator for Exactly<I> {}
