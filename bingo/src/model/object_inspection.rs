//! One object looked at closely: what it is, and who refers to it.

use std::sync::Arc;

use super::{Addr, Frame, GoId, Value};

/// What is at an address, and who refers to it.
#[derive(Clone, PartialEq, Debug)]
pub struct ObjectInspection {
    /// The address that was asked for.
    pub address: Addr,
    /// What is there.
    pub sort: ObjectSort,
    /// Its name, where it has one: of a variable, a function.
    pub name: Option<String>,
    /// Its type as Go writes it.
    pub ty: Option<Arc<str>>,
    /// What it holds.
    pub value: Option<Value>,
    /// Where it lies in the heap.
    pub place: Option<HeapPlace>,
    /// The goroutine whose stack or description it is.
    pub goroutine: Option<GoId>,
    /// The call in whose frame it is.
    pub call: Option<Frame>,
    /// The ways that lead to it, the shortest first.
    pub ways: Vec<Way>,
    /// What is not shown, and why.
    pub notes: Vec<String>,
}

/// What is at an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ObjectSort {
    /// A channel.
    Channel,
    /// A lock of package sync, or a semaphore.
    Lock,
    /// Another object of the heap.
    Heap,
    /// A place of the heap with nothing in it.
    Free,
    /// A package variable.
    Variable,
    /// A part of a goroutine's stack that is in use.
    Stack,
    /// A part of a goroutine's stack that is not.
    UnusedStack,
    /// The runtime's own description of a goroutine.
    Goroutine,
    /// Code.
    Code,
    /// A constant, or a table, of the program's file.
    Constant,
    /// Memory of which the Go runtime knows nothing.
    Foreign,
    /// No memory.
    Nothing,
}

/// Where an object lies in the heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeapPlace {
    /// Where it begins.
    pub start: Addr,
    /// How many bytes it may have.
    pub size: u64,
    /// The span that it is in: where that begins, and its bytes.
    pub span: (Addr, u64),
    /// Whether it may hold pointers.
    pub has_pointers: bool,
    /// Whether it shares its place with other small ones.
    pub is_shared: bool,
}

/// A way that leads to an object.
#[derive(Clone, PartialEq, Debug)]
pub struct Way {
    /// Where it begins.
    pub origin: WayOrigin,
    /// As Go would write it, as far as types are known: `main.server.conns[3].mu`.
    pub path: String,
    /// What is at its end, by its type.
    pub ty: Option<Arc<str>>,
    /// The call in whose frame it begins.
    pub call: Option<Frame>,
    /// The goroutines that have it in this way: some of them,
    pub goroutines: Vec<GoId>,
    /// and how many there are.
    pub count: usize,
}

/// Where a way begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WayOrigin {
    /// A package variable.
    Variable,
    /// A goroutine's stack.
    Stack,
    /// What the runtime keeps for a goroutine.
    Goroutine,
    /// A call that a goroutine has deferred.
    Deferred,
    /// A finalizer or a cleanup.
    Finalizer,
    /// A timer that runs.
    Timer,
}

impl ObjectSort {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ObjectSort::Channel => "channel",
            ObjectSort::Lock => "lock",
            ObjectSort::Heap => "object",
            ObjectSort::Free => "free",
            ObjectSort::Variable => "variable",
            ObjectSort::Stack => "stack",
            ObjectSort::UnusedStack => "unused-stack",
            ObjectSort::Goroutine => "goroutine",
            ObjectSort::Code => "code",
            ObjectSort::Constant => "constant",
            ObjectSort::Foreign => "foreign",
            ObjectSort::Nothing => "nothing",
        }
    }
}

impl WayOrigin {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            WayOrigin::Variable => "variable",
            WayOrigin::Stack => "stack",
            WayOrigin::Goroutine => "goroutine",
            WayOrigin::Deferred => "deferred",
            WayOrigin::Finalizer => "finalizer",
            WayOrigin::Timer => "timer",
        }
    }
}
