//! Every text trace of every installed release: accepted or refused as it says,
//! and its events are those that Go's reader gives.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use bingo_tests::{GoReader, GoRelease, goroot, release_or_skip, skip};

use super::compare;
use super::text::encode;

fn check(minor: u32) {
    let test = format!("traces::conformance::go_1_{minor}");
    let Some(release) = release_or_skip(&test, minor) else { return };
    let Some(newest) = GoReader::release() else {
        return skip(&test, "no Go whose reader knows all forms is installed (cargo xtask setup)");
    };
    let go = GoReader::build(&newest).expect("Go's reader builds");
    let tests = tests_of(&release).expect("a release has text traces");
    assert!(tests.len() >= 15, "only {} text traces in {}", tests.len(), release.version);
    for path in tests {
        conforms(&go, &path, &release).unwrap_or_else(|error| panic!("{}: {error:#}", path.display()));
    }
}

/// The text traces that a release brings along.
fn tests_of(release: &GoRelease) -> anyhow::Result<Vec<PathBuf>> {
    let package = if release.minor == 22 { "trace/v2" } else { "trace" };
    let folder = goroot(release)?.join("src/internal").join(package).join("testdata/tests");
    let mut tests: Vec<PathBuf> = fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    tests.retain(|path| path.extension().is_some_and(|extension| extension == "test"));
    tests.sort();
    Ok(tests)
}

fn conforms(go: &GoReader, path: &Path, release: &GoRelease) -> anyhow::Result<()> {
    let archive = fs::read_to_string(path)?;
    let (expect, trace) = archive.split_once("-- trace --\n").context("no trace")?;
    let expect = expect.strip_prefix("-- expect --\n").context("no expectation")?.trim();
    let bytes = encode(trace)?;
    let stem = path.file_stem().context("has a name")?.to_string_lossy();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{stem}.trace", release.version));
    fs::write(&file, bytes)?;
    let read = compare(go, &file)?;
    match (expect.strip_prefix("FAILURE "), &read.error) {
        (None, None) => ensure!(expect == "SUCCESS" && read.events > 2, "{expect}, {} events", read.events),
        (None, Some(error)) => anyhow::bail!("refused: {error}"),
        (Some(why), None) => anyhow::bail!("accepted, though {why}"),
        (Some(why), Some(error)) => {
            // A pattern that is a text between wildcards.
            let why = why.trim_matches(['"', '.', '*']);
            ensure!(error.to_string().contains(why), "refused because {error}, expected {why}");
        }
    }
    Ok(())
}

#[test]
fn go_1_22() {
    check(22);
}

#[test]
fn go_1_23() {
    check(23);
}

#[test]
fn go_1_24() {
    check(24);
}

#[test]
fn go_1_25() {
    check(25);
}

#[test]
fn go_1_26() {
    check(26);
}

#[test]
fn go_1_27() {
    check(27);
}
