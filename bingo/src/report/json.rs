//! `dump --format json`: the snapshot as `interface.md` fixes it (`bingo_dump` 1).

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::rc::Rc;

use serde::ser::{Error, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::filter::Selection;
use crate::model::{Frame, Problem, Stack};
use crate::recording::wire::{Number, WireFrame, WirePlace, WireWait};
use crate::session::{Goroutine, View};

/// Stacks whose text is kept, some KiB each. Where there are more, one that is
/// met again is made again.
const STACKS_KEPT: usize = 1 << 12;

#[derive(Serialize)]
struct WireDump<'a> {
    bingo_dump: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inner_pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    go_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary: Option<String>,
    taken_ns: Number,
    took_ns: Number,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
    goroutines: Goroutines<'a>,
    problems: Vec<WireProblem<'a>>,
}

struct Goroutines<'a> {
    view: &'a View,
    selection: &'a Selection,
}

#[derive(Serialize)]
struct WireGoroutine<'a> {
    id: Number,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_for_ns: Option<Number>,
    system: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_on: Option<WireWait>,
    stack: Rc<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<WirePlace<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Number>,
    labels: &'a BTreeMap<String, String>,
    thread: Option<Number>,
}

/// What could not be read, in a dump and in a report.
#[derive(Serialize)]
pub(super) struct WireProblem<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    goroutine: Option<Number>,
    what: &'a str,
}

/// Writes the snapshot in one line.
///
/// # Errors
/// Those of `out`.
pub fn json(view: &View, selection: &Selection, mut out: impl Write) -> io::Result<()> {
    let header = &view.header;
    let (taken, took) = view.snapshot;
    let dump = WireDump {
        bingo_dump: 1,
        pid: header.pid,
        inner_pid: header.inner_pid,
        go_version: header.go_version.as_deref(),
        binary: header.binary.as_ref().map(|path| path.display().to_string()),
        taken_ns: Number(taken.0),
        took_ns: Number(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)),
        notes: &header.notes,
        goroutines: Goroutines { view, selection },
        problems: view.problems.iter().map(WireProblem::of).collect(),
    };
    serde_json::to_writer(&mut out, &dump)?;
    out.write_all(b"\n")
}

impl WireProblem<'_> {
    pub(super) fn of(problem: &Problem) -> WireProblem<'_> {
        WireProblem { goroutine: problem.goroutine.map(|id| Number(id.0)), what: &problem.what }
    }
}

impl Serialize for Goroutines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut texts = StackTexts { all: self.selection.all, known: HashMap::new() };
        let mut sequence = serializer.serialize_seq(None)?;
        for goroutine in self.selection.of(self.view) {
            let stack = texts.of(&goroutine.stack).map_err(S::Error::custom)?;
            sequence.serialize_element(&self.wire(goroutine, stack))?;
        }
        sequence.end()
    }
}

/// The text of each stack, made once: it is what the dump consists of. By the
/// stack's address, which the view holds.
struct StackTexts {
    all: bool,
    known: HashMap<*const Frame, Rc<RawValue>>,
}

impl StackTexts {
    fn of(&mut self, stack: &Stack) -> serde_json::Result<Rc<RawValue>> {
        let key = stack.frames().as_ptr();
        if let Some(text) = self.known.get(&key) {
            return Ok(Rc::clone(text));
        }
        let text = to_raw_value(&WireFrame::stack(stack, self.all, true))?;
        if self.known.len() >= STACKS_KEPT {
            self.known.clear();
        }
        Ok(Rc::clone(self.known.entry(key).or_insert(text.into())))
    }
}

impl<'a> Goroutines<'a> {
    fn wire(&self, goroutine: &'a Goroutine, stack: Rc<RawValue>) -> WireGoroutine<'a> {
        let blocked = goroutine.state == crate::model::GoState::Blocked;
        let lasting = self.view.lasting(goroutine).filter(|_| blocked);
        WireGoroutine {
            id: Number(goroutine.id.0),
            state: goroutine.state.as_str(),
            block_reason: goroutine.reason.map(|reason| reason.to_string()),
            blocked_for_ns: lasting
                .map(|lasting| Number(u64::try_from(lasting.as_nanos()).unwrap_or(u64::MAX))),
            system: goroutine.system,
            blocked_on: goroutine.wait.as_ref().map(|wait| WireWait::of(wait, Some(&self.view.objects))),
            stack,
            created_by: goroutine.created_by.as_ref().map(|creator| WirePlace {
                file: &creator.file,
                line: creator.line,
                function: &creator.function,
            }),
            parent: goroutine.parent.map(|id| Number(id.0)),
            labels: &goroutine.labels,
            thread: goroutine.thread.map(|thread| Number(thread.0)),
        }
    }
}
