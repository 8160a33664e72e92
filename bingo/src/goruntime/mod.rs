//! Go's runtime as memory shows it: a target's memory comes in, a
//! [`crate::model::Snapshot`] of all goroutines, their stacks and what they wait
//! on comes out. The target runs on meanwhile.
//!
//! Whatever is read may have changed since: a stack counts only where the
//! goroutine's description was the same before and after it was read, and a
//! wait only where the object that is waited on says so too. What stays in
//! motion is listed among the problems.
//!
//! A file here mirrors one thing of the runtime (`g`, `hchan`, `sudog`, `sema`,
//! `poll_desc`, `labels`) or is one step: `reader` drives, `look` sees what
//! has changed, `running` where a stopped target's threads were, `walks` reads stacks,
//! `unwind` walks them, `wait` finds what is waited on.

mod allgs;
mod code;
mod core_source;
mod fields;
mod g;
mod halted;
mod hchan;
mod heap;
mod ids;
mod labels;
mod links;
mod live;
mod lock;
mod look;
mod look_back;
mod make;
mod objects;
mod places;
mod poll_desc;
#[cfg(all(target_os = "linux", feature = "live"))]
mod process;
mod program;
mod reach;
mod reader;
mod referrers;
mod running;
mod sema;
mod slots;
mod stacks;
mod start;
mod stop;
mod sudog;
#[cfg(test)]
mod tests;
mod type_name;
mod unwind;
mod wait;
mod walks;

pub use code::{BinaryCode, Code, Point};
pub use core_source::{CoreOpenError, CoreSource, OtherBuild};
pub use halted::Halted;
pub use heap::Slot;
pub use live::Live;
pub use places::{Place, Places};
#[cfg(all(target_os = "linux", feature = "live"))]
pub use process::{OpenError, ProcessSource};
pub use program::ProgramError;
pub use reach::GoOn;
pub use reader::{ReadError, Runtime, SnapshotReader};
pub use referrers::{Hop, Origin, Referrers, Trail};
pub use stop::{FrameOf, Stop, StopError};
