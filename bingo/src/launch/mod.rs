//! Programs that are run for somebody, and watched. In: a command. Out: the
//! program with our standard input and output, its exit status, and what it
//! writes to a file while it runs. What there is to see in it is for others.

mod error;
mod following;
#[cfg(all(target_os = "linux", feature = "live"))]
mod gate;
mod program;

pub use error::LaunchError;
pub use following::Following;
#[cfg(all(target_os = "linux", feature = "live"))]
pub use gate::gate;
pub use program::{End, Program, Waiting};
