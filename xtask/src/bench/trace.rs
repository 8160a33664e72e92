//! Traces: `bingo analyze`, from its start to its end and findings included, beside
//! Go's own reader, which only reads. In: traces that `testdata/programs/trace`
//! records of itself. Both sides read the same file, in turn.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bingo_tests::{Fixture, GoReader, Mode};

use super::{Bench, Figure, median, number, pass};
use crate::workspace::target;

const MEGABYTE: u64 = 1_000_000;
/// How often a trace is recorded that turns out to be corrupt.
const RECORDINGS: u32 = 4;

/// A file that is removed when it is dropped.
struct Recorded(PathBuf);

impl Drop for Recorded {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// What a reader took.
#[derive(Clone, Copy, Default)]
struct Took {
    seconds: f64,
    peak_kb: f64,
    events: f64,
}

pub(super) fn beside_go(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let trace = recorded(bench, "speed", 100 * MEGABYTE, &[])?;
    let go = GoReader::build(&bench.release)?;
    let (mut two, mut one, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.turns {
        theirs.push(go_reads(&go, &trace.0)?);
        two.push(analyze(&mut Command::new(&bench.bingo), &trace.0)?);
        one.push(analyze(Command::new("taskset").args(["-c", "0"]).arg(&bench.bingo), &trace.0)?);
    }
    let seconds = |all: &[Took]| median(all.iter().map(|took| took.seconds).collect());
    // Turn by turn: a machine that others use, too, is not as fast in one as in another.
    let times =
        |all: &[Took]| median(theirs.iter().zip(all).map(|(go, bingo)| go.seconds / bingo.seconds).collect());
    let peak = |all: &[Took]| median(all.iter().map(|took| took.peak_kb).collect());
    eprintln!(
        "  Go {:.2} s and {:.0} kB, Bingo {:.2} s and {:.0} kB, on one core {:.2} s",
        seconds(&theirs),
        peak(&theirs),
        seconds(&two),
        peak(&two),
        seconds(&one)
    );
    Ok(vec![
        Figure::at_least(10.0, "trace_speed", times(&two), "x Go"),
        Figure::at_least(6.0, "trace_one_core", times(&one), "x Go"),
        Figure::at_most(0.5, "trace_memory", peak(&two) / peak(&theirs), "x Go"),
    ])
}

/// Ten times the file: how much more memory.
pub(super) fn growth(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let go = GoReader::build(&bench.release)?;
    let mut peaks = Vec::new();
    for (name, size) in [("100", 100 * MEGABYTE), ("1000", 1_000 * MEGABYTE)] {
        let mut left = RECORDINGS;
        let took = loop {
            let trace = recorded(bench, name, size, &[])?;
            left -= 1;
            match analyze(&mut Command::new(&bench.bingo), &trace.0) {
                // Go 1.27 now and then writes one that its own reader refuses, too.
                Err(error) if left > 0 && go_reads(&go, &trace.0).is_err() => {
                    eprintln!("  recorded once more, for Go's reader refuses it as well: {error:#}");
                }
                took => break took?,
            }
        };
        peaks.push(took.peak_kb);
    }
    eprintln!("  peak, kB: {peaks:.0?}");
    let [small, large] = peaks[..] else { anyhow::bail!("two were measured") };
    Ok(vec![Figure::at_most(1.2, "trace_growth", large / small, "x 100 MB")])
}

/// 100,000 goroutines, forty calls deep: what twice the events take.
pub(super) fn linear(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let crowd = ["-goroutines", "100000", "-depth", "40"];
    let go = GoReader::build(&bench.release)?;
    let mut sides = Vec::new();
    for (name, size) in [("crowd", 40 * MEGABYTE), ("larger-crowd", 80 * MEGABYTE)] {
        let trace = recorded(bench, name, size, &crowd)?;
        let mut seconds = Vec::new();
        for _ in 0..bench.turns {
            seconds.push(analyze(&mut Command::new(&bench.bingo), &trace.0)?.seconds);
        }
        sides.push((go_reads(&go, &trace.0)?.events, median(seconds)));
    }
    eprintln!("  events and seconds: {sides:.2?}");
    let [(few, short), (many, long)] = sides[..] else { anyhow::bail!("two were measured") };
    Ok(vec![Figure::at_most(2.2, "trace_linear", 2.0 * (long / short) / (many / few), "x for 2 x")])
}

/// A trace of at least so many bytes.
fn recorded(bench: &Bench, name: &str, size: u64, arguments: &[&str]) -> anyhow::Result<Recorded> {
    let program = Fixture::build("trace", &bench.release, Mode::Normal)?;
    let folder = target().join("tmp");
    fs::create_dir_all(&folder)?;
    let trace = Recorded(folder.join(format!("bench-{name}.out")));
    let mut seconds = 2.0;
    loop {
        let mut record = Command::new(&program.path);
        record
            .arg(&trace.0)
            .args(["-seconds", &format!("{seconds:.1}"), "-coroutines=false"])
            .args(arguments);
        let status = record.status()?;
        anyhow::ensure!(status.success(), "{}: {status}", program.path.display());
        let length = fs::metadata(&trace.0)?.len();
        if length >= size {
            eprintln!("  {} MB recorded", length / MEGABYTE);
            return Ok(trace);
        }
        seconds *= 1.2 * size as f64 / length.max(1) as f64;
    }
}

fn go_reads(go: &GoReader, trace: &Path) -> anyhow::Result<Took> {
    let output = Command::new(&go.path).arg("bench").arg(trace).output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line = String::from_utf8_lossy(&output.stdout);
    let [seconds, peak_kb, events] = ["seconds", "peak_kb", "events"].map(|key| number(&line, key));
    Ok(Took { seconds: seconds?, peak_kb: peak_kb?, events: events? })
}

/// From the program's start to its end.
fn analyze(program: &mut Command, trace: &Path) -> anyhow::Result<Took> {
    let begun = Instant::now();
    let analyze = program.arg("analyze").arg(trace).args(["--fail-on", "never"]);
    let mut child = analyze.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut took = Took::default();
    loop {
        // The largest so far: it only grows.
        let peak = fs::read_to_string(&status).ok().and_then(|status| {
            status
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok())
        });
        took.peak_kb = peak.unwrap_or(took.peak_kb);
        if let Some(status) = child.try_wait()? {
            took.seconds = begun.elapsed().as_secs_f64();
            let mut said = String::new();
            child.stderr.take().map_or(Ok(0), |mut stderr| stderr.read_to_string(&mut said))?;
            anyhow::ensure!(status.success(), "bingo analyze: {status}: {said}");
            return Ok(took);
        }
        pass(Duration::from_millis(5).as_secs_f64());
    }
}
