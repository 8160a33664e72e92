//! Tests by cargo-nextest. In: a filter. Out: what passed and failed, as its
//! closing line counts it, less what noted a skip.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::Context;

use super::{Outcome, checked, noted_skips};
use crate::workspace::{cargo, target, tools};

/// Runs the workspace's tests that `filter` takes.
pub(super) fn run(filter: &str) -> anyhow::Result<Outcome> {
    run_with(filter, &[])
}

/// The same with variables in the environment.
pub(super) fn run_with(filter: &str, environment: &[(&str, &str)]) -> anyhow::Result<Outcome> {
    let folder = target().join("test-skips");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    // Tests of the command line run the program itself, which no test target builds.
    // The same packages at once have the same features, so nothing is built twice.
    checked(&["build", "--quiet", "--workspace", "--bins", "--tests"])?;
    // Set-up may have installed it where cargo does not look.
    let mut path = std::env::var("PATH").unwrap_or_default();
    path = format!("{path}:{}", tools().join("bin").display());
    let mut nextest = cargo()
        .args(["nextest", "run", "--workspace", "--no-fail-fast", "--hide-progress-bar", "--color", "never"])
        .args(["--status-level", "fail", "--final-status-level", "fail", "--filterset", filter])
        .env("PATH", path)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cargo nextest did not start")?;
    let mut counted = None;
    for line in BufReader::new(nextest.stderr.take().context("its messages are piped")?).lines() {
        let line = line?;
        eprintln!("{line}");
        counted = counts(&line).or(counted);
    }
    let status = nextest.wait()?;
    let (passed, failed) = counted.with_context(|| format!("no test was run ({status})"))?;
    anyhow::ensure!(status.success() || failed > 0, "cargo nextest: {status}");
    let skipped = noted_skips();
    Ok(Outcome { passed: passed.saturating_sub(skipped.len()), failed, skipped })
}

/// The counts in `Summary [ 1.2s] 30 tests run: 27 passed (1 slow), 2 failed, 1 timed out, 4 skipped`.
fn counts(line: &str) -> Option<(usize, usize)> {
    let (_, counts) = line.trim_start().strip_prefix("Summary [")?.split_once("run: ")?;
    let count = |word: &str| {
        let before = counts.split(", ").find(|part| part.contains(word))?;
        before.split_whitespace().next()?.parse::<usize>().ok()
    };
    let failures = ["failed", "timed out", "exec failed"].iter().filter_map(|word| count(word)).sum();
    Some((count("passed").unwrap_or(0), failures))
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn the_closing_line_is_understood() {
        let line =
            "     Summary [   1.2s] 30 tests run: 27 passed (1 slow), 2 failed, 1 timed out, 4 skipped";
        assert_eq!(counts(line), Some((27, 3)));
        assert_eq!(counts("     Summary [   0.1s] 2 tests run: 2 passed, 0 skipped"), Some((2, 0)));
        assert_eq!(
            counts("     Summary [  16.0s] 4/30 tests run: 2 passed, 2 failed, 0 skipped"),
            Some((2, 2))
        );
        assert_eq!(counts("error: test run failed"), None);
    }
}
