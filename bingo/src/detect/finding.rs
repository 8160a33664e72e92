//! What a detector says.

use std::time::Duration;

use crate::model::{CreatedBy, GoId, Object, Stack, Wait, WaitReason};

/// Goroutines that a finding names; it counts them all.
pub(super) const NAMED: usize = 1_000;

/// Something that is wrong, or may be.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The same over runs of the same code: of class, function and place.
    pub id: String,
    /// What it is.
    pub class: Class,
    /// How sure that is.
    pub confidence: Confidence,
    /// One line.
    pub title: String,
    /// Whose, the first thousand by id.
    pub goroutines: Vec<GoId>,
    /// How many there are.
    pub count: usize,
    /// Why they wait.
    pub reason: Option<WaitReason>,
    /// What one of them waits on, where that is known.
    pub wait: Option<Wait>,
    /// How long the longest of them has waited.
    pub blocked_for: Duration,
    /// Where.
    pub stack: Stack,
    /// The `go` statement that made one of them.
    pub created_by: Option<CreatedBy>,
    /// Who waits for whom, where it is a cycle; the last waits for the first.
    pub cycle: Vec<Step>,
    /// Other places that have to do with it: the second access of a race.
    pub related: Vec<Related>,
    /// What it rests on.
    pub evidence: Vec<String>,
    /// What it means.
    pub explanation: &'static str,
}

/// One step of a cycle of waits.
#[derive(Clone, Debug)]
pub struct Step {
    /// Who waits,
    pub goroutine: GoId,
    /// where,
    pub stack: Stack,
    /// for whom,
    pub waits_for: GoId,
    /// on what,
    pub on: Object,
    /// and what says that it is that one: `holds it since main.go:31`.
    pub because: String,
}

/// Another place that has to do with a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Related {
    /// What is there: `previous read by goroutine 8`.
    pub what: String,
    /// Where.
    pub stack: Stack,
}

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    /// Goroutines that wait for each other, for themselves, or all of a program.
    Deadlock,
    /// Goroutines that are parked for good.
    GoroutineLeak,
    /// A wait that takes long.
    LongBlock,
    /// Locks that are taken in two orders.
    LockOrder,
    /// Goroutines that could go on and have no turn.
    Starvation,
    /// Two accesses to memory without an order between them, as the race detector saw.
    DataRace,
    /// What looks like one.
    RaceHint,
}

/// How sure a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Confidence {
    /// It may well be as it should.
    Low,
    /// Worth a look.
    Medium,
    /// Nothing speaks against it.
    High,
    /// Nothing can be otherwise.
    Proven,
}

impl Finding {
    /// Lowers the confidence by one step, and says why.
    pub(super) fn doubt(&mut self, why: String) {
        // What can never be woken needs no event to tell that it was not.
        self.confidence = match self.confidence {
            Confidence::Proven => Confidence::Proven,
            Confidence::High => Confidence::Medium,
            Confidence::Medium | Confidence::Low => Confidence::Low,
        };
        self.evidence.push(why);
    }
}

impl Class {
    /// All of them.
    pub const ALL: [Class; 7] = [
        Class::Deadlock,
        Class::GoroutineLeak,
        Class::LongBlock,
        Class::LockOrder,
        Class::Starvation,
        Class::DataRace,
        Class::RaceHint,
    ];

    /// The word in `type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Deadlock => "deadlock",
            Class::GoroutineLeak => "goroutine_leak",
            Class::LongBlock => "long_block",
            Class::LockOrder => "lock_order",
            Class::Starvation => "starvation",
            Class::DataRace => "data_race",
            Class::RaceHint => "race_hint",
        }
    }

    /// The id of this class's finding at `stack`: the same wherever the source
    /// lies, whichever goroutines they are, and whether a trace or a process tells.
    pub(super) fn id(self, reason: Option<WaitReason>, stack: &Stack) -> String {
        let reason = reason.map(|reason| reason.in_a_trace().to_string());
        self.id_of(&[reason.unwrap_or_default(), site_text(stack)])
    }

    /// The id of this class's finding that these tell from others.
    pub(super) fn id_of(self, what: &[String]) -> String {
        let prefix = match self {
            Class::Deadlock => "deadlock",
            Class::GoroutineLeak => "leak",
            Class::LongBlock => "block",
            Class::LockOrder => "order",
            Class::Starvation => "starvation",
            Class::DataRace => "race",
            Class::RaceHint => "hint",
        };
        let text = format!("{} {}", self.as_str(), what.join(" "));
        // FNV-1a: it never changes from one release of Rust to the next.
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{prefix}-{:06x}", (hash ^ (hash >> 24) ^ (hash >> 48)) & 0xff_ffff)
    }
}

/// The site of `stack`, without the folders, which differ from machine to machine.
pub(super) fn site_text(stack: &Stack) -> String {
    let site = stack.site().map(|site| {
        let file = site.file.rsplit(['/', '\\']).next().unwrap_or_default();
        format!("{} {file}:{}", site.function, site.line)
    });
    site.unwrap_or_default()
}

impl Confidence {
    /// The word in `confidence`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
            Confidence::Proven => "proven",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_and_a_process_name_a_finding_alike() {
        let id = |reason| Class::GoroutineLeak.id(Some(reason), &Stack::empty());
        assert_eq!(id(WaitReason::WaitGroupWait), id(WaitReason::Sync));
        assert_ne!(id(WaitReason::ChanSend), id(WaitReason::ChanReceive));
    }
}
