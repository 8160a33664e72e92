//! Where the runtime's fields are: [`Layout`].
//!
//! In: a binary (its Go release, and its DWARF where it has any). Out: the
//! offset of every field that is read from a target, and the wait reasons'
//! numbers. Both change between Go releases.

mod table;
mod types;

use crate::model::WaitReason;

pub use table::{ReleaseTable, write_table};
pub use types::{
    Cond, G, Hchan, Hmap, M, Members, Mutex, NotifyList, P, PollDesc, PollFd, RwMutex, Sched, SemaRoot,
    Sudog, TYPES, Timer, TypeSpec, WaitGroup,
};

/// The offsets of one Go release, or of one binary.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Where the offsets come from.
    pub source: LayoutSource,
    /// A goroutine.
    pub g: G,
    /// A thread.
    pub m: M,
    /// A processor.
    pub p: P,
    /// The scheduler.
    pub sched: Sched,
    /// A goroutine in a queue.
    pub sudog: Sudog,
    /// A channel.
    pub hchan: Hchan,
    /// One root of `runtime.semtable`, which is [`Layout::SEMTABLE_ROOTS`] of
    /// them, [`Layout::SEMTABLE_STRIDE`] bytes apart.
    pub sema_root: SemaRoot,
    /// The list in a `sync.Cond`.
    pub notify_list: NotifyList,
    /// A timer.
    pub timer: Timer,
    /// The network poller's record.
    pub poll_desc: PollDesc,
    /// `sync.Mutex`.
    pub mutex: Mutex,
    /// `sync.RWMutex`.
    pub rw_mutex: RwMutex,
    /// `sync.WaitGroup`.
    pub wait_group: WaitGroup,
    /// `sync.Cond`.
    pub cond: Cond,
    /// `internal/poll.FD`.
    pub poll_fd: PollFd,
    /// How `g.labels` holds its labels.
    pub labels: Labels,
    wait_reasons: Vec<WaitReason>,
}

/// Where a layout comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LayoutSource {
    /// The binary's own DWARF.
    Dwarf,
    /// The table, whose column for this release (`1.27`) was made from it.
    Release(&'static str),
    /// A release that Bingo does not know, read as if it were the nearest known one.
    Assumed {
        /// What the binary says of itself: `go1.29.1`.
        version: String,
        /// The release whose column is used: `1.27`.
        nearest: &'static str,
    },
}

/// How `g.labels` holds pprof labels. In both forms `g.labels` is a pointer, nil for none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Labels {
    /// Go 1.19 to 1.23: it points to a `map[string]string`, itself a pointer
    /// to an [`Hmap`] with buckets of 8:
    ///
    /// ```text
    /// 0    tophash [8]u8; under 5 (minTopHash): empty, or moved
    /// 8    keys    [8]string
    /// 136  values  [8]string
    /// 264  overflow *bucket
    /// ```
    Map(Hmap),
    /// Go 1.24 on: it points to a slice of `struct { key, value string }`.
    List,
}

/// Why there is no layout.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LayoutError {
    /// Too old: `.gopclntab` and the runtime were laid out otherwise.
    #[error("built by {version}; Bingo reads Go 1.{oldest} and newer")]
    TooOld {
        /// What the binary says of itself.
        version: String,
        /// The oldest minor version that is read.
        oldest: u32,
    },
    /// A field that every release has is not there.
    #[error("{ty} has no field {path}")]
    Missing {
        /// The Go type.
        ty: &'static str,
        /// The member.
        path: &'static str,
    },
    /// The table holds no column for a release.
    #[error("no layout of Go {0} in the table")]
    NoRelease(String),
}

impl Layout {
    /// The number of roots in `runtime.semtable`.
    // go: runtime.semTabSize (1.19-1.27)
    pub const SEMTABLE_ROOTS: u64 = 251;
    /// Bytes from one root of `runtime.semtable` to the next: a cache line.
    // go: runtime.semTable (1.19-1.27), internal/cpu.CacheLinePadSize on amd64
    pub const SEMTABLE_STRIDE: u64 = 64;
    /// The first Go release whose binaries are read.
    pub const OLDEST_MINOR: u32 = 18;

    /// The layout of Go 1.`minor`, from the table; `version` is what the
    /// binary says of itself, for the messages.
    ///
    /// # Errors
    /// [`LayoutError::TooOld`]; a newer release than the table knows is assumed
    /// to be like the newest one.
    pub fn of_release(minor: u32, version: &str) -> Result<Layout, LayoutError> {
        let column = ReleaseTable::nearest(minor, version)?;
        let source = if column.minor() == minor {
            LayoutSource::Release(column.name())
        } else {
            LayoutSource::Assumed { version: version.to_owned(), nearest: column.name() }
        };
        Layout::resolve(&column, source, &column)
    }

    /// The reason that `g.waitreason` holds as `number`. Zero, which the
    /// runtime uses for none, and numbers that are not known stay numbers.
    #[must_use]
    pub fn wait_reason(&self, number: u8) -> WaitReason {
        self.wait_reasons.get(usize::from(number)).copied().unwrap_or(WaitReason::Unknown(number))
    }

    /// What a reader should know of where this layout comes from; `None` where
    /// it is sure.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        match &self.source {
            LayoutSource::Dwarf | LayoutSource::Release(_) => None,
            LayoutSource::Assumed { version, nearest } => Some(format!(
                "{version} is not a release that Bingo knows; its runtime is read as that of Go {nearest}, \
                 which may be wrong"
            )),
        }
    }

    /// Looks every field up in `members`; wait reasons are those of `column`.
    fn resolve(
        members: &impl Members,
        source: LayoutSource,
        column: &ReleaseTable,
    ) -> Result<Layout, LayoutError> {
        Ok(Layout {
            source,
            g: G::resolve(members)?,
            m: M::resolve(members)?,
            p: P::resolve(members)?,
            sched: Sched::resolve(members)?,
            sudog: Sudog::resolve(members)?,
            hchan: Hchan::resolve(members)?,
            sema_root: SemaRoot::resolve(members)?,
            notify_list: NotifyList::resolve(members)?,
            timer: Timer::resolve(members)?,
            poll_desc: PollDesc::resolve(members)?,
            mutex: Mutex::resolve(members)?,
            rw_mutex: RwMutex::resolve(members)?,
            wait_group: WaitGroup::resolve(members)?,
            cond: Cond::resolve(members)?,
            poll_fd: PollFd::resolve(members)?,
            labels: match Hmap::resolve(members) {
                Ok(hmap) if column.minor() < 24 => Labels::Map(hmap),
                _ => Labels::List,
            },
            wait_reasons: column.wait_reasons(),
        })
    }
}
