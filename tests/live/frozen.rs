//! `--freeze`: a process that stands still for one look, which then proves by itself;
//! and that it is never left so. And close looks that the user ends.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use bingo::goruntime::ProcessSource;
use bingo::memory::FrozenProcess;
use bingo::model::{Access, Links, ObjectKind, Time};
use bingo_tests::{Child, Fixture, GoRelease, Mode, bingo_bin, live_or_skip, release_or_skip, wait_until};
use serde_json::Value;

use crate::agreement::PATIENCE;
use crate::inspect::states;

/// Longer than any look takes.
const LONG: Duration = Duration::from_secs(60);

fn started(program: &str, release: &GoRelease, arguments: &[&str]) -> anyhow::Result<Child> {
    let fixture = Fixture::build(program, release, Mode::Normal)?;
    let mut child = Child::start(&fixture, arguments)?;
    child.lines_until(PATIENCE, |line| line == "ready")?;
    Ok(child)
}

/// A program with so many megabytes that it takes a while to look at.
fn large(test: &str) -> anyhow::Result<Option<Child>> {
    if !live_or_skip(test) {
        return Ok(None);
    }
    let Some(release) = release_or_skip(test, 27) else { return Ok(None) };
    let arguments = ["-mb", "150", "-goroutines", "1500", "-leaked", "24", "-rate", "500"];
    started("bench/heap", &release, &arguments).map(Some)
}

fn is_stopped(pid: u32) -> bool {
    states(pid).is_ok_and(|states| states.contains(&'t'))
}

/// That all its threads run on.
fn goes_on(pid: u32, what: &str) -> anyhow::Result<()> {
    wait_until(Duration::from_secs(2), &format!("that all threads run on ({what})"), || {
        states(pid).ok().filter(|states| !states.contains(&'t'))
    })?;
    Ok(())
}

/// Objects that are waited on and that nobody can reach.
fn closed(links: &Links) -> usize {
    let is_closed = |object: &&bingo::model::Object| {
        object.access == Access::Closed && object.kind != ObjectKind::Semaphore
    };
    links.objects.iter().filter(is_closed).count()
}

#[test]
fn one_look_proves() -> anyhow::Result<()> {
    for minor in [22, 24, 27] {
        let Some(release) = release_or_skip("frozen::one_look_proves", minor) else { continue };
        let fixture = Fixture::build("leak/first_answer/bug", &release, Mode::Normal)?;
        let child = Child::start(&fixture, &[])?;
        let settled = || {
            let mut source = ProcessSource::open(child.pid()).ok()?;
            source.freeze(LONG);
            let snapshot = source.close_snapshot(Time(1)).ok()?;
            let links = snapshot.links.as_ref()?;
            // Ten requests, each with an answer that nobody took.
            (links.still && closed(links) == 10).then_some(snapshot)
        };
        let snapshot = wait_until(PATIENCE, "ten leaks", settled)?;
        anyhow::ensure!(!snapshot.stopped_for.is_zero() && snapshot.problems.is_empty(), "{snapshot:?}");
        goes_on(child.pid(), "after a look")?;
    }
    Ok(())
}

/// At whatever instant it is stopped: what it has in hand then is on a stack, in a
/// register, or with the runtime.
#[test]
fn what_moves_about_is_never_out_of_reach() -> anyhow::Result<()> {
    for minor in [22, 27] {
        let test = "frozen::what_moves_about_is_never_out_of_reach";
        let Some(release) = release_or_skip(test, minor) else { continue };
        let fixture = Fixture::build("moves", &release, Mode::Normal)?;
        let mut child = Child::start(&fixture, &[])?;
        child.line(PATIENCE)?;
        let mut source = ProcessSource::open(child.pid())?;
        source.freeze(LONG);
        let until = Instant::now() + Duration::from_secs(5);
        let (mut looks, mut still, mut most) = (0, 0, 0);
        while Instant::now() < until {
            looks += 1;
            let snapshot = source.close_snapshot(Time(looks))?;
            let links = snapshot.links.context("no links")?;
            let out: Vec<_> = links.objects.iter().filter(|one| one.access == Access::Closed).collect();
            anyhow::ensure!(closed(&links) == 0, "go1.{minor}, look {looks}: {out:?}");
            still += u32::from(links.still);
            most = most.max(links.waits.len());
        }
        anyhow::ensure!(still > 3 && most >= 150, "{still} of {looks} looks, at most {most} waited");
    }
    Ok(())
}

fn analyze(pid: u32, arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(bingo_bin()?);
    command.args(["analyze", &pid.to_string(), "--format", "json", "--fail-on", "never"]).args(arguments);
    Ok(command)
}

fn report(output: &Output) -> anyhow::Result<Value> {
    serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// How many findings are proven.
fn proven(report: &Value) -> usize {
    let bugs = report.get("bugs").and_then(Value::as_array).into_iter().flatten();
    bugs.filter(|bug| bug.get("confidence").is_some_and(|sure| sure == "proven")).count()
}

#[test]
fn how_long_it_stood_is_told_and_a_limit_is_kept() -> anyhow::Result<()> {
    let Some(child) = large("frozen::how_long_it_stood_is_told_and_a_limit_is_kept")? else { return Ok(()) };
    let whole = report(&analyze(child.pid(), &["--duration", "50ms", "--freeze=60s"])?.output()?)?;
    anyhow::ensure!(whole.get("stopped_for_ns").is_some() && proven(&whole) > 0, "{whole}");
    let short = report(&analyze(child.pid(), &["--duration", "50ms", "--freeze=20ms"])?.output()?)?;
    let problems = short.get("problems").map(ToString::to_string).unwrap_or_default();
    anyhow::ensure!(problems.contains("20ms") && problems.contains("running"), "{problems}");
    anyhow::ensure!(short.get("stopped_for_ns").is_none() && proven(&short) > 0, "{short}");
    goes_on(child.pid(), "after a limit")
}

#[test]
fn no_thread_stays_stopped_when_bingo_is_killed() -> anyhow::Result<()> {
    let test = "frozen::no_thread_stays_stopped_when_bingo_is_killed";
    let Some(child) = large(test)? else { return Ok(()) };
    const KILLS: u32 = 12;
    let mut in_time = 0;
    for kill in 0..KILLS {
        let mut looking =
            analyze(child.pid(), &["--duration", "10ms", "--freeze=60s"])?.stdout(Stdio::null()).spawn()?;
        wait_until(PATIENCE, "that it is stopped", || is_stopped(child.pid()).then_some(()))?;
        std::thread::sleep(Duration::from_millis(7) * kill);
        in_time += u32::from(is_stopped(child.pid()));
        looking.kill()?;
        looking.wait()?;
        goes_on(child.pid(), &format!("killed after {} ms", 7 * kill))?;
    }
    anyhow::ensure!(in_time > KILLS / 3, "{in_time} of {KILLS} killed while it stood");
    Ok(())
}

#[test]
fn ctrl_c_ends_a_close_look_with_what_was_gathered() -> anyhow::Result<()> {
    let test = "frozen::ctrl_c_ends_a_close_look_with_what_was_gathered";
    let Some(child) = large(test)? else { return Ok(()) };
    for (arguments, stops) in
        [(&["--duration", "10ms", "--freeze=60s"], true), (&["--duration", "60s", "--min-block=1s"], false)]
    {
        let looking =
            analyze(child.pid(), arguments)?.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if stops {
            wait_until(PATIENCE, "that it is stopped", || is_stopped(child.pid()).then_some(()))?;
        } else {
            std::thread::sleep(Duration::from_millis(300));
        }
        let began = Instant::now();
        Command::new("kill").args(["-INT", &looking.id().to_string()]).status()?;
        let output = looking.wait_with_output()?;
        anyhow::ensure!(output.status.code() == Some(130), "{}", output.status);
        anyhow::ensure!(report(&output)?.get("bugs").is_some());
        anyhow::ensure!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        goes_on(child.pid(), "after Ctrl-C")?;
    }
    Ok(())
}

#[test]
fn what_is_traced_already_is_refused() -> anyhow::Result<()> {
    let Some(child) = large("frozen::what_is_traced_already_is_refused")? else { return Ok(()) };
    let frozen = FrozenProcess::freeze(child.pid(), LONG)?;
    let output = analyze(child.pid(), &["--duration", "10ms", "--freeze"])?.output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    anyhow::ensure!(output.status.code() == Some(2), "{}: {said}", output.status);
    anyhow::ensure!(said.contains(&format!("the process {}", std::process::id())), "{said}");
    anyhow::ensure!(said.contains("leave --freeze out"), "{said}");
    frozen.release();
    goes_on(child.pid(), "let go")
}
