//! Targets that cannot be read, or not wholly: a clear word, its remedy, and
//! the exit status that the interface states.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::Context;
use bingo_tests::{Child, Fixture, GoRelease, Mode, bingo_bin, live_or_skip, skip, wait_until};

use crate::agreement::PATIENCE;

/// `nobody`, on every Linux.
const NOBODY: &str = "65534";

fn bingo(arguments: &[&str]) -> anyhow::Result<Output> {
    Ok(Command::new(bingo_bin()?).args(arguments).output()?)
}

/// The output must have `status`, and its errors must say each of `words`.
fn says(output: &Output, status: i32, words: &[&str]) -> anyhow::Result<()> {
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.code() == Some(status), "{}: {said}", output.status);
    for word in words {
        anyhow::ensure!(said.contains(word), "it does not say {word:?}: {said}");
    }
    Ok(())
}

fn quiet_program(test: &str, mode: Mode) -> anyhow::Result<Option<Fixture>> {
    if !live_or_skip(test) {
        return Ok(None);
    }
    let Some(release) = GoRelease::newest() else {
        skip(test, "no Go is installed (cargo xtask setup)");
        return Ok(None);
    };
    Fixture::build("waits", &release, mode).map(Some)
}

/// A folder that everybody may read, with these files, which everybody may run.
fn public(name: &str, files: &[(&str, Vec<u8>)]) -> anyhow::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("bingo-test-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
    for (file, bytes) in files {
        let path = folder.join(file);
        fs::write(&path, bytes)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(folder)
}

#[test]
fn a_program_that_is_not_gos() -> anyhow::Result<()> {
    if !live_or_skip("bad_input::a_program_that_is_not_gos") {
        return Ok(());
    }
    let child = Child::spawn(Command::new("sleep").arg("100"))?;
    says(&bingo(&["dump", &child.pid().to_string()])?, 2, &["sleep", "Go"])
}

#[test]
fn a_32_bit_program() -> anyhow::Result<()> {
    let test = "bad_input::a_32_bit_program";
    if !live_or_skip(test) {
        return Ok(());
    }
    // An ELF32 header, one program header, and `pause()` for ever at 0x10054.
    let mut elf = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x03\0\x01\0\0\0".to_vec();
    for word in [0x1_0054_u32, 0x34, 0, 0, 0x0020_0034, 1, 0] {
        elf.extend(word.to_le_bytes());
    }
    for word in [1_u32, 0, 0x1_0000, 0x1_0000, 0x60, 0x60, 5, 0x1000] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(b"\xb8\x1d\0\0\0\xcd\x80\xeb\xf7");
    elf.resize(0x60, 0);
    let folder = public("elf32", &[("program", elf)])?;
    let answer = match Command::new(folder.join("program")).stdout(Stdio::null()).spawn() {
        Ok(mut child) => {
            // The kernel lets the parent go on a little before it is done.
            let exe = format!("/proc/{}/exe", child.id());
            wait_until(PATIENCE, "the program", || {
                fs::read_link(&exe).ok().filter(|exe| exe.ends_with("program"))
            })?;
            let output = bingo(&["dump", &child.id().to_string()]);
            let gone = child.try_wait()?;
            child.kill()?;
            child.wait()?;
            match gone {
                Some(status) => {
                    skip(test, &format!("this kernel does not run 32-bit programs ({status})"));
                    Ok(())
                }
                None => says(&output?, 2, &["32-bit", "64-bit x86"]),
            }
        }
        Err(error) => {
            skip(test, &format!("this kernel does not run 32-bit programs ({error})"));
            Ok(())
        }
    };
    fs::remove_dir_all(folder)?;
    answer
}

/// The quiet program as if another release had built it, running.
fn of_release(test: &str, version: &[u8]) -> anyhow::Result<Option<(Child, PathBuf)>> {
    let Some(fixture) = quiet_program(test, Mode::Stripped)? else { return Ok(None) };
    let mut bytes = fs::read(&fixture.path)?;
    let real = format!("go{}", fixture.release.version).into_bytes();
    anyhow::ensure!(real.len() == version.len(), "{} must be as long", fixture.release.version);
    let places: Vec<usize> =
        bytes.windows(real.len()).enumerate().filter(|(_, at)| *at == real).map(|(at, _)| at).collect();
    anyhow::ensure!(!places.is_empty(), "the program does not name its release");
    for at in places {
        bytes.get_mut(at..at + version.len()).context("it was found there")?.copy_from_slice(version);
    }
    let name = String::from_utf8_lossy(version).into_owned();
    let folder = public(&name, &[("program", bytes)])?;
    let mut child = Child::spawn(&mut Command::new(folder.join("program")))?;
    child.lines_until(PATIENCE, |line| line == "ready")?;
    Ok(Some((child, folder)))
}

#[test]
fn a_newer_release_is_tried_and_said_to_be_uncertain() -> anyhow::Result<()> {
    let test = "bad_input::a_newer_release_is_tried_and_said_to_be_uncertain";
    let Some((child, folder)) = of_release(test, b"go1.97.3")? else { return Ok(()) };
    let output = bingo(&["dump", &child.pid().to_string()])?;
    fs::remove_dir_all(folder)?;
    says(&output, 0, &["note: ", "go1.97.3"])?;
    assert!(String::from_utf8_lossy(&output.stdout).contains("main.sendUnbuffered"));
    Ok(())
}

#[test]
fn a_release_that_is_too_old_is_refused_by_name() -> anyhow::Result<()> {
    let test = "bad_input::a_release_that_is_too_old_is_refused_by_name";
    let Some((child, folder)) = of_release(test, b"go1.11.3")? else { return Ok(()) };
    let output = bingo(&["dump", &child.pid().to_string()])?;
    fs::remove_dir_all(folder)?;
    says(&output, 2, &["go1.11.3"])
}

#[test]
fn another_users_process_is_refused() -> anyhow::Result<()> {
    let test = "bad_input::another_users_process_is_refused";
    let Some(fixture) = quiet_program(test, Mode::Normal)? else { return Ok(()) };
    let mut child = Child::start(&fixture, &[])?;
    child.lines_until(PATIENCE, |line| line == "ready")?;
    let folder = public("refused", &[("bingo", fs::read(bingo_bin()?)?)])?;
    let pid = child.pid().to_string();
    for command in ["dump", "attach"] {
        let output = as_nobody().arg(folder.join("bingo")).args([command, &pid]).output()?;
        says(&output, 3, &["refused", "CAP_SYS_PTRACE"])?;
    }
    Ok(fs::remove_dir_all(folder)?)
}

#[test]
fn without_the_right_to_probe_it_polls_and_says_so() -> anyhow::Result<()> {
    let test = "bad_input::without_the_right_to_probe_it_polls_and_says_so";
    let Some(fixture) = quiet_program(test, Mode::Normal)? else { return Ok(()) };
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    if !matches!(scope.trim(), "" | "0") {
        skip(test, "yama.ptrace_scope keeps a user from reading a process of the same user");
        return Ok(());
    }
    let files = [("bingo", fs::read(bingo_bin()?)?), ("program", fs::read(&fixture.path)?)];
    let folder = public("unprivileged", &files)?;
    let mut child = Child::spawn(as_nobody().arg(folder.join("program")))?;
    child.lines_until(PATIENCE, |line| line == "ready")?;
    let pid = child.pid().to_string();
    let attach = |mode: &str| {
        as_nobody()
            .arg(folder.join("bingo"))
            .args(["attach", &pid, "--duration", "300ms", "--format", "jsonl", "--mode", mode])
            .output()
    };
    let polled = attach("auto")?;
    says(&polled, 0, &["no probes, reading alone"])?;
    let lines = String::from_utf8_lossy(&polled.stdout).into_owned();
    assert!(lines.lines().next().is_some_and(|header| header.contains("no probes")), "{lines}");
    assert!(lines.contains("main.sendUnbuffered"), "{lines}");
    says(&attach("probe")?, 3, &["not permitted", "setcap"])?;
    let unwritten = as_nobody()
        .arg(folder.join("bingo"))
        .args(["attach", &pid, "--duration", "300ms", "--output", "/sys/events.jsonl"])
        .output()?;
    says(&unwritten, 3, &["cannot write to /sys/events.jsonl"])?;
    Ok(fs::remove_dir_all(folder)?)
}

/// Nothing may be added to the program's time: so no probe is set.
#[test]
fn no_overhead_is_no_probes() -> anyhow::Result<()> {
    let Some(fixture) = quiet_program("bad_input::no_overhead_is_no_probes", Mode::Normal)? else {
        return Ok(());
    };
    let mut child = Child::start(&fixture, &[])?;
    child.lines_until(PATIENCE, |line| line == "ready")?;
    let pid = child.pid().to_string();
    let attach = |budget| bingo(&["attach", &pid, "--duration", "300ms", "--max-overhead", budget]);
    says(&attach("0%")?, 0, &["no probes, reading alone", "--max-overhead is 0%"])?;
    let some = attach("2%")?;
    assert!(!String::from_utf8_lossy(&some.stderr).contains("no probes"), "{some:?}");
    Ok(())
}

#[test]
fn doctor_tries_probes_rather_than_reckoning() -> anyhow::Result<()> {
    if !live_or_skip("bad_input::doctor_tries_probes_rather_than_reckoning") {
        return Ok(());
    }
    let line = |output: &Output| {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().find(|line| line.contains(" probes ")).map(str::to_owned).context(text)
    };
    let able = bingo(&["doctor"])?;
    anyhow::ensure!(line(&able)?.starts_with("ok") && able.status.success(), "{}", line(&able)?);
    let folder = public("doctor", &[("bingo", fs::read(bingo_bin()?)?)])?;
    let refused = as_nobody().arg(folder.join("bingo")).arg("doctor").output()?;
    let said = line(&refused)?;
    anyhow::ensure!(said.starts_with("fail") && said.contains("not permitted"), "{said}");
    anyhow::ensure!(refused.status.code() == Some(1), "{}", refused.status);
    anyhow::ensure!(String::from_utf8_lossy(&refused.stdout).contains("setcap"), "no remedy");
    Ok(fs::remove_dir_all(folder)?)
}

/// The kernel asks for no more since 6.6.
#[test]
fn three_capabilities_are_enough_for_probes() -> anyhow::Result<()> {
    let test = "bad_input::three_capabilities_are_enough_for_probes";
    let Some(fixture) = quiet_program(test, Mode::Normal)? else { return Ok(()) };
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mut numbers = kernel.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
    if (numbers.next(), numbers.next()) < (Some(6), Some(6)) {
        skip(test, "this kernel has no multi links");
        return Ok(());
    }
    let mut child = Child::start(&fixture, &[])?;
    child.lines_until(PATIENCE, |line| line == "ready")?;
    let three = "-all,+sys_ptrace,+bpf,+perfmon";
    let mut attach = Command::new("setpriv");
    attach.args([format!("--inh-caps={three}"), format!("--bounding-set={three}")]).arg(bingo_bin()?);
    attach.args(["attach", &child.pid().to_string(), "--mode", "probe", "--duration", "300ms"]);
    let output = attach.args(["--format", "jsonl"]).output()?;
    says(&output, 0, &[])?;
    anyhow::ensure!(!output.stdout.is_empty(), "it shows nothing");
    Ok(())
}

fn as_nobody() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]).current_dir("/");
    command
}
