//! What integration tests stand on: Go releases, programs built on demand, the
//! corpus and what it asserts, children that end with the test, waits with a
//! deadline, and skips that are counted.
//!
//! A test that cannot run here says so with [`skip`] and returns; the summary
//! of `cargo xtask test` lists it with its reason. Nothing is skipped in silence.

mod assertion;
mod child;
mod corpus;
mod fixture;
mod go_reader;
mod module;
mod release;
mod skip;
mod traceback;
mod wait;

use std::path::{Path, PathBuf};

pub use assertion::{Assertion, Count, Header};
pub use child::Child;
pub use corpus::{Program, Variant};
pub use fixture::{Fixture, Mode};
pub use go_reader::{GoReader, goroot};
pub use module::{Module, Ran, files};
pub use release::GoRelease;
pub use skip::{is_root, live_or_skip, release_or_skip, skip};
pub use traceback::{Traced, TracedFrame};
pub use wait::wait_until;

/// The root of the source tree.
#[must_use]
pub fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests/ lies in the workspace").to_path_buf()
}

/// Cargo's target folder: `CARGO_TARGET_DIR`, else `target` of the workspace.
#[must_use]
pub fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// The folder of the tools that `cargo xtask setup` installs: `BINGO_TOOLS`,
/// else `tools` in the target folder.
#[must_use]
pub fn tools_dir() -> PathBuf {
    std::env::var_os("BINGO_TOOLS").map_or_else(|| target_dir().join("tools"), PathBuf::from)
}

/// The `bingo` program of this build: beside the test binary, in the profile's
/// folder. `cargo xtask test` builds it first; `BINGO_BIN` names another one.
///
/// # Errors
/// When it has not been built.
pub fn bingo_bin() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("BINGO_BIN") {
        return Ok(PathBuf::from(path));
    }
    let test = std::env::current_exe()?;
    let profile = test.parent().and_then(Path::parent);
    let path = profile.map(|folder| folder.join("bingo")).unwrap_or_default();
    anyhow::ensure!(path.is_file(), "{} is not there: run `cargo build --package bingo`", path.display());
    Ok(path)
}
