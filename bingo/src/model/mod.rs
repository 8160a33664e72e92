//! The model: what every source yields and every face reads.
//!
//! A source yields two things and nothing else: an [`Event`] (something happened
//! to a goroutine at a time) and a [`Snapshot`] (what all goroutines, and the
//! objects they wait on, are at one instant). This layer imports no other one.

mod addr;
mod awaited;
mod burst;
mod event;
mod id;
mod inspection;
mod links;
mod object_inspection;
mod race;
mod shared;
mod short_reason;
mod snapshot;
mod source;
mod stack;
mod state;
mod sync_object;
mod texts;
mod time;
mod wait_reason;
mod waiters;

pub use addr::{Addr, LoadBias, Pc, StaticAddr};
pub use awaited::Awaited;
pub use burst::{Burst, ShortEvent, ShortKind};
pub use event::{Event, EventKind, EventRef, LostKind};
pub use id::{GoId, ThreadId};
pub use inspection::{
    Entry, InspectedFrame, Inspection, Label, LiveVars, Missing, Value, Variable, VariableRole,
};
pub use links::{
    Access, Certainty, Hold, Links, Nested, Object, ObjectIndex, ObjectKey, ObjectKind, Operation, SIGNALS,
    Use, WaitFor,
};
pub use object_inspection::{HeapPlace, ObjectInspection, ObjectSort, Way, WayOrigin};
pub use race::{MemoryAccess, Race, Racer, Races};
pub use shared::{MadeAt, Shared, SharedUse};
pub use short_reason::ShortReason;
pub use snapshot::{CreatedBy, Goroutine, Problem, Snapshot};
pub use source::{Header, Observation, Sink, Source, SourceError, SourceKind};
pub use stack::{Frame, Stack};
pub use state::GoState;
pub use sync_object::{Channel, Direction, IoDirection, Lock, LockKind, SyncObject, Wait};
pub use texts::Texts;
pub use time::Time;
pub use wait_reason::WaitReason;
pub use waiters::Waiters;
