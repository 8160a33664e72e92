//! `bingo collect` of a binary: each event from its first instruction to its end,
//! however short that is, and what is no Go program is not started.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::Context;
use bingo_tests::{Fixture, Mode, bingo_bin, live_or_skip, release_or_skip, target_dir};
use serde_json::Value;

fn program(test: &str, minor: u32, mode: Mode) -> anyhow::Result<Option<Fixture>> {
    if !live_or_skip(test) {
        return Ok(None);
    }
    let Some(release) = release_or_skip(test, minor) else { return Ok(None) };
    Fixture::build("short", &release, mode).map(Some)
}

/// A file of this test's own.
fn events(test: &str) -> anyhow::Result<PathBuf> {
    let folder = target_dir().join("collect-tests");
    fs::create_dir_all(&folder)?;
    Ok(folder.join(test))
}

fn collect(program: &Fixture, to: &PathBuf, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut bingo = Command::new(bingo_bin()?);
    bingo.arg("collect").arg(&program.path).arg("--output").arg(to).args(arguments);
    bingo.stdin(Stdio::null()).output().context("bingo collect")
}

#[test]
fn a_program_that_ends_at_once_is_seen_whole() -> anyhow::Result<()> {
    let test = "collect::a_program_that_ends_at_once_is_seen_whole";
    for (minor, mode) in [(19, Mode::Normal), (22, Mode::StrippedPie), (27, Mode::Normal), (27, Mode::Cgo)] {
        let Some(program) = program(test, minor, mode)? else { continue };
        let path = events(&format!("whole-{minor}-{mode:?}.jsonl"))?;
        for round in 0..5 {
            let output = collect(&program, &path, &[])?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            anyhow::ensure!(output.status.code() == Some(4), "{mode:?}: {}: {said}", output.status);
            let text = fs::read_to_string(&path)?;
            let lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
            assert_eq!(lines[0]["source"], "collect");
            let made = |function: &str| {
                let by = |line: &&Value| {
                    line["event_type"] == "create" && line["source_location"]["function"] == function
                };
                lines.iter().filter(by).count()
            };
            let all = (made("main.main"), made("main.worker"));
            assert_eq!(all, (1, 1), "Go 1.{minor} {mode:?}, round {round}: {text}\n{said}");
            let times: Vec<u64> = lines.iter().filter_map(|line| line["time_ns"].as_u64()).collect();
            assert!(times.is_sorted(), "Go 1.{minor} {mode:?}, round {round}: {text}");
        }
    }
    Ok(())
}

#[test]
fn its_words_and_its_status_are_passed_on() -> anyhow::Result<()> {
    let test = "collect::its_words_and_its_status_are_passed_on";
    let Some(program) = program(test, 27, Mode::Normal)? else { return Ok(()) };
    let output = collect(&program, &events("passed.jsonl")?, &["--", "a", "--output"])?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[a --output]\n");
    assert!(said.contains("panic: a"), "{said}");
    Ok(())
}

#[test]
fn what_is_no_go_program_is_not_started() -> anyhow::Result<()> {
    let script = events("script.sh")?;
    fs::write(&script, "#!/bin/sh\necho started\n")?;
    let script = script.to_str().context("a path")?;
    for (program, word) in
        [(script, "is a script"), ("/bin/ls", "not a Go program"), ("/no/such", "is no file")]
    {
        let output = Command::new(bingo_bin()?)
            .args(["collect", "--mode", "live", program, "--output", "/dev/null"])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{program}: {said}");
        assert!(said.contains(word) && output.stdout.is_empty(), "{program}: {said}");
    }
    Ok(())
}
