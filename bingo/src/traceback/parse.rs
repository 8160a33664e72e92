//! Lines of a traceback as goroutines. In: one line after the other. Out: a
//! goroutine when it is complete, and what of it was not printed.
//!
//! Source: `goroutineheader` and `traceback2` of `runtime/traceback.go`, Go 1.19
//! to 1.27.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Addr, CreatedBy, Frame, GoId, GoState, Goroutine, Problem, Stack, Time, WaitReason};

/// The most frames that are kept: the runtime prints 100 of one goroutine.
const FRAMES: usize = 1_000;

/// Takes lines in.
pub(super) struct Parser {
    taken: Time,
    current: Option<Current>,
}

/// The goroutine whose lines these are.
struct Current {
    goroutine: Goroutine,
    frames: Vec<Frame>,
    /// The call whose place the next line is.
    call: Option<Call>,
    elided: bool,
}

enum Call {
    Frame { function: Arc<str>, inlined: bool },
    Creator { function: Arc<str>, parent: Option<GoId> },
}

impl Parser {
    /// Nothing yet; `taken` is when the text was written.
    pub(super) fn new(taken: Time) -> Parser {
        Parser { taken, current: None }
    }

    /// Takes in a line, without its end. The goroutine before it, if it begins another one.
    pub(super) fn line(&mut self, line: &str) -> Option<(Goroutine, Option<Problem>)> {
        if let Some(goroutine) = first_line(line, self.taken) {
            let (frames, call, elided) = (Vec::new(), None, false);
            let next = Current { goroutine, frames, call, elided };
            return self.current.replace(next).map(Current::complete);
        }
        if line.is_empty() {
            return self.end();
        }
        self.current.as_mut()?.line(line);
        None
    }

    /// The last goroutine.
    pub(super) fn end(&mut self) -> Option<(Goroutine, Option<Problem>)> {
        self.current.take().map(Current::complete)
    }
}

impl Current {
    fn line(&mut self, line: &str) {
        if let Some(place) = line.strip_prefix('\t') {
            let call = self.call.take();
            if let Some((call, (file, number, pc))) = call.zip(place_of(place)) {
                self.add(call, file, number, pc);
            }
            return;
        }
        self.elided |= line.contains("frames elided");
        self.call = call_of(line);
    }

    fn add(&mut self, call: Call, file: &str, line: u32, pc: Addr) {
        let file = file.into();
        match call {
            Call::Creator { function, parent } => {
                self.goroutine.parent = parent;
                self.goroutine.created_by = Some(Arc::new(CreatedBy { function, file, line }));
            }
            Call::Frame { function, inlined } if self.frames.len() < FRAMES => {
                self.frames.push(Frame { function, file, line, pc, inlined });
            }
            Call::Frame { .. } => self.elided = true,
        }
    }

    fn complete(mut self) -> (Goroutine, Option<Problem>) {
        self.goroutine.stack = Stack::new(self.frames);
        let problem = self.elided.then(|| Problem {
            goroutine: Some(self.goroutine.id),
            what: format!("goroutine {} has more frames than were printed", self.goroutine.id),
        });
        (self.goroutine, problem)
    }
}

/// `goroutine 49 gp=0xc000 m=nil [chan receive, 2 minutes, locked to thread]:`.
fn first_line(line: &str, taken: Time) -> Option<Goroutine> {
    let (id, rest) = line.strip_prefix("goroutine ")?.split_once(' ')?;
    let (_, rest) = rest.split_once('[')?;
    let (said, _) = rest.split_once(']').filter(|(_, end)| end.ends_with(':'))?;
    let mut said = said.split(", ");
    let status = said.next()?.trim_end_matches(" (scan)").trim_end_matches(" (leaked)");
    let state = match status {
        "running" => GoState::Running,
        "runnable" => GoState::Runnable,
        "syscall" => GoState::Syscall,
        "idle" | "dead" => return None,
        _ => GoState::Blocked,
    };
    let minutes = said.find_map(|word| word.strip_suffix(" minutes")?.parse::<u64>().ok());
    let waited = minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60)));
    let since =
        waited.and_then(|waited| Some(Time(taken.0.saturating_sub(u64::try_from(waited.as_nanos()).ok()?))));
    Some(Goroutine {
        id: GoId(id.parse().ok()?),
        state,
        reason: WaitReason::from_go_text(status).filter(|_| state == GoState::Blocked),
        blocked_since: since.filter(|_| state == GoState::Blocked),
        switches: None,
        wait: None,
        stack: Stack::empty(),
        created_by: None,
        parent: None,
        labels: None,
        thread: None,
        system: false,
    })
}

/// `main.(*T).wait(0x5, {0x1?})`, or `created by main.shapes in goroutine 17`.
fn call_of(line: &str) -> Option<Call> {
    if let Some(creator) = line.strip_prefix("created by ") {
        let (function, parent) = match creator.rsplit_once(" in goroutine ") {
            Some((function, parent)) => (function, parent.parse().ok().map(GoId)),
            None => (creator, None),
        };
        return Some(Call::Creator { function: function.into(), parent });
    }
    let (function, arguments) = line.rsplit_once('(')?;
    // The runtime calls it so in print alone.
    let function = if function == "panic" { "runtime.gopanic" } else { function };
    Some(Call::Frame { function: function.into(), inlined: arguments == "...)" })
}

/// `/src/a.go:9 +0x25 fp=0xc0 sp=0xc1 pc=0x438d4e`.
fn place_of(place: &str) -> Option<(&str, u32, Addr)> {
    let pc = place.rsplit_once(" pc=0x").and_then(|(_, pc)| u64::from_str_radix(pc, 16).ok());
    let place = place.split(" +0x").next().unwrap_or(place);
    let (file, line) = place.rsplit_once(':')?;
    Some((file, line.parse().ok()?, Addr(pc.unwrap_or_default())))
}
