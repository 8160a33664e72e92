//! 100,000 goroutines: how long a dump takes, and what the target feels of it.
//! In: `bench/ticker`, which looks at the clock each millisecond. A dump takes a
//! core for as long as it lasts, and on a small machine the target feels that
//! whoever is looked at: so a neighbour like it is dumped too, and what the
//! target feels more when it is dumped itself is what looking does to it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Bench, Figure, median, newest_line, number, pass, quantile};

pub(super) fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let mut ticker = bench.target("ticker", &["-goroutines", "100000"])?;
    let mut neighbour = bench.target("ticker", &["-goroutines", "100000"])?;
    for one in [&mut ticker, &mut neighbour] {
        one.lines_until(Duration::from_secs(60), |line| line.starts_with("ready"))?;
    }
    pass(2.0);

    let (mut texts, mut jsons, mut read) = (Vec::new(), Vec::new(), Vec::new());
    let (mut bare, mut beside, mut watched) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.turns.max(3) {
        gaps(&mut ticker, &mut bare, || {
            pass(0.1);
            Ok(())
        })?;
        gaps(&mut ticker, &mut beside, || dump_text(bench, neighbour.pid()).map(drop))?;
        let pid = ticker.pid();
        gaps(&mut ticker, &mut watched, || {
            texts.push(dump_text(bench, pid)?);
            Ok(())
        })?;
        let (took, all) = dump_json(bench, pid)?;
        read.push(took);
        jsons.push(all);
    }
    let most = [&bare, &beside, &watched].map(|gaps| quantile(gaps.clone(), 0.9));
    let middle = [bare, beside, watched].map(median);
    eprintln!(
        "  longest gap each second, ms (bare, neighbour watched, watched): median {middle:.2?}, nine in ten below {most:.2?}"
    );
    let [_, beside, watched] = middle;
    let [bare_most, beside_most, watched_most] = most;
    Ok(vec![
        Figure::at_most(500.0, "dump_100k", median(texts), "ms"),
        Figure::at_most(500.0, "dump_100k_read", median(read), "ms"),
        Figure::at_most(1500.0, "dump_100k_json", median(jsons), "ms"),
        Figure::at_most(1.25, "tick_gap_median_ratio", watched / beside.max(0.05), "x neighbour"),
        Figure::at_most(1.0, "tick_gap_most_more", watched_most - bare_most.max(beside_most), "ms"),
    ])
}

/// Adds the ticker's longest gap of each of some seconds in which `act` is done
/// over and over.
fn gaps(
    ticker: &mut bingo_tests::Child,
    gaps: &mut Vec<f64>,
    mut act: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // The second that has begun belongs to what was before.
    newest_line(ticker)?;
    let mut first = true;
    let end = Instant::now() + Duration::from_millis(4200);
    while Instant::now() < end {
        act()?;
        while let Ok(line) = ticker.line(Duration::ZERO) {
            if !std::mem::take(&mut first) {
                gaps.push(number(&line, "longest_gap_ns")? / 1e6);
            }
        }
    }
    Ok(())
}

/// Milliseconds that `bingo dump` takes, from its start to its end.
fn dump_text(bench: &Bench, pid: u32) -> anyhow::Result<f64> {
    let started = Instant::now();
    let mut dump = Command::new(&bench.bingo);
    let status =
        dump.args(["dump", &pid.to_string()]).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    anyhow::ensure!(status.success(), "bingo dump: {status}");
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

/// Milliseconds: of reading alone, as the dump says itself, and of the whole command.
fn dump_json(bench: &Bench, pid: u32) -> anyhow::Result<(f64, f64)> {
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
