//! `dump --format dot`: who waits on what, as Graphviz draws it. Goroutines in
//! one condition at one place, on the same objects, are one box.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::filter::Selection;
use super::groups::{Group, groups};
use super::words::{count, duration, lock_word, place};
use crate::model::{Addr, Direction, SyncObject, Wait};
use crate::session::View;

/// The drawing.
#[must_use]
pub fn dot(view: &View, selection: &Selection) -> String {
    let mut text = String::from("digraph goroutines {\n  rankdir=LR;\n  node [fontname=\"monospace\"];\n");
    let mut objects: BTreeMap<Addr, String> = BTreeMap::new();
    let mut edges = String::new();
    for (number, group) in groups(view, selection).iter().enumerate() {
        let _ = writeln!(text, "  g{number} [shape=box, label={}];", quoted(&label(group)));
        for (address, word) in edges_of(group) {
            objects.entry(address).or_insert_with(|| object_label(view, address));
            let _ = writeln!(edges, "  g{number} -> o{:x} [label={}];", address.0, quoted(&word));
        }
    }
    for (address, label) in &objects {
        let _ = writeln!(text, "  o{:x} [shape=ellipse, label={}];", address.0, quoted(label));
    }
    text + &edges + "}\n"
}

fn label(group: &Group<'_>) -> String {
    let who = match group.members.as_slice() {
        [one] => format!("goroutine {}", one.id),
        many => format!("{} goroutines", count(many.len())),
    };
    let lasting = group.longest.map(|longest| format!(" {}", duration(longest))).unwrap_or_default();
    let site = group.stack.site().map(place).unwrap_or_default();
    format!("{who}\n{}{lasting}\n{site}", group.why())
}

/// The objects that a group waits on, each once, with how many wait and at which end.
fn edges_of(group: &Group<'_>) -> Vec<(Addr, String)> {
    let mut edges: BTreeMap<(Addr, &str), usize> = BTreeMap::new();
    for goroutine in &group.members {
        match &goroutine.wait {
            Some(Wait::Channel { channel, direction }) => {
                *edges.entry((*channel, end(*direction))).or_default() += 1;
            }
            Some(Wait::Select(cases)) => {
                for (channel, direction) in cases {
                    *edges.entry((*channel, end(*direction))).or_default() += 1;
                }
            }
            Some(Wait::Lock(lock)) => *edges.entry((*lock, "wait")).or_default() += 1,
            Some(Wait::Sleep { .. } | Wait::Io { .. }) | None => {}
        }
    }
    let word = |word: &str, times| if times > 1 { format!("{word} ×{times}") } else { word.to_owned() };
    edges.into_iter().map(|((address, doing), times)| (address, word(doing, times))).collect()
}

fn end(direction: Direction) -> &'static str {
    match direction {
        Direction::Send => "send",
        Direction::Receive => "receive",
    }
}

fn object_label(view: &View, address: Addr) -> String {
    match view.objects.get(&address).map(AsRef::as_ref) {
        Some(SyncObject::Channel(channel)) => {
            let closed = if channel.closed { ", closed" } else { "" };
            format!("channel {address}\n{} of {}{closed}", channel.len, channel.cap)
        }
        Some(SyncObject::Lock(lock)) => format!("{} {address}", lock_word(lock.kind)),
        None if address.is_nil() => "nil channel".to_owned(),
        None => address.to_string(),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
