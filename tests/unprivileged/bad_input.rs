//! Wrong numbers and wrong usage: a clear word, its remedy, and exit status 2.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use bingo_tests::{bingo_bin, wait_until};

/// Runs bingo; it must fail with `status`, and say each of `words`.
fn refuses(arguments: &[&str], status: i32, words: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(bingo_bin()?).args(arguments).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.code() == Some(status), "{arguments:?}: {}: {said}", output.status);
    anyhow::ensure!(output.stdout.is_empty(), "{arguments:?}: errors belong to standard error");
    for word in words {
        anyhow::ensure!(said.contains(word), "{arguments:?} does not say {word:?}: {said}");
    }
    Ok(())
}

#[test]
fn no_such_process() -> anyhow::Result<()> {
    for command in ["dump", "attach", "doctor"] {
        // Over the largest pid that the kernel gives (PID_MAX_LIMIT is 2^22).
        let arguments = [command, "4194305"];
        if command == "doctor" {
            let output = Command::new(bingo_bin()?).args(arguments).output()?;
            anyhow::ensure!(output.status.code() == Some(2), "{}", output.status);
        } else {
            refuses(&arguments, 2, &["no process has the pid 4194305", "pgrep"])?;
        }
    }
    Ok(())
}

#[test]
fn wrong_usage() -> anyhow::Result<()> {
    refuses(&[], 2, &["Usage"])?;
    refuses(&["dump"], 2, &["PID"])?;
    for pid in ["0", "-1", "abc", "99999999999"] {
        refuses(&["dump", pid], 2, &[pid, "pgrep"])?;
    }
    refuses(&["dump", "1", "--format", "yaml"], 2, &["yaml", "json"])?;
    refuses(&["dump", "1", "--filter", "("], 2, &["--filter", "unclosed group"])?;
    refuses(&["dump", "1", "--each", "--format", "json"], 2, &["--each"])?;
    refuses(&["attach", "1", "--duration", "30"], 2, &["30s"])?;
    refuses(&["attach", "1", "--max-overhead", "200%"], 2, &["2%"])?;
    refuses(&["collect", ".", "--output", "-"], 2, &["the program's own", "--output events.jsonl"])?;
    refuses(&["analyze", "localhost:6060"], 2, &["http://localhost:6060"])?;
    refuses(&["man", "nothing"], 2, &["nothing", "--help"])
}

/// Help that could not be printed is not help; an error that nobody can be told
/// keeps its status.
#[test]
fn nothing_is_to_be_written_to() -> anyhow::Result<()> {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full");
    for arguments in
        [&["--help"][..], &["dump", "--help"], &["--version"], &["man"], &["completions", "bash"]]
    {
        let output = Command::new(bingo_bin()?).args(arguments).stdout(full()?).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.code() == Some(2), "{arguments:?}: {}: {said}", output.status);
        anyhow::ensure!(said.contains("No space left"), "{arguments:?}: {said}");
    }
    let status = Command::new(bingo_bin()?).args(["dump", "4194305"]).stderr(full()?).status()?;
    anyhow::ensure!(status.code() == Some(2), "with standard error full: {status}");
    Ok(())
}

#[test]
fn a_thread_in_place_of_a_process() -> anyhow::Result<()> {
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        let own = std::fs::read_link("/proc/thread-self").ok();
        let _ = tell.send(own);
        let _ = ended.recv();
    });
    let own = told.recv()?.context("/proc/thread-self can be read")?;
    let tid = own.file_name().context("it ends in the number")?.to_string_lossy().into_owned();
    let pid = std::process::id().to_string();
    let answer = refuses(&["dump", &tid], 2, &["is a thread of the process", &pid]);
    drop(end);
    thread.join().map_err(|_| anyhow::anyhow!("the thread panicked"))?;
    answer
}

#[test]
fn a_zombie() -> anyhow::Result<()> {
    let mut child = Command::new("true").stdout(Stdio::null()).spawn()?;
    let stat = format!("/proc/{}/stat", child.id());
    wait_until(Duration::from_secs(10), "the zombie", || {
        std::fs::read_to_string(&stat).ok()?.contains(") Z ").then_some(())
    })?;
    let answer = refuses(&["attach", &child.id().to_string()], 2, &["zombie"]);
    child.wait()?;
    answer
}

#[test]
fn help_completions_and_manual_pages() -> anyhow::Result<()> {
    for (arguments, words) in [
        (&["--help"][..], &["attach", "dump", "doctor", "Examples"][..]),
        (&["attach", "--help"], &["--max-overhead", "Examples", "Ctrl-C"]),
        (&["completions", "bash"], &["_bingo"]),
        (&["man", "dump"], &[".TH", "flame graphs"]),
    ] {
        let output = Command::new(bingo_bin()?).args(arguments).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        anyhow::ensure!(output.status.success(), "{arguments:?}: {}", output.status);
        for word in words {
            anyhow::ensure!(said.contains(word), "{arguments:?} does not say {word:?}:\n{said}");
        }
    }
    Ok(())
}
