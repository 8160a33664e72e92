//! Tests that cannot run here: counted and named, never passed over in silence.
//!
//! Each leaves a file in `target/test-skips`: its name is the test's, its text
//! the reason. `cargo xtask test` empties the folder first and lists it at the end.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::{GoRelease, target_dir};

/// Notes that `test` (its path, as the test runner prints it) cannot run here, and why.
pub fn skip(test: &str, reason: &str) {
    eprintln!("skipped: {test}: {reason}");
    let folder = target_dir().join("test-skips");
    let file = folder.join(test.replace(['/', ':', ' '], "-"));
    fs::create_dir_all(&folder).expect("the target folder can be written");
    fs::write(file, format!("{test}: {reason}\n")).expect("the target folder can be written");
}

/// The Go release `1.<minor>`, or a skip of `test`.
#[must_use]
pub fn release_or_skip(test: &str, minor: u32) -> Option<GoRelease> {
    let release = GoRelease::find(minor);
    if release.is_none() {
        skip(test, &format!("Go 1.{minor} is not installed (cargo xtask setup)"));
    }
    release
}

/// Whether live tests can run: as root; else `test` is skipped.
#[must_use]
pub fn live_or_skip(test: &str) -> bool {
    let root = is_root();
    if !root {
        skip(test, "needs root, to read other processes and to load probes");
    }
    root
}

/// Whether this process is root's.
#[must_use]
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
