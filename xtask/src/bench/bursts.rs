//! Whether the overhead that Bingo prints is what its probes cost.
//!
//! Where a budget does not allow probes all the time, they are set in bursts.
//! The target's work is counted in steps that are shorter than a burst, and what
//! a burst cost is its CPU time beyond what the steps just before and behind it
//! needed for the same work. So both sides lie a tenth of a second apart: over
//! seconds this target's speed wanders by more than what is to be measured.
//! In: `bench/pingpong`, and the events of `bingo attach`, which say when bursts were.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use bingo_tests::Child;

use super::{Bench, Figure, newest_line, number, pass};

/// How long to watch in a turn, in seconds, and how much of the beginning is
/// left out; the overhead that Bingo prints is that of the last ten seconds.
const WATCHED: f64 = 22.0;
const SETTLE: f64 = 2.0;
/// Without an event for so long, a burst is over.
const GAP_NS: f64 = 100e6;
/// Setting and taking out may cost so long before and after its events.
const MARGIN_NS: f64 = 30e6;
/// So far before and behind a burst the target's speed is that in it.
const NEAR_NS: f64 = 200e6;

/// The printed overhead, compared with the measured one.
pub(super) fn overhead_error(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let mut target = bench.target("pingpong", &["-interval", "10ms"])?;
    pass(1.0);
    let (mut more, mut own, mut says) = (0.0, 0.0, 0.0);
    for _ in 0..bench.turns {
        newest_line(&mut target)?;
        let mut attach = Command::new(&bench.bingo);
        attach.args(["attach", &target.pid().to_string(), "--max-overhead", "2%", "--format", "jsonl"]);
        let output = attach.args(["--duration", &format!("{WATCHED}s")]).stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "bingo attach: {said}");
        let printed = printed(&said)?;
        let events = times(&String::from_utf8_lossy(&output.stdout))?;
        let steps = steps(&mut target)?;
        let began = events.first().context("Bingo saw no park")? + SETTLE * 1e9;
        let bursts: Vec<_> = bursts(&events).into_iter().filter(|burst| burst.0 > began).collect();
        ensure!(bursts.len() >= 20, "{} bursts are too few to judge by", bursts.len());
        let cost: f64 = bursts.iter().filter_map(|burst| cost_ns(&steps, *burst)).sum();
        let all: f64 = steps.iter().filter(|step| step.at > began).map(|step| step.cpu_ns).sum();
        let hits = events.iter().filter(|&&at| at > began).count();
        eprintln!(
            "  {} bursts, {hits} hits at {:.0} ns, cost {:.2} % of the target's own CPU time, Bingo says {printed} %",
            bursts.len(),
            cost / hits as f64,
            cost / (all - cost) * 100.0
        );
        more += cost;
        own += all - cost;
        says += printed / f64::from(bench.turns);
    }
    let measured = more / own * 100.0;
    eprintln!("  in all {measured:.2} %, Bingo says {says:.2} %");
    Ok(vec![Figure::at_most(1.0, "pingpong_overhead_error", (measured - says).abs(), "points")])
}

/// What the target did up to a time, since the step before.
#[derive(Clone, Copy, Default)]
struct Step {
    at: f64,
    rounds: f64,
    cpu_ns: f64,
}

/// The lines that the target has written.
fn steps(target: &mut Child) -> anyhow::Result<Vec<Step>> {
    let (mut steps, mut last) = (Vec::new(), None);
    while let Ok(line) = target.line(Duration::ZERO) {
        let now = Step {
            at: number(&line, "at")?,
            rounds: number(&line, "rounds")?,
            cpu_ns: number(&line, "cpu_ns")?,
        };
        if let Some(last) = last.replace(now) {
            let Step { rounds, cpu_ns, .. } = last;
            steps.push(Step { at: now.at, rounds: now.rounds - rounds, cpu_ns: now.cpu_ns - cpu_ns });
        }
    }
    Ok(steps)
}

/// The target's CPU time in the steps that a burst touched, beyond what the
/// steps beside it took for the same work.
fn cost_ns(steps: &[Step], (from, to): (f64, f64)) -> Option<f64> {
    let (mut inside, mut beside) = (Step::default(), Step::default());
    for (before, step) in steps.iter().zip(steps.get(1..)?) {
        let sum = if step.at > from && before.at < to {
            &mut inside
        } else if step.at > from - NEAR_NS && before.at < to + NEAR_NS {
            &mut beside
        } else {
            continue;
        };
        sum.rounds += step.rounds;
        sum.cpu_ns += step.cpu_ns;
    }
    (beside.rounds > 0.0).then(|| inside.cpu_ns - inside.rounds * beside.cpu_ns / beside.rounds)
}

/// From when to when events came close together, with what surrounds them.
fn bursts(events: &[f64]) -> Vec<(f64, f64)> {
    let close = events.chunk_by(|one, next| next - one < GAP_NS);
    close.filter_map(|burst| Some((burst.first()? - MARGIN_NS, burst.last()? + MARGIN_NS))).collect()
}

/// When goroutines parked, by the probes.
fn times(lines: &str) -> anyhow::Result<Vec<f64>> {
    let parks = lines.lines().filter(|line| line.contains(r#""event_type":"block""#));
    let time = |line: &str| {
        let behind = line.split_once(r#""time_ns":"#).map(|(_, behind)| behind);
        let number = behind.and_then(|behind| behind.split([',', '}']).next());
        number.and_then(|number| number.trim_matches('"').parse().ok()).with_context(|| line.to_owned())
    };
    parks.map(time).collect()
}

/// The last overhead in what Bingo said, in per cent.
fn printed(said: &str) -> anyhow::Result<f64> {
    let behind = said.rsplit_once("overhead ").and_then(|(_, behind)| behind.split_once('%'));
    behind.and_then(|(number, _)| number.parse().ok()).context("Bingo printed no overhead")
}
