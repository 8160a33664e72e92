//! `inspect` as text: one goroutine, what it waits on and who could end that, and
//! its calls with their variables.

use std::fmt::Write;

use super::each::{created_by, lasted, others};
use super::filter::Selection;
use super::style::{Style, Tone};
use super::words::{cut, duration, waits_on};
use crate::model::{
    Certainty, GoState, Hold, InspectedFrame, Inspection, Links, Operation, Use, Value, Variable,
    VariableRole,
};
use crate::session::{Goroutine, View};

/// What a terminal has, at least; values that need more go over several lines.
const WIDTH: usize = 110;
/// Characters of an argument of the standard library's calls.
const SHORT: usize = 64;
/// A type's column is no wider.
const TYPE_WIDTH: usize = 28;
/// Goroutines that are named as those who could end a wait.
const WAKERS: usize = 8;
/// Before a variable.
const INDENT: usize = 8;

/// One goroutine, closely, and what is known of those around it.
pub struct Closely<'a> {
    /// All goroutines.
    pub view: &'a View,
    /// How they hang together, where that is known.
    pub links: Option<&'a Links>,
    /// The one that is looked at, as the view has it.
    pub goroutine: &'a Goroutine,
    /// Its calls.
    pub inspection: &'a Inspection,
}

/// As text.
#[must_use]
pub fn inspection(closely: &Closely<'_>, selection: &Selection, style: Style) -> String {
    let Closely { view, goroutine, inspection, .. } = closely;
    let mut text = String::new();
    let _ = writeln!(text, "{}", program(view));
    let _ = writeln!(text, "\n{}", style.paint(tone(goroutine), &title(view, goroutine)));
    if let Some(stopped) = inspection.stopped_for {
        let _ = writeln!(text, "    its thread was stopped for {} to read its registers", duration(stopped));
    }
    if let Some(wait) = &goroutine.wait {
        let _ = writeln!(text, "    on {}", waits_on(wait, &view.objects, view.time));
        others(&mut text, view, goroutine.id, wait);
    }
    for line in around(closely) {
        let _ = writeln!(text, "    {line}");
    }
    if !goroutine.labels.is_empty() {
        let labels: Vec<String> =
            goroutine.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let _ = writeln!(text, "    labels {}", labels.join(", "));
    }
    if let Some(creator) = &goroutine.created_by {
        created_by(&mut text, creator, goroutine.parent);
    }
    let shown: Vec<&InspectedFrame> =
        inspection.frames.iter().filter(|one| selection.all || one.frame.is_visible()).collect();
    let mut left_out = false;
    for one in &shown {
        text.push('\n');
        let outside = one.frame.is_machinery() || one.frame.is_standard();
        if selection.all || !outside {
            frame(&mut text, one, style);
        } else {
            let known = arguments(one);
            left_out |= known.variables.len() < one.variables.len();
            frame(&mut text, &known, style);
        }
    }
    if !inspection.registers.is_empty() {
        registers(&mut text, &inspection.registers);
    }
    for part in &inspection.expanded {
        let _ = writeln!(text, "\n{}", style.paint(Tone::Heading, &format!("{}  {}", part.name, part.ty)));
        let _ = writeln!(text, "    {}", laid_out(&part.value, 4, 4));
    }
    let hidden = inspection.frames.len() - shown.len();
    let mut notes = inspection.notes.clone();
    if left_out {
        notes.push(
            "of the standard library's calls only known arguments are shown; --all shows all variables"
                .to_owned(),
        );
    }
    if hidden > 0 && shown.is_empty() {
        notes.push(format!("all of its {hidden} calls are the runtime's; --all shows them"));
    }
    if !notes.is_empty() {
        text.push('\n');
    }
    for note in notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

/// The program that is looked at.
pub(super) fn program(view: &View) -> String {
    let header = &view.header;
    let mut program: Vec<String> = header.pid.map(|pid| format!("process {pid}")).into_iter().collect();
    program.extend(header.binary.as_ref().map(|path| path.display().to_string()));
    program.extend(header.go_version.clone());
    program.join(", ")
}

fn tone(goroutine: &Goroutine) -> Tone {
    if goroutine.state == GoState::Blocked { Tone::Stuck } else { Tone::Heading }
}

fn title(view: &View, goroutine: &Goroutine) -> String {
    let mut title = format!("goroutine {}: {}", goroutine.id, goroutine.state);
    if let Some(reason) = goroutine.reason {
        let reason = reason.go_text().map_or_else(|| reason.to_string(), str::to_owned);
        title = format!("goroutine {}: {reason}", goroutine.id);
    }
    if let Some(lasting) = view.lasting(goroutine) {
        let _ = write!(title, ", {}", lasted(goroutine, lasting));
    }
    if let Some(thread) = goroutine.thread {
        let _ = write!(title, ", thread {thread}");
    }
    title
}

/// Who holds what it waits for, and who could end the wait.
fn around(closely: &Closely<'_>) -> Vec<String> {
    let Some(links) = closely.links else { return Vec::new() };
    let own = closely.goroutine.id;
    let mut lines = Vec::new();
    for wait in links.waits.get(own).unwrap_or_default() {
        for hold in links.holds.iter().filter(|hold| hold.object == wait.object && hold.goroutine != own) {
            lines.push(held_by(hold));
        }
        let could = links.uses.iter().filter(|one| {
            one.object == wait.object && one.goroutine != own && one.operation.ends(wait.operation)
        });
        lines.extend(woken_by(could));
    }
    for hold in links.holds.iter().filter(|hold| hold.goroutine == own) {
        let Some(object) = links.object(hold.object) else { continue };
        let crate::model::ObjectKey::Address(address) = &object.key else { continue };
        let since = hold.taken_at.as_ref().map(|(file, line)| format!(" since {file}:{line}"));
        lines.push(format!(
            "holds {} {address}{}{}",
            object.kind.as_str(),
            since.unwrap_or_default(),
            likely(hold.certainty)
        ));
    }
    lines.dedup();
    lines
}

/// Who holds a lock.
pub(super) fn held_by(hold: &Hold) -> String {
    let since = hold.taken_at.as_ref().map(|(file, line)| format!(" since {file}:{line}"));
    let how = if hold.shared { "read-held" } else { "held" };
    format!("{how} by goroutine {}{}{}", hold.goroutine, since.unwrap_or_default(), likely(hold.certainty))
}

/// Who could end a wait, a line each.
pub(super) fn woken_by<'a>(could: impl Iterator<Item = &'a Use>) -> Vec<String> {
    let line = |one: &Use| {
        let does = match one.operation {
            Operation::Any => "could be woken by",
            _ => "will be woken by",
        };
        let does = if one.certainty == Certainty::Sure { does } else { "could be woken by" };
        format!("{does} goroutine {}, which {}", one.goroutine, one.because)
    };
    let mut named: Vec<String> = could.map(line).collect();
    named.sort();
    named.dedup();
    let more = named.len().saturating_sub(WAKERS);
    named.truncate(WAKERS);
    if more > 0 {
        named.push(format!("and by {more} more"));
    }
    named
}

fn likely(certainty: Certainty) -> &'static str {
    if certainty == Certainty::Sure { "" } else { " (likely)" }
}

/// A call with those of its arguments that are known, each on one line.
fn arguments(one: &InspectedFrame) -> InspectedFrame {
    let is_argument = |variable: &&Variable| {
        matches!(variable.role, VariableRole::Argument | VariableRole::Word)
            && !matches!(variable.value, Value::Missing(_))
    };
    let on_a_line = |variable: &Variable| Variable { value: shortened(&variable.value), ..variable.clone() };
    let variables = one.variables.iter().filter(is_argument).map(on_a_line).collect();
    InspectedFrame { frame: one.frame.clone(), variables }
}

/// A value without what would make it long.
fn shortened(value: &Value) -> Value {
    match value {
        Value::Composite { prefix, entries, more, suffix } if width(&value.to_string()) > SHORT => {
            let more = more.saturating_add(u64::try_from(entries.len()).unwrap_or(u64::MAX));
            Value::Composite { prefix: prefix.clone(), entries: Vec::new(), more, suffix: suffix.clone() }
        }
        Value::Plain(text) => Value::Plain(cut(text, SHORT)),
        _ => value.clone(),
    }
}

fn frame(text: &mut String, one: &InspectedFrame, style: Style) {
    let frame = &one.frame;
    let function = if frame.function.is_empty() { "?" } else { &frame.function };
    let inlined = if frame.inlined { "  (inlined)" } else { "" };
    let function = style.paint(Tone::Heading, function);
    let _ = match frame.file.is_empty() {
        true => writeln!(text, "    {function}  {}{inlined}", frame.pc),
        false => writeln!(text, "    {function}  {}:{}{inlined}", frame.file, frame.line),
    };
    let names = one.variables.iter().map(|variable| width(&variable.name)).max().unwrap_or(0);
    let fitting = |variable: &Variable| Some(width(&variable.ty)).filter(|&width| width <= TYPE_WIDTH);
    let types = one.variables.iter().filter_map(fitting).max().unwrap_or(0);
    for variable in &one.variables {
        let ty = style.paint(Tone::Calm, &pad(&variable.ty, types));
        let mark = match variable.role {
            VariableRole::Captured => "  (captured)",
            VariableRole::Result => "  (result)",
            _ => "",
        };
        let at = INDENT + names + 2 + types.max(width(&variable.ty)) + 2;
        let value = laid_out(&variable.value, INDENT, at);
        let value =
            if matches!(variable.value, Value::Missing(_)) { style.paint(Tone::Calm, &value) } else { value };
        let _ = writeln!(text, "{:INDENT$}{}  {ty}  {value}{mark}", "", pad(&variable.name, names));
    }
}

/// A value that begins in column `at`: on one line where it fits, else an entry a
/// line, under a variable that stands at `indent`.
pub(super) fn laid_out(value: &Value, indent: usize, at: usize) -> String {
    let line = value.to_string();
    let Value::Composite { prefix, entries, more, suffix } = value else { return line };
    if at + width(&line) <= WIDTH || entries.is_empty() {
        return line;
    }
    let inner = indent + 4;
    let mut text = format!("{prefix}{{\n");
    // Many short ones stand beside each other.
    let mut column = 0;
    for entry in entries {
        let label = entry.label.to_string();
        let whole = format!("{entry}");
        let short = width(&whole) <= 24 && label.is_empty();
        let wraps = !short || column == 0 || column + width(&whole) + 2 > WIDTH;
        if wraps {
            if column > 0 {
                text.push('\n');
            }
            let _ = write!(text, "{:inner$}", "");
            column = inner;
        } else {
            text.push(' ');
        }
        let value = laid_out(&entry.value, inner, inner + width(&label) + 1);
        let _ = write!(text, "{label}{value},");
        column = if short { column + width(&whole) + 2 } else { WIDTH };
    }
    text.push('\n');
    if *more > 0 {
        let _ = writeln!(text, "{:inner$}… {more} more", "");
    }
    let _ = write!(text, "{:indent$}}}{suffix}", "");
    text
}

fn registers(text: &mut String, registers: &[(&'static str, u64)]) {
    text.push_str("\n    registers\n");
    for row in registers.chunks(4) {
        let row: Vec<String> = row.iter().map(|(name, word)| format!("{name:>6} {word:#018x}")).collect();
        let _ = writeln!(text, "    {}", row.join("  "));
    }
}

pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

pub(super) fn pad(text: &str, to: usize) -> String {
    format!("{text}{:1$}", "", to.saturating_sub(width(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Addr, Entry, Frame, Label, Missing};

    #[test]
    fn of_a_call_of_the_standard_library_arguments_are_shown_on_a_line_each() {
        let variable = |name: &str, role, value| Variable { name: name.into(), ty: "T".into(), role, value };
        let field = |name: &str| Entry { label: Label::Field(name.into()), value: Value::plain("0") };
        let server = Value::Composite {
            prefix: "&".to_owned(),
            entries: (0..20).map(|place| field(&format!("field{place}"))).collect(),
            more: 3,
            suffix: String::new(),
        };
        let (function, file) = ("net/http.(*conn).serve".into(), "server.go".into());
        let one = InspectedFrame {
            frame: Frame { function, file, line: 2157, pc: Addr(1), inlined: false },
            variables: vec![
                variable("c", VariableRole::Argument, server),
                variable("n", VariableRole::Argument, Value::plain("7")),
                variable("lost", VariableRole::Argument, Value::Missing(Missing::OptimisedOut)),
                variable("local", VariableRole::Local, Value::plain("1")),
            ],
        };
        let mut text = String::new();
        frame(&mut text, &arguments(&one), Style::Plain);
        let wanted =
            "    net/http.(*conn).serve  server.go:2157\n        c  T  &{… 23 more}\n        n  T  7\n";
        assert_eq!(text, wanted);
    }
}
