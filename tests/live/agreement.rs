//! Whether Bingo and the quiet program's own runtime say the same.
//!
//! In: `testdata/programs/waits`, running. Out: an error that shows, goroutine by
//! goroutine, what differs between `bingo dump --format json` and the program's
//! `runtime.Stack`, and between what it waits on and what Bingo says of that.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use bingo::model::{Addr, Frame, WaitReason};
use bingo_tests::{Child, Traced, TracedFrame, bingo_bin};
use serde_json::Value;

/// How long a program may take to answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Asks both Bingo and the program itself, which is process `pid`, and compares.
pub(crate) fn check(child: &mut Child, pid: u32) -> anyhow::Result<()> {
    let dump = dump(pid)?;
    let stacks = ask(child, "stacks")?;
    let waits = ask(child, "waits")?;

    let expected = Traced::parse(&stacks.join("\n"))?;
    let found = goroutines(&dump)?;
    let mut wrong = compare(&expected, &found);
    wrong += &problems(&dump);
    for wait in &waits {
        if let Err(error) = check_wait(wait, &dump) {
            let _ = writeln!(wrong, "{wait}\n    {error:#}");
        }
    }
    anyhow::ensure!(wrong.is_empty(), "the runtime (-) and Bingo (+) disagree:\n{wrong}");
    Ok(())
}

/// What `bingo dump` says of a process.
pub(crate) fn dump(pid: u32) -> anyhow::Result<Value> {
    dumped(&[&pid.to_string(), "--format", "json"])
}

/// The same, with the runtime's goroutines.
pub(crate) fn dump_all(pid: u32) -> anyhow::Result<Value> {
    dumped(&[&pid.to_string(), "--all", "--format", "json"])
}

fn dumped(arguments: &[&str]) -> anyhow::Result<Value> {
    let output = Command::new(bingo_bin()?).arg("dump").args(arguments).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "bingo dump: {}: {said}", output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("bingo dump's JSON; it said {said}"))
}

fn ask(child: &mut Child, question: &str) -> anyhow::Result<Vec<String>> {
    child.send(question)?;
    let mut answer = child.lines_until(PATIENCE, |line| line == "end")?;
    answer.pop();
    Ok(answer)
}

/// The goroutines of a dump, in the runtime's words.
fn goroutines(dump: &Value) -> anyhow::Result<Vec<Traced>> {
    let list = dump["goroutines"].as_array().context("no goroutines")?;
    list.iter()
        .map(|goroutine| {
            let reason = goroutine["block_reason"].as_str();
            let status = match reason {
                Some(kebab) => {
                    let reason = WaitReason::from_kebab(kebab).and_then(WaitReason::go_text);
                    reason.with_context(|| format!("no reason of Go's: {kebab}"))?
                }
                None => goroutine["state"].as_str().context("no state")?,
            };
            let stack = goroutine["stack"].as_array().context("no stack")?;
            Ok(Traced {
                id: goroutine["id"].as_u64().context("no id")?,
                status: status.to_owned(),
                frames: stack.iter().filter(|frame| is_visible(frame)).map(frame).collect(),
                created_by: goroutine.get("created_by").filter(|creator| !creator.is_null()).map(frame),
                parent: goroutine["parent"].as_u64(),
            })
        })
        .collect()
}

fn frame(frame: &Value) -> TracedFrame {
    TracedFrame::new(
        frame["function"].as_str().unwrap_or_default(),
        frame["file"].as_str().unwrap_or_default(),
        frame["line"].as_u64().unwrap_or_default(),
    )
}

fn is_visible(frame: &Value) -> bool {
    let frame = Frame {
        function: frame["function"].as_str().unwrap_or_default().into(),
        file: "".into(),
        line: 0,
        pc: Addr(0),
        inlined: false,
    };
    frame.is_visible()
}

/// What differs, goroutine by goroutine; empty if nothing does.
fn compare(expected: &[Traced], found: &[Traced]) -> String {
    let mut both: BTreeMap<u64, [Vec<String>; 2]> = BTreeMap::new();
    for (side, list) in [expected, found].into_iter().enumerate() {
        for traced in list {
            if let Some(lines) = both.entry(traced.id).or_default().get_mut(side) {
                *lines = text(traced, expected);
            }
        }
    }
    let mut wrong = String::new();
    for [runtime, bingo] in both.into_values().filter(|[runtime, bingo]| runtime != bingo) {
        for line in runtime.iter().filter(|line| !bingo.contains(line)) {
            let _ = writeln!(wrong, "- {line}");
        }
        for line in &bingo {
            let _ = writeln!(wrong, "{} {line}", if runtime.contains(line) { " " } else { "+" });
        }
    }
    wrong
}

fn text(traced: &Traced, expected: &[Traced]) -> Vec<String> {
    let id = traced.id;
    if id == 1 {
        // It printed the stacks, so it was not where it was when Bingo looked.
        return vec!["goroutine 1".to_owned()];
    }
    // Go prints the parent from 1.21 on.
    let parents = expected.iter().any(|traced| traced.parent.is_some());
    let mut lines = vec![format!("goroutine {id} [{}]", traced.status)];
    lines.extend(traced.frames.iter().map(|frame| format!("    goroutine {id}: {frame}")));
    if let Some(creator) = &traced.created_by {
        let parent = traced.parent.filter(|_| parents).map(|parent| format!(" in {parent}"));
        lines.push(format!("    goroutine {id}: created by {creator}{}", parent.unwrap_or_default()));
    }
    lines
}

fn problems(dump: &Value) -> String {
    let list = dump["problems"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().fold(String::new(), |text, problem| format!("{text}+ problem: {problem}\n"))
}

/// Checks one line of the program's answer to "waits" (its form: testdata/programs/waits/main.go).
fn check_wait(line: &str, dump: &Value) -> anyhow::Result<()> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [what, function, rest @ ..] = words.as_slice() else { anyhow::bail!("not a wait") };
    let mut seen = 0;
    for goroutine in dump["goroutines"].as_array().into_iter().flatten() {
        let stack = goroutine["stack"].as_array().into_iter().flatten();
        if !stack.map(frame).any(|frame| frame.function == *function) {
            continue;
        }
        seen += 1;
        let on = &goroutine["blocked_on"];
        let got: Vec<String> = match (*what, rest) {
            ("label", [key, _]) => {
                let value = goroutine["labels"].get(key).context("no such label")?;
                vec![(*key).to_owned(), word(value)]
            }
            ("wait", ["channel", "0x0", ..]) => {
                // A nil channel has an address and a direction alone.
                let direction = word(&on["direction"]);
                vec![word(&on["kind"]), word(&on["address"]), direction, "0 0 open 0 0".to_owned()]
            }
            ("wait", ["channel", ..]) => {
                let closed = if on["closed"] == Value::Bool(false) { "open" } else { "closed" };
                let number = |key| word(&on[key]);
                vec![
                    number("kind"),
                    number("address"),
                    number("direction"),
                    number("cap"),
                    number("len"),
                    closed.to_owned(),
                    number("senders_waiting"),
                    number("receivers_waiting"),
                ]
            }
            ("wait", ["select", ..]) => {
                let cases = goroutine["cases"].as_array().or_else(|| on["cases"].as_array());
                let case = |case: &Value| format!("{}:{}", word(&case["address"]), word(&case["direction"]));
                let mut cases: Vec<String> = cases.into_iter().flatten().map(case).collect();
                cases.sort();
                cases.insert(0, "select".to_owned());
                cases
            }
            ("wait", ["lock", ..]) => vec!["lock".to_owned(), word(&on["address"]), word(&on["kind"])],
            ("wait", ["sleep", _]) => {
                let until = on["until_ns"].as_u64().context("no until_ns")?;
                let left = until.saturating_sub(dump["taken_ns"].as_u64().context("no taken_ns")?);
                let close = (7000..=7200).contains(&(left / 1_000_000_000));
                vec!["sleep".to_owned(), if close { "7200".to_owned() } else { format!("{left} ns") }]
            }
            ("wait", ["io", ..]) => vec![word(&on["kind"]), word(&on["fd"]), word(&on["direction"])],
            _ => anyhow::bail!("not a wait"),
        };
        let mut wanted: Vec<&str> = rest.to_vec();
        if rest.first() == Some(&"select") {
            wanted.sort_unstable();
            wanted.retain(|word| *word != "select");
            wanted.insert(0, "select");
        }
        let (got, wanted) = (got.join(" "), wanted.join(" "));
        anyhow::ensure!(got == wanted, "goroutine {}: {got}, not {wanted}: {on}", goroutine["id"]);
    }
    anyhow::ensure!(seen > 0, "no goroutine is in {function}");
    Ok(())
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
