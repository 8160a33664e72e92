//! What is known of the packages that Go brings along: which of their types are
//! locks and the like, what their functions make, and which call back.

use super::ir::{Name, Type};
use crate::model::{ObjectKind, Operation, SIGNALS};

/// What a method does with an object to wait on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Method {
    /// One of the operations.
    Does(ObjectKind, Operation),
    /// Calls its argument while others wait: `Once.Do`.
    Once,
    /// `WaitGroup.Go`: its argument, in a goroutine, and `Done`.
    Go,
    /// Yields the object itself: `Context.Done`, a lock's other face.
    Itself,
    /// Nothing that counts.
    Nothing,
}

/// What a function makes or does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Function {
    /// A context, and what cancels it: `true` if a timer or a signal does, too.
    Context { fed: Option<&'static str> },
    /// A context that is never done.
    Never,
    /// What it is given: `context.WithValue`,
    Given,
    /// and `sync.OnceFunc`: it is called once, by whoever comes first.
    Once,
    /// A channel that is fed.
    Channel(&'static str),
    /// An object whose field `C` is such a channel.
    Timer(&'static str),
    /// Feeds the channel that it is given: `signal.Notify`.
    Feeds(&'static str),
    /// A `Cond` with its lock.
    Cond,
    /// Two ends of a pipe: one to read from and one to write to, or each for both.
    Pipe { both: bool },
    /// Calls what it is given, later, and nobody waits for that.
    Later,
    /// Finds an error of some type within another one: `errors.As` puts it where it is
    /// told to.
    Finds,
    /// Ends the goroutine or the program.
    Ends,
    /// Looks at what it is given, as `fmt` does: no more than `String` and the like
    /// are called.
    Looks,
    /// Anything else: it may call what it is given before it returns.
    Other,
}

/// Whether a variable of this type refers to an object, or is none.
pub(super) fn is_reference(package: &str, name: &str) -> bool {
    match package {
        "context" | "io" | "io/fs" | "fmt" | "sort" | "container/heap" | "reflect" | "hash" => true,
        "net" => matches!(name, "Conn" | "Listener" | "Addr" | "PacketConn" | "Error"),
        "net/http" => {
            matches!(
                name,
                "Handler" | "HandlerFunc" | "ResponseWriter" | "RoundTripper" | "Flusher" | "Header"
            )
        }
        "os" => matches!(name, "Signal" | "FileMode"),
        "time" => matches!(name, "Duration" | "Time" | "Month" | "Weekday"),
        "sync" => name == "Locker",
        "testing" => name == "TB",
        _ => false,
    }
}

/// Whether what has type parameters, and is named so, is a type, and no function.
pub(super) fn is_generic_type(package: &str, name: &str) -> bool {
    matches!(
        (package, name),
        ("iter", "Seq" | "Seq2") | ("sync/atomic" | "weak", "Pointer") | ("unique", "Handle")
    )
}

/// What kind of thing to wait on a type is.
pub(super) fn kind(kind: &Type) -> Option<ObjectKind> {
    let Type::Foreign(package, name) = kind else {
        return match kind {
            Type::Chan(_) => Some(ObjectKind::Channel),
            Type::Pointer(to) => self::kind(to),
            _ => None,
        };
    };
    Some(match (&**package, &**name) {
        ("sync", "Mutex") => ObjectKind::Mutex,
        ("sync", "RWMutex") => ObjectKind::RwMutex,
        ("sync", "WaitGroup") => ObjectKind::WaitGroup,
        ("sync", "Cond") => ObjectKind::Cond,
        ("sync", "Once") => ObjectKind::Once,
        ("context", "Context" | "Never") => ObjectKind::Channel,
        ("io", "Pipe") => ObjectKind::Channel,
        _ => return None,
    })
}

/// What a method of such a thing does; `None`: it has no such method.
pub(super) fn method(kind: &Type, name: &str) -> Option<Method> {
    use ObjectKind as Kind;
    use Operation as Op;
    let Type::Foreign(package, of) = kind else { return None };
    let does = |kind, operation| Some(Method::Does(kind, operation));
    match (&**package, &**of, name) {
        ("sync", "Mutex", "Lock" | "TryLock") => does(Kind::Mutex, Op::Lock),
        ("sync", "Mutex", "Unlock") => does(Kind::Mutex, Op::Unlock),
        ("sync", "RWMutex", "Lock" | "TryLock") => does(Kind::RwMutex, Op::Lock),
        ("sync", "RWMutex", "RLock" | "TryRLock") => does(Kind::RwMutex, Op::RLock),
        ("sync", "RWMutex", "Unlock" | "RUnlock") => does(Kind::RwMutex, Op::Unlock),
        ("sync", "RWMutex", "RLocker") => Some(Method::Itself),
        ("sync", "WaitGroup", "Wait") => does(Kind::WaitGroup, Op::Wait),
        ("sync", "WaitGroup", "Done") => does(Kind::WaitGroup, Op::Done),
        // Add(-1) is Done; whoever adds more cannot end a wait.
        ("sync", "WaitGroup", "Add") => Some(Method::Nothing),
        ("sync", "WaitGroup", "Go") => Some(Method::Go),
        ("sync", "Cond", "Wait") => does(Kind::Cond, Op::Wait),
        ("sync", "Cond", "Signal" | "Broadcast") => does(Kind::Cond, Op::Signal),
        ("sync", "Once", "Do") => Some(Method::Once),
        ("context", "Context" | "Never", "Done") => Some(Method::Itself),
        ("context", "Context" | "Never", "Err" | "Value" | "Deadline") => Some(Method::Nothing),
        ("io", "PipeEnd", _) => Some(Method::Nothing),
        _ => None,
    }
}

/// What a function of another package makes or does.
pub(super) fn function(package: &str, name: &str) -> Function {
    match (package, name) {
        ("context", "Background" | "TODO" | "WithoutCancel") => Function::Never,
        ("context", "WithCancel" | "WithCancelCause") => Function::Context { fed: None },
        ("context", "WithTimeout" | "WithDeadline" | "WithTimeoutCause" | "WithDeadlineCause") => {
            Function::Context { fed: Some("a context's deadline") }
        }
        ("os/signal", "NotifyContext") => Function::Context { fed: Some(SIGNALS) },
        ("context", "WithValue") => Function::Given,
        ("context", "AfterFunc") | ("time", "AfterFunc") => Function::Later,
        ("runtime", "SetFinalizer" | "AddCleanup") => Function::Later,
        ("sync", "OnceFunc" | "OnceValue" | "OnceValues") => Function::Once,
        ("time", "After" | "Tick") => Function::Channel("a timer"),
        ("time", "NewTimer" | "NewTicker") => Function::Timer("a timer"),
        ("os/signal", "Notify") => Function::Feeds(SIGNALS),
        ("sync", "NewCond") => Function::Cond,
        ("io", "Pipe") => Function::Pipe { both: false },
        ("net", "Pipe") => Function::Pipe { both: true },
        ("os", "Exit") | ("runtime", "Goexit") => Function::Ends,
        ("log", "Fatal" | "Fatalf" | "Fatalln" | "Panic" | "Panicf" | "Panicln") => Function::Ends,
        ("builtin", "panic") => Function::Ends,
        ("errors", "As" | "AsType" | "Unwrap") => Function::Finds,
        ("log", "SetOutput") => Function::Later,
        ("log", "New") | ("log/slog", "New" | "NewTextHandler" | "NewJSONHandler" | "NewLogLogger") => {
            Function::Other
        }
        (
            "fmt" | "log" | "log/slog" | "errors" | "strconv" | "strings" | "time" | "sync/atomic" | "math"
            | "math/rand" | "math/rand/v2" | "runtime" | "unsafe",
            _,
        ) => Function::Looks,
        ("net/http", "Handle" | "HandleFunc" | "ListenAndServe" | "ListenAndServeTLS" | "Serve") => {
            Function::Later
        }
        ("runtime/debug" | "expvar", _) => Function::Later,
        _ => Function::Other,
    }
}

/// Whether nothing of a package puts what goroutines do in an order, but what
/// [`method`] and [`function`] tell.
pub(super) fn orders_nothing(package: &str) -> bool {
    let first = package.split('/').next().unwrap_or_default();
    let plain = matches!(
        first,
        "bufio"
            | "bytes"
            | "cmp"
            | "compress"
            | "container"
            | "crypto"
            | "encoding"
            | "errors"
            | "fmt"
            | "hash"
            | "html"
            | "image"
            | "maps"
            | "math"
            | "path"
            | "reflect"
            | "regexp"
            | "slices"
            | "sort"
            | "strconv"
            | "strings"
            | "text"
            | "time"
            | "unicode"
            | "unsafe"
    );
    plain || matches!(package, "log" | "log/slog" | "os" | "os/signal" | "runtime" | "builtin" | "context")
}

/// Whether what a function of such a package is given is called before it returns,
/// by nobody else.
pub(super) fn calls_at_once(package: &str) -> bool {
    matches!(package, "slices" | "sort" | "maps" | "strings" | "bytes")
}

/// Whether an object of such a package calls what it wraps as it is called: a
/// `bufio.Writer` what it writes to, a logger its handler.
pub(super) fn calls_what_it_wraps(package: &str) -> bool {
    let first = package.split('/').next().unwrap_or_default();
    matches!(first, "archive" | "bufio" | "compress" | "encoding" | "io" | "log" | "mime" | "text")
}

/// Whether a call of something of such a package calls what it is given once alone.
pub(super) fn calls_once(package: &str) -> bool {
    matches!(package, "sync" | "testing" | "testing/synctest")
}

/// Whether an object of such a package calls what it is given later, in a goroutine
/// of its own: servers, tests.
pub(super) fn calls_later(package: &str) -> bool {
    package.starts_with("net/") || matches!(package, "expvar" | "net" | "os/exec" | "crypto/tls")
}

/// Whether functions of such a package may give the elements of a list other places.
pub(super) fn moves(package: &str) -> bool {
    matches!(package, "sort" | "slices")
}

/// What a method, or a function that is given it, does with an end of a pipe: with
/// what comes in there, and with what goes out.
pub(super) fn on_end(name: &str) -> &'static [(&'static str, Operation)] {
    let begins = |with: &[&str]| with.iter().any(|one| name.starts_with(one));
    match () {
        () if begins(&["Close"]) => const { &[(IN, Operation::Close), (OUT, Operation::Close)] },
        () if begins(&["Set", "Local", "Remote"]) => &[],
        () if begins(&["Read", "Scan", "Decode", "Peek", "Next", "Discard"]) => {
            const { &[(IN, Operation::Receive)] }
        }
        () if begins(&["Write", "Fprint", "Encode", "Flush", "Print"]) => const { &[(OUT, Operation::Send)] },
        () => const { &[(IN, Operation::Receive), (OUT, Operation::Send)] },
    }
}

/// What a method of that name would do with an object that is not known.
pub(super) fn unknown(name: &str) -> Option<(ObjectKind, Operation)> {
    Some(match name {
        "Unlock" | "RUnlock" => (ObjectKind::Mutex, Operation::Unlock),
        "Done" => (ObjectKind::WaitGroup, Operation::Done),
        "Signal" | "Broadcast" => (ObjectKind::Cond, Operation::Signal),
        _ => return None,
    })
}

/// What a method of `reflect.Value` does with a channel.
pub(super) fn by_reflection(name: &str) -> Option<Operation> {
    Some(match name {
        "Send" | "TrySend" => Operation::Send,
        "Recv" | "TryRecv" => Operation::Receive,
        "Close" => Operation::Close,
        _ => return None,
    })
}

/// The fields of a pipe's end: what it reads from, and what it writes to.
pub(super) const IN: &str = "in";
pub(super) const OUT: &str = "out";

/// The type of a pipe's end; that of what runs through is `io.Pipe`.
pub(super) fn pipe_end() -> Type {
    named("io", "PipeEnd")
}

/// The type of a context.
pub(super) fn context() -> Type {
    named("context", "Context")
}

/// That of a context that is never done.
pub(super) fn never() -> Type {
    named("context", "Never")
}

pub(super) fn named(package: &str, name: &str) -> Type {
    let (package, name): (Name, Name) = (package.into(), name.into());
    Type::Foreign(package, name)
}
