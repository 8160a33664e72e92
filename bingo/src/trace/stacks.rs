//! The stacks of a trace as the model's. In: a stack id and its generation's
//! tables. Out: a stack, one and the same for the same calls in all generations.

use std::collections::HashMap;
use std::sync::Arc;

use super::tables::Tables;
use crate::model::{Addr, Frame, Stack};

/// Stacks that are kept beyond their generation.
const KEPT: usize = 1 << 15;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Stacks that were made.
#[derive(Default)]
pub(super) struct Stacks {
    /// This generation's, by id.
    by_id: Map<u64, Stack>,
    /// By their code addresses, which are what tells calls apart.
    by_calls: Map<Box<[u64]>, Stack>,
    frames: Map<u64, Frame>,
}

impl Stacks {
    /// Ids are about to get another meaning.
    pub(super) fn next_generation(&mut self) {
        self.by_id.clear();
        if self.by_calls.len() > KEPT {
            self.by_calls.clear();
            self.frames.clear();
        }
    }

    /// The stack of an id; `None` where there is none.
    pub(super) fn of(&mut self, id: u64, tables: &Tables) -> Option<Stack> {
        if id == 0 {
            return None;
        }
        if let Some(stack) = self.by_id.get(&id) {
            return Some(stack.clone());
        }
        let calls: Box<[u64]> = tables.stack(id).map(|frame| frame.pc).collect();
        if calls.is_empty() {
            return None;
        }
        let stack = match self.by_calls.get(&calls) {
            Some(stack) => stack.clone(),
            None => {
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
                stack
            }
        };
        self.by_id.insert(id, stack.clone());
        Some(stack)
    }
}
