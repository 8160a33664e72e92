//! Where the runtime's fields are: [`Layout`].
//!
//! In: a binary (its Go release, and its DWARF where it has any). Out: the
//! offset of every field that is read from a target, and the wait reasons'
//! numbers. Both change between Go releases.

mod table;
mod types;

use super::dwarf::RuntimeDwarf;
use super::{Binary, GoVersion, globals};
use crate::model::WaitReason;

pub use table::{ReleaseTable, write_table};
pub use types::{
    Cond, Defer, G, Hchan, Hmap, M, Members, Mheap, Module, Mspan, Mutex, NotifyList, P, PollDesc, PollFd,
    RwMutex, Sched, SemaRoot, Special, Sudog, TYPES, Timer, TypeSpec, WaitGroup,
};

/// The offsets of one Go release, or of one binary.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Where the offsets come from.
    pub source: LayoutSource,
    /// The release that it is of, or is taken for: 27 of Go 1.27.
    pub minor: u32,
    /// Whether spans of small objects are known to say which words are pointers, and where.
    // go: runtime.heapBitsInSpan (1.22-1.27)
    pub pointer_bits: bool,
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
    /// A deferred call.
    pub defer: Defer,
    /// The heap.
    pub mheap: Mheap,
    /// A span of it.
    pub mspan: Mspan,
    /// A finalizer or the like.
    pub special: Special,
    /// A module.
    pub module: Module,
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
    notes: Vec<String>,
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

    /// The layout of `binary`: from its DWARF where it has any, else of its
    /// release. The wait reasons are those that the program itself spells.
    ///
    /// # Errors
    /// [`LayoutError::TooOld`]; a newer release than the table knows is assumed
    /// to be like the newest one, and [`Layout::notes`] says so.
    pub fn of(binary: &Binary) -> Result<Layout, LayoutError> {
        let version = &binary.build_info().go_version;
        let column = ReleaseTable::nearest(version.minor, &version.text)?;
        let known = column.minor() == version.minor && !version.prerelease && keeps_layout(version);
        let assumed = || LayoutSource::Assumed { version: version.text.clone(), nearest: column.name() };
        // The search ends when all is found: what the release lacks is not sought.
        let types: Vec<TypeSpec> =
            TYPES.iter().filter(|ty| column.size(ty.name).is_some()).copied().collect();
        let dwarf = RuntimeDwarf::of(binary, &types);
        let mut layout = match &dwarf {
            Ok(dwarf) if dwarf.size(G::GO_NAME).is_some() => {
                let members = DwarfFirst { dwarf, column: &column };
                let mut layout = Layout::resolve(&members, LayoutSource::Dwarf, &column)?;
                let absent: Vec<&str> =
                    types.iter().map(|ty| ty.name).filter(|ty| dwarf.size(ty).is_none()).collect();
                if !known && !absent.is_empty() {
                    let (version, nearest) = (&version.text, column.name());
                    let absent = absent.join(", ");
                    layout.notes.push(format!(
                        "{version} is not a release that Bingo knows; {absent} are not in its DWARF and read \
                         as those of Go {nearest}"
                    ));
                }
                layout
            }
            _ if known => Layout::resolve(&column, LayoutSource::Release(column.name()), &column)?,
            _ => Layout::resolve(&column, assumed(), &column)?,
        };
        // Experiments move them.
        layout.pointer_bits &= known && version.experiments.is_empty();
        if let Err(error) = dwarf {
            layout.notes.push(format!("its DWARF is not used: {error}"));
        }
        match globals::wait_reasons(binary) {
            Some(reasons) => layout.wait_reasons = reasons,
            None if known => {}
            None => layout.notes.push(format!(
                "the wait reasons of {} are read as those of Go {}, which may be wrong",
                version.text,
                column.name()
            )),
        }
        Ok(layout)
    }

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

    /// What a reader should know of where this layout comes from; nothing where
    /// all of it is sure. Each entry is a sentence.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let assumed = match &self.source {
            LayoutSource::Dwarf | LayoutSource::Release(_) => None,
            LayoutSource::Assumed { version, nearest } => Some(format!(
                "{version} is not a release that Bingo knows; its runtime is read as that of Go {nearest}, \
                 which may be wrong"
            )),
        };
        assumed.into_iter().chain(self.notes.iter().cloned()).collect()
    }

    /// Looks every field up in `members`; wait reasons are those of `column`.
    fn resolve(
        members: &impl Members,
        source: LayoutSource,
        column: &ReleaseTable,
    ) -> Result<Layout, LayoutError> {
        Ok(Layout {
            source,
            minor: column.minor(),
            pointer_bits: column.minor() >= 22,
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
            defer: Defer::resolve(members)?,
            mheap: Mheap::resolve(members)?,
            mspan: Mspan::resolve(members)?,
            special: Special::resolve(members)?,
            module: Module::resolve(members)?,
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
            notes: Vec::new(),
        })
    }
}

/// Whether the experiments that the release was built with leave its structs alone.
fn keeps_layout(version: &GoVersion) -> bool {
    // It puts a rank into every runtime.mutex (runtime/lockrank_on.go).
    !version.experiments.iter().any(|experiment| experiment == "staticlockranking")
}

/// A binary's DWARF; for types that the program does not use, its release.
struct DwarfFirst<'a> {
    dwarf: &'a RuntimeDwarf,
    column: &'a ReleaseTable,
}

impl Members for DwarfFirst<'_> {
    fn size(&self, ty: &str) -> Option<u64> {
        self.dwarf.size(ty).or_else(|| self.column.size(ty))
    }

    fn offset(&self, ty: &str, path: &str) -> Option<u64> {
        // Never a member of the one beside a member of the other.
        if self.dwarf.size(ty).is_some() { self.dwarf.offset(ty, path) } else { self.column.offset(ty, path) }
    }
}
