//! The `go` statements that events told of, each once. In: the stacks of those who made
//! goroutines. Out: what stands at the top of each.

use std::sync::Arc;

use super::Map;
use crate::model::{CreatedBy, Stack};

/// Stacks that are kept. A program has fewer.
const KEPT: usize = 1 << 12;

/// The `go` statements by where the creator's stack is kept: it stands beside, so that it
/// is kept there.
#[derive(Debug, Default)]
pub(super) struct GoStatements(Map<usize, (Stack, Arc<CreatedBy>)>);

impl GoStatements {
    /// The statement at the top of the creator's stack, if that is known.
    pub(super) fn at(&mut self, creator: &Stack) -> Option<Arc<CreatedBy>> {
        if let Some((_, known)) = self.0.get(&creator.address()) {
            return Some(Arc::clone(known));
        }
        let frame = creator.visible().next()?;
        let (function, file) = (frame.function.clone(), frame.file.clone());
        let made = Arc::new(CreatedBy { function, file, line: frame.line });
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        self.0.insert(creator.address(), (creator.clone(), Arc::clone(&made)));
        Some(made)
    }
}
