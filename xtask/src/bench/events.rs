//! How soon an event is there, and whether all of them are.

use std::time::Duration;

use anyhow::Context;

use super::{Bench, Figure, pass, quantile};

/// From the park, by the kernel's clock in the event, to its line in our hands.
pub(super) fn latency(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let target = bench.target("parkers", &["-goroutines", "1000", "-rate", "5000"])?;
    pass(1.0);
    let mut attached =
        bench.attach(target.pid(), &["--mode", "probe", "--format", "jsonl", "--max-overhead", "100%"])?;
    let mut late = Vec::new();
    let end = now_ns()? + 8e9;
    let settled = now_ns()? + 2e9;
    while now_ns()? < end {
        let line = attached.line(Duration::from_secs(5))?;
        let now = now_ns()?;
        if now > settled && line.contains("\"event_type\":\"block\"") {
            late.push((now - field(&line, "time_ns").context("an event without time_ns")?) / 1e6);
        }
    }
    anyhow::ensure!(late.len() > 10_000, "only {} parks were seen", late.len());
    Ok(vec![Figure::at_most(100.0, "latency_p99", quantile(late, 0.99), "ms")])
}

/// 200,000 events a second for 10 s: made and received compared.
pub(super) fn lost(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let mut target = bench.target("burst", &["-rate", "100000", "-duration", "10s"])?;
    target.lines_until(Duration::from_secs(20), |line| line == "ready")?;
    let mut attached =
        bench.attach(target.pid(), &["--mode", "probe", "--format", "jsonl", "--max-overhead", "100%"])?;
    // The header says that it is attached, and the first snapshot that it looks.
    attached.lines_until(Duration::from_secs(20), |line| line.contains("\"snapshot\""))?;
    pass(1.0);
    target.send("go")?;

    let (mut parks, mut readies, mut lost) = (0.0, 0.0, 0.0);
    let mut made = None;
    let mut quiet = 0;
    while made.is_none() || quiet < 3 {
        match attached.line(Duration::from_millis(500)) {
            Ok(line) if line.contains("\"event_type\":\"lost\"") => {
                lost += field(&line, "count").unwrap_or(0.0);
            }
            Ok(line) if line.contains("\"block_reason\":\"chan-receive\"") => {
                parks += f64::from(u8::from(line.contains("\"event_type\":\"block\"")));
            }
            Ok(line) => readies += f64::from(u8::from(line.contains("\"event_type\":\"unblock\""))),
            Err(_) => quiet += 1,
        }
        if made.is_none()
            && let Ok(line) = target.line(Duration::ZERO)
        {
            made = Some(line);
            quiet = 0;
        }
    }
    let made = made.unwrap_or_default();
    let words: Vec<f64> = made.split_whitespace().flat_map(str::parse).collect();
    let [tokens, took] = words.as_slice() else { anyhow::bail!("not what burst prints: {made}") };
    let rate = 2.0 * tokens / (took / 1e9);
    eprintln!(
        "  made {tokens:.0} parks and as many readies, {rate:.0} events/s; received {parks:.0} parks, {readies:.0} unblocks; said to be lost {lost:.0}"
    );
    let gone = (tokens - parks).max(0.0);
    Ok(vec![
        Figure::at_most(-180_000.0, "events_lost_rate_made", -rate, "-events/s"),
        Figure::at_most(0.0, "events_lost", lost, "events"),
        Figure::at_most(0.0, "events_lost_unsaid", (gone - lost).max(0.0), "events"),
    ])
}

/// A number of a JSON line, by its key.
fn field(line: &str, key: &str) -> Option<f64> {
    let behind = line.split_once(&format!("\"{key}\":"))?.1;
    behind.trim_start_matches('"').split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The kernel's monotonic clock, in nanoseconds.
fn now_ns() -> anyhow::Result<f64> {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)?;
    Ok(Duration::from(now).as_secs_f64() * 1e9)
}
