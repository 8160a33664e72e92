//! Whether the target goes on unharmed: Bingo killed in the middle, attached
//! and detached a thousand times.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use anyhow::Context;
use bingo_tests::{Child, wait_until};

use super::{Bench, Figure, newest_line, number, pass};

/// SIGKILL with probes in place: what of the target's code differs afterwards.
pub(super) fn killed(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let mut target =
        bench.target("parkers", &["-goroutines", "100", "-rate", "1000", "-interval", "100ms"])?;
    pass(0.5);
    anyhow::ensure!(changed_bytes(target.pid())? == 0, "the target's code differs before anybody came");
    let mut while_attached = 0;
    for _ in 0..bench.turns {
        let mut attached = bench.attach(target.pid(), &["--mode", "probe", "--format", "text"])?;
        while_attached = wait_until(Duration::from_secs(10), "a probe in the target", || {
            changed_bytes(target.pid()).ok().filter(|&changed| changed > 0)
        })?;
        attached.kill();
    }
    // The kernel takes them out when the last descriptor is closed.
    let left = wait_until(Duration::from_secs(5), "the probes' end", || {
        changed_bytes(target.pid()).ok().filter(|&changed| changed == 0)
    });
    eprintln!("  {while_attached} bytes of code changed while attached");
    let left = if left.is_ok() { 0 } else { changed_bytes(target.pid())? };
    Ok(vec![
        Figure::at_most(0.0, "killed_code_bytes_left", left as f64, "bytes"),
        Figure::at_most(0.0, "killed_target_stopped", stopped(&mut target)?, "targets"),
    ])
}

/// Attach and detach, many times: the target goes on, and its code is as it was.
pub(super) fn rounds(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let mut target =
        bench.target("parkers", &["-goroutines", "100", "-rate", "1000", "-interval", "100ms"])?;
    // Its runtime opens the poller's descriptors at its first timer.
    newest_line(&mut target)?;
    pass(0.5);
    let descriptors = open_descriptors(target.pid())?;
    let mut failed = 0_u32;
    for _ in 0..bench.rounds {
        let mut attached =
            bench.attach(target.pid(), &["--mode", "probe", "--format", "jsonl", "--duration", "20ms"])?;
        let ended = attached.wait(Duration::from_secs(10)).with_context(|| "attach did not end")?;
        failed += u32::from(!ended.success());
    }
    pass(0.5);
    let more = open_descriptors(target.pid())? as f64 - descriptors as f64;
    Ok(vec![
        Figure::at_most(0.0, "rounds_failed", f64::from(failed), "rounds"),
        Figure::at_most(0.0, "rounds_code_bytes_left", changed_bytes(target.pid())? as f64, "bytes"),
        Figure::at_most(0.0, "rounds_target_descriptors_more", more, "files"),
        Figure::at_most(0.0, "rounds_target_stopped", stopped(&mut target)?, "targets"),
    ])
}

/// 1 if the target has stopped working, else 0.
fn stopped(target: &mut Child) -> anyhow::Result<f64> {
    let before = number(&newest_line(target)?, "tokens")?;
    pass(1.0);
    let after = number(&newest_line(target)?, "tokens")?;
    Ok(if after > before { 0.0 } else { 1.0 })
}

fn open_descriptors(pid: u32) -> anyhow::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// How many bytes of the target's code are not those of its file.
fn changed_bytes(pid: u32) -> anyhow::Result<usize> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let executable = fs::read_link(format!("/proc/{pid}/exe"))?;
    let code = maps
        .lines()
        .find(|line| line.contains(" r-xp ") && line.ends_with(&*executable.to_string_lossy()))
        .context("no code is mapped")?;
    let mut words = code.split_whitespace();
    let (start, end) = words.next().and_then(|range| range.split_once('-')).context("no range")?;
    let (start, end) = (u64::from_str_radix(start, 16)?, u64::from_str_radix(end, 16)?);
    let offset = u64::from_str_radix(words.nth(1).context("no offset")?, 16)?;
    let size = usize::try_from(end - start)?;
    let (mut in_memory, mut in_file) = (vec![0; size], vec![0; size]);
    File::open(format!("/proc/{pid}/mem"))?.read_exact_at(&mut in_memory, start)?;
    let read = File::open(executable)?.read_at(&mut in_file, offset)?;
    Ok(in_memory.iter().zip(in_file.iter().take(read)).filter(|(one, other)| one != other).count())
}
