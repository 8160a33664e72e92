//! `bingo inspect --object`: of objects that a program reaches in every way, what they
//! are, how they are reached, and who waits there; and of addresses that are none. And
//! what `attach --report` says that those have at hand who are stuck.

use std::collections::HashMap;
use std::process::{Command, Output};

use anyhow::Context;
use bingo_tests::{Child, Fixture, GoRelease, Mode, bingo_bin, live_or_skip, target_dir};
use serde_json::Value;

use crate::agreement::PATIENCE;

struct Program {
    child: Child,
    /// The objects' addresses by name.
    addresses: HashMap<String, String>,
}

impl Program {
    fn start(release: &GoRelease, mode: Mode) -> anyhow::Result<Program> {
        let fixture = Fixture::build("objects", release, mode)?;
        let mut child = Child::start(&fixture, &[])?;
        let lines = child.lines_until(PATIENCE, |line| line == "ready")?;
        let pair = |line: &String| {
            let (name, address) = line.split_once(' ')?;
            Some((name.to_owned(), address.to_owned()))
        };
        Ok(Program { child, addresses: lines.iter().filter_map(pair).collect() })
    }

    fn inspect(&self, address: &str) -> anyhow::Result<Output> {
        let pid = self.child.pid().to_string();
        let arguments = ["inspect", &pid, "--format", "json", "--object", address];
        Ok(Command::new(bingo_bin()?).args(arguments).output()?)
    }

    /// The object of this name.
    fn object(&self, name: &str) -> anyhow::Result<Value> {
        let address = self.addresses.get(name).with_context(|| format!("no {name}"))?;
        let output = self.inspect(address)?;
        anyhow::ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// The ways of one kind to an object.
fn ways<'v>(object: &'v Value, root: &str) -> Vec<&'v str> {
    let all = object["referrers"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|way| way["root"] == root).filter_map(|way| way["path"].as_str()).collect()
}

#[test]
fn an_object_is_told_with_the_ways_to_it() -> anyhow::Result<()> {
    if !live_or_skip("objects::an_object_is_told_with_the_ways_to_it") {
        return Ok(());
    }
    let releases = GoRelease::installed();
    let oldest = releases.first().context("no Go is installed (cargo xtask setup)")?;
    let newest = releases.last().context("no Go")?;
    for (release, mode) in
        [(oldest, Mode::Normal), (newest, Mode::Normal), (newest, Mode::Pie), (newest, Mode::Unoptimised)]
    {
        let program = Program::start(release, mode)?;
        let case = format!("Go {} {mode:?}", release.version);
        // name, kind, type, path from a package variable
        for (name, kind, ty, path) in [
            ("element", "object", "main.conn", "main.srv.pool.conns[3]"),
            ("field", "channel", "chan string", "main.srv.pool.conns[3].done"),
            ("inside", "object", "sync.Mutex", "main.srv.pool.conns[3].mu"),
            ("value", "object", "main.conn", "main.srv.pool.names[\"bob\"]"),
            ("far", "object", "main.conn", "main.srv.pool.many[500]"),
            ("dynamic", "object", "main.conn", "main.srv.any.(*main.conn)"),
            ("buffered", "channel", "chan int", "main.srv.chs's buffer[1]"),
            ("linked", "object", "main.conn", "main.list.next.next.next.next.next.c"),
        ] {
            let found = program.object(name)?;
            let object = &found["object"];
            anyhow::ensure!(object["kind"] == kind && object["type"] == ty, "{case}: {name}: {found}");
            anyhow::ensure!(ways(&found, "variable") == [path], "{case}: {name}: {found}");
        }
        let captured = program.object("captured")?;
        let way = ways(&captured, "variable").concat();
        anyhow::ensure!(way.starts_with("main.srv.hook → main.fill.func1"), "{case}: {captured}");
        let named = release.minor >= 23;
        anyhow::ensure!(!named || way.ends_with("'s held"), "{case}: {captured}");
        let kept = program.object("kept")?;
        anyhow::ensure!(ways(&kept, "stack").contains(&"kept"), "{case}: {kept}");
        anyhow::ensure!(kept["waited_on"][0]["wakers"][0]["goroutine"] == 1, "{case}: {kept}");
        let leaked = program.object("leaked")?;
        anyhow::ensure!(ways(&leaked, "variable").is_empty(), "{case}: {leaked}");
        anyhow::ensure!(leaked["waited_on"][0]["waiters"][0]["to"] == "receive", "{case}: {leaked}");
        let timed = program.object("timed")?;
        anyhow::ensure!(timed["object"]["type"] == "chan time.Time", "{case}: {timed}");
        anyhow::ensure!(!ways(&timed, "timer").is_empty(), "{case}: {timed}");
        for (name, kind, called) in [
            ("part", "variable", "main.srv.mu"),
            ("gate", "variable", "main.gate"),
            ("variable", "variable", "main.srv"),
            ("code", "code", "main.main"),
        ] {
            let found = program.object(name)?;
            let object = &found["object"];
            anyhow::ensure!(object["kind"] == kind && object["name"] == called, "{case}: {name}: {found}");
        }
        let part = program.object("part")?;
        anyhow::ensure!(part["waited_on"][0]["holders"][0]["goroutine"] == 1, "{case}: {part}");
        let gone = program.object("gone")?;
        anyhow::ensure!(mode == Mode::Unoptimised || gone["object"]["kind"] == "free", "{case}: {gone}");
    }
    Ok(())
}

#[test]
fn without_dwarf_objects_go_by_their_places() -> anyhow::Result<()> {
    if !live_or_skip("objects::without_dwarf_objects_go_by_their_places") {
        return Ok(());
    }
    let release = GoRelease::newest().context("no Go is installed (cargo xtask setup)")?;
    let program = Program::start(&release, Mode::Stripped)?;
    let field = program.object("field")?;
    anyhow::ensure!(field["object"]["type"] == "chan string", "{field}");
    let way = ways(&field, "variable").concat();
    anyhow::ensure!(way.starts_with("a variable at 0x") && way.contains(" bytes at 0x"), "{field}");
    let gate = program.object("gate")?;
    anyhow::ensure!(gate["object"]["type"] == "sync.Mutex", "{gate}");
    anyhow::ensure!(gate["waited_on"][0]["holders"][0]["goroutine"] == 1, "{gate}");
    Ok(())
}

#[test]
fn an_address_that_is_no_object_is_said_to_be_none() -> anyhow::Result<()> {
    if !live_or_skip("objects::an_address_that_is_no_object_is_said_to_be_none") {
        return Ok(());
    }
    let release = GoRelease::newest().context("no Go is installed (cargo xtask setup)")?;
    let program = Program::start(&release, Mode::Normal)?;
    for address in ["0x8", "0xffffffffffffffff", "0x7fffffffffff"] {
        let output = program.inspect(address)?;
        let found: Value = serde_json::from_slice(&output.stdout).context(address)?;
        anyhow::ensure!(found["object"]["kind"] == "nothing", "{address}: {found}");
    }
    for wrong in ["c000012345", "0x", "0xg", "0", "-1"] {
        let output = program.inspect(wrong)?;
        let text = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.code() == Some(2), "{wrong}: {}", output.status);
        anyhow::ensure!(text.contains("0xc000012345") || text.contains("unexpected"), "{wrong}: {text}");
    }
    let pid = program.child.pid().to_string();
    let output = Command::new(bingo_bin()?).args(["inspect", &pid]).output()?;
    anyhow::ensure!(output.status.code() == Some(2), "neither goroutine nor object: {}", output.status);
    Ok(())
}

#[test]
fn a_report_has_what_a_stuck_goroutine_has_at_hand() -> anyhow::Result<()> {
    if !live_or_skip("objects::a_report_has_what_a_stuck_goroutine_has_at_hand") {
        return Ok(());
    }
    let release = GoRelease::newest().context("no Go is installed (cargo xtask setup)")?;
    let program = Program::start(&release, Mode::Normal)?;
    let pid = program.child.pid().to_string();
    let report = target_dir().join(format!("report-{pid}.json"));
    let output = Command::new(bingo_bin()?)
        .args(["attach", &pid, "--duration", "1500ms", "--mode", "poll", "--format", "jsonl"])
        .args(["--output", "/dev/null", "--report"])
        .arg(&report)
        .output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(&report)?;
    std::fs::remove_file(&report)?;
    let found: Value = serde_json::from_str(&text)?;
    let bugs = found["bugs"].as_array().context("bugs")?;
    let stuck = bugs.iter().find(|bug| bug["function"] == "main.await");
    let vars = &stuck.with_context(|| format!("nothing of main.await: {found}"))?["live_vars"];
    anyhow::ensure!(vars["c"]["type"] == "*main.conn", "{vars}");
    let value = vars["c"]["value"].as_str().unwrap_or_default();
    anyhow::ensure!(value.starts_with("&{id: 3, done: 0x") && value.contains("1 receiver waits"), "{vars}");
    Ok(())
}
