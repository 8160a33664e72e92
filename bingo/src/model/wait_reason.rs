//! Why a goroutine is blocked, in the runtime's words.

use std::fmt;

macro_rules! wait_reasons {
    ($($variant:ident, $go:literal, $kebab:literal;)*) => {
        /// Why a goroutine is blocked: `waitReasonStrings` of
        /// `runtime/runtime2.go`, Go 1.19 to 1.27. The numbers behind the names
        /// differ between releases; the layout of each release maps them.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum WaitReason {
            $(#[doc = concat!("`", $go, "`.")] $variant,)*
            /// A number that the layout in use does not name.
            Unknown(u8),
        }

        impl WaitReason {
            /// Every reason that has a name.
            pub const ALL: &[WaitReason] = &[$(WaitReason::$variant,)*];

            /// The runtime's own text, as `goroutine?debug=2` prints it.
            #[must_use]
            pub fn go_text(self) -> Option<&'static str> {
                match self {
                    $(WaitReason::$variant => Some($go),)*
                    WaitReason::Unknown(_) => None,
                }
            }

            /// A number of its own.
            pub(super) fn number(self) -> u16 {
                enum Number {
                    $($variant,)*
                    Unknown,
                }
                match self {
                    $(WaitReason::$variant => Number::$variant as u16,)*
                    WaitReason::Unknown(number) => Number::Unknown as u16 + u16::from(number),
                }
            }

            fn kebab(self) -> Option<&'static str> {
                match self {
                    $(WaitReason::$variant => Some($kebab),)*
                    WaitReason::Unknown(_) => None,
                }
            }
        }
    };
}

wait_reasons! {
    GcAssistMarking, "GC assist marking", "gc-assist-marking";
    IoWait, "IO wait", "io-wait";
    ChanReceiveNil, "chan receive (nil chan)", "chan-receive-nil";
    ChanSendNil, "chan send (nil chan)", "chan-send-nil";
    DumpingHeap, "dumping heap", "dumping-heap";
    Gc, "garbage collection", "gc";
    GcScan, "garbage collection scan", "gc-scan";
    PanicWait, "panicwait", "panicwait";
    Select, "select", "select";
    SelectNoCases, "select (no cases)", "select-no-cases";
    GcAssistWait, "GC assist wait", "gc-assist-wait";
    GcSweepWait, "GC sweep wait", "gc-sweep-wait";
    GcScavengeWait, "GC scavenge wait", "gc-scavenge-wait";
    ChanReceive, "chan receive", "chan-receive";
    ChanSend, "chan send", "chan-send";
    FinalizerWait, "finalizer wait", "finalizer-wait";
    ForceGcIdle, "force gc (idle)", "force-gc-idle";
    UpdateGomaxprocsIdle, "GOMAXPROCS updater (idle)", "gomaxprocs-updater-idle";
    Semacquire, "semacquire", "semacquire";
    Sleep, "sleep", "sleep";
    CondWait, "sync.Cond.Wait", "cond-wait";
    MutexLock, "sync.Mutex.Lock", "mutex-lock";
    RwMutexRLock, "sync.RWMutex.RLock", "rwmutex-rlock";
    RwMutexLock, "sync.RWMutex.Lock", "rwmutex-lock";
    WaitGroupWait, "sync.WaitGroup.Wait", "waitgroup-wait";
    TimerGoroutineIdle, "timer goroutine (idle)", "timer-goroutine-idle";
    TraceReaderBlocked, "trace reader (blocked)", "trace-reader-blocked";
    WaitForGcCycle, "wait for GC cycle", "wait-for-gc-cycle";
    GcWorkerIdle, "GC worker (idle)", "gc-worker-idle";
    GcWorkerActive, "GC worker (active)", "gc-worker-active";
    Preempted, "preempted", "preempted";
    DebugCall, "debug call", "debug-call";
    GcMarkTermination, "GC mark termination", "gc-mark-termination";
    StoppingTheWorld, "stopping the world", "stopping-the-world";
    FlushProcCaches, "flushing proc caches", "flushing-proc-caches";
    TraceGoroutineStatus, "trace goroutine status", "trace-goroutine-status";
    TraceProcStatus, "trace proc status", "trace-proc-status";
    PageTraceFlush, "page trace flush", "page-trace-flush";
    Coroutine, "coroutine", "coroutine";
    GcWeakToStrongWait, "GC weak to strong wait", "gc-weak-to-strong-wait";
    SynctestRun, "synctest.Run", "synctest-run";
    SynctestWait, "synctest.Wait", "synctest-wait";
    ChanReceiveDurable, "chan receive (durable)", "chan-receive-durable";
    ChanSendDurable, "chan send (durable)", "chan-send-durable";
    SelectDurable, "select (durable)", "select-durable";
    WaitGroupWaitDurable, "sync.WaitGroup.Wait (durable)", "waitgroup-wait-durable";
    CleanupWait, "cleanup wait", "cleanup-wait";
    // What a trace alone says, where it tells less (`traceBlockReasonStrings` of
    // `runtime/traceruntime.go`, Go 1.22 to 1.27).
    Sync, "sync", "sync";
    Forever, "forever", "forever";
    SystemGoroutine, "system goroutine wait", "system-goroutine";
}

impl WaitReason {
    /// Whether both may be of one wait: a trace says less of it than the runtime.
    #[must_use]
    pub fn agrees_with(self, other: WaitReason) -> bool {
        use WaitReason as Why;
        let covers = |trace: WaitReason, runtime: WaitReason| match trace {
            Why::Sync => runtime == Why::CondWait || runtime.in_a_trace() == Why::Sync,
            Why::Forever => matches!(runtime, Why::ChanReceiveNil | Why::ChanSendNil | Why::SelectNoCases),
            _ => trace == runtime,
        };
        covers(self, other) || covers(other, self)
    }

    /// The reason that a trace gives for such a wait, where it tells less.
    #[must_use]
    pub fn in_a_trace(self) -> WaitReason {
        use WaitReason as Why;
        match self {
            Why::Semacquire
            | Why::MutexLock
            | Why::RwMutexRLock
            | Why::RwMutexLock
            | Why::WaitGroupWait
            | Why::WaitGroupWaitDurable => Why::Sync,
            other => other,
        }
    }

    /// The reason that the runtime prints as `text`.
    #[must_use]
    pub fn from_go_text(text: &str) -> Option<WaitReason> {
        // Go 1.24 said "(synctest)" where later releases say "(durable)".
        let text = text.replace("(synctest)", "(durable)");
        Self::ALL.iter().copied().find(|reason| reason.go_text() == Some(text.as_str()))
    }

    /// The reason that [`fmt::Display`] writes as `kebab`.
    #[must_use]
    pub fn from_kebab(kebab: &str) -> Option<WaitReason> {
        if let Some(number) = kebab.strip_prefix("unknown-") {
            return number.parse().ok().map(WaitReason::Unknown);
        }
        Self::ALL.iter().copied().find(|reason| reason.kebab() == Some(kebab))
    }
}

/// The kebab form of `block_reason`: `chan-send`, `unknown-37`.
impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kebab() {
            Some(kebab) => f.pad(kebab),
            None => match self {
                WaitReason::Unknown(number) => f.pad(&format!("unknown-{number}")),
                _ => Ok(()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_read_back() {
        for &reason in WaitReason::ALL {
            let go = reason.go_text().unwrap();
            assert_eq!(WaitReason::from_go_text(go), Some(reason));
            assert_eq!(WaitReason::from_kebab(&reason.to_string()), Some(reason));
        }
        assert_eq!(WaitReason::from_kebab("unknown-37"), Some(WaitReason::Unknown(37)));
    }
}
