//! Bingo's reader of traces against Go's: the text traces that Go's own tests
//! are made of, and traces that programs of each release record, event by event.

mod conformance;
mod damaged;
mod differential;
mod source;
mod text;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use bingo::trace::{CutOff, Reader, Text, TraceError};
use bingo_tests::GoReader;

/// What came of reading a trace.
struct Outcome {
    events: u64,
    error: Option<TraceError>,
}

/// Reads a trace by both readers and compares the events' texts. Both have to
/// accept it, or both to refuse it behind the same events.
fn compare(go: &GoReader, trace: &Path) -> anyhow::Result<Outcome> {
    let bytes = std::fs::File::open(trace)?;
    let mut child = go.print(trace)?;
    let mut said = BufReader::with_capacity(1 << 20, child.stdout.take().context("piped")?);
    let compared = compare_with(bytes, &mut said);
    if compared.is_err() {
        // What is left of its output is for nobody.
        child.kill()?;
    }
    let output = child.wait_with_output()?;
    let read = compared?;
    let error = String::from_utf8_lossy(&output.stderr);
    match (&read.error, output.status.success()) {
        (Some(_), false) | (None, true) => Ok(read),
        (Some(ours), true) => bail!("refused ({ours}), and Go accepts it"),
        (None, false) => bail!("accepted, and Go refuses it: {error}"),
    }
}

fn compare_with(bytes: impl Read + Send + 'static, said: &mut impl BufRead) -> anyhow::Result<Outcome> {
    let mut reader = match Reader::new(bytes, CutOff::Refuse) {
        Ok(reader) => reader,
        Err(error) => return Ok(Outcome { events: 0, error: Some(error) }),
    };
    let mut last = String::new();
    let mut theirs = Vec::new();
    let error = loop {
        let event = match reader.next_event() {
            Ok(Some(event)) => event,
            Ok(None) => break None,
            Err(error) => break Some(error),
        };
        let ours = format!("{}\n", Text::of(&reader, &event));
        theirs.resize(ours.len(), 0);
        let count = reader.count();
        if said.read_exact(&mut theirs).is_err() || theirs != ours.as_bytes() {
            let theirs = String::from_utf8_lossy(&theirs).into_owned();
            bail!("event {count}:\nours\n{ours}\nGo's, so far\n{theirs}\nbehind\n{last}");
        }
        last = ours;
    };
    let mut rest = [0; 300];
    let more = said.read(&mut rest)?;
    let more = String::from_utf8_lossy(rest.get(..more).unwrap_or_default()).into_owned();
    ensure!(more.is_empty(), "ended ({error:?}), and Go goes on with\n{more}\nbehind\n{last}");
    Ok(Outcome { events: reader.count(), error })
}
