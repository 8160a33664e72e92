//! `--to dot`: who woke whom from which wait, as Graphviz draws it. A box is a
//! function; an arrow goes from the one that wakes to the one that waited, with
//! both lines. What waits still, and was never woken, has a red border.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use super::blocked::{Picture, condition};
use crate::model::Frame;

/// A function that waited, or woke.
#[derive(Default)]
struct Function {
    blocked: Duration,
    waits: u64,
    lasting: u64,
    woken: u64,
}

/// Writes the drawing.
///
/// # Errors
/// Those of `out`.
pub fn dot(picture: &Picture<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut functions: BTreeMap<&str, Function> = BTreeMap::new();
    let mut arrows: BTreeMap<(&str, &str, String), u64> = BTreeMap::new();
    for wait in &picture.waits {
        let Some(site) = wait.stack.site() else { continue };
        let waiter = functions.entry(&site.function).or_default();
        waiter.blocked += wait.blocked;
        waiter.waits += wait.count;
        waiter.lasting += wait.lasting;
        for waker in &wait.wakers {
            let Some(from) = waker.stack.site() else { continue };
            let label = format!("{} wakes\n{} {}", line(from), condition(wait), line(site));
            *arrows.entry((&from.function, &site.function, label)).or_default() += waker.count;
            functions.entry(&site.function).or_default().woken += waker.count;
            functions.entry(&from.function).or_default();
        }
    }
    writeln!(out, "digraph wakeups {{\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];")?;
    for (name, function) in &functions {
        let mut label = (*name).to_owned();
        if function.waits > 0 {
            let milliseconds = function.blocked.as_secs_f64() * 1e3;
            let _ = write!(label, "\n{}, {milliseconds:.1} ms", waits(function.waits));
        }
        if function.lasting > 0 {
            let _ = write!(label, "\n{} not ended", function.lasting);
        }
        let stuck = function.lasting > 0 && function.woken == 0;
        let colour = if stuck { ", color=red" } else { "" };
        writeln!(out, "  {} [label={}{colour}];", quoted(name), quoted(&label))?;
    }
    for ((from, to, label), count) in &arrows {
        let label = quoted(&format!("{label} ×{count}"));
        writeln!(out, "  {} -> {} [label={label}];", quoted(from), quoted(to))?;
    }
    writeln!(out, "}}")
}

/// `main.go:30`.
fn line(frame: &Frame) -> String {
    format!("{}:{}", frame.file.rsplit(['/', '\\']).next().unwrap_or_default(), frame.line)
}

fn waits(count: u64) -> String {
    if count == 1 { "1 wait".to_owned() } else { format!("{count} waits") }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
