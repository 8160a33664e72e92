//! Call stacks.

use std::sync::{Arc, LazyLock};

use super::Addr;

/// Packages that Go brings along: a program may call them, wait or race in them.
#[rustfmt::skip]
const STANDARD: [&str; 64] = [
    "archive/", "bufio.", "bytes.", "cmp.", "compress/", "container/", "context.", "crypto.", "crypto/",
    "database/", "debug/", "embed.", "encoding.", "encoding/", "errors.", "expvar.", "flag.", "fmt.",
    "go/ast.", "go/build.", "go/format.", "go/parser.", "go/printer.", "go/scanner.", "go/token.",
    "go/types.", "hash.", "hash/", "html.", "html/template.", "image.", "image/", "index/suffixarray.",
    "io.", "io/", "iter.", "log.", "log/slog.", "log/syslog.", "maps.", "math.", "math/", "mime.", "mime/",
    "net.", "net/", "os.", "os/", "path.", "path/filepath.", "plugin.", "reflect.", "regexp.", "regexp/",
    "slices.", "sort.", "strconv.", "strings.", "testing.", "testing/", "text/", "unicode.", "unicode/",
    "unique.",
];

/// One call of a stack. An inlined call has a frame of its own, with the `pc`
/// of the call that it was inlined into.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Frame {
    /// The full name, as Go prints it: `main.(*T).worker.func1`. Empty where it
    /// is not known (code that is not Go's).
    pub function: Arc<str>,
    /// The source file, as the binary names it. Empty where it is not known.
    pub file: Arc<str>,
    /// The line, from 1 on; 0 where it is not known.
    pub line: u32,
    /// The code address as it was found in the frame.
    pub pc: Addr,
    /// Whether the compiler inlined this call into the next frame.
    pub inlined: bool,
}

/// A call stack, innermost call first. Cheap to clone: sources intern stacks.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Stack(Arc<[Frame]>);

/// One for all: of very many goroutines none was ever seen.
static EMPTY: LazyLock<Stack> = LazyLock::new(|| Stack(Arc::new([])));

impl Stack {
    /// A stack of these frames, innermost first.
    #[must_use]
    pub fn new(frames: impl Into<Arc<[Frame]>>) -> Stack {
        Stack(frames.into())
    }

    /// The stack of no frames.
    #[must_use]
    pub fn empty() -> Stack {
        EMPTY.clone()
    }

    /// The same, lent.
    #[must_use]
    pub fn none() -> &'static Stack {
        &EMPTY
    }

    /// Whether both are one interned stack. Equal stacks of two sources, or of
    /// two generations of a cache, are not.
    #[must_use]
    pub fn is_same(&self, other: &Stack) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Where it is kept: one for all clones of one interned stack, as long as one
    /// of them lives. A quick key, never a name.
    #[must_use]
    pub fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }

    /// All frames, those of the runtime too, innermost first.
    #[must_use]
    pub fn frames(&self) -> &[Frame] {
        &self.0
    }

    /// The frames that Go's own traceback prints: without the runtime's
    /// internals (`showfuncinfo` in `runtime/traceback.go`, Go 1.27).
    pub fn visible(&self) -> impl DoubleEndedIterator<Item = &Frame> {
        self.0.iter().filter(|frame| frame.is_visible())
    }

    /// The innermost frame of the program's own, where a person would look
    /// first; where all are the standard library's, the innermost that does more
    /// than carry out a wait.
    #[must_use]
    pub fn site(&self) -> Option<&Frame> {
        self.visible()
            .find(|frame| !frame.is_machinery() && !frame.is_standard())
            .or_else(|| self.visible().find(|frame| !frame.is_machinery()))
            .or_else(|| self.visible().next())
    }
}

impl Frame {
    /// Whether Go's traceback shows this frame.
    #[must_use]
    pub fn is_visible(&self) -> bool {
        let Some(rest) = self.function.strip_prefix("runtime.") else {
            return self.function.contains('.');
        };
        // isExportedRuntime: runtime.Gosched, runtime.(*Func).Name …; panics
        // are shown under their Go name.
        let rest = rest.strip_prefix("(*").unwrap_or(rest);
        rest == "gopanic" || rest.starts_with(|c: char| c.is_ascii_uppercase())
    }

    /// Whether this frame only carries out the wait that its caller asked for.
    #[must_use]
    pub fn is_machinery(&self) -> bool {
        let packages = ["runtime.", "sync.", "sync/", "internal/", "time.", "syscall."];
        !self.is_test() && packages.iter().any(|package| self.function.starts_with(package))
    }

    /// Whether this is a function of a package that Go brings along, or the main that
    /// `go test` writes; a test of such a package is none.
    #[must_use]
    pub fn is_standard(&self) -> bool {
        let standard = || STANDARD.iter().any(|package| self.function.starts_with(package));
        !self.is_test() && (standard() || self.file.rsplit('/').next() == Some("_testmain.go"))
    }

    /// Whether this is in a test's file: whose tests are run, that is the program.
    fn is_test(&self) -> bool {
        self.file.ends_with("_test.go")
    }
}
