//! `bingo inspect` of a goroutine that runs: its thread stands still for a moment,
//! and is never left so; and what is said of goroutines and paths that are not there.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use bingo_tests::{Child, Fixture, GoRelease, Mode, bingo_bin, live_or_skip, wait_until};
use serde_json::Value;

use crate::agreement::PATIENCE;

/// A program with a goroutine that computes for ever, and the number of that.
fn computing() -> anyhow::Result<(Child, u64)> {
    let release = GoRelease::newest().context("no Go is installed (cargo xtask setup)")?;
    let fixture = Fixture::build("runs", &release, Mode::Normal)?;
    let mut child = Child::start(&fixture, &[])?;
    child.lines_until(PATIENCE, |line| line == "ready")?;
    let dump = json(&["dump", &child.pid().to_string(), "--format", "json"])?;
    let goroutines = dump.get("goroutines").and_then(Value::as_array).context("goroutines")?;
    let running = goroutines.iter().find(|one| one.get("state").is_some_and(|state| state == "running"));
    let id = running.and_then(|one| one.get("id")?.as_u64()).context("one that runs")?;
    Ok((child, id))
}

fn bingo(arguments: &[&str]) -> anyhow::Result<Output> {
    Ok(Command::new(bingo_bin()?).args(arguments).output()?)
}

fn json(arguments: &[&str]) -> anyhow::Result<Value> {
    let output = bingo(arguments)?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The states of all threads of a process: `R`, `S`, `t` for one that a tracer stopped.
pub(crate) fn states(pid: u32) -> anyhow::Result<Vec<char>> {
    let mut states = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let stat = std::fs::read_to_string(task?.path().join("stat"))?;
        states.extend(stat.rsplit(") ").next().and_then(|rest| rest.chars().next()));
    }
    Ok(states)
}

#[test]
fn a_running_goroutine_is_stopped_for_a_moment() -> anyhow::Result<()> {
    if !live_or_skip("inspect::a_running_goroutine_is_stopped_for_a_moment") {
        return Ok(());
    }
    let (child, id) = computing()?;
    let mut stopped = Vec::new();
    for _ in 0..9 {
        let one = json(&["inspect", &child.pid().to_string(), &id.to_string(), "--format", "json"])?;
        let stack = one.get("stack").and_then(Value::as_array).context("stack")?;
        let functions: Vec<_> = stack.iter().filter_map(|frame| frame.get("function")?.as_str()).collect();
        // Between two turns it is in `compute` alone.
        anyhow::ensure!(functions.last() == Some(&"main.compute"), "{functions:?}\n{one}");
        anyhow::ensure!(one.get("registers").and_then(|all| all.get("rip")).is_some(), "{one}");
        stopped.push(one.get("stopped_for_ns").and_then(Value::as_u64).context("stopped_for_ns")?);
        anyhow::ensure!(!states(child.pid())?.contains(&'t'), "a thread was left stopped");
    }
    // Under one millisecond where nothing else runs; tests run beside each other.
    let shortest = stopped.iter().min().copied().unwrap_or(u64::MAX);
    anyhow::ensure!(shortest < 100_000_000, "stopped for {stopped:?} ns");
    Ok(())
}

#[test]
fn no_thread_stays_stopped_when_bingo_is_killed() -> anyhow::Result<()> {
    if !live_or_skip("inspect::no_thread_stays_stopped_when_bingo_is_killed") {
        return Ok(());
    }
    let (child, id) = computing()?;
    let (pid, id) = (child.pid().to_string(), id.to_string());
    const KILLS: u32 = 40;
    let began = Instant::now();
    anyhow::ensure!(bingo(&["inspect", &pid, &id])?.status.success());
    let whole = began.elapsed();
    for kill in 0..KILLS {
        let mut looking =
            Command::new(bingo_bin()?).args(["inspect", &pid, &id]).stdout(Stdio::null()).spawn()?;
        std::thread::sleep(whole * kill / KILLS);
        looking.kill()?;
        looking.wait()?;
        let what = format!("that all threads run on (killed after {:?})", whole * kill / KILLS);
        wait_until(Duration::from_secs(2), &what, || {
            states(child.pid()).ok().filter(|states| !states.contains(&'t'))
        })?;
    }
    Ok(())
}

#[test]
fn what_is_not_there_is_said() -> anyhow::Result<()> {
    if !live_or_skip("inspect::what_is_not_there_is_said") {
        return Ok(());
    }
    let (child, id) = computing()?;
    let (pid, id) = (child.pid().to_string(), id.to_string());
    let cases: [(&[&str], i32, &str); 5] = [
        (&["inspect", &pid, "999999"], 2, "there is no goroutine 999999"),
        (&["inspect", &pid, "zero"], 2, "a goroutine has a number such as 18"),
        (&["inspect", &pid, &id, "--expand", "a["], 2, "no path to a variable"),
        (&["inspect", &pid, &id, "--binary", "x"], 2, "--binary goes with a core file"),
        (&["inspect", &pid, &id, "--expand", "nowhere"], 2, "no variable in scope is meant by nowhere"),
    ];
    for (arguments, status, says) in cases {
        let output = bingo(arguments)?;
        let text = [output.stderr, output.stdout].concat();
        let text = String::from_utf8_lossy(&text);
        anyhow::ensure!(output.status.code() == Some(status), "{arguments:?}: {}", output.status);
        anyhow::ensure!(text.contains(says), "{arguments:?}: {text}");
    }
    Ok(())
}
