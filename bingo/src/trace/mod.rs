//! Go's execution traces (`runtime/trace`, `go test -trace`,
//! `/debug/pprof/trace`), of Go 1.22 and later. In: the bytes of a trace. Out:
//! its events, in the order and with the contents that Go's own reader
//! (`internal/trace`) gives them.
//!
//! A trace is a row of generations, about a second each. A generation holds
//! batches, each the events of one thread, and the tables that they refer to.
//! [`Reader`] puts the events of all threads into one order; [`TraceSource`] says
//! them in the model's words.

mod ahead;
mod batch;
mod block;
mod bodies;
mod bytes;
mod chunks;
mod coming;
mod cursor;
mod detail;
mod error;
mod event;
mod frontier;
mod generation;
mod go_sort;
mod id_table;
mod merge;
mod order;
mod reader;
mod run;
mod samples;
mod source;
mod spec;
mod stacks;
mod tables;
mod text;
mod version;
mod window;
mod words;

pub use detail::{Detail, GoState, Phase, ProcState, Scope};
pub use error::{StructureFault, TraceError};
pub use event::TraceEvent;
pub use order::OrderFault;
pub use reader::{CutOff, Reader};
pub use source::TraceSource;
pub use spec::{EventType, Form, MAX_ARGS, SPECS, Spec};
pub use tables::{ClockSnapshot, Tables, TraceFrame};
pub use text::Text;
pub use version::{HEADER_LEN, HeaderError, Version};
