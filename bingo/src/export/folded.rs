//! `--to folded`: a line for each stack, outermost call first, with the
//! nanoseconds that goroutines were blocked there, as `flamegraph.pl` reads it.
//! `--to flamegraph`: the same drawn, an SVG that needs nothing else.

use std::collections::BTreeMap;
use std::io::{self, Write};

use inferno::flamegraph::{self, Options, TextTruncateDirection};

use super::blocked::{Picture, condition, name};

/// The lines, in order of the stacks.
///
/// # Errors
/// Those of `out`.
pub fn folded(picture: &Picture<'_>, out: &mut dyn Write) -> io::Result<()> {
    stacks(picture).iter().try_for_each(|(stack, nanoseconds)| writeln!(out, "{stack} {nanoseconds}"))
}

/// The drawing.
///
/// # Errors
/// Those of `out`.
pub fn flamegraph(picture: &Picture<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut options = Options::default();
    "Blocked time".clone_into(&mut options.title);
    "µs".clone_into(&mut options.count_name);
    options.deterministic = true;
    options.text_truncate_direction = TextTruncateDirection::Right;
    let mut lines: Vec<String> = stacks(picture)
        .into_iter()
        .filter(|(_, nanoseconds)| *nanoseconds >= 1_000)
        .map(|(stack, nanoseconds)| format!("{stack} {}", nanoseconds / 1_000))
        .collect();
    if lines.is_empty() {
        lines.push("nothing was blocked for a microsecond 1".to_owned());
    }
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), out)
}

fn stacks(picture: &Picture<'_>) -> BTreeMap<String, u128> {
    let mut stacks: BTreeMap<String, u128> = BTreeMap::new();
    for wait in &picture.waits {
        let mut names: Vec<String> =
            picture.frames(&wait.stack).rev().map(|frame| name(frame).replace(';', ":")).collect();
        names.push(condition(wait));
        *stacks.entry(names.join(";")).or_default() += wait.blocked.as_nanos();
    }
    stacks
}
