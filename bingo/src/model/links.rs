//! How goroutines hang together by the objects that they wait on: who holds a
//! lock, who could send, close or signal. A process yields this by addresses, Go's
//! source text by names; a detector asks neither which.
//!
//! ```text
//!   goroutine ──waits──▶ object ◀──holds── goroutine
//!                           ▲
//!                           └───uses────── goroutine
//! ```
//!
//! Whatever is not sure is left out here, or says so: a goroutine that nobody is
//! seen to hold up is no proof of anything unless [`Object::access`] says that
//! nobody else can.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Addr, Awaited, GoId, Shared, Stack};

/// Goroutines, objects, and what joins them.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// The objects.
    pub objects: Vec<Object>,
    /// What each blocked goroutine waits for; one of several is enough.
    pub waits: Awaited,
    /// Those of them whose wait stands in a loop: they come back to it for more.
    pub looping: HashSet<GoId>,
    /// Who holds which lock.
    pub holds: Vec<Hold>,
    /// Who could end a wait on which object.
    pub uses: Vec<Use>,
    /// Who would, as well, on coming to the end of a loop that is written without one.
    pub owed: Vec<Use>,
    /// Locks that were waited for while another one was held.
    pub nested: Vec<Nested>,
    /// Memory that goroutines share without an order.
    pub shared: Vec<Shared>,
    /// Whether all of it is of one instant: nothing moved while it was read.
    pub still: bool,
}

/// An object of [`Links::objects`], by its place there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObjectIndex(pub u32);

/// Something that goroutines wait on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object {
    /// Which one.
    pub key: ObjectKey,
    /// What it is.
    pub kind: ObjectKind,
    /// Who else could end a wait on it than those that [`Links`] names.
    pub access: Access,
}

impl Object {
    /// `mutex 0xc000…`, `channel results in main.serve`, `cond made at main.go:18`.
    #[must_use]
    pub fn words(&self) -> String {
        let kind = self.kind.as_str();
        match &self.key {
            ObjectKey::Address(address) => format!("{kind} {address}"),
            // What the source gives no name to is `what is made at main.go:18`.
            ObjectKey::Name(name) => format!("{kind} {}", name.strip_prefix("what is ").unwrap_or(name)),
        }
    }
}

/// Which object.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ObjectKey {
    /// The one at this address in the process.
    Address(Addr),
    /// The one, or one of those, that the source calls so: `results` in
    /// `main.serve`, `main.(*Pool).jobs`.
    Name(Arc<str>),
}

/// What an object is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ObjectKind {
    /// A channel; a context's `Done` is one.
    Channel,
    /// A `sync.Mutex`.
    Mutex,
    /// A `sync.RWMutex`.
    RwMutex,
    /// A `sync.WaitGroup`.
    WaitGroup,
    /// A `sync.Cond`.
    Cond,
    /// A `sync.Once`, whose function is being run.
    Once,
    /// A semaphore of which no more is known.
    Semaphore,
}

/// Who else could end a wait.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Access {
    /// Nobody: all who could are named.
    Closed,
    /// Nobody: of such objects each of `all` who wait has its own, and all `others` together
    /// have so many of them at hand, of which it is not known whose they are.
    Counted {
        /// Who wait, each for its own.
        all: usize,
        /// How many of these others can have.
        others: usize,
    },
    /// Something that goes on can get at it, and may never use it: what.
    Reached(Arc<str>),
    /// Something outside of all goroutines does: a timer, a signal, the network.
    Fed(Arc<str>),
}

impl Access {
    /// Whether nobody else could.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Access::Closed | Access::Counted { .. })
    }
}

/// What [`Access::Fed`] says of a channel that the process's signals come by.
pub const SIGNALS: &str = "signals";

/// One thing that a goroutine waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct WaitFor {
    /// On what.
    pub object: ObjectIndex,
    /// To do what.
    pub operation: Operation,
}

/// What is done with an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Operation {
    /// `c <- v`.
    Send,
    /// `<-c`, `range c`.
    Receive,
    /// `close(c)`, `cancel()`.
    Close,
    /// `Lock`.
    Lock,
    /// `RLock`.
    RLock,
    /// `Unlock`, `RUnlock`.
    Unlock,
    /// `Wait` of a `WaitGroup` or a `Cond`.
    Wait,
    /// `Done`, `Add(-1)`.
    Done,
    /// `Signal`, `Broadcast`.
    Signal,
    /// It has the object at hand; what it would do is not known.
    Any,
}

/// How well something is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Certainty {
    /// It follows from what is seen, but could be otherwise.
    Likely,
    /// It cannot be otherwise.
    Sure,
}

/// A goroutine that holds a lock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    /// Who.
    pub goroutine: GoId,
    /// Which lock.
    pub object: ObjectIndex,
    /// Whether others can read meanwhile (`RLock`).
    pub shared: bool,
    /// The file and line where it was taken, where that is known.
    pub taken_at: Option<(Arc<str>, u32)>,
    /// How well that is known.
    pub certainty: Certainty,
    /// Whether it may be another lock than the one that the goroutine itself waits for,
    /// where both go by one name.
    pub apart: bool,
}

/// A goroutine that could end a wait on an object, once it goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Use {
    /// Who.
    pub goroutine: GoId,
    /// Which object.
    pub object: ObjectIndex,
    /// What it would do.
    pub operation: Operation,
    /// What says so: `sends at main.go:31`, `has it on its stack in main.serve`.
    pub because: Arc<str>,
    /// How well that is known.
    pub certainty: Certainty,
}

/// A wait for a lock under another lock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Nested {
    /// Who waited.
    pub goroutine: GoId,
    /// The lock that it held,
    pub held: ObjectIndex,
    /// and where that was taken.
    pub held_at: Option<(Arc<str>, u32)>,
    /// The lock that it waited for,
    pub wanted: ObjectIndex,
    /// and where.
    pub stack: Stack,
    /// Whether that wait has ended.
    pub ended: bool,
}

impl Links {
    /// One of the objects.
    #[must_use]
    pub fn object(&self, index: ObjectIndex) -> Option<&Object> {
        self.objects.get(usize::try_from(index.0).ok()?)
    }
}

impl ObjectKind {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ObjectKind::Channel => "channel",
            ObjectKind::Mutex => "mutex",
            ObjectKind::RwMutex => "rwmutex",
            ObjectKind::WaitGroup => "waitgroup",
            ObjectKind::Cond => "cond",
            ObjectKind::Once => "once",
            ObjectKind::Semaphore => "semaphore",
        }
    }
}

impl Operation {
    /// Whether doing this, or having the object at hand, can end a wait to do `waits`.
    #[must_use]
    pub fn ends(self, waits: Operation) -> bool {
        use Operation as Op;
        match self {
            Op::Any => true,
            Op::Send => waits == Op::Receive,
            Op::Receive => waits == Op::Send,
            // A send on a closed channel panics: it does not wait any more either.
            Op::Close => matches!(waits, Op::Receive | Op::Send),
            Op::Unlock => matches!(waits, Op::Lock | Op::RLock),
            Op::Done | Op::Signal => waits == Op::Wait,
            Op::Lock | Op::RLock | Op::Wait => false,
        }
    }
}
