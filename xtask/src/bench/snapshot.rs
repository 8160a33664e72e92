//! 100,000 goroutines: how long a dump takes, and what the target feels of it.
//! In: `bench/ticker`, which looks at the clock each millisecond.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Bench, Figure, median, newest_line, number, pass};

pub(super) fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let mut ticker = bench.target("ticker", &["-goroutines", "100000"])?;
    ticker.lines_until(Duration::from_secs(60), |line| line.starts_with("ready"))?;
    pass(2.0);

    let (mut read, mut whole) = (Vec::new(), Vec::new());
    let (mut bare, mut watched) = (Vec::new(), Vec::new());
    for _ in 0..bench.turns.max(3) {
        pass(0.2);
        newest_line(&mut ticker)?;
        for _ in 0..3 {
            bare.push(gap(&mut ticker)?);
        }
        // As many intervals, with one dump after the other in them.
        let end = Instant::now() + Duration::from_millis(3100);
        while Instant::now() < end {
            let (took, all) = dump(bench, ticker.pid())?;
            read.push(took);
            whole.push(all);
        }
        while let Ok(line) = ticker.line(Duration::ZERO) {
            watched.push(number(&line, "longest_gap_ns")? / 1e6);
        }
    }
    let (bare_worst, watched_worst) = (worst(&bare), worst(&watched));
    eprintln!(
        "  longest gap each second, ms: median {:.2} bare, {:.2} watched; worst {bare_worst:.2} bare, {watched_worst:.2} watched",
        median(bare.clone()),
        median(watched.clone()),
    );
    Ok(vec![
        Figure::at_most(500.0, "dump_100k_read", median(read), "ms"),
        Figure::at_most(1500.0, "dump_100k_whole_command", median(whole), "ms"),
        // A dump takes a core; what is asked is that nobody stops the target.
        Figure::at_most(2.0, "tick_gap_median_ratio", median(watched) / median(bare).max(0.05), "x"),
        Figure::at_most(1.0, "tick_gap_worst_over_bare", watched_worst - bare_worst, "ms"),
    ])
}

fn gap(ticker: &mut bingo_tests::Child) -> anyhow::Result<f64> {
    Ok(number(&ticker.line(Duration::from_secs(10))?, "longest_gap_ns")? / 1e6)
}

fn worst(gaps: &[f64]) -> f64 {
    gaps.iter().copied().fold(0.0, f64::max)
}

/// Milliseconds: of reading alone, as the dump says itself, and of the whole command.
fn dump(bench: &Bench, pid: u32) -> anyhow::Result<(f64, f64)> {
    let started = Instant::now();
    let mut dump = Command::new(&bench.bingo);
    dump.args(["dump", &pid.to_string(), "--format", "json"]).stderr(Stdio::null());
    let output = dump.output()?;
    let whole = started.elapsed();
    anyhow::ensure!(output.status.success(), "bingo dump: {}", output.status);
    let head = output.stdout.get(..4096).unwrap_or(&output.stdout);
    let head = String::from_utf8_lossy(head).replace(char::is_whitespace, "");
    let took = head.split("\"took_ns\":").nth(1).and_then(|rest| rest.split([',', '}']).next());
    let took: f64 = took.unwrap_or_default().parse()?;
    Ok((took / 1e6, whole.as_secs_f64() * 1e3))
}
