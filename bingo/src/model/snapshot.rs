//! What all goroutines are at one instant.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::{Addr, GoId, GoState, Links, Stack, SyncObject, ThreadId, Time, Wait, WaitReason};

/// All goroutines of a process, and what they wait on, at one instant.
///
/// Remote memory is read while the program runs: what could not be read, or
/// changed while it was read, stands in `problems` and is never made up.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// When reading began.
    pub taken: Time,
    /// How long reading took.
    pub took: Duration,
    /// The goroutines that are not dead, by id. A source that yields one snapshot
    /// after the other shares those that have not changed: the same `Arc` means
    /// the same in every field.
    pub goroutines: Vec<Arc<Goroutine>>,
    /// The channels and locks that a goroutine waits on, shared in the same way.
    pub objects: Arc<HashMap<Addr, Arc<SyncObject>>>,
    /// Those that waited when they were looked at and had gone on, or ended, when the look
    /// was over. All others that wait did so at one and the same moment. A close look at a
    /// process that runs tells them.
    pub went_on: Vec<GoId>,
    /// How they hang together, where the source was asked to find out.
    pub links: Option<Arc<Links>>,
    /// How long the process was stopped for it; zero where it ran.
    pub stopped_for: Duration,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl Snapshot {
    /// One of the goroutines.
    #[must_use]
    pub fn goroutine(&self, id: GoId) -> Option<&Goroutine> {
        let place = self.goroutines.binary_search_by_key(&id, |goroutine| goroutine.id).ok()?;
        self.goroutines.get(place).map(|goroutine| &**goroutine)
    }

    /// When reading was over.
    #[must_use]
    pub fn end(&self) -> Time {
        Time(self.taken.0.saturating_add(u64::try_from(self.took.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// One goroutine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Goroutine {
    /// Its id.
    pub id: GoId,
    /// Its state.
    pub state: GoState,
    /// Why it is blocked, if it is.
    pub reason: Option<WaitReason>,
    /// About when it blocked, where known: at the first garbage collection after that
    /// the runtime notes the end of the one before (`g.waitsince`), so it may have been
    /// later.
    pub blocked_since: Option<Time>,
    /// How often it left the running state, modulo 256 (`g.trackingSeq`): two
    /// snapshots with the same number saw one and the same wait.
    pub switches: Option<u8>,
    /// What it waits on.
    pub wait: Option<Wait>,
    /// Its stack; empty where it runs, since registers are not read unasked.
    pub stack: Stack,
    /// The `go` statement that made it, shared with the others that it made.
    pub created_by: Option<Arc<CreatedBy>>,
    /// Who made it (`g.parentGoid`, Go 1.21 on).
    pub parent: Option<GoId>,
    /// Its pprof labels, if it has any.
    pub labels: Option<Arc<BTreeMap<String, String>>>,
    /// The thread it is on, when running or in a system call.
    pub thread: Option<ThreadId>,
    /// Whether it is the runtime's own (`isSystemGoroutine`).
    pub system: bool,
}

/// A `go` statement.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CreatedBy {
    /// The function it stands in.
    pub function: Arc<str>,
    /// Its file.
    pub file: Arc<str>,
    /// Its line.
    pub line: u32,
}

/// Something that could not be read, or not be trusted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The goroutine concerned, if one is.
    pub goroutine: Option<GoId>,
    /// What is wrong and where: `stack unreadable at 0xc000…`.
    pub what: String,
}
