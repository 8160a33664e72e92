//! Addresses as inputs: a program that serves `net/http/pprof`, and what else an
//! address may lead to.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bingo_tests::{Child, Fixture, GoRelease, Mode, bingo_bin, skip};

/// A running server, and its address.
fn server(test: &str) -> anyhow::Result<Option<(Child, String)>> {
    let Some(release) = GoRelease::newest().filter(|release| release.minor >= 22) else {
        skip(test, "no Go from 1.22 on is installed (cargo xtask setup)");
        return Ok(None);
    };
    let mut child = Child::start(&Fixture::build("serves", &release, Mode::Normal)?, &[])?;
    let address = child.line(Duration::from_secs(20))?;
    Ok(Some((child, address)))
}

fn bingo(arguments: &[&str]) -> anyhow::Result<Output> {
    // A proxy of the machine's knows nothing of this server.
    let mut bingo = Command::new(bingo_bin()?);
    bingo.args(arguments).env("no_proxy", "127.0.0.1").env("NO_PROXY", "127.0.0.1").stdin(Stdio::null());
    Ok(bingo.output()?)
}

fn says(arguments: &[&str], status: i32, words: &[&str]) -> anyhow::Result<String> {
    let output = bingo(arguments)?;
    let said = String::from_utf8(if status < 2 { output.stdout } else { output.stderr })?;
    ensure!(output.status.code() == Some(status), "{arguments:?}: {}: {said}", output.status);
    for word in words {
        ensure!(said.contains(word), "{arguments:?} does not say {word:?}: {said}");
    }
    Ok(said)
}

#[test]
fn a_trace_is_recorded_and_analysed() -> anyhow::Result<()> {
    let Some((_child, address)) = server("addresses::a_trace_is_recorded_and_analysed")? else {
        return Ok(());
    };
    let found = ["goroutine_leak", "main.leak.func1", "to send on a channel"];
    let trace = format!("{address}/debug/pprof/trace?seconds=0.5");
    says(&["analyze", &trace, "--min-block", "100ms"], 1, &found)?;
    // Without a path and a length; and by another address.
    let begun = Instant::now();
    says(&["analyze", &address, "--duration", "1s", "--min-block", "100ms"], 1, &found)?;
    ensure!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    says(&["analyze", &format!("{address}/moved"), "--min-block", "100ms"], 1, &found)?;
    let private = format!("{address}/private").replace("http://", "http://me:secret@");
    says(&["analyze", &private, "--min-block", "100ms"], 1, &found)?;
    let now = format!("{address}/debug/pprof/goroutine?debug=2");
    // One picture does not say since when; by the source nobody is left to receive.
    says(&["analyze", &now], 1, &["goroutine_leak (medium)", "main.leak "])?;
    says(&["export", &now, "--to", "jsonl"], 0, &["main.leak.func1", "\"block_reason\":\"chan-send\""])?;
    says(&["export", &trace, "--to", "folded"], 0, &["main.leak.func1;[chan-send] "])?;
    Ok(())
}

#[test]
fn what_is_wrong_with_an_answer_is_said() -> anyhow::Result<()> {
    let Some((mut child, address)) = server("addresses::what_is_wrong_with_an_answer_is_said")? else {
        return Ok(());
    };
    let at = |path: &str| format!("{address}/{path}");
    says(&["analyze", &at("debug/pprof/trac")], 2, &["404", "net/http/pprof", "trace?seconds=5"])?;
    says(&["analyze", &at("page")], 2, &["HTML page", "/debug/pprof/trace"])?;
    says(&["analyze", &at("text")], 2, &["short form", "debug=2"])?;
    says(&["analyze", &at("broken")], 2, &["500", "no room left"])?;
    says(&["analyze", &at("around")], 2, &["from one address to another"])?;
    says(&["analyze", &at("debug/pprof/heap")], 2, &["pprof profile"])?;
    let private = at("private").replace("http://", "http://me:guess@");
    let said = says(&["analyze", &private], 3, &["401", "who are you?", "USER:PASSWORD"])?;
    ensure!(!said.contains("guess"), "a password is shown: {said}");
    says(&["analyze", "http://no-such-host.invalid/"], 2, &["no such host"])?;
    child.kill();
    says(&["analyze", &at("debug/pprof/trace")], 2, &["nobody listens", "ListenAndServe"])?;
    Ok(())
}

#[test]
fn ctrl_c_ends_the_wait_for_an_answer() -> anyhow::Result<()> {
    let Some((_child, address)) = server("addresses::ctrl_c_ends_the_wait_for_an_answer")? else {
        return Ok(());
    };
    // The recording before it tells when the second one is being waited for.
    let mut analyze = Command::new(bingo_bin()?)
        .args(["analyze", &format!("{address}/text"), &format!("{address}/silent")])
        .stderr(Stdio::piped())
        .spawn()?;
    let mut said = BufReader::new(analyze.stderr.take().context("piped")?);
    std::thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    Command::new("kill").args(["-INT", &analyze.id().to_string()]).status()?;
    let status = analyze.wait()?;
    ensure!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let mut lines = String::new();
    while said.read_line(&mut lines)? > 0 {}
    ensure!(status.code() == Some(130) && lines.contains("nothing came from"), "{status}: {lines}");
    Ok(())
}
