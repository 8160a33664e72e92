//! Driving the `go` command: tests run under the execution tracer, programs built
//! with it. In: what the user would give to `go`. Out: traces, programs
//! that trace themselves, what `go` itself said as it said it, and how each test
//! binary ended. What is in a trace is for
//! [`crate::trace`] to tell.
//!
//! ```text
//!  bingo run ─▶ TestRun ─▶ go test -exec ─▶ bingo (observe_test) ─▶ pkg.test ─▶ a trace
//!               ▲   ▲                             │  └── last_stop ──┘ held at its end
//!               │   └── looks: look at it now ────┤
//!               └────────────── ObservedTest ◀────┘ how it ended
//! ```

mod children;
mod error;
#[cfg(all(target_os = "linux", feature = "live"))]
mod last_stop;
#[cfg(all(target_os = "linux", feature = "live"))]
mod looks;
mod observe_test;
mod observed;
mod packages;
mod race_log;
mod test_run;
mod toolchain;
mod traced_build;

pub use children::Signals;
pub use error::GoToolError;
pub use observe_test::observe_test;
pub use observed::ObservedTest;
pub use packages::import_paths;
pub use test_run::{Outcome, TestRun, folder, wants_races};
pub use toolchain::Toolchain;
pub use traced_build::{TRACE_FILE, TracedBuild};
