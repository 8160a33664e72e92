//! `attach` as scripts use it: its lines, its ends, its exit status.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use bingo_tests::{
    Child, Fixture, GoRelease, Mode, bingo_bin, live_or_skip, release_or_skip, skip, wait_until,
};
use serde_json::Value;

use crate::agreement::PATIENCE;

fn start(test: &str, program: &str) -> anyhow::Result<Option<Child>> {
    if !live_or_skip(test) {
        return Ok(None);
    }
    let Some(release) = GoRelease::newest() else {
        skip(test, "no Go is installed (cargo xtask setup)");
        return Ok(None);
    };
    let mut child = Child::start(&Fixture::build(program, &release, Mode::Normal)?, &[])?;
    child.lines_until(PATIENCE, |line| line == "ready")?;
    Ok(Some(child))
}

fn attach(target: &Child, arguments: &[&str]) -> anyhow::Result<Command> {
    let mut attach = Command::new(bingo_bin()?);
    attach.args(["attach", &target.pid().to_string()]).args(arguments);
    Ok(attach)
}

/// All that `attach` printed must be whole lines of JSON; they are the answer.
fn lines(text: &str) -> anyhow::Result<Vec<Value>> {
    anyhow::ensure!(text.ends_with('\n'), "the last line is cut: {text}");
    text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

/// Waits for the header line, does `then`, and waits for the end.
fn until_the_end(
    mut attach: Command,
    then: impl FnOnce(u32) -> anyhow::Result<()>,
) -> anyhow::Result<(Option<i32>, Vec<Value>, String)> {
    let mut running = attach.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut output = BufReader::new(running.stdout.take().context("it is piped")?);
    let mut text = String::new();
    output.read_line(&mut text)?;
    output.read_line(&mut text)?;
    then(running.id())?;
    output.read_to_string(&mut text)?;
    let mut said = String::new();
    running.stderr.take().context("it is piped")?.read_to_string(&mut said)?;
    let status = wait_until(PATIENCE, "the end of attach", || running.try_wait().ok().flatten())?;
    Ok((status.code(), lines(&text)?, said))
}

#[test]
fn what_is_blocked_is_told_with_all_its_keys() -> anyhow::Result<()> {
    let Some(target) = start("command_line::what_is_blocked_is_told_with_all_its_keys", "waits")? else {
        return Ok(());
    };
    let output = attach(&target, &["--duration", "300ms"])?.output()?;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = lines(&String::from_utf8(output.stdout)?)?;
    let [header, events @ ..] = lines.as_slice() else { anyhow::bail!("no line") };
    assert_eq!(header["bingo_events"], 1);
    assert_eq!(header["pid"], target.pid());
    let sender = events
        .iter()
        .find(|event| event["source_location"]["function"] == "main.sendUnbuffered")
        .context("the sender is not told of")?;
    assert_eq!(sender["event_type"], "snapshot");
    assert_eq!(sender["state"], "blocked");
    assert_eq!(sender["block_reason"], "chan-send");
    assert_eq!(sender["blocked_on"]["kind"], "channel");
    assert_eq!(sender["blocked_on"]["senders_waiting"], 1);
    assert!(sender["timestamp"].as_str().is_some_and(|text| text.ends_with('Z')));
    let times: Vec<u64> = events.iter().filter_map(|event| event["time_ns"].as_u64()).collect();
    assert_eq!(times.len(), events.len());
    assert!(times.is_sorted(), "events are in order of time");
    Ok(())
}

/// What the lines say is what the report rests on, as far as they can: who hangs, and that
/// it did so until the end.
#[test]
fn what_was_recorded_says_what_the_report_says() -> anyhow::Result<()> {
    let name = "command_line::what_was_recorded_says_what_the_report_says";
    let Some(target) = start(name, "waits")? else { return Ok(()) };
    let folder = std::env::temp_dir().join(format!("bingo-test-recorded-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let (report, events) = (folder.join("report.json"), folder.join("events.jsonl"));
    let shown = |path: &std::path::Path| path.display().to_string();
    for closely in [true, false] {
        let (report, output) = (shown(&report), shown(&events));
        let plain = ["--duration", "400ms", "--output", &output];
        let mut attach = attach(&target, &plain)?;
        if closely {
            attach.args(["--report", &report]);
        }
        let attached = attach.output()?;
        assert!(attached.status.success(), "{}", String::from_utf8_lossy(&attached.stderr));
        let told = lines(&std::fs::read_to_string(&events)?)?;
        let of = |function: &str| -> Vec<u64> {
            let own = told.iter().filter(|line| line["source_location"]["function"] == function);
            own.filter_map(|line| line["time_ns"].as_u64()).collect()
        };
        let sender = of("main.sendUnbuffered");
        let [first, last] = sender[..] else { anyhow::bail!("{sender:?}") };
        assert!(last - first >= 400_000_000, "{sender:?}");
        let mut analyze = Command::new(bingo_bin()?);
        let found =
            analyze.args(["analyze", &output, "--format", "json", "--min-block", "200ms"]).output()?;
        let found: Value = serde_json::from_slice(&found.stdout)?;
        let bugs = found["bugs"].as_array().context("no bugs")?;
        assert!(bugs.iter().any(|bug| bug["function"] == "main.sendUnbuffered"), "{found}");
        let moments = bugs.iter().filter(|bug| bug["evidence"].to_string().contains("less than 10 ms ago"));
        assert_eq!(moments.count(), 0, "{found}");
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

#[test]
fn ctrl_c_ends_it_after_all_is_written() -> anyhow::Result<()> {
    let Some(target) = start("command_line::ctrl_c_ends_it_after_all_is_written", "waits")? else {
        return Ok(());
    };
    let (status, lines, _) = until_the_end(attach(&target, &[])?, |pid| {
        let status = Command::new("kill").args(["-INT", &pid.to_string()]).status()?;
        anyhow::ensure!(status.success(), "kill: {status}");
        Ok(())
    })?;
    assert_eq!(status, Some(130));
    assert!(lines.len() > 30, "{} lines", lines.len());
    Ok(())
}

#[test]
fn the_targets_end_is_the_end() -> anyhow::Result<()> {
    let Some(mut target) = start("command_line::the_targets_end_is_the_end", "waits")? else { return Ok(()) };
    let command = attach(&target, &[])?;
    let pid = target.pid();
    let (status, _, said) = until_the_end(command, |_| {
        target.kill();
        Ok(())
    })?;
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains(&format!("the process {pid} has exited")), "{said}");
    Ok(())
}

#[test]
fn the_targets_end_in_the_midst_of_an_analysis_is_told() -> anyhow::Result<()> {
    let test = "command_line::the_targets_end_in_the_midst_of_an_analysis_is_told";
    let Some(mut target) = start(test, "waits")? else { return Ok(()) };
    let pid = target.pid();
    let analyze = Command::new(bingo_bin()?)
        .args(["analyze", &pid.to_string(), "--duration", "60s", "--format", "json"])
        .stdout(Stdio::piped())
        .spawn()?;
    // Long enough for the first look on a busy machine.
    std::thread::sleep(Duration::from_secs(8));
    target.kill();
    let output = analyze.wait_with_output()?;
    let said = String::from_utf8(output.stdout)?;
    assert!(said.contains(&format!("the process {pid} exited while it was watched")), "{said}");
    Ok(())
}

#[test]
fn nobody_reading_is_a_quiet_end() -> anyhow::Result<()> {
    let Some(target) = start("command_line::nobody_reading_is_a_quiet_end", "waits")? else { return Ok(()) };
    for arguments in [&["--format", "text", "--interval", "10ms"][..], &["--format", "jsonl"]] {
        let mut attach = attach(&target, arguments)?;
        let mut running = attach.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        drop(running.stdout.take());
        let status = wait_until(PATIENCE, "the end of attach", || running.try_wait().ok().flatten())?;
        let mut said = String::new();
        running.stderr.take().context("it is piped")?.read_to_string(&mut said)?;
        assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    }
    Ok(())
}

#[test]
fn a_filter_shows_what_matches_alone() -> anyhow::Result<()> {
    let Some(target) = start("command_line::a_filter_shows_what_matches_alone", "waits")? else {
        return Ok(());
    };
    let arguments = ["--duration", "300ms", "--filter", "mutex-lock .*main.lock"];
    let output = attach(&target, &arguments)?.output()?;
    let lines = lines(&String::from_utf8(output.stdout)?)?;
    let told: Vec<&str> = lines
        .iter()
        .skip(1)
        .filter(|event| event["event_type"] != "lost")
        .filter_map(|event| event["block_reason"].as_str())
        .collect();
    assert!(!told.is_empty() && told.iter().all(|reason| *reason == "mutex-lock"), "{told:?}");
    Ok(())
}

#[test]
fn another_program_under_the_same_pid_is_the_end() -> anyhow::Result<()> {
    let test = "command_line::another_program_under_the_same_pid_is_the_end";
    for mode in ["poll", "auto"] {
        let Some(mut target) = start(test, "execs")? else { return Ok(()) };
        let command = attach(&target, &["--mode", mode])?;
        let (status, _, said) = until_the_end(command, |_| target.send("exec"))?;
        assert_eq!(status, Some(0), "{said}");
        assert!(said.contains("has executed another program"), "{said}");
        target.lines_until(PATIENCE, |line| line == "ready")?;
    }
    Ok(())
}

#[test]
fn a_full_disk_is_named() -> anyhow::Result<()> {
    let Some(target) = start("command_line::a_full_disk_is_named", "waits")? else { return Ok(()) };
    for format in ["jsonl", "text"] {
        let full = ["--format", format, "--duration", "10s", "--output", "/dev/full"];
        let output = attach(&target, &full)?.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.code() == Some(2), "{}: {said}", output.status);
        anyhow::ensure!(said.contains("/dev/full: No space left"), "{said}");
    }
    Ok(())
}

#[test]
fn it_goes_on_where_nobody_can_be_told() -> anyhow::Result<()> {
    let Some(target) = start("command_line::it_goes_on_where_nobody_can_be_told", "waits")? else {
        return Ok(());
    };
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full")?;
    let output = attach(&target, &["--duration", "300ms"])?.stderr(full).output()?;
    anyhow::ensure!(output.status.success(), "{}", output.status);
    anyhow::ensure!(lines(&String::from_utf8(output.stdout)?)?.len() > 1, "nothing but the header");
    Ok(())
}

#[test]
fn a_stopped_process_is_read_and_said_to_be_stopped() -> anyhow::Result<()> {
    let Some(target) = start("command_line::a_stopped_process_is_read_and_said_to_be_stopped", "waits")?
    else {
        return Ok(());
    };
    let dump =
        || Command::new(bingo_bin()?).args(["dump", &target.pid().to_string()]).output().context("dump");
    let said = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).contains("is stopped");
    anyhow::ensure!(!said(&dump()?), "it runs");
    Command::new("kill").args(["-STOP", &target.pid().to_string()]).status()?;
    let stat = format!("/proc/{}/stat", target.pid());
    wait_until(PATIENCE, "the stop", || std::fs::read_to_string(&stat).ok()?.contains(") T ").then_some(()))?;
    let output = dump()?;
    anyhow::ensure!(output.status.success() && said(&output), "{output:?}");
    anyhow::ensure!(String::from_utf8_lossy(&output.stdout).contains("chan-receive"), "{output:?}");
    Ok(())
}

/// A number among the inputs of `analyze` is a process, watched for a time.
#[test]
fn a_process_is_watched_and_analysed() -> anyhow::Result<()> {
    let test = "command_line::a_process_is_watched_and_analysed";
    let Some(release) = release_or_skip(test, 27).filter(|_| live_or_skip(test)) else { return Ok(()) };
    let mut child = Child::start(&Fixture::build("serves", &release, Mode::Normal)?, &[])?;
    child.line(PATIENCE)?;
    let mut analyze = Command::new(bingo_bin()?);
    analyze.args(["analyze", &child.pid().to_string(), "--duration", "1s", "--min-block", "100ms"]);
    let output = analyze.output()?;
    let said = String::from_utf8(output.stdout)?;
    anyhow::ensure!(matches!(output.status.code(), Some(0 | 1)), "{}: {said}", output.status);
    anyhow::ensure!(said.contains("main.leak.func1") && said.contains("to send on a channel"), "{said}");
    Ok(())
}
