//! What goroutines wait on.

use super::{Addr, Time, Waiters};

/// Which end of a channel a goroutine waits at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Direction {
    /// To send (`hchan.sendq`).
    Send,
    /// To receive (`hchan.recvq`).
    Receive,
}

/// What a goroutine in `IO wait` waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IoDirection {
    /// Readable, or a connection to accept (`pollDesc.rg`).
    Read,
    /// Writable, or connected (`pollDesc.wg`).
    Write,
}

/// The kind of lock behind a semaphore or a notify list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LockKind {
    /// `sync.Mutex`.
    Mutex,
    /// `sync.RWMutex`, its reader or its writer side.
    RwMutex,
    /// `sync.WaitGroup`.
    WaitGroup,
    /// `sync.Cond`.
    Cond,
    /// A semaphore whose owner is not known.
    Semaphore,
}

/// What one goroutine waits on. Objects are named by address; the snapshot
/// that this came with holds them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wait {
    /// One end of a channel. A nil address is a nil channel.
    Channel {
        /// The `hchan`.
        channel: Addr,
        /// Which end.
        direction: Direction,
    },
    /// The cases of a select. Nil channels are not among them: the runtime
    /// leaves them out.
    ///
    /// A live process yields them by their channels' addresses, the order in which
    /// the runtime locks them and queues the goroutine (`runtime/select.go`,
    /// Go 1.19 to 1.27). The source's order is not in a running program: the
    /// compiler puts all sends first, in order, and all receives behind them, the
    /// last first (`cmd/compile/internal/walk/select.go`), in an array on the
    /// stack whose place nothing tells but the compiled code.
    Select(Vec<(Addr, Direction)>),
    /// A lock, by the address of the `sync` object where the source could tell
    /// it, else of its semaphore.
    Lock(Addr),
    /// `time.Sleep`.
    Sleep {
        /// When it ends.
        until: Time,
    },
    /// The network poller.
    Io {
        /// The file descriptor.
        fd: i32,
        /// What for.
        direction: IoDirection,
    },
}

impl Wait {
    /// The objects that it names.
    pub fn addresses(&self) -> impl Iterator<Item = Addr> {
        let (one, many): (Option<Addr>, &[_]) = match self {
            Wait::Channel { channel, .. } => (Some(*channel).filter(|channel| !channel.is_nil()), &[]),
            Wait::Lock(address) => (Some(*address), &[]),
            Wait::Select(cases) => (None, cases),
            Wait::Sleep { .. } | Wait::Io { .. } => (None, &[]),
        };
        one.into_iter().chain(many.iter().map(|&(channel, _)| channel))
    }
}

/// An object that goroutines wait on, as a snapshot found it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SyncObject {
    /// A channel (`runtime.hchan`).
    Channel(Channel),
    /// A lock of package `sync`, or a bare semaphore.
    Lock(Lock),
}

/// A channel (`runtime.hchan`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Channel {
    /// The `hchan`.
    pub address: Addr,
    /// Size of the buffer, in elements.
    pub cap: u64,
    /// Elements in the buffer.
    pub len: u64,
    /// Whether it is closed.
    pub closed: bool,
    /// Who waits to receive, first come first.
    pub receivers: Waiters,
    /// Who waits to send, first come first.
    pub senders: Waiters,
}

/// A lock of package `sync`, or a bare semaphore.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lock {
    /// The `sync` object, or the semaphore where `kind` is [`LockKind::Semaphore`].
    pub address: Addr,
    /// What it is.
    pub kind: LockKind,
    /// The semaphore that its waiters are queued on, as `semtable` knows it
    /// (a `Cond` has none: its own notify list's address).
    pub semaphore: Addr,
    /// Who waits, first come first.
    pub waiters: Waiters,
}
