//! An event as `go tool trace -d=parsed` prints it (Go 1.27), so that the two can
//! be compared line by line. In: an event and its reader. Out: its text.

use std::fmt::{self, Display, Formatter, Write as _};

use super::Reader;
use super::detail::{Detail, Phase, Scope};
use super::event::TraceEvent;
use super::spec::EventType;
use super::tables::Tables;

/// An event with what its ids mean; [`Display`] is the text.
pub struct Text<'e, 'r> {
    reader: &'e Reader<'r>,
    event: &'e TraceEvent,
}

impl<'e, 'r> Text<'e, 'r> {
    /// The text of the event that `reader` yielded last.
    #[must_use]
    pub fn of(reader: &'e Reader<'r>, event: &'e TraceEvent) -> Text<'e, 'r> {
        Text { reader, event }
    }
}

impl Display for Text<'_, '_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let TraceEvent { time, thread, proc, goroutine, .. } = *self.event;
        let Some(detail) = self.reader.detail(self.event) else { return Ok(()) };
        write!(f, "M={thread} P={proc} G={goroutine} {} Time={time}", kind(&detail))?;
        let mut own_stack = 0;
        match &detail {
            Detail::Sync { number, clock } => {
                write!(f, " N={number}")?;
                if let Some(clock) = clock {
                    let (seconds, nanoseconds) = (clock.wall_seconds, clock.wall_nanoseconds);
                    write!(f, " Trace={} Mono={}", clock.trace, clock.monotonic)?;
                    write!(f, " Wall={seconds}.{nanoseconds:09}")?;
                }
            }
            Detail::Metric { name, value } => {
                write!(f, " Name={} Value=Value{{Uint64({value})}}", Quoted(name))?;
            }
            Detail::Label(label) => {
                write!(f, " Label={} Resource=Goroutine({goroutine})", Quoted(label))?;
            }
            Detail::StackSample => {}
            Detail::Range { phase, name, scope, swept } => {
                write!(f, " Name={} Scope={scope}", Quoted(name))?;
                if *phase == Phase::End {
                    f.write_str(" Attributes=[")?;
                    if let Some((swept, reclaimed)) = swept {
                        write!(f, "\"bytes swept\"=Value{{Uint64({swept})}} ")?;
                        write!(f, "\"bytes reclaimed\"=Value{{Uint64({reclaimed})}}")?;
                    }
                    f.write_str("]")?;
                }
            }
            Detail::Task { id, parent, name, .. } => {
                write!(f, " ID={id} Parent={parent} Type={}", Quoted(name))?;
            }
            Detail::Region { task, name, .. } => write!(f, " Task={task} Type={}", Quoted(name))?,
            Detail::Log { task, category, message } => {
                write!(f, " Task={task} Category={} Message={}", Quoted(category), Quoted(message))?;
            }
            Detail::Goroutine { id, from, to, reason, stack } => {
                write!(f, " GoID={id} {}->{} Reason={}", from.as_str(), to.as_str(), Quoted(reason))?;
                own_stack = *stack;
            }
            Detail::Proc { id, from, to } => {
                write!(f, " ProcID={id} {}->{} Reason=\"\"", from.as_str(), to.as_str())?;
            }
            Detail::Experimental { name, args } => {
                write!(f, " Name={name} Args=[")?;
                for (at, (arg, value)) in args.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{arg}=Value{{Uint64({value})}}")?;
                }
                f.write_str("]")?;
            }
        }
        let Some(tables) = self.reader.tables() else { return Ok(()) };
        // Go prints these titles where there is no stack, too.
        let made = matches!(self.event.kind, EventType::GO_CREATE | EventType::GO_CREATE_BLOCKED);
        let sampled = self.event.kind == EventType::CPU_SAMPLE;
        write_stack(f, "\nTransitionStack=\n", tables, own_stack, made)?;
        write_stack(f, "\nStack=\n", tables, self.event.stack(), sampled)
    }
}

fn write_stack(f: &mut Formatter<'_>, title: &str, tables: &Tables, id: u64, always: bool) -> fmt::Result {
    if id == 0 && !always {
        return Ok(());
    }
    f.write_str(title)?;
    for frame in tables.stack(id) {
        let (function, file) = (tables.text(u64::from(frame.function)), tables.text(u64::from(frame.file)));
        writeln!(f, "\t{function} @ {:#x}\n\t\t{file}:{}", frame.pc, frame.line)?;
    }
    Ok(())
}

/// Go's word for the kind of an event.
fn kind(detail: &Detail<'_>) -> &'static str {
    let part = |phase: &Phase, [begin, active, end]: [&'static str; 3]| match phase {
        Phase::Begin => begin,
        Phase::Active => active,
        Phase::End => end,
    };
    match detail {
        Detail::Sync { .. } => "Sync",
        Detail::Metric { .. } => "Metric",
        Detail::Label(_) => "Label",
        Detail::StackSample => "StackSample",
        Detail::Range { phase, .. } => part(phase, ["RangeBegin", "RangeActive", "RangeEnd"]),
        Detail::Task { phase, .. } => part(phase, ["TaskBegin", "", "TaskEnd"]),
        Detail::Region { phase, .. } => part(phase, ["RegionBegin", "", "RegionEnd"]),
        Detail::Log { .. } => "Log",
        Detail::Goroutine { .. } | Detail::Proc { .. } => "StateTransition",
        Detail::Experimental { .. } => "Experimental",
    }
}

impl Display for Scope {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Global => f.write_str("None"),
            Scope::Goroutine(id) => write!(f, "Goroutine({id})"),
            Scope::Proc(id) => write!(f, "Proc({id})"),
        }
    }
}

/// A text as Go's `%q` writes it.
struct Quoted<'t>(&'t str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '\0'..=' ' if c != ' ' => write!(f, "\\x{:02x}", u32::from(c))?,
                '\u{7f}' => f.write_str("\\x7f")?,
                _ => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
