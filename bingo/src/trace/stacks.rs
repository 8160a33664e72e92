//! The stacks of a trace as the model's. In: a stack id and its generation's
//! tables. Out: a stack, one and the same for the same calls in all generations.

use std::collections::HashMap;
use std::sync::Arc;

use super::tables::Tables;
use crate::model::{Addr, Frame, Stack};

/// Stacks that are kept beyond their generation.
const KEPT: usize = 1 << 15;
/// Ids below it are looked up by place.
const SMALL: usize = 1 << 16;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Stacks that were made.
#[derive(Default)]
pub(super) struct Stacks {
    /// This generation's, by id: the runtime counts them from 1 on.
    by_id: Vec<Option<Stack>>,
    /// Those of an id beyond.
    by_large_id: Map<u64, Option<Stack>>,
    /// By their code addresses, which are what tells calls apart.
    by_calls: Map<Box<[u64]>, Stack>,
    frames: Map<u64, Frame>,
}

impl Stacks {
    /// Ids are about to get another meaning.
    pub(super) fn next_generation(&mut self) {
        self.by_id.clear();
        self.by_large_id.clear();
        if self.by_calls.len() > KEPT {
            self.by_calls.clear();
            self.frames.clear();
        }
    }

    /// The stack of an id; `None` where there is none.
    #[inline]
    pub(super) fn of(&mut self, id: u64, tables: &Tables) -> Option<&Stack> {
        if id == 0 {
            return None;
        }
        let small = usize::try_from(id).ok().filter(|id| *id < SMALL);
        if small.is_none_or(|at| self.by_id.get(at).is_none_or(Option::is_none)) {
            self.learn(id, small, tables);
        }
        match small {
            Some(at) => self.by_id.get(at)?.as_ref(),
            None => self.by_large_id.get(&id)?.as_ref(),
        }
    }

    #[cold]
    fn learn(&mut self, id: u64, small: Option<usize>, tables: &Tables) {
        let Some(at) = small else {
            if !self.by_large_id.contains_key(&id) {
                let stack = self.make(id, tables);
                self.by_large_id.insert(id, stack);
            }
            return;
        };
        let stack = self.make(id, tables);
        if self.by_id.len() <= at {
            self.by_id.resize(at + 1, None);
        }
        if let Some(place) = self.by_id.get_mut(at) {
            *place = stack;
        }
    }

    fn make(&mut self, id: u64, tables: &Tables) -> Option<Stack> {
        let calls: Box<[u64]> = tables.stack(id).map(|frame| frame.pc).collect();
        if calls.is_empty() {
            return None;
        }
        if let Some(stack) = self.by_calls.get(&calls) {
            return Some(stack.clone());
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
        let stack = Stack::new(frames.collect::<Vec<Frame>>());
        self.by_calls.insert(calls, stack.clone());
        Some(stack)
    }
}
