//! A record of the ring buffer.
//!
//! ```text
//!   0        8        16       24     28    29      30     31   32
//!   | time   | goid   | other  | tid  | kind| reason| depth| 0  | pcs: depth * u64 …
//! ```
//!
//! A record is as long as its stack is deep, so that short stacks do not waste
//! the ring.

/// Most return addresses that a record carries.
pub const MAX_DEPTH: usize = 16;

/// Bytes of a record before its stack.
pub const RECORD_HEAD: usize = 32;

/// What happened, as `kind` numbers it; also the index of its counters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// A goroutine parked: `runtime.gopark`.
    Park = 0,
    /// A goroutine was made runnable: `runtime.ready`.
    Ready = 1,
    /// A `go` statement: `runtime.newproc`.
    Create = 2,
    /// A goroutine ended.
    Exit = 3,
    /// A hit of our own function, to learn what a hit costs; never sent.
    Calibrate = 4,
}

/// One record, at its longest.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Record {
    /// Nanoseconds of `CLOCK_MONOTONIC` (`bpf_ktime_get_ns`).
    pub time: u64,
    /// Whom it happened to: who parked, was woken, was made, ended.
    pub goid: u64,
    /// [`Kind::Park`]: `gopark`'s `lock` argument, an address. [`Kind::Ready`]:
    /// id of the waker, 0: the runtime itself. [`Kind::Create`]: id of the
    /// creator. Else 0.
    pub other: u64,
    /// Kernel thread it happened on, as the initial pid namespace numbers it.
    pub tid: u32,
    /// A [`Kind`].
    pub kind: u8,
    /// [`Kind::Park`]: Go's number of the wait reason. Else 0.
    pub reason: u8,
    /// Return addresses in `pcs`.
    pub depth: u8,
    /// 0.
    pub zero: u8,
    /// Return addresses, innermost first.
    pub pcs: [u64; MAX_DEPTH],
}

const _: () = assert!(size_of::<Record>() == RECORD_HEAD + MAX_DEPTH * 8);
const _: () = assert!(core::mem::offset_of!(Record, pcs) == RECORD_HEAD);
const _: () = assert!(core::mem::offset_of!(Record, tid) == 24);

/// Bytes of a record with `depth` return addresses.
#[must_use]
pub const fn record_size(depth: usize) -> usize {
    RECORD_HEAD + depth * 8
}

impl Kind {
    /// Those whose records reach the ring.
    pub const SENT: [Kind; 4] = [Kind::Park, Kind::Ready, Kind::Create, Kind::Exit];

    /// The kind that `number` stands for in a record.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Kind> {
        match number {
            0 => Some(Kind::Park),
            1 => Some(Kind::Ready),
            2 => Some(Kind::Create),
            3 => Some(Kind::Exit),
            4 => Some(Kind::Calibrate),
            _ => None,
        }
    }

    /// Its index.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}
