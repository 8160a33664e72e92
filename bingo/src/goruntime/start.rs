//! How goroutines began: the `go` statement that made them, the function that
//! they were made to run, and whether that makes them the runtime's own.

use std::collections::HashMap;
use std::sync::Arc;

use super::code::Code;
use super::stacks::KnownStack;
use crate::model::{Addr, CreatedBy, Pc};

type Map<V> = HashMap<Addr, V, foldhash::fast::FixedState>;

/// What is known of start functions and `go` statements, by code address.
#[derive(Default)]
pub(super) struct Starts {
    kinds: Map<StartKind>,
    created_by: Map<Option<Arc<CreatedBy>>>,
}

/// What a goroutine's first function makes of it
/// (`isSystemGoroutine` in `runtime/traceback.go`, Go 1.19 to 1.27).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum StartKind {
    User,
    System,
    /// It is the runtime's own except while it calls user code: finalizers,
    /// cleanups.
    SystemBetweenCalls,
}

impl Starts {
    /// Whether the goroutine that began at `startpc` and has this stack is the
    /// runtime's own. One that runs finalizers and has no stack to show counts
    /// as the runtime's.
    pub(super) fn is_system(&mut self, startpc: Addr, stack: Option<&KnownStack>, code: &impl Code) -> bool {
        let kind = *self.kinds.entry(startpc).or_insert_with(|| kind(code.function_name(startpc).as_deref()));
        match kind {
            StartKind::User => false,
            StartKind::System => true,
            StartKind::SystemBetweenCalls => !stack.is_some_and(|stack| stack.leaves_runtime),
        }
    }

    /// The `go` statement whose call returns to `gopc`. The runtime names the
    /// function that the code belongs to, but the innermost line there
    /// (`printcreatedby1` in `runtime/traceback.go`, Go 1.27).
    pub(super) fn created_by(&mut self, gopc: Addr, code: &impl Code) -> Option<Arc<CreatedBy>> {
        if gopc.is_nil() {
            return None;
        }
        let found = self.created_by.entry(gopc).or_insert_with(|| {
            let frames = code.frames(Pc::Return(gopc));
            let (inner, outer) = (frames.first()?, frames.last()?);
            if outer.function.is_empty() {
                return None;
            }
            let (function, file) = (outer.function.clone(), inner.file.clone());
            Some(Arc::new(CreatedBy { function, file, line: inner.line }))
        });
        found.clone()
    }
}

fn kind(start_function: Option<&str>) -> StartKind {
    match start_function {
        Some("runtime.main" | "runtime.corostart" | "runtime.handleAsyncEvent") | None => StartKind::User,
        // go: runtime.runfinq (1.19-1.24), runFinalizers, runCleanups (1.25-1.27)
        Some("runtime.runfinq" | "runtime.runFinalizers" | "runtime.runCleanups") => {
            StartKind::SystemBetweenCalls
        }
        Some(name) if name.starts_with("runtime.") => StartKind::System,
        Some(_) => StartKind::User,
    }
}
