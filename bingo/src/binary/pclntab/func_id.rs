//! Functions that the runtime treats specially when it walks a stack.

/// `internal/abi.FuncID`: the numbers behind the names differ between releases.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "each is the function of package runtime of that name")]
pub enum FuncId {
    /// No special function.
    Normal,
    Abort,
    Asmcgocall,
    AsyncPreempt,
    Cgocallback,
    Corostart,
    DebugCallV2,
    GcBgMarkWorker,
    Goexit,
    Gogo,
    Gopanic,
    HandleAsyncEvent,
    Mcall,
    Morestack,
    Mstart,
    Panicwrap,
    Rt0Go,
    RuntimeMain,
    Runfinq,
    RunFinalizers,
    RunCleanups,
    Sigpanic,
    Systemstack,
    SystemstackSwitch,
    /// Code that the compiler made: method wrappers, ABI wrappers, hash and equality functions.
    Wrapper,
    /// A number that the release is not known to have.
    Unknown(u8),
}

use FuncId::{
    Abort, Asmcgocall, AsyncPreempt, Cgocallback, Corostart, DebugCallV2, GcBgMarkWorker, Goexit, Gogo,
    Gopanic, HandleAsyncEvent, Mcall, Morestack, Mstart, Normal, Panicwrap, Rt0Go, RunCleanups,
    RunFinalizers, Runfinq, RuntimeMain, Sigpanic, Systemstack, SystemstackSwitch, Unknown, Wrapper,
};

// runtime/symtab.go of 1.19, internal/abi/symtab.go of 1.21.
#[rustfmt::skip]
const GO_1_18: &[FuncId] = &[
    Normal, Abort, Asmcgocall, AsyncPreempt, Cgocallback, DebugCallV2, GcBgMarkWorker, Goexit, Gogo,
    Gopanic, HandleAsyncEvent, Mcall, Morestack, Mstart, Panicwrap, Rt0Go, Runfinq, RuntimeMain,
    Sigpanic, Systemstack, SystemstackSwitch, Wrapper,
];
// internal/abi/symtab.go of 1.22, 1.23, 1.24.
#[rustfmt::skip]
const GO_1_22: &[FuncId] = &[
    Normal, Abort, Asmcgocall, AsyncPreempt, Cgocallback, Corostart, DebugCallV2, GcBgMarkWorker, Goexit,
    Gogo, Gopanic, HandleAsyncEvent, Mcall, Morestack, Mstart, Panicwrap, Rt0Go, Runfinq, RuntimeMain,
    Sigpanic, Systemstack, SystemstackSwitch, Wrapper,
];
// internal/abi/symtab.go of 1.25, 1.26, 1.27.
#[rustfmt::skip]
const GO_1_25: &[FuncId] = &[
    Normal, Abort, Asmcgocall, AsyncPreempt, Cgocallback, Corostart, DebugCallV2, GcBgMarkWorker, Goexit,
    Gogo, Gopanic, HandleAsyncEvent, Mcall, Morestack, Mstart, Panicwrap, Rt0Go, RuntimeMain,
    RunFinalizers, RunCleanups, Sigpanic, Systemstack, SystemstackSwitch, Wrapper,
];

impl FuncId {
    /// What `number` means in release 1.`minor`.
    #[must_use]
    pub fn new(number: u8, minor: u32) -> FuncId {
        let names = match minor {
            ..=21 => GO_1_18,
            22..=24 => GO_1_22,
            25.. => GO_1_25,
        };
        names.get(usize::from(number)).copied().unwrap_or(Unknown(number))
    }

    /// Whether a wrapper that called this function is shown: it did not call
    /// what it wraps but panicked (`elideWrapperCalling` in
    /// `runtime/traceback.go`, Go 1.18 to 1.27).
    #[must_use]
    pub fn shows_calling_wrapper(self) -> bool {
        matches!(self, Gopanic | Sigpanic | Panicwrap)
    }

    /// Whether a signal put this call in, so that the frame above stopped at an
    /// instruction and not at a call (`runtime/traceback.go`, Go 1.18 to 1.27).
    #[must_use]
    pub fn is_injected(self) -> bool {
        matches!(self, Sigpanic | AsyncPreempt | DebugCallV2)
    }
}
