//! What the race detector saw: two accesses to the same memory, at least one of
//! them a write, that nothing puts in an order.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Addr, GoId, Stack};

/// A race, as one report tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Race {
    /// The access at which it was seen, and the one that came before it.
    pub accesses: [MemoryAccess; 2],
    /// The goroutines that made them, where the report tells of them. The main
    /// goroutine was made by nobody.
    pub goroutines: Vec<Racer>,
    /// What the report says beside that, a line each.
    pub notes: Vec<String>,
}

/// An access to memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemoryAccess {
    /// As it is called: `write`, `previous atomic read`.
    pub kind: String,
    /// The memory, where that is told.
    pub address: Option<Addr>,
    /// By whom: `goroutine 7`, `main goroutine`, `finalizer goroutine`.
    pub who: String,
    /// Its number, where it has one.
    pub goroutine: Option<GoId>,
    /// Where; empty where the detector had no room to keep it.
    pub stack: Stack,
}

/// A goroutine that raced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Racer {
    /// Its number.
    pub goroutine: GoId,
    /// `running`, `finished`.
    pub state: String,
    /// Where it was made.
    pub created_at: Stack,
}

/// Pairs of places that are kept: a program with more has another problem.
const KEPT: usize = 10_000;

/// Races, those at the same two places as one.
#[derive(Clone, Default, Debug)]
pub struct Races {
    found: Vec<(Race, u64)>,
    by_places: HashMap<[Place; 2], usize>,
    left_out: u64,
}

/// Function, file and line.
type Place = (Arc<str>, Arc<str>, u32);

impl Race {
    /// The two places, whichever came first.
    fn places(&self) -> [Place; 2] {
        let mut places = self.accesses.each_ref().map(|access| match access.stack.site() {
            Some(site) => (Arc::clone(&site.function), Arc::clone(&site.file), site.line),
            None => ("".into(), "".into(), 0),
        });
        places.sort();
        places
    }
}

impl Races {
    /// Takes in what one report says.
    pub fn add(&mut self, race: Race) {
        let places = race.places();
        let known = self.by_places.get(&places).copied();
        if let Some((_, times)) = known.and_then(|at| self.found.get_mut(at)) {
            *times += 1;
        } else if self.found.len() >= KEPT {
            self.left_out += 1;
        } else {
            self.by_places.insert(places, self.found.len());
            self.found.push((race, 1));
        }
    }

    /// The first of each pair of places, and how often it came.
    pub fn found(&self) -> impl Iterator<Item = (&Race, u64)> {
        self.found.iter().map(|(race, times)| (race, *times))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Reports at other places than those that are kept.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}
