//! `bingo inspect` on a program with variables of every kind of type: what it shows
//! is what the program itself prints of them. Nothing may be wrong; what the compiler
//! dropped may be missing, where the program was optimised.

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use bingo_tests::{Child, Fixture, Mode, bingo_bin, live_or_skip, release_or_skip};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

macro_rules! releases {
    ($($test:ident: $minor:literal $mode:ident, at least $shown:literal;)*) => {
        $(#[test]
        fn $test() -> anyhow::Result<()> {
            check(concat!("variables::", stringify!($test)), $minor, Mode::$mode, $shown)
        })*
    };
}

// Old maps and DWARF 4; the first Swiss maps; DWARF 5.
releases! {
    go_1_21_optimised: 21 Normal, at least 70;
    go_1_21_unoptimised: 21 Unoptimised, at least 130;
    go_1_24_optimised: 24 Normal, at least 70;
    go_1_27_optimised: 27 Normal, at least 70;
    go_1_27_unoptimised: 27 Unoptimised, at least 135;
}

/// What the program says that is to be seen: function and variable, and the value.
type Wanted = HashMap<(String, String), String>;

fn check(test: &str, minor: u32, mode: Mode, at_least: usize) -> anyhow::Result<()> {
    if !live_or_skip(test) {
        return Ok(());
    }
    let Some(release) = release_or_skip(test, minor) else { return Ok(()) };
    let fixture = Fixture::build("variables", &release, mode)?;
    let mut child = Child::start(&fixture, &[])?;
    let lines = child.lines_until(PATIENCE, |line| line == "ready")?;
    let wanted = wanted(&lines)?;
    let shown = shown(child.pid())?;
    let mut wrong = Vec::new();
    let mut right = 0;
    for ((function, variable), value) in &wanted {
        let Some(found) = shown.get(&(function.clone(), variable.clone())) else { continue };
        let Some(found) = found.get("value").and_then(Value::as_str) else { continue };
        match found == value {
            true => right += 1,
            // A part of it is missing, and said to be.
            false if found.contains("optimised out>") => {}
            false => wrong.push(format!("{function} {variable}\n  is    {value}\n  shown {found}")),
        }
    }
    anyhow::ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    anyhow::ensure!(right >= at_least, "{right} of {} variables are shown", wanted.len());
    Ok(())
}

fn wanted(lines: &[String]) -> anyhow::Result<Wanted> {
    let want = |line: &String| -> anyhow::Result<((String, String), String)> {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        let [_, function, variable, value] = words.as_slice() else { anyhow::bail!("odd line {line:?}") };
        Ok((((*function).to_owned(), (*variable).to_owned()), (*value).to_owned()))
    };
    lines.iter().filter(|line| line.starts_with("want ")).map(want).collect()
}

/// All variables of all goroutines, by function and name. Those of the one generic
/// function go by its caller.
fn shown(pid: u32) -> anyhow::Result<HashMap<(String, String), Value>> {
    let mut found = HashMap::new();
    let dump = bingo(&["dump", &pid.to_string(), "--format", "json"])?;
    for goroutine in dump.get("goroutines").and_then(Value::as_array).context("goroutines")? {
        let id = goroutine.get("id").context("id")?.to_string();
        let one = bingo(&["inspect", &pid.to_string(), &id, "--format", "json"])?;
        let stack = one.get("stack").and_then(Value::as_array).context("stack")?;
        let caller = stack.iter().find_map(|frame| {
            let function = frame.get("function")?.as_str()?;
            function.starts_with("main.call").then(|| function.to_owned())
        });
        for frame in stack {
            let mut function = frame.get("function").and_then(Value::as_str).unwrap_or_default().to_owned();
            if function == "main.generic[...]" {
                function = caller.clone().context("a caller")?;
            }
            for (name, shown) in frame.get("vars").and_then(Value::as_object).context("vars")? {
                found.entry((function.clone(), name.clone())).or_insert_with(|| shown.clone());
            }
        }
    }
    Ok(found)
}

fn bingo(arguments: &[&str]) -> anyhow::Result<Value> {
    let output = Command::new(bingo_bin()?).args(arguments).output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}
