//! Traces that the program `trace` records under each release, over several
//! generations: Bingo's events are Go's, one for one.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{bail, ensure};
use bingo::model::{Observation, Source, Time};
use bingo::trace::TraceSource;
use bingo_tests::{Fixture, GoReader, Mode, release_or_skip, skip};

use super::compare;
use super::source::observations;

fn check(minor: u32) {
    let test = format!("traces::differential::go_1_{minor}");
    let Some(release) = release_or_skip(&test, minor) else { return };
    let Some(newest) = GoReader::release() else {
        return skip(&test, "no Go whose reader knows all forms is installed (cargo xtask setup)");
    };
    let compared = GoReader::build(&newest).and_then(|go| {
        let fixture = Fixture::build("trace", &release, Mode::Normal)?;
        let trace = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("differential-1.{minor}.trace"));
        record(&fixture, &trace, &[])?;
        let plain = compare(&go, &trace)?;
        ensure!(plain.error.is_none() && plain.events > 10_000, "{:?} {}", plain.error, plain.events);
        same_read_ahead(&trace)?;
        // The experiment's events are there since Go 1.23, if asked for.
        record(&fixture, &trace, &["-samples", "-seconds=0.3", "-pause=10ms"])?;
        let experiment = compare(&go, &trace)?;
        ensure!(experiment.error.is_none() && experiment.events > 500, "{}", experiment.events);
        Ok(())
    });
    compared.unwrap_or_else(|error| panic!("Go {}: {error:#}", release.version));
}

/// A trace says the same where its batches are read ahead by whichever thread has time.
fn same_read_ahead(trace: &Path) -> anyhow::Result<()> {
    let file = File::open(trace)?;
    let mut source = TraceSource::of_file(file.try_clone()?, file, SystemTime::now())?;
    let mut ours = Vec::new();
    while source.observe(Time(0), &mut ours)? {}
    let (_, plain, error) = observations(std::fs::read(trace)?)?;
    ensure!(error.is_none() && ours.len() == plain.len(), "{} and {}: {error:?}", ours.len(), plain.len());
    for pair in ours.iter().zip(&plain) {
        let (Observation::Event(ours), Observation::Event(plain)) = pair else { bail!("{pair:?}") };
        ensure!(ours == plain, "{ours:?}\n{plain:?}");
    }
    Ok(())
}

pub(super) fn record(fixture: &Fixture, trace: &Path, more: &[&str]) -> anyhow::Result<()> {
    let mut record = Command::new(&fixture.path);
    record.arg(trace).args(["-seconds=2.3", "-pause=2ms", "-goroutines=50", "-depth=20"]).args(more);
    if more.contains(&"-samples") {
        record.env("GODEBUG", "traceallocfree=1");
    }
    let output = record.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
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
