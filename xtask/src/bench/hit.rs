//! What one hit costs: on the instruction that the kernel emulates, as Bingo
//! places its probes, against the function's entry. Both in turn, on the same
//! function of the same running process.
//!
//! The kernel's own trace events are put there, not Bingo's programs: what is
//! compared is the trap, and what they add weighs on both sides alike.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use bingo::binary::Binary;
use nix::mount::{MsFlags, mount, umount};

use super::{Bench, Figure, median, newest_line, number, pass};
use crate::workspace::target;

/// A function that each round of ping-pong calls.
const FUNCTION: &str = "runtime.park_m";

/// `CMPQ 16(R14), SP`, with which a Go function begins.
const CHECK: [u8; 4] = [0x49, 0x3b, 0x66, 0x10];

/// `PUSHQ BP`.
const PUSH: u8 = 0x55;

pub(super) fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let mut pingpong = bench.target("pingpong", &["-procs", "1", "-interval", "100ms"])?;
    let program = fs::read_link(format!("/proc/{}/exe", pingpong.pid()))?;
    let (entry, push) = offsets(&program)?;
    let trace = Tracefs::mount()?;
    pass(0.5);

    let (mut at_entry, mut at_push) = (Vec::new(), Vec::new());
    for _ in 0..bench.turns {
        let bare = round_ns(&mut pingpong)?;
        for (offset, costs) in [(entry, &mut at_entry), (push, &mut at_push)] {
            trace.place(&format!("p:bingo_bench/hit {}:{offset:#x}", program.display()))?;
            let probed = round_ns(&mut pingpong);
            trace.remove()?;
            costs.push(probed? - bare);
        }
    }
    let (entry, push) = (median(at_entry), median(at_push));
    eprintln!("  a round of ping-pong takes {entry:.0} ns more at the entry, {push:.0} ns at the push");
    Ok(vec![Figure::at_most(0.35, "hit_cost_ratio", push / entry, "x entry")])
}

/// Nanoseconds that one round trip takes.
fn round_ns(pingpong: &mut bingo_tests::Child) -> anyhow::Result<f64> {
    let first = newest_line(pingpong)?;
    pass(1.5);
    let last = newest_line(pingpong)?;
    Ok((number(&last, "ns")? - number(&first, "ns")?)
        / (number(&last, "rounds")? - number(&first, "rounds")?))
}

/// File offsets of the function's entry and of its first `push`.
fn offsets(program: &std::path::Path) -> anyhow::Result<(u64, u64)> {
    let binary = Binary::open(program)?;
    let function = binary.functions().function_named(FUNCTION).context("the program has no such function")?;
    let code = binary.read(function.entry, 32)?;
    anyhow::ensure!(code.starts_with(&CHECK), "{FUNCTION} begins otherwise: {code:x?}");
    // Behind the check: a short or a near `JBE`.
    let behind = if code.get(4) == Some(&0x76) { 6 } else { 10 };
    anyhow::ensure!(code.get(behind) == Some(&PUSH), "{FUNCTION} has no push there: {code:x?}");
    let entry = binary.file_offset(function.entry).context("its code is not in the file")?;
    Ok((entry, entry + u64::try_from(behind)?))
}

/// The kernel's trace events, mounted for as long as this lives.
struct Tracefs(PathBuf);

impl Tracefs {
    fn mount() -> anyhow::Result<Tracefs> {
        let folder = target().join("tracefs");
        fs::create_dir_all(&folder)?;
        mount(Some("nodev"), &folder, Some("tracefs"), MsFlags::empty(), None::<&str>)
            .context("tracefs cannot be mounted")?;
        Ok(Tracefs(folder))
    }

    fn place(&self, event: &str) -> anyhow::Result<()> {
        fs::write(self.0.join("uprobe_events"), event).with_context(|| format!("uprobe event {event}"))?;
        fs::write(self.0.join("events/bingo_bench/hit/enable"), "1").context("the event is not enabled")
    }

    fn remove(&self) -> anyhow::Result<()> {
        fs::write(self.0.join("events/bingo_bench/hit/enable"), "0")?;
        Ok(fs::write(self.0.join("uprobe_events"), "")?)
    }
}

impl Drop for Tracefs {
    fn drop(&mut self) {
        // Already removed, unless something failed.
        let _ = self.remove();
        let _ = umount(&self.0);
    }
}
