//! Traces that are cut off or corrupt: what is whole is read, what is missing is
//! said, and nothing makes the reader panic or hang.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use bingo::trace::{CutOff, EventType, HeaderError, Reader, TraceError, TraceEvent};
use bingo_tests::{Fixture, Mode, bingo_bin, release_or_skip};

use super::differential::record;
use super::text::encode;

/// Cuts a recorded trace at so many places.
const CUTS: usize = 12;

fn check(minor: u32) {
    let test = format!("traces::damaged::go_1_{minor}");
    let Some(release) = release_or_skip(&test, minor) else { return };
    let checked = Fixture::build("trace", &release, Mode::Normal).and_then(|fixture| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("damaged-1.{minor}.trace"));
        record(&fixture, &path, &["-seconds=1.4", "-pause=5ms"])?;
        let bytes = std::fs::read(path)?;
        let ends = ends_of_batches(&bytes)?;
        // A program that is killed leaves all batches that it wrote whole.
        let between: Vec<usize> = ends.iter().rev().step_by(ends.len().div_ceil(CUTS)).copied().collect();
        let within = (1..=CUTS).map(|part| bytes.len() * part / (CUTS + 1));
        cut_off(&bytes, within.chain(between.iter().copied()))?;
        found_in_parts(&bytes, &between, &format!("cut-1.{minor}.trace"))?;
        corrupt(&bytes)
    });
    checked.unwrap_or_else(|error| panic!("Go {}: {error:#}", release.version));
}

/// A cut-off trace yields the events of its whole generations as they were, some
/// of the last one, and then the error that says where it ends.
fn cut_off(bytes: &[u8], cuts: impl Iterator<Item = usize>) -> anyhow::Result<()> {
    let (whole, error) = events(Reader::new(bytes, CutOff::Refuse)?);
    ensure!(error.is_none(), "{error:?}");
    let mut salvaged = 0;
    for cut in cuts {
        let part = bytes.get(..cut).context("shorter than the whole")?;
        let (read, error) = events(Reader::new(part, CutOff::Salvage)?);
        match error {
            Some(TraceError::CutOff { offset, .. }) => {
                ensure!(offset == u64::try_from(cut)?, "{offset} of {cut}");
            }
            other => bail!("cut at {cut}: {other:?}"),
        }
        // Behind the events comes a last point of synchrony.
        for (at, (event, in_part)) in read.iter().enumerate().take(read.len() - 1) {
            if *in_part {
                salvaged += 1;
            } else {
                let same = whole.get(at).is_some_and(|(expected, _)| expected == event);
                ensure!(same, "cut at {cut}, event {at}: {event:?}, was {:?}", whole.get(at));
            }
        }
        let (strict, _) = events(Reader::new(part, CutOff::Refuse)?);
        // A generation without events has a point of synchrony there, and none here.
        ensure!(
            strict.len() <= read.len() + 1,
            "cut at {cut}: {} events, salvaged {}",
            strict.len(),
            read.len()
        );
    }
    ensure!(salvaged > 0, "no event of a generation that was cut");
    Ok(())
}

/// What was recorded does nothing wrong, so nothing is wrong in any part of it.
fn found_in_parts(bytes: &[u8], cuts: &[usize], name: &str) -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    for cut in cuts.iter().step_by(3) {
        std::fs::write(&path, bytes.get(..*cut).context("shorter than the whole")?)?;
        let output = Command::new(bingo_bin()?).arg("analyze").arg(&path).stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "cut at {cut}: {said}{}", String::from_utf8_lossy(&output.stderr));
        ensure!(said.contains("the trace is cut off at byte"), "cut at {cut}: {said}");
    }
    Ok(())
}

/// Where each batch ends whose generation goes on behind it.
// go: internal/trace/batch.go, readBatch (1.22-1.27)
fn ends_of_batches(bytes: &[u8]) -> anyhow::Result<Vec<usize>> {
    let number = |at: &mut usize| -> anyhow::Result<usize> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = bytes.get(*at).context("a batch's head is cut off")?;
            *at += 1;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        Ok(number)
    };
    let (mut at, mut ends, mut before) = (FIRST_BATCH, Vec::new(), None);
    while let Some(kind) = bytes.get(at) {
        let begin = at;
        at += 1;
        match EventType(*kind) {
            EventType::END_OF_GENERATION => before = None,
            EventType::EVENT_BATCH => {
                let generation = number(&mut at)?;
                ends.extend(before.filter(|before| *before == generation).map(|_| begin));
                before = Some(generation);
                let (_thread, _time, size) = (number(&mut at)?, number(&mut at)?, number(&mut at)?);
                at += size;
            }
            other => bail!("{other:?} begins a batch at byte {begin}"),
        }
    }
    Ok(ends)
}

/// Where a trace's first batch begins, behind the header: its kind.
const FIRST_BATCH: usize = 16;

/// A corrupt trace is read up to an error that has a place, or it is read all
/// the same: not every number is one that anything depends on, so how many are
/// refused is the recording's luck. A batch of no known kind always is.
fn corrupt(bytes: &[u8]) -> anyhow::Result<()> {
    let parts = (1..=2 * CUTS).map(|part| bytes.len() * part / (2 * CUTS + 1));
    for turned in [FIRST_BATCH].into_iter().chain(parts) {
        let mut bytes = bytes.to_vec();
        *bytes.get_mut(turned).context("within the trace")? ^= 0x15;
        let (_, error) = events(Reader::new(&bytes[..], CutOff::Salvage)?);
        if let Some(error) = error {
            let text = error.to_string();
            ensure!(text.contains("byte ") && text.contains("generation "), "{text}");
        } else {
            ensure!(turned != FIRST_BATCH, "a batch of no known kind was read");
        }
    }
    Ok(())
}

/// The events, whether each is of a generation that is cut off, and what ended them.
fn events(mut reader: Reader<'_>) -> (Vec<(TraceEvent, bool)>, Option<TraceError>) {
    let mut events = Vec::new();
    loop {
        match reader.next_event() {
            Ok(Some(event)) => {
                events.push((event, reader.tables().is_some_and(|tables| tables.cut_off)));
            }
            Ok(None) => return (events, None),
            Err(error) => return (events, Some(error)),
        }
    }
}

/// What is kept of a thread takes many times the bytes that name it.
#[test]
fn more_threads_than_any_program_has() -> anyhow::Result<()> {
    let batch = |thread| format!("EventBatch gen=1 m={thread} time=1000 size=2\nProcStop dt=1\n");
    let text: String = (1..=70_000).map(batch).collect();
    let bytes = encode(&format!("Trace Go1.26\n{text}"))?;
    let (_, error) = events(Reader::new(&bytes[..], CutOff::Salvage)?);
    let error = error.context("refused")?.to_string();
    ensure!(error.contains("more than 65536 threads") && error.contains("byte "), "{error}");
    Ok(())
}

#[test]
fn go_1_22() {
    check(22);
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
fn what_is_no_trace_is_named() {
    let check = |bytes: &[u8], expect: HeaderError| {
        let error = Reader::new(bytes, CutOff::Salvage).err().map(|error| error.to_string());
        assert_eq!(error, Some(expect.to_string()), "{bytes:?}");
    };
    check(b"", HeaderError::Empty);
    check(b"go 1.26 tr", HeaderError::Short(10));
    check(b"\x1f\x8b\x08\x00", HeaderError::Gzip);
    check(b"package main\n\nfunc main() {}\n", HeaderError::NotATrace);
    check(b"go 1.21 trace\0\0\0", HeaderError::Old(21));
    check(b"go 1.31 trace\0\0\0", HeaderError::Unknown(31));
}
