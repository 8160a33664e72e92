//! What kinds of events a trace has: number, name, since when, arguments. A row
//! a kind; what a kind means to the scheduler is in `order`.
//!
//! Source: `internal/trace/tracev2/events.go`, Go 1.27. Each version's kinds are
//! those of the one before it and more, so that one table serves all.

use super::version::Version;

/// A kind of event, as the byte that begins it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EventType(pub u8);

/// How an event is written, behind its byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// The time since the event before it, then the arguments: what happened.
    Timed,
    /// The arguments alone: what the trace is made of.
    Structural,
    /// The arguments, a length, and so many bytes.
    WithBytes,
    /// The arguments, the last of which is a count, and so many frames of four
    /// numbers: pc, function, file, line.
    WithFrames,
}

/// What is known of a kind of event.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Its number.
    pub kind: EventType,
    /// Go's name for it, without `Ev`.
    pub name: &'static str,
    /// The version that has it first.
    pub since: Version,
    /// How it is written.
    pub form: Form,
    /// The names of its arguments, without the time of a [`Form::Timed`] one.
    pub args: &'static [&'static str],
    /// Which arguments are stack ids: first the stack of who did it.
    pub stacks: &'static [usize],
    /// Which arguments are string ids.
    pub strings: &'static [usize],
}

/// The most arguments that a timed event has, without its time.
pub const MAX_ARGS: usize = 4;

macro_rules! kinds {
    ($($number:literal $constant:ident $name:literal $since:ident $form:ident
       $args:tt $stacks:tt $strings:tt;)*) => {
        impl EventType {
            $(#[doc = concat!("`", $name, "`.")] pub const $constant: EventType = EventType($number);)*
            /// A point at which all that exists has been told of. No byte of a
            /// trace stands for it: the reader makes it.
            pub const SYNC_POINT: EventType = EventType(255);
        }

        /// Every kind that is written, by number.
        pub const SPECS: &[Spec] = &[$(Spec {
            kind: EventType::$constant,
            name: $name,
            since: Version::$since,
            form: Form::$form,
            args: &$args,
            stacks: &$stacks,
            strings: &$strings,
        },)*];
    };
}

#[rustfmt::skip]
kinds! {
    1 EVENT_BATCH "EventBatch" Go122 Structural ["gen", "m", "time", "size"] [] [];
    2 STACKS "Stacks" Go122 Structural [] [] [];
    3 STACK "Stack" Go122 WithFrames ["id", "nframes"] [] [];
    4 STRINGS "Strings" Go122 Structural [] [] [];
    5 STRING "String" Go122 WithBytes ["id"] [] [];
    6 CPU_SAMPLES "CPUSamples" Go122 Structural [] [] [];
    7 CPU_SAMPLE "CPUSample" Go122 Structural ["time", "m", "p", "g", "stack"] [] [];
    8 FREQUENCY "Frequency" Go122 Structural ["freq"] [] [];
    9 PROCS_CHANGE "ProcsChange" Go122 Timed ["procs_value", "stack"] [1] [];
    10 PROC_START "ProcStart" Go122 Timed ["p", "p_seq"] [] [];
    11 PROC_STOP "ProcStop" Go122 Timed [] [] [];
    12 PROC_STEAL "ProcSteal" Go122 Timed ["p", "p_seq", "m"] [] [];
    13 PROC_STATUS "ProcStatus" Go122 Timed ["p", "pstatus"] [] [];
    14 GO_CREATE "GoCreate" Go122 Timed ["new_g", "new_stack", "stack"] [2, 1] [];
    15 GO_CREATE_SYSCALL "GoCreateSyscall" Go122 Timed ["new_g"] [] [];
    16 GO_START "GoStart" Go122 Timed ["g", "g_seq"] [] [];
    17 GO_DESTROY "GoDestroy" Go122 Timed [] [] [];
    18 GO_DESTROY_SYSCALL "GoDestroySyscall" Go122 Timed [] [] [];
    19 GO_STOP "GoStop" Go122 Timed ["reason_string", "stack"] [1] [0];
    20 GO_BLOCK "GoBlock" Go122 Timed ["reason_string", "stack"] [1] [0];
    21 GO_UNBLOCK "GoUnblock" Go122 Timed ["g", "g_seq", "stack"] [2] [];
    22 GO_SYSCALL_BEGIN "GoSyscallBegin" Go122 Timed ["p_seq", "stack"] [1] [];
    23 GO_SYSCALL_END "GoSyscallEnd" Go122 Timed [] [] [];
    24 GO_SYSCALL_END_BLOCKED "GoSyscallEndBlocked" Go122 Timed [] [] [];
    25 GO_STATUS "GoStatus" Go122 Timed ["g", "m", "gstatus"] [] [];
    26 STW_BEGIN "STWBegin" Go122 Timed ["kind_string", "stack"] [1] [0];
    27 STW_END "STWEnd" Go122 Timed [] [] [];
    28 GC_ACTIVE "GCActive" Go122 Timed ["gc_seq"] [] [];
    29 GC_BEGIN "GCBegin" Go122 Timed ["gc_seq", "stack"] [1] [];
    30 GC_END "GCEnd" Go122 Timed ["gc_seq"] [] [];
    31 GC_SWEEP_ACTIVE "GCSweepActive" Go122 Timed ["p"] [] [];
    32 GC_SWEEP_BEGIN "GCSweepBegin" Go122 Timed ["stack"] [0] [];
    33 GC_SWEEP_END "GCSweepEnd" Go122 Timed ["swept_value", "reclaimed_value"] [] [];
    34 GC_MARK_ASSIST_ACTIVE "GCMarkAssistActive" Go122 Timed ["g"] [] [];
    35 GC_MARK_ASSIST_BEGIN "GCMarkAssistBegin" Go122 Timed ["stack"] [0] [];
    36 GC_MARK_ASSIST_END "GCMarkAssistEnd" Go122 Timed [] [] [];
    37 HEAP_ALLOC "HeapAlloc" Go122 Timed ["heapalloc_value"] [] [];
    38 HEAP_GOAL "HeapGoal" Go122 Timed ["heapgoal_value"] [] [];
    39 GO_LABEL "GoLabel" Go122 Timed ["label_string"] [] [0];
    40 USER_TASK_BEGIN "UserTaskBegin" Go122 Timed ["task", "parent_task", "name_string", "stack"] [3] [2];
    41 USER_TASK_END "UserTaskEnd" Go122 Timed ["task", "stack"] [1] [];
    42 USER_REGION_BEGIN "UserRegionBegin" Go122 Timed ["task", "name_string", "stack"] [2] [1];
    43 USER_REGION_END "UserRegionEnd" Go122 Timed ["task", "name_string", "stack"] [2] [1];
    44 USER_LOG "UserLog" Go122 Timed ["task", "key_string", "value_string", "stack"] [3] [1, 2];
    45 GO_SWITCH "GoSwitch" Go123 Timed ["g", "g_seq"] [] [];
    46 GO_SWITCH_DESTROY "GoSwitchDestroy" Go123 Timed ["g", "g_seq"] [] [];
    47 GO_CREATE_BLOCKED "GoCreateBlocked" Go123 Timed ["new_g", "new_stack", "stack"] [2, 1] [];
    48 GO_STATUS_STACK "GoStatusStack" Go123 Timed ["g", "m", "gstatus", "stack"] [3] [];
    49 EXPERIMENTAL_BATCH "ExperimentalBatch" Go123 WithBytes ["exp", "gen", "m", "time"] [] [];
    50 SYNC "Sync" Go125 Structural [] [] [];
    51 CLOCK_SNAPSHOT "ClockSnapshot" Go125 Timed ["mono", "sec", "nsec"] [] [];
    52 END_OF_GENERATION "EndOfGeneration" Go126 Structural [] [] [];
    128 SPAN "Span" Go123 Timed ["id", "npages_value", "kindclass"] [] [];
    129 SPAN_ALLOC "SpanAlloc" Go123 Timed ["id", "npages_value", "kindclass"] [] [];
    130 SPAN_FREE "SpanFree" Go123 Timed ["id"] [] [];
    131 HEAP_OBJECT "HeapObject" Go123 Timed ["id", "type"] [] [];
    132 HEAP_OBJECT_ALLOC "HeapObjectAlloc" Go123 Timed ["id", "type"] [] [];
    133 HEAP_OBJECT_FREE "HeapObjectFree" Go123 Timed ["id"] [] [];
    134 GOROUTINE_STACK "GoroutineStack" Go123 Timed ["id", "order"] [] [];
    135 GOROUTINE_STACK_ALLOC "GoroutineStackAlloc" Go123 Timed ["id", "order"] [] [];
    136 GOROUTINE_STACK_FREE "GoroutineStackFree" Go123 Timed ["id"] [] [];
}

impl EventType {
    /// What is known of it; `None` of a number that no version has.
    #[must_use]
    pub fn spec(self) -> Option<&'static Spec> {
        SPECS.iter().find(|spec| spec.kind == self)
    }

    /// Its name, for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EventType::SYNC_POINT => "SyncPoint",
            _ => self.spec().map_or("an unknown event", |spec| spec.name),
        }
    }

    /// Whether it belongs to an experiment (`GODEBUG=traceallocfree=1`).
    #[must_use]
    pub fn is_experimental(self) -> bool {
        (EventType::SPAN..=EventType::GOROUTINE_STACK_FREE).contains(&self)
    }
}

/// What the decoder needs to know of a kind.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// How many arguments it has; [`Shape::NOT_TIMED`] where it is no timed event.
    pub(super) args: u8,
    /// Bit `i`: argument `i` is a stack id.
    pub(super) stacks: u8,
    /// Which argument is the stack of who did it; [`Shape::NONE`]: none.
    pub(super) stack: u8,
    /// Bit `i`: argument `i` is a string id.
    pub(super) strings: u8,
}

impl Shape {
    pub(super) const NOT_TIMED: u8 = u8::MAX;
    pub(super) const NONE: u8 = u8::MAX;
}

/// [`SPECS`] by number, in the few bytes that the decoder looks at.
pub(super) static SHAPES: [Shape; 256] = shapes();

#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "evaluated by the compiler")]
const fn shapes() -> [Shape; 256] {
    let mut shapes = [Shape { args: Shape::NOT_TIMED, stacks: 0, stack: Shape::NONE, strings: 0 }; 256];
    let mut row = 0;
    while row < SPECS.len() {
        let spec = &SPECS[row];
        let shape = &mut shapes[spec.kind.0 as usize];
        if matches!(spec.form, Form::Timed) {
            assert!(spec.args.len() <= MAX_ARGS);
            shape.args = spec.args.len() as u8;
        }
        if !spec.stacks.is_empty() {
            shape.stack = spec.stacks[0] as u8;
        }
        let mut at = 0;
        while at < spec.stacks.len() {
            shape.stacks |= 1 << spec.stacks[at];
            at += 1;
        }
        at = 0;
        while at < spec.strings.len() {
            shape.strings |= 1 << spec.strings[at];
            at += 1;
        }
        row += 1;
    }
    shapes
}
