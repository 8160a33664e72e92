//! The stacks of a trace as the model's. In: a stack id and its generation's
//! tables. Out: a stack's number, one and the same for the same calls in all
//! generations until there are too many.

use std::collections::HashMap;
use std::sync::Arc;

use super::order::OrderFault;
use super::spec::EventType;
use super::tables::Tables;
use crate::model::{Addr, Frame, ShortEvent, Stack};

/// Stacks that are kept beyond their generation.
const KEPT: u32 = 1 << 15;
/// Ids below it are looked up by place.
const SMALL: usize = 1 << 16;
/// An id whose stack was not asked for yet.
const UNASKED: u32 = u32::MAX - 1;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Stacks that were made, by number.
#[derive(Default)]
pub(super) struct Stacks {
    /// Those that were made of late, in the order of their numbers.
    pub(super) made: Vec<Stack>,
    /// Whether numbers began anew with these.
    pub(super) others: bool,
    count: u32,
    /// This generation's, by id: the runtime counts them from 1 on.
    by_id: Vec<u32>,
    /// Those of an id beyond.
    by_large_id: Map<u64, u32>,
    /// By their code addresses, which are what tells calls apart.
    by_calls: Map<Box<[u64]>, u32>,
    frames: Map<u64, Frame>,
}

impl Stacks {
    /// Ids are about to get another meaning.
    pub(super) fn next_generation(&mut self) {
        self.by_id.clear();
        self.by_large_id.clear();
        if self.count > KEPT {
            (self.count, self.others) = (0, true);
            self.by_calls.clear();
            self.frames.clear();
        }
    }

    /// The number of the stack of an id, which `event` names; none of id 0.
    #[inline(always)]
    pub(super) fn of(&mut self, event: EventType, id: u64, tables: &Tables) -> Result<u32, OrderFault> {
        let known = usize::try_from(id).ok().and_then(|at| self.by_id.get(at));
        match known {
            Some(&number) if number != UNASKED => Ok(number),
            _ => self.learn(event, id, tables),
        }
    }

    #[cold]
    fn learn(&mut self, event: EventType, id: u64, tables: &Tables) -> Result<u32, OrderFault> {
        if let Some(&known) = self.by_large_id.get(&id) {
            return Ok(known);
        }
        if !tables.has_stack(id) && !tables.cut_off {
            return Err(OrderFault::Dangling { event, what: "stack", id });
        }
        let number = if id == 0 { ShortEvent::NONE } else { self.make(id, tables) };
        let Some(at) = usize::try_from(id).ok().filter(|id| *id < SMALL) else {
            self.by_large_id.insert(id, number);
            return Ok(number);
        };
        if self.by_id.len() <= at {
            self.by_id.resize(at + 1, UNASKED);
        }
        if let Some(place) = self.by_id.get_mut(at) {
            *place = number;
        }
        Ok(number)
    }

    fn make(&mut self, id: u64, tables: &Tables) -> u32 {
        let calls: Box<[u64]> = tables.stack(id).map(|frame| frame.pc).collect();
        if calls.is_empty() || self.count == UNASKED {
            return ShortEvent::NONE;
        }
        if let Some(known) = self.by_calls.get(&calls) {
            return *known;
        }
        let text = |id| Arc::<str>::from(tables.text(u64::from(id)));
        let frames = tables.stack(id).map(|frame| {
            let known = self.frames.entry(frame.pc).or_insert_with(|| Frame {
                function: text(frame.function),
                file: text(frame.file),
                line: frame.line,
                pc: Addr(frame.pc),
                inlined: false,
            });
            known.clone()
        });
        let frames: Vec<Frame> = frames.collect();
        self.made.push(Stack::new(frames));
        let number = self.count;
        self.by_calls.insert(calls, number);
        self.count += 1;
        number
    }
}
