//! `bingo export` from outside: each format as its own readers see it.

mod profile;
mod round_trip;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, ensure};
use bingo_tests::{Fixture, GoRelease, Mode, bingo_bin, target_dir};

/// A trace that the program `trace` records of itself.
fn recorded(release: &GoRelease, name: &str) -> anyhow::Result<PathBuf> {
    let fixture = Fixture::build("trace", release, Mode::Normal)?;
    let path = place(&format!("{name}-1.{}.trace", release.minor))?;
    let mut record = Command::new(&fixture.path);
    record.arg(&path).args(["-seconds=1.3", "-pause=5ms", "-goroutines=20", "-depth=5"]);
    let output = record.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(path)
}

/// A file of these tests' own.
fn place(name: &str) -> anyhow::Result<PathBuf> {
    let folder = target_dir().join("export-tests");
    std::fs::create_dir_all(&folder)?;
    Ok(folder.join(name))
}

fn export(input: &Path, format: &str, more: &[&str]) -> anyhow::Result<Output> {
    let mut export = Command::new(bingo_bin()?);
    export.arg("export").arg(input).args(["--to", format]).args(more).stdin(Stdio::null());
    export.output().context("it starts")
}

/// The file that `input` becomes.
fn exported(input: &Path, format: &str) -> anyhow::Result<PathBuf> {
    let path = input.with_extension(format);
    let output = export(input, format, &["--output", path.to_str().context("a path")?])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    ensure!(output.stdout.is_empty(), "results go to the file alone");
    Ok(path)
}
