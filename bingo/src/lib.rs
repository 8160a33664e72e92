//! Bingo answers one question about a Go program: which goroutines are stuck,
//! on what, because of whom.
//!
//! `ARCHITECTURE.md` draws the flow and the layers; each module's first lines
//! say what comes in and what goes out.

pub mod binary;
#[cfg(feature = "cli")]
pub mod cli;
pub mod code;
pub mod detect;
#[cfg(feature = "cli")]
pub mod explain;
#[cfg(feature = "cli")]
pub mod export;
pub mod goruntime;
#[cfg(feature = "cli")]
pub mod gotool;
pub mod inspect;
#[cfg(all(unix, feature = "cli"))]
pub mod launch;
#[cfg(all(target_os = "linux", feature = "live"))]
pub mod live;
pub mod memory;
pub mod model;
#[cfg(feature = "cli")]
mod profile;
pub mod race;
#[cfg(feature = "recording")]
pub mod recording;
#[cfg(feature = "cli")]
pub mod report;
pub mod session;
pub mod trace;
pub mod traceback;
#[cfg(all(unix, feature = "tui"))]
pub mod tui;
pub mod world;
