//! The fuzz targets, each for 20 seconds, two at a time. Without a bound:
//! `cargo fuzz run <target>` in fuzz/, by hand. In: `fuzz/fuzz_targets/*.rs`.
//! Out: a target passed or failed, with the input that broke it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Outcome;
use crate::workspace::{cargo, on_path, output_of, root, target, tools};

const SECONDS: u32 = 20;
/// How long one input may take, in seconds: what reads a file does not hang on it.
const PATIENCE: u32 = 20;

pub(super) fn run() -> anyhow::Result<Outcome> {
    let folder = root().join("fuzz");
    let mut targets: Vec<String> = fs::read_dir(folder.join("fuzz_targets"))?
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
        .collect();
    targets.sort();
    if on_path("cargo-fuzz").is_none() && !tools().join("bin/cargo-fuzz").is_file() {
        let skip = |name: &String| format!("fuzz::{name}: cargo-fuzz is not installed (cargo xtask setup)");
        return Ok(Outcome { skipped: targets.iter().map(skip).collect(), ..Outcome::default() });
    }
    let path = format!("{}:{}", std::env::var("PATH").unwrap_or_default(), tools().join("bin").display());
    let mut build = cargo();
    // The flags that count the ways through the code are unstable. What parses has no
    // `unsafe` in it, so the address sanitizer, for which all takes twice as long, is
    // for runs by hand.
    let quick = ["--sanitizer", "none", "--codegen-units", "8"];
    build
        .args(["fuzz", "build"])
        .args(quick)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("PATH", path)
        .current_dir(&folder);
    output_of(&mut build)?;

    let mut outcome = Outcome::default();
    for two in targets.chunks(2) {
        let results: Vec<_> = std::thread::scope(|scope| {
            let running: Vec<_> = two.iter().map(|name| scope.spawn(|| fuzz(&folder, name))).collect();
            running.into_iter().map(|run| run.join().expect("a fuzz run does not panic")).collect()
        });
        for (name, result) in two.iter().zip(results) {
            match result {
                Ok(said) => {
                    eprintln!("{name}: {said}");
                    outcome.passed += 1;
                }
                Err(error) => {
                    eprintln!("{name}: {error:#}");
                    outcome.failed += 1;
                }
            }
        }
    }
    Ok(outcome)
}

/// Runs one target, and answers its closing line.
fn fuzz(folder: &Path, name: &str) -> anyhow::Result<String> {
    let work = target().join("fuzz").join(name);
    fs::create_dir_all(work.join("corpus"))?;
    let mut run = Command::new(folder.join("target/x86_64-unknown-linux-gnu/release").join(name));
    run.arg(work.join("corpus"));
    // Seeds that are kept in the source tree, where there are any.
    let seeds = folder.join("seeds").join(name);
    if seeds.is_dir() {
        run.arg(seeds);
    }
    run.arg(format!("-max_total_time={SECONDS}"));
    run.arg(format!("-timeout={PATIENCE}"));
    run.arg(format!("-artifact_prefix={}/", work.display()));
    let output = run.stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.lines().rev().take(30).collect();
    let last = last.into_iter().rev().collect::<Vec<_>>().join("\n");
    anyhow::ensure!(output.status.success(), "{last}");
    Ok(said.lines().rev().find(|line| line.starts_with("Done ")).unwrap_or("done").to_owned())
}
