//! What probes cost the target, in the worst case and in a busy one.
//!
//! One target runs all the time; Bingo is attached and detached in turn, so both
//! sides see the same noise. In: `bench/pingpong`, `bench/parkers`.

use std::time::Duration;

use bingo_tests::Child;

use super::{Bench, Figure, cpu_seconds, median, newest_line, number, pass};

/// Channel ping-pong on all cores, with a budget of 2 %.
pub(super) fn ping_pong(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let mut target = bench.target("pingpong", &["-interval", "100ms"])?;
    pass(1.0);
    let (mut losses, mut errors) = (Vec::new(), Vec::new());
    for _ in 0..bench.turns {
        let before = rate(&mut target, "rounds", 2.5)?;
        let mut attached =
            bench.attach(target.pid(), &["--max-overhead", "2%", "--format", "text", "--mode", "auto"])?;
        pass(2.5);
        let watched = rate(&mut target, "rounds", 4.0)?;
        let shown = achieved(&mut attached);
        drop(attached);
        pass(0.3);
        // The bare side is taken around the watched one: a slow drift evens out.
        let bare = (before + rate(&mut target, "rounds", 2.5)?) / 2.0;
        let loss = (1.0 - watched / bare) * 100.0;
        eprintln!(
            "  {bare:.0} rounds/s bare, {watched:.0} watched: {loss:.2} % less; Bingo says {shown:?} %"
        );
        losses.push(loss);
        errors.extend(shown.map(|shown| (shown - loss).abs()));
    }
    anyhow::ensure!(!errors.is_empty(), "Bingo printed no achieved overhead");
    Ok(vec![
        Figure::at_most(5.0, "pingpong_loss", median(losses), "%"),
        Figure::at_most(1.0, "pingpong_overhead_error", median(errors), "points"),
    ])
}

/// 10,000 goroutines that park 20,000 times a second, watched at 10 Hz.
pub(super) fn parkers(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let mut target =
        bench.target("parkers", &["-goroutines", "10000", "-rate", "20000", "-interval", "100ms"])?;
    pass(2.0);
    let (mut more, mut own) = (Vec::new(), Vec::new());
    for _ in 0..bench.turns {
        let before = cost(&mut target)?;
        let attached = bench.attach(target.pid(), &["--interval", "100ms", "--format", "text"])?;
        pass(2.5);
        let cpu = cpu_seconds(attached.pid())?;
        let started = std::time::Instant::now();
        let watched = cost(&mut target)?;
        own.push((cpu_seconds(attached.pid())? - cpu) / started.elapsed().as_secs_f64() * 100.0);
        drop(attached);
        pass(0.3);
        let bare = (before + cost(&mut target)?) / 2.0;
        eprintln!("  {bare:.0} ns of CPU a park bare, {watched:.0} watched");
        more.push((watched / bare - 1.0) * 100.0);
    }
    Ok(vec![
        Figure::at_most(5.0, "parkers_target_cpu_more", median(more), "%"),
        Figure::at_most(10.0, "parkers_bingo_cpu", median(own), "% of core"),
    ])
}

/// How fast a counter of the target's lines grows, a second, over `seconds`.
fn rate(target: &mut Child, key: &str, seconds: f64) -> anyhow::Result<f64> {
    let first = newest_line(target)?;
    pass(seconds);
    let last = newest_line(target)?;
    Ok((number(&last, key)? - number(&first, key)?) / (number(&last, "ns")? - number(&first, "ns")?) * 1e9)
}

/// The target's CPU nanoseconds for one token.
fn cost(target: &mut Child) -> anyhow::Result<f64> {
    let first = newest_line(target)?;
    pass(4.0);
    let last = newest_line(target)?;
    Ok((number(&last, "cpu_ns")? - number(&first, "cpu_ns")?)
        / (number(&last, "tokens")? - number(&first, "tokens")?))
}

/// The overhead that Bingo has printed last, in per cent: the word before the
/// `%` that stands behind "overhead".
fn achieved(attached: &mut Child) -> Option<f64> {
    let mut shown = None;
    while let Ok(line) = attached.line(Duration::ZERO) {
        let behind = line.split_once("overhead").map(|(_, behind)| behind);
        let number = behind.and_then(|text| text.split_once('%')).and_then(|(before, _)| {
            before.rsplit(|c: char| !(c.is_ascii_digit() || c == '.')).find(|word| !word.is_empty())
        });
        shown = number.and_then(|number| number.parse().ok()).or(shown);
    }
    shown
}
