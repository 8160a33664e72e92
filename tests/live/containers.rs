//! Targets that see another world than we do: other pids, other files, an
//! executable that nobody can find by its name any more.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use bingo_tests::{Child, Fixture, GoRelease, Mode, bingo_bin, live_or_skip, skip, target_dir, wait_until};
use serde_json::Value;

use crate::agreement::{self, PATIENCE};

#[test]
fn other_pids_and_another_root() -> anyhow::Result<()> {
    let test = "containers::other_pids_and_another_root";
    let Some(program) = copied(test, "container")? else { return Ok(()) };
    let root = program.parent().context("the copy lies in a folder")?;
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--mount", "--fork", "--kill-child", "chroot"]).arg(root).arg("/program");
    let mut outer = Child::spawn(&mut unshare)?;
    outer.lines_until(PATIENCE, |line| line == "ready")?;
    let pid = only_child(outer.pid())?;

    agreement::check(&mut outer, pid)?;
    let header = header(pid)?;
    assert_eq!(header["pid"], pid, "the pid is the host's: {header}");
    assert_eq!(header["inner_pid"], 1, "in its namespace it is the first: {header}");
    Ok(())
}

#[test]
fn a_deleted_executable() -> anyhow::Result<()> {
    let Some(program) = copied("containers::a_deleted_executable", "deleted")? else { return Ok(()) };
    let mut child = Child::spawn(&mut Command::new(&program))?;
    child.lines_until(PATIENCE, |line| line == "ready")?;
    fs::remove_file(&program)?;
    let pid = child.pid();
    agreement::check(&mut child, pid)
}

/// The quiet program as the file `program` in a folder of its own, or a skip.
fn copied(test: &str, folder: &str) -> anyhow::Result<Option<PathBuf>> {
    if !live_or_skip(test) {
        return Ok(None);
    }
    let Some(release) = GoRelease::newest() else {
        skip(test, "no Go is installed (cargo xtask setup)");
        return Ok(None);
    };
    let fixture = Fixture::build("waits", &release, Mode::Normal)?;
    let folder = target_dir().join("fixtures").join(folder);
    fs::create_dir_all(&folder)?;
    let program = folder.join("program");
    if program.exists() {
        fs::remove_file(&program)?;
    }
    fs::copy(&fixture.path, &program)?;
    Ok(Some(program))
}

fn only_child(pid: u32) -> anyhow::Result<u32> {
    let children = format!("/proc/{pid}/task/{pid}/children");
    wait_until(PATIENCE, "the process in the namespace", || {
        fs::read_to_string(Path::new(&children)).ok()?.trim().parse().ok()
    })
}

/// The first line of `bingo attach --format jsonl`.
fn header(pid: u32) -> anyhow::Result<Value> {
    let mut attach = Command::new(bingo_bin()?);
    attach.args(["attach", &pid.to_string(), "--format", "jsonl", "--mode", "poll", "--duration", "300ms"]);
    let first = Child::spawn(&mut attach)?.line(PATIENCE)?;
    serde_json::from_str(&first).with_context(|| format!("not a header: {first}"))
}
