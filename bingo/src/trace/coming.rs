//! The batches of a generation that come next. Those that begin soonest are read before
//! their turn, where there is somebody to do so. In: a generation's batches. Out: a
//! batch's bytes, and what they say as far as that has been read.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::ahead::{BatchesAhead, OUT, Reading, Ticket};
use super::bodies::Bodies;
use super::generation::Batch;
use super::tables::Tables;

/// The batches that have not been begun.
#[derive(Default)]
pub(super) struct Coming {
    bodies: Bodies,
    /// Who reads before their turn, if there is somebody.
    ahead: Option<Arc<BatchesAhead>>,
    /// Those that nobody was asked to read, the soonest last.
    soonest: Vec<u32>,
    /// Which of all were begun before anybody was asked.
    begun: Vec<bool>,
    tickets: HashMap<u32, Ticket, foldhash::fast::FixedState>,
    /// What others were read into.
    spare: Vec<Reading>,
}

impl Coming {
    pub(super) fn new(bodies: Bodies, batches: &[Batch], ahead: Option<Arc<BatchesAhead>>) -> Coming {
        let ahead = ahead.filter(|_| bodies.are_left());
        let (mut soonest, mut begun) = (Vec::new(), Vec::new());
        if ahead.is_some() {
            begun.resize(batches.len(), false);
            soonest.extend((0..).zip(batches).map(|(number, _)| number));
            let begins = |number: u32| batches.get(number as usize).map(|batch| batch.time);
            soonest.sort_unstable_by_key(|number| Reverse((begins(*number), *number)));
        }
        Coming { bodies, ahead, soonest, begun, ..Coming::default() }
    }

    /// Goes on behind another generation, and uses what its batches were read into.
    pub(super) fn follow(&mut self, before: Coming) {
        self.spare = before.spare;
    }

    /// Takes back what a batch was read into.
    pub(super) fn take_back(&mut self, reading: Reading) {
        if self.spare.len() < OUT && reading.bytes.capacity() > 0 {
            self.spare.push(reading);
        }
    }

    /// A batch, which is begun now.
    pub(super) fn begin(&mut self, number: u32, batch: &Batch) -> Reading {
        if let Some(ticket) = self.tickets.remove(&number) {
            return ticket.redeem();
        }
        if let Some(begun) = self.begun.get_mut(number as usize) {
            *begun = true;
        }
        self.reading(number, batch)
    }

    /// Has those read that come soonest.
    pub(super) fn want(&mut self, batches: &[Batch], tables: &Arc<Tables>) {
        let Some(ahead) = &self.ahead else { return };
        let ahead = Arc::clone(ahead);
        while ahead.has_room()
            && let Some(number) = self.soonest.pop()
        {
            let at = number as usize;
            if let Some(batch) = batches.get(at).filter(|batch| BatchesAhead::is_worth(batch.len(), tables))
                && self.begun.get(at) == Some(&false)
            {
                let reading = self.reading(number, batch);
                self.tickets.insert(number, ahead.want(reading, tables.nanoseconds(batch.time), tables));
            }
        }
    }

    /// A batch, to be loaded into what another was read into.
    fn reading(&mut self, number: u32, batch: &Batch) -> Reading {
        let mut spare = self.spare.pop().unwrap_or_default();
        spare.block.clear();
        self.bodies.body(number as usize, batch.offset, batch.len(), spare)
    }

    /// A batch that has been begun, or `len` bytes of its beginning, where they are in a file.
    pub(super) fn again(&self, batch: &Batch, len: usize) -> Option<Reading> {
        self.bodies.again(batch.offset, batch.len().min(len))
    }

    /// Whether bytes of batches can be had again.
    pub(super) fn are_in_file(&self) -> bool {
        self.bodies.are_left()
    }
}
