//! `events.jsonl` read back is the World that the trace was: every goroutine,
//! its past, the places, what was counted, and what is found.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use bingo::detect;
use bingo::model::{Header, Source, Time};
use bingo::recording::EventReader;
use bingo::trace::TraceSource;
use bingo::world::{Keep, World};
use bingo_tests::release_or_skip;

use super::{export, exported, place, recorded};

const MIN_BLOCK: Duration = Duration::from_millis(20);

/// All that a World knows, as sorted lines.
fn known(source: &mut dyn Source) -> anyhow::Result<(Header, Vec<String>)> {
    let mut world = World::keeping(Keep { transitions: 16, long: MIN_BLOCK });
    let mut observed = Vec::new();
    let mut more = true;
    while more {
        more = source.observe(Time::default(), &mut observed)?;
        observed.drain(..).for_each(|observation| drop(world.apply(&observation)));
    }
    let mut lines: Vec<String> = world
        .goroutines()
        .map(|goroutine| format!("{goroutine:?} {:?}", world.history(goroutine.id)))
        .chain(world.places().map(|place| format!("{place:?}")))
        .collect();
    lines.sort();
    lines.push(format!("{:?} {:?} {:?}", world.totals(), world.began(), world.latest()));
    lines.push(format!("{:?} {:?}", world.source_problems(), world.problems()));
    lines.extend(detect::findings(&world, &[], MIN_BLOCK).iter().map(|finding| format!("{finding:?}")));
    Ok((source.header().clone(), lines))
}

fn trace(bytes: impl Read + Send + 'static) -> anyhow::Result<(Header, Vec<String>)> {
    known(&mut TraceSource::new(bytes, SystemTime::UNIX_EPOCH)?)
}

/// Compares the World of a trace with that of what it is exported to.
fn compare(path: &Path) -> anyhow::Result<Vec<String>> {
    let (told, expected) = trace(File::open(path)?)?;
    let back = File::open(exported(path, "jsonl")?)?;
    let (header, found) = known(&mut EventReader::new(BufReader::new(back))?)?;
    ensure!(header.start_monotonic == told.start_monotonic && header.source == told.source);
    ensure!(header.notes == told.notes, "{:?}", header.notes);
    for (expected, found) in expected.iter().zip(&found) {
        ensure!(expected == found, "the trace's\n{expected}\nread back\n{found}");
    }
    ensure!(expected.len() == found.len(), "{} and {}", expected.len(), found.len());
    Ok(expected)
}

fn check(minor: u32) {
    let Some(release) = release_or_skip(&format!("exports::round_trip::go_1_{minor}"), minor) else { return };
    let compared = recorded(&release, "round-trip").and_then(|path| {
        let lines = compare(&path)?;
        ensure!(lines.len() > 50, "only {}", lines.len());
        ensure!(lines.iter().any(|line| line.contains("children_made: 1")), "nobody has children");
        let bytes = fs::read(&path)?;
        let cut = place(&format!("round-trip-cut-1.{minor}.trace"))?;
        fs::write(&cut, bytes.get(..bytes.len() * 2 / 3).context("shorter")?)?;
        let lines = compare(&cut)?;
        // That it is not whole comes along.
        ensure!(lines.iter().any(|line| line.contains("cut off at byte")), "nothing is said of the end");
        Ok(())
    });
    compared.unwrap_or_else(|error| panic!("Go {}: {error:#}", release.version));
}

#[test]
fn go_1_22() {
    check(22);
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
fn go_1_27() {
    check(27);
}

#[test]
fn nothing_is_written_over_the_input() -> anyhow::Result<()> {
    let path = place("own.jsonl")?;
    let text = "{\"bingo_events\":1,\"source\":\"live\",\"start\":\"2026-11-22T00:38:11Z\"}\n";
    fs::write(&path, text)?;
    let output = export(&path, "jsonl", &["--output", path.to_str().context("a path")?])?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(2) && said.contains("is the input itself"), "{said}");
    ensure!(fs::read_to_string(&path)? == text);
    Ok(())
}
