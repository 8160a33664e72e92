//! What an event's arguments mean. In: an event and its generation's tables.
//! Out: a [`Detail`], as `internal/trace/event.go` (Go 1.27) has it.

use std::borrow::Cow;
use std::sync::Arc;

use super::event::TraceEvent;
use super::spec::EventType;
use super::tables::{ClockSnapshot, Tables};

/// A goroutine's state in a trace (`trace.GoState`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "trace.GoState has the words")]
pub enum GoState {
    Undetermined,
    NotExist,
    Runnable,
    Running,
    Waiting,
    Syscall,
}

/// A P's state in a trace (`trace.ProcState`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "trace.ProcState has the words")]
pub enum ProcState {
    Undetermined,
    NotExist,
    Running,
    Idle,
}

/// What a range or a label belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// The whole program.
    Global,
    /// A goroutine.
    Goroutine(i64),
    /// A P.
    Proc(i64),
}

/// Which part of a range or a task an event is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// It begins.
    Begin,
    /// It had begun before the trace, or before this generation.
    Active,
    /// It ends.
    End,
}

/// What an event says.
#[derive(Clone, PartialEq, Debug)]
pub enum Detail<'t> {
    /// All that exists has been told of.
    Sync {
        /// The number of this point, from 1 on.
        number: u64,
        /// The clocks, since Go 1.25; not at the trace's end.
        clock: Option<ClockSnapshot>,
    },
    /// A value of `runtime/metrics`.
    Metric {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: u64,
    },
    /// A label on the running goroutine.
    Label(Cow<'t, str>),
    /// A CPU sample.
    StackSample,
    /// A range of time.
    Range {
        /// Which part of it.
        phase: Phase,
        /// Its name.
        name: Cow<'t, str>,
        /// Whose it is.
        scope: Scope,
        /// At the end of a sweep: bytes swept and bytes reclaimed.
        swept: Option<(u64, u64)>,
    },
    /// A task of `runtime/trace`.
    Task {
        /// Which part of it.
        phase: Phase,
        /// Its id.
        id: u64,
        /// The id of its parent, [`TraceEvent::NO_TASK`]: none.
        parent: u64,
        /// Its name; empty where its beginning is not in the trace.
        name: Cow<'t, str>,
    },
    /// A region of `runtime/trace`.
    Region {
        /// Which part of it.
        phase: Phase,
        /// The task it belongs to.
        task: u64,
        /// Its name.
        name: Cow<'t, str>,
    },
    /// A message of `runtime/trace`.
    Log {
        /// The task it belongs to.
        task: u64,
        /// Its category.
        category: Cow<'t, str>,
        /// The message.
        message: Cow<'t, str>,
    },
    /// A goroutine goes from one state to another.
    Goroutine {
        /// Which.
        id: i64,
        /// Its state before.
        from: GoState,
        /// Its state now.
        to: GoState,
        /// Why it stopped or blocked; empty where that is not said.
        reason: Cow<'t, str>,
        /// The id of the goroutine's own stack; 0: none. The event's is that of
        /// who did it.
        stack: u64,
    },
    /// A P goes from one state to another.
    Proc {
        /// Which.
        id: i64,
        /// Its state before.
        from: ProcState,
        /// Its state now.
        to: ProcState,
    },
    /// An event of an experiment: its name, its arguments and theirs.
    Experimental {
        /// Its name.
        name: &'static str,
        /// Its arguments.
        args: Vec<(&'static str, u64)>,
    },
}

impl<'t> Detail<'t> {
    /// What `event` says. `names` are those of the generation's ended tasks.
    pub(super) fn of(
        event: &TraceEvent,
        tables: Option<&'t Tables>,
        names: &'t [Arc<[u8]>],
    ) -> Option<Detail<'t>> {
        let text = |id| tables.map_or(Cow::Borrowed(""), |tables| tables.text(id));
        let [first, second, third, fourth] = event.args;
        let metric = |name| Detail::Metric { name, value: first };
        Some(match event.kind {
            EventType::SYNC_POINT => {
                Detail::Sync { number: first, clock: tables.and_then(|tables| tables.clock) }
            }
            EventType::PROCS_CHANGE => metric("/sched/gomaxprocs:threads"),
            EventType::HEAP_ALLOC => metric("/memory/classes/heap/objects:bytes"),
            EventType::HEAP_GOAL => metric("/gc/heap/goal:bytes"),
            EventType::GO_LABEL => Detail::Label(text(first)),
            EventType::CPU_SAMPLE => Detail::StackSample,
            EventType::USER_TASK_BEGIN => {
                Detail::Task { phase: Phase::Begin, id: first, parent: second, name: text(third) }
            }
            EventType::USER_TASK_END => {
                let place = usize::try_from(fourth).ok().and_then(|id| id.checked_sub(1));
                let name = place.and_then(|place| names.get(place)).map_or(&[][..], |name| name);
                let name = String::from_utf8_lossy(name);
                Detail::Task { phase: Phase::End, id: first, parent: third, name }
            }
            EventType::USER_REGION_BEGIN => {
                Detail::Region { phase: Phase::Begin, task: first, name: text(second) }
            }
            EventType::USER_REGION_END => {
                Detail::Region { phase: Phase::End, task: first, name: text(second) }
            }
            EventType::USER_LOG => Detail::Log { task: first, category: text(second), message: text(third) },
            kind if kind.is_experimental() => {
                let spec = kind.spec()?;
                let args = spec.args.iter().copied().zip(event.args).collect();
                Detail::Experimental { name: spec.name, args }
            }
            _ => {
                return range(event, text).or_else(|| proc(event)).or_else(|| goroutine(event, text));
            }
        })
    }
}

fn range<'t>(event: &TraceEvent, text: impl Fn(u64) -> Cow<'t, str>) -> Option<Detail<'t>> {
    let [first, second, ..] = event.args;
    let phase = match event.kind {
        EventType::STW_BEGIN
        | EventType::GC_BEGIN
        | EventType::GC_SWEEP_BEGIN
        | EventType::GC_MARK_ASSIST_BEGIN => Phase::Begin,
        EventType::GC_ACTIVE | EventType::GC_SWEEP_ACTIVE | EventType::GC_MARK_ASSIST_ACTIVE => Phase::Active,
        EventType::STW_END | EventType::GC_END | EventType::GC_SWEEP_END | EventType::GC_MARK_ASSIST_END => {
            Phase::End
        }
        _ => return None,
    };
    let (name, scope) = match event.kind {
        EventType::STW_BEGIN | EventType::STW_END => {
            let name = format!("stop-the-world ({})", text(first));
            (Cow::Owned(name), Scope::Goroutine(event.goroutine))
        }
        EventType::GC_BEGIN | EventType::GC_ACTIVE | EventType::GC_END => {
            (Cow::Borrowed("GC concurrent mark phase"), Scope::Global)
        }
        EventType::GC_SWEEP_ACTIVE => {
            (Cow::Borrowed("GC incremental sweep"), Scope::Proc(first.cast_signed()))
        }
        EventType::GC_SWEEP_BEGIN | EventType::GC_SWEEP_END => {
            (Cow::Borrowed("GC incremental sweep"), Scope::Proc(event.proc))
        }
        EventType::GC_MARK_ASSIST_ACTIVE => {
            (Cow::Borrowed("GC mark assist"), Scope::Goroutine(first.cast_signed()))
        }
        _ => (Cow::Borrowed("GC mark assist"), Scope::Goroutine(event.goroutine)),
    };
    let swept = (event.kind == EventType::GC_SWEEP_END).then_some((first, second));
    Some(Detail::Range { phase, name, scope, swept })
}

fn proc<'t>(event: &TraceEvent) -> Option<Detail<'t>> {
    let [first, second, third, fourth] = event.args;
    let id = first.cast_signed();
    let (id, from, to) = match event.kind {
        EventType::PROC_START => (id, ProcState::Idle, ProcState::Running),
        EventType::PROC_STOP => (event.proc, ProcState::Running, ProcState::Idle),
        EventType::PROC_STEAL => {
            // Taken from nobody knows whom, it was told of as idle before.
            let abandoned = fourth == super::order::ProcStatus::SyscallAbandoned as u64;
            (id, if abandoned { ProcState::Idle } else { ProcState::Running }, ProcState::Idle)
        }
        EventType::PROC_STATUS => {
            let to = match second {
                1 | 3 => ProcState::Running,
                2 | 4 => ProcState::Idle,
                _ => ProcState::Undetermined,
            };
            (id, ProcState::of(third), to)
        }
        _ => return None,
    };
    Some(Detail::Proc { id, from, to })
}

fn goroutine<'t>(event: &TraceEvent, text: impl Fn(u64) -> Cow<'t, str>) -> Option<Detail<'t>> {
    use GoState::{NotExist, Runnable, Running, Syscall, Waiting};
    let [first, second, third, fourth] = event.args;
    let (named, current) = (first.cast_signed(), event.goroutine);
    let (id, from, to, stack) = match event.kind {
        EventType::GO_CREATE => (named, NotExist, Runnable, second),
        EventType::GO_CREATE_BLOCKED => (named, NotExist, Waiting, second),
        EventType::GO_CREATE_SYSCALL => (named, NotExist, Syscall, 0),
        EventType::GO_START => (named, Runnable, Running, 0),
        EventType::GO_DESTROY => (current, Running, NotExist, 0),
        EventType::GO_DESTROY_SYSCALL => (current, Syscall, NotExist, 0),
        EventType::GO_STOP => (current, Running, Runnable, second),
        EventType::GO_BLOCK => (current, Running, Waiting, second),
        EventType::GO_UNBLOCK | EventType::GO_SWITCH | EventType::GO_SWITCH_DESTROY => {
            (named, Waiting, Runnable, 0)
        }
        EventType::GO_SYSCALL_BEGIN => (current, Running, Syscall, second),
        EventType::GO_SYSCALL_END => (current, Syscall, Running, 0),
        EventType::GO_SYSCALL_END_BLOCKED => (current, Syscall, Runnable, 0),
        EventType::GO_STATUS => (named, GoState::of(third >> 32), GoState::of_status(third), 0),
        EventType::GO_STATUS_STACK => (named, GoState::of(third >> 32), GoState::of_status(third), fourth),
        _ => return None,
    };
    let reason = match event.kind {
        EventType::GO_STOP | EventType::GO_BLOCK => text(first),
        _ => Cow::Borrowed(""),
    };
    Some(Detail::Goroutine { id, from, to, reason, stack })
}

impl GoState {
    /// Go's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            GoState::Undetermined => "Undetermined",
            GoState::NotExist => "NotExist",
            GoState::Runnable => "Runnable",
            GoState::Running => "Running",
            GoState::Waiting => "Waiting",
            GoState::Syscall => "Syscall",
        }
    }

    fn of(number: u64) -> GoState {
        match number {
            1 => GoState::NotExist,
            2 => GoState::Runnable,
            3 => GoState::Running,
            4 => GoState::Waiting,
            5 => GoState::Syscall,
            _ => GoState::Undetermined,
        }
    }

    /// The state of the runtime's status in the lower half of `packed`.
    fn of_status(packed: u64) -> GoState {
        match packed & u64::from(u32::MAX) {
            1 => GoState::Runnable,
            2 => GoState::Running,
            3 => GoState::Syscall,
            4 => GoState::Waiting,
            _ => GoState::Undetermined,
        }
    }
}

impl ProcState {
    /// Go's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ProcState::Undetermined => "Undetermined",
            ProcState::NotExist => "NotExist",
            ProcState::Running => "Running",
            ProcState::Idle => "Idle",
        }
    }

    fn of(number: u64) -> ProcState {
        match number {
            1 => ProcState::NotExist,
            2 => ProcState::Running,
            3 => ProcState::Idle,
            _ => ProcState::Undetermined,
        }
    }
}
