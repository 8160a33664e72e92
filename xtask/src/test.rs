//! `cargo xtask test`: everything that CI runs, and a summary that hides nothing.
//!
//! In: a machine with Rust. Out: what each step says, then a line a step with its
//! time, then every skip with its reason, then `N passed, N failed, N skipped`
//! alone on the last line. A step without tests of its own counts as one.

mod fuzz;
mod nextest;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::workspace::{cargo, output_of, shown, target};
use crate::{ebpf, layouts, setup, tidy};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run these steps alone (`--list` names them)
    only: Vec<String>,
    /// Leave out what takes longest: set-up, doc, layouts, ebpf, fuzz
    #[arg(long)]
    fast: bool,
    /// List the steps, and run none
    #[arg(long)]
    list: bool,
}

/// A part of the test run.
struct Step {
    name: &'static str,
    /// Whether `--fast` runs it.
    fast: bool,
    run: fn() -> anyhow::Result<Outcome>,
}

const STEPS: &[Step] = &[
    Step { name: "setup", fast: false, run: set_up },
    Step { name: "fmt", fast: true, run: || checked(&["fmt", "--all", "--check"]) },
    Step { name: "tidy", fast: true, run: || tidy::run().map(|()| Outcome::one()) },
    Step { name: "clippy", fast: true, run: clippy },
    Step { name: "targets", fast: true, run: other_targets },
    Step { name: "doc", fast: false, run: doc },
    Step { name: "layouts", fast: false, run: layouts },
    Step { name: "unit", fast: true, run: || nextest::run("not binary(live)") },
    Step { name: "live", fast: true, run: live },
    Step { name: "ebpf", fast: false, run: ebpf },
    Step { name: "fuzz", fast: false, run: fuzz::run },
];

/// What a step did.
#[derive(Default)]
struct Outcome {
    passed: usize,
    failed: usize,
    /// What could not run, with its reason.
    skipped: Vec<String>,
}

impl Outcome {
    fn one() -> Outcome {
        Outcome { passed: 1, ..Outcome::default() }
    }

    fn skipped(what: String) -> Outcome {
        Outcome { skipped: vec![what], ..Outcome::default() }
    }

    fn and(mut self, other: Outcome) -> Outcome {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
        self
    }
}

/// Answers whether nothing failed.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    for name in &arguments.only {
        anyhow::ensure!(STEPS.iter().any(|step| step.name == name), "no step {name}: see --list");
    }
    let wanted = |step: &&Step| {
        if arguments.only.is_empty() {
            step.fast || !arguments.fast
        } else {
            arguments.only.iter().any(|name| name == step.name)
        }
    };
    let steps: Vec<&Step> = STEPS.iter().filter(wanted).collect();
    if arguments.list {
        steps.iter().for_each(|step| println!("{}", step.name));
        return Ok(true);
    }
    let mut lines = Vec::new();
    let mut total = Outcome::default();
    for step in steps {
        eprintln!("\n── {}", step.name);
        let started = Instant::now();
        let outcome = (step.run)().unwrap_or_else(|error| {
            eprintln!("{}: {error:#}", step.name);
            Outcome { failed: 1, ..Outcome::default() }
        });
        lines.push(line(step.name, &outcome, started.elapsed()));
        total = total.and(outcome);
    }
    summary(&lines, &total);
    Ok(total.failed == 0)
}

fn line(name: &str, outcome: &Outcome, took: Duration) -> String {
    let state = if outcome.failed > 0 { "FAILED" } else { "ok" };
    format!(
        "{name:<10} {state:<7} {:>5} passed {:>3} failed {:>3} skipped {:>7.1} s",
        outcome.passed,
        outcome.failed,
        outcome.skipped.len(),
        took.as_secs_f32()
    )
}

fn summary(lines: &[String], total: &Outcome) {
    println!("\n── summary");
    lines.iter().for_each(|line| println!("{line}"));
    if !total.skipped.is_empty() {
        println!("\n── skipped");
        total.skipped.iter().for_each(|skip| println!("{skip}"));
    }
    println!();
    println!("{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped.len());
}

/// Runs cargo; a failure is its exit status, for it has said why itself.
fn checked(arguments: &[&str]) -> anyhow::Result<Outcome> {
    checked_with(arguments, &[])
}

fn checked_with(arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Outcome> {
    let mut command = cargo();
    command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null());
    let status = command.status().with_context(|| format!("`{}` did not start", shown(&command)))?;
    anyhow::ensure!(status.success(), "`{}` failed", shown(&command));
    Ok(Outcome::one())
}

fn set_up() -> anyhow::Result<Outcome> {
    let missing = setup::install(|_| true);
    Ok(missing.into_iter().fold(Outcome::one(), |outcome, (name, reason)| {
        outcome.and(Outcome::skipped(format!("setup: {name}: {}", reason.replace('\n', " "))))
    }))
}

fn clippy() -> anyhow::Result<Outcome> {
    let deny = ["--", "--deny", "warnings"];
    let all = ["clippy", "--quiet", "--workspace", "--all-targets"];
    // What only tests need would be built once more for each of these.
    let library = ["clippy", "--quiet", "--package", "bingo", "--no-default-features", "--lib"];
    let without_live = [&library[..], &["--bins", "--features", "cli"]].concat();
    let mut outcome = checked(&[&all[..], &deny].concat())?;
    for features in [&library[..], &without_live] {
        outcome = outcome.and(checked(&[features, &deny].concat())?);
    }
    Ok(outcome)
}

/// Without `live`, Bingo is for any OS, the program too.
fn other_targets() -> anyhow::Result<Outcome> {
    let sysroot = output_of(std::process::Command::new("rustc").args(["--print", "sysroot"]))?;
    let mut outcome = Outcome::default();
    for triple in ["x86_64-pc-windows-gnu", "aarch64-apple-darwin"] {
        if Path::new(sysroot.trim()).join("lib/rustlib").join(triple).is_dir() {
            let check = ["check", "--quiet", "--package", "bingo", "--target", triple];
            let without_live = ["--no-default-features", "--features", "cli"];
            outcome = outcome.and(checked(&[&check[..], &without_live].concat())?);
        } else {
            let reason =
                format!("targets: {triple}: Rust's std for it is not installed (rustup target add {triple})");
            outcome = outcome.and(Outcome::skipped(reason));
        }
    }
    Ok(outcome)
}

fn doc() -> anyhow::Result<Outcome> {
    checked_with(&["doc", "--quiet", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "--deny warnings")])
}

fn layouts() -> anyhow::Result<Outcome> {
    layouts::run(&layouts::Arguments { check: true }).map(|()| Outcome::one())
}

fn live() -> anyhow::Result<Outcome> {
    nextest::run("binary(live)")
}

/// Rebuilds the eBPF object, compares, and runs the live tests with the fresh one.
fn ebpf() -> anyhow::Result<Outcome> {
    if let Some(missing) = ebpf::missing_tool() {
        return Ok(Outcome::skipped(format!("ebpf: the object is not rebuilt: {missing}")));
    }
    ebpf::run(&ebpf::Arguments { check: true })?;
    let fresh = ebpf::build()?;
    if fs::read(&fresh)? == fs::read(ebpf::object_file())? {
        eprintln!("the live tests have run with these very bytes");
        return Ok(Outcome::one());
    }
    let fresh = fresh.display().to_string();
    let tests = nextest::run_with("binary(live) and test(/probe/)", &[("BINGO_EBPF_OBJECT", &fresh)])?;
    Ok(Outcome::one().and(tests))
}

/// The skips that tests have noted since the folder was last emptied.
fn noted_skips() -> Vec<String> {
    let folder = target().join("test-skips");
    let mut skips: Vec<String> = fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .map(|text| text.trim().to_owned())
        .collect();
    skips.sort();
    skips
}
