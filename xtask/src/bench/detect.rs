//! Judging: cycles of goroutines, and a million of them. The figures are those that
//! `bingo/benches/detect.rs` prints, built as a release is.

use anyhow::Context;

use super::{Bench, Figure};
use crate::workspace::{cargo, output_of};

/// Cycles are found whole and at once; a million goroutines are few findings.
pub(super) fn run(_: &Bench) -> anyhow::Result<Vec<Figure>> {
    let mut bench = cargo();
    bench.args(["bench", "--quiet", "--package", "bingo", "--no-default-features", "--bench", "detect"]);
    let printed = output_of(&mut bench)?;
    let value = |name: &str| -> anyhow::Result<f64> {
        let line = printed.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.with_context(|| format!("no {name} in `{printed}`"))?.parse().with_context(|| name.to_owned())
    };
    for (name, expected) in [
        ("cycle_findings", 1.0),
        ("cycle_goroutines", 50.0),
        ("pairs_findings", 1.0),
        ("pairs_goroutines", 2_000.0),
        ("million_findings", 5.0),
        ("million_goroutines", 1_000_000.0),
    ] {
        anyhow::ensure!(value(name)? == expected, "{name} {}, expected {expected}", value(name)?);
    }
    Ok(vec![
        Figure::at_most(100.0, "detect_cycle", value("cycle_ms")?, "ms"),
        Figure::at_most(100.0, "detect_pairs", value("pairs_ms")?, "ms"),
        Figure::at_most(5_000.0, "detect_million", value("million_ms")?, "ms"),
        Figure::at_most(1024.0, "detect_memory", value("peak_kib")? / 1024.0, "MiB"),
    ])
}
