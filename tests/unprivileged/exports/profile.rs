//! Blocked time as `go tool pprof` reads it, and as its neighbours do.

use std::fs;

use anyhow::{Context, ensure};
use bingo_tests::{GoRelease, skip};
use serde_json::Value;

use super::{export, exported, recorded};

#[test]
fn go_tool_pprof_reads_it() -> anyhow::Result<()> {
    let Some(release) = GoRelease::newest().filter(|release| release.minor >= 22) else {
        skip(
            "exports::profile::go_tool_pprof_reads_it",
            "no Go from 1.22 on is installed (cargo xtask setup)",
        );
        return Ok(());
    };
    let trace = recorded(&release, "profile")?;
    let profile = exported(&trace, "pprof")?;
    for (value, words) in
        [("delay", &["Type: delay", "main.sink", "main.locks"][..]), ("contentions", &["Type: contentions"])]
    {
        let mut pprof = release.command();
        pprof.args(["tool", "pprof", "-top", "-cum", "-sample_index"]).arg(value).arg(&profile);
        let output = pprof.output()?;
        let said = String::from_utf8(output.stdout)?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for word in words {
            ensure!(said.contains(word), "{word}: {said}");
        }
        ensure!(!said.contains("runtime.gopark"), "{said}");
    }
    // All forms are of the same waits: 20 goroutines that stay in main.sink for 1.3 s.
    let folded = fs::read_to_string(exported(&trace, "folded")?)?;
    let sink: u64 = folded
        .lines()
        .filter(|line| line.contains(";main.sink;["))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok())
        .sum();
    ensure!((20_000_000_000..80_000_000_000).contains(&sink), "{sink}: {folded}");
    let file: Value = serde_json::from_slice(&fs::read(exported(&trace, "speedscope")?)?)?;
    let all = file["profiles"][0]["endValue"].as_u64().context("an end")?;
    let lines = folded.lines().filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
    ensure!(all == lines.sum::<u64>(), "{all}: {folded}");
    let svg = fs::read_to_string(exported(&trace, "flamegraph")?)?;
    ensure!(svg.contains("main.sink") && svg.trim_end().ends_with("</svg>"));
    let dot = fs::read_to_string(exported(&trace, "dot")?)?;
    ensure!(dot.contains("\"main.channels.func1\" -> \"main.channels\""), "{dot}");
    Ok(())
}

#[test]
fn nobody_reading_is_a_quiet_end_and_a_full_disk_is_not() -> anyhow::Result<()> {
    let Some(release) = GoRelease::newest().filter(|release| release.minor >= 22) else {
        skip("exports::profile::nobody_reading", "no Go from 1.22 on is installed (cargo xtask setup)");
        return Ok(());
    };
    let trace = recorded(&release, "outputs")?;
    for format in ["perfetto", "speedscope", "pprof", "folded", "flamegraph", "dot", "jsonl"] {
        let full = export(&trace, format, &["--output", "/dev/full"])?;
        let said = String::from_utf8(full.stderr)?;
        ensure!(full.status.code() == Some(2) && said.contains("No space left"), "{format}: {said}");
        let mut command = std::process::Command::new(bingo_tests::bingo_bin()?);
        command.arg("export").arg(&trace).args(["--to", format]);
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        let output = command.stdout(writer).output()?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(0) && said.is_empty(), "{format}: {}: {said}", output.status);
    }
    Ok(())
}
