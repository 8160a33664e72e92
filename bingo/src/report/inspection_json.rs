//! `inspect --format json`: one goroutine with its variables (`bingo_inspect` 1).

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::inspection::Closely;
use crate::model::{Certainty, Hold, InspectedFrame, Missing, Use, Value, Variable, VariableRole};
use crate::recording::wire::{Number, WireFrame, WirePlace, WireWait};
use crate::session::View;

/// What is looked at.
#[derive(Serialize)]
pub(super) struct Head<'a> {
    bingo_inspect: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    go_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary: Option<String>,
}

impl Head<'_> {
    pub(super) fn of(view: &View) -> Head<'_> {
        let header = &view.header;
        Head {
            bingo_inspect: 1,
            pid: header.pid,
            go_version: header.go_version.as_deref(),
            binary: header.binary.as_ref().map(|path| path.display().to_string()),
        }
    }
}

#[derive(Serialize)]
struct WireInspection<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    id: Number,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_for_ns: Option<Number>,
    system: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_on: Option<WireWait>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    holders: Vec<Other<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wakers: Vec<Other<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<WirePlace<'a>>,
    vars: Variables<'a>,
    #[serde(skip_serializing_if = "Registers::is_empty")]
    registers: Registers<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_for_ns: Option<Number>,
    stack: Vec<WireCall<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expanded: Vec<Expanded<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<WirePlace<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Number>,
    labels: &'a BTreeMap<String, String>,
    thread: Option<Number>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct WireCall<'a> {
    #[serde(flatten)]
    frame: WireFrame<'a>,
    vars: Variables<'a>,
}

/// Another goroutine, and what it has to do with the wait.
#[derive(Serialize)]
pub(super) struct Other<'a> {
    goroutine: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    certain: bool,
}

#[derive(Serialize)]
struct Expanded<'a> {
    path: &'a str,
    #[serde(flatten)]
    value: Shown<'a>,
}

/// Variables by name.
pub(super) struct Variables<'a>(pub(super) &'a [Variable]);

struct Registers<'a>(&'a [(&'static str, u64)]);

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(rename = "type")]
    ty: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
}

/// Writes the goroutine in one line.
///
/// # Errors
/// Those of `out`.
pub fn inspection_json(closely: &Closely<'_>, all: bool, mut out: impl Write) -> io::Result<()> {
    let Closely { view, goroutine, inspection, .. } = closely;
    let blocked = goroutine.state == crate::model::GoState::Blocked;
    let lasting = view.lasting(goroutine).filter(|_| blocked);
    let shown: Vec<&InspectedFrame> =
        inspection.frames.iter().filter(|one| all || one.frame.is_visible()).collect();
    let first = shown.first();
    let (holders, wakers) = others(closely);
    let wire = WireInspection {
        head: Head::of(view),
        id: Number(goroutine.id.0),
        state: goroutine.state.as_str(),
        block_reason: goroutine.reason.map(|reason| reason.to_string()),
        blocked_for_ns: lasting.map(|lasting| Number(u64::try_from(lasting.as_nanos()).unwrap_or(u64::MAX))),
        system: goroutine.system,
        blocked_on: goroutine.wait.as_ref().map(|wait| WireWait::of(wait, Some(&view.objects))),
        holders,
        wakers,
        pc: first.map(|one| one.frame.pc.to_string()),
        location: first.map(|one| WirePlace::of(&one.frame)),
        vars: Variables(first.map_or(&[], |one| &one.variables)),
        registers: Registers(&inspection.registers),
        stopped_for_ns: inspection
            .stopped_for
            .map(|time| Number(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))),
        stack: shown
            .iter()
            .map(|one| WireCall { frame: WireFrame::of(&one.frame, true), vars: Variables(&one.variables) })
            .collect(),
        expanded: inspection
            .expanded
            .iter()
            .map(|part| Expanded { path: &part.name, value: Shown::of(part) })
            .collect(),
        created_by: goroutine.created_by.as_ref().map(|creator| WirePlace {
            file: &creator.file,
            line: creator.line,
            function: &creator.function,
        }),
        parent: goroutine.parent.map(|id| Number(id.0)),
        labels: &goroutine.labels,
        thread: goroutine.thread.map(|thread| Number(thread.0)),
        notes: &inspection.notes,
    };
    serde_json::to_writer(&mut out, &wire)?;
    out.write_all(b"\n")
}

/// Who holds what it waits for, and who could end the wait.
fn others<'a>(closely: &Closely<'a>) -> (Vec<Other<'a>>, Vec<Other<'a>>) {
    let Some(links) = closely.links else { return (Vec::new(), Vec::new()) };
    let own = closely.goroutine.id;
    let (mut holders, mut wakers) = (Vec::new(), Vec::new());
    for wait in links.waits.get(own).unwrap_or_default() {
        let holds = links.holds.iter().filter(|hold| hold.object == wait.object && hold.goroutine != own);
        holders.extend(holds.map(Other::holds));
        let uses = links.uses.iter().filter(|one| {
            one.object == wait.object && one.goroutine != own && one.operation.ends(wait.operation)
        });
        wakers.extend(uses.map(Other::uses));
    }
    (holders, wakers)
}

impl<'a> Other<'a> {
    /// One that holds a lock.
    pub(super) fn holds(hold: &'a Hold) -> Other<'a> {
        Other {
            goroutine: Number(hold.goroutine.0),
            because: None,
            since: hold.taken_at.as_ref().map(|(file, line)| format!("{file}:{line}")),
            certain: hold.certainty == Certainty::Sure,
        }
    }

    /// One that could end a wait.
    pub(super) fn uses(one: &'a Use) -> Other<'a> {
        Other {
            goroutine: Number(one.goroutine.0),
            because: Some(&one.because),
            since: None,
            certain: one.certainty == Certainty::Sure,
        }
    }
}

impl<'a> Shown<'a> {
    fn of(variable: &'a Variable) -> Shown<'a> {
        let kind = match variable.role {
            VariableRole::Argument => Some("argument"),
            VariableRole::Result => Some("result"),
            VariableRole::Local => None,
            VariableRole::Captured => Some("captured"),
            VariableRole::Word => Some("word"),
        };
        let (value, missing) = match &variable.value {
            Value::Missing(missing) => (None, Some(why(missing))),
            value => (Some(value.to_string()), None),
        };
        Shown { ty: &variable.ty, kind, value, missing }
    }
}

fn why(missing: &Missing) -> String {
    missing.to_string().trim_matches(['<', '>']).to_owned()
}

impl Serialize for Variables<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for variable in self.0 {
            map.serialize_entry(&*variable.name, &Shown::of(variable))?;
        }
        map.end()
    }
}

impl Registers<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Registers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, word) in self.0 {
            map.serialize_entry(name, &format!("{word:#x}"))?;
        }
        map.end()
    }
}
