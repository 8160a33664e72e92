//! `dump --format folded`: a line for each stack, outermost call first, with
//! its count, as `flamegraph.pl` and speedscope read it. The condition is the
//! innermost frame.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::filter::Selection;
use crate::session::View;

/// The lines, in order of the stacks.
#[must_use]
pub fn folded(view: &View, selection: &Selection) -> String {
    let mut stacks: BTreeMap<String, usize> = BTreeMap::new();
    for goroutine in selection.of(view) {
        let mut frames: Vec<String> =
            selection.frames(&goroutine.stack).map(|frame| frame_name(&frame.function)).collect();
        frames.reverse();
        frames.push(match goroutine.reason {
            Some(reason) => format!("[{reason}]"),
            None => format!("[{}]", goroutine.state),
        });
        *stacks.entry(frames.join(";")).or_default() += 1;
    }
    stacks.iter().fold(String::new(), |mut text, (stack, count)| {
        let _ = writeln!(text, "{stack} {count}");
        text
    })
}

/// A function's name without the format's own separator.
fn frame_name(function: &str) -> String {
    if function.is_empty() { "?".to_owned() } else { function.replace(';', ":") }
}
