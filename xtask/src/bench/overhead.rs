//! What probes cost the target, in the worst case and in a busy one.
//!
//! One target runs all the time; Bingo is attached and detached in turn, in the
//! order bare, watched, watched, bare, so that a drift weighs on both sides
//! alike. What the target got done in a second is its throughput, in which
//! Bingo's own use of the processors counts too; its CPU time for one piece of
//! work is what the probes cost it. In: `bench/pingpong`, `bench/parkers`.

use bingo_tests::Child;

use super::{Bench, Figure, cpu_seconds, median, newest_line, number, pass};

/// How long the governor may take to settle, in seconds.
const SETTLE: f64 = 2.0;

/// How long a side is measured, in seconds.
const WINDOW: f64 = 8.0;

/// Channel ping-pong on all cores, with a budget of 2 %.
pub(super) fn ping_pong(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let mut target = bench.target("pingpong", &["-interval", "100ms"])?;
    pass(1.0);
    let sides = compare(bench, &mut target, "rounds", &["--max-overhead", "2%"])?;
    let loss = (1.0 - sides.ratio(|work| work.per_second)) * 100.0;
    Ok(vec![Figure::at_most(5.0, "pingpong_loss", loss, "%")])
}

/// 10,000 goroutines that park 20,000 times a second, watched at 10 Hz.
pub(super) fn parkers(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let mut target =
        bench.target("parkers", &["-goroutines", "10000", "-rate", "20000", "-interval", "100ms"])?;
    pass(2.0);
    let sides = compare(bench, &mut target, "tokens", &["--interval", "100ms"])?;
    let more = (sides.ratio(|work| work.cpu_ns) - 1.0) * 100.0;
    let own = median(sides.watched.iter().map(|(_, own)| own * 100.0).collect());
    Ok(vec![
        Figure::at_most(5.0, "parkers_target_cpu_more", more, "%"),
        Figure::at_most(10.0, "parkers_bingo_cpu", own, "% of core"),
    ])
}

/// What a target did in a window.
#[derive(Clone, Copy)]
struct Work {
    /// Pieces of work a second.
    per_second: f64,
    /// Its CPU time for one piece.
    cpu_ns: f64,
}

/// The windows of a run.
struct Sides {
    bare: Vec<Work>,
    /// With the CPUs that Bingo used meanwhile.
    watched: Vec<(Work, f64)>,
}

impl Sides {
    /// The median of what is watched over that of what is not.
    fn ratio(&self, of: impl Fn(Work) -> f64) -> f64 {
        let watched = median(self.watched.iter().map(|(work, _)| of(*work)).collect());
        watched / median(self.bare.iter().map(|work| of(*work)).collect())
    }
}

/// Measures a target bare and watched, as often as asked for.
fn compare(bench: &Bench, target: &mut Child, key: &str, arguments: &[&str]) -> anyhow::Result<Sides> {
    let mut sides = Sides { bare: Vec::new(), watched: Vec::new() };
    for turn in 0..bench.turns {
        if turn % 2 == 0 {
            sides.bare.push(work(target, key)?);
        }
        let attached =
            bench.attach(target.pid(), &[&["--format", "text", "--mode", "auto"], arguments].concat())?;
        pass(SETTLE);
        let cpu = cpu_seconds(attached.pid())?;
        let watched = work(target, key)?;
        let own_cpu = (cpu_seconds(attached.pid())? - cpu) / WINDOW;
        drop(attached);
        pass(SETTLE);
        sides.watched.push((watched, own_cpu));
        if turn % 2 == 1 {
            sides.bare.push(work(target, key)?);
        }
        if let Some(bare) = sides.bare.last() {
            eprintln!(
                "  {:.0} {key}/s at {:.1} ns bare; {:.0} at {:.1} watched, Bingo at {own_cpu:.3} CPUs",
                bare.per_second, bare.cpu_ns, watched.per_second, watched.cpu_ns
            );
        }
    }
    Ok(sides)
}

/// What the target does in a window, from its lines.
fn work(target: &mut Child, key: &str) -> anyhow::Result<Work> {
    let first = newest_line(target)?;
    pass(WINDOW);
    let last = newest_line(target)?;
    let grown = |key| anyhow::Ok(number(&last, key)? - number(&first, key)?);
    let done = grown(key)?;
    Ok(Work { per_second: done / grown("ns")? * 1e9, cpu_ns: grown("cpu_ns")? / done })
}
