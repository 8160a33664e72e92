//! How a goroutine came to its turns, by what it was seen in at one snapshot after the
//! other. In: pairs of sightings. Out: a [`Sampled`].
//!
//! ```text
//!   snapshots   ●         ●         ●         ●
//!   state       runnable  runnable  running   blocked
//!   turns            0         1         1               it left the processor so often
//! ```
//!
//! No probe tells when a goroutine comes to its turn, but the runtime counts how often
//! each one leaves the processor (`g.trackingSeq` in `casgstatus`, `runtime/proc.go`,
//! Go 1.19 to 1.27; before 1.27 for a system call, too). Which state it was in between
//! two sightings is taken to be that of each for half of the time.

use std::time::Duration;

use super::goroutine::Seen;
use crate::model::{GoState, Goroutine as Sighted, Time};

/// What its sightings say, from the first on at which it was ready or at its turn.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Sampled {
    /// The time that they span.
    pub known: Duration,
    /// How much of it the goroutine was runnable,
    pub runnable: Duration,
    /// and how much of it running.
    pub running: Duration,
    /// The longest time for which it was runnable without a turn.
    pub longest: Duration,
    /// How many of its turns have ended.
    pub turns: u32,
    /// How often it was seen running.
    pub seen: u32,
    /// For how long it is runnable by now.
    waits: Duration,
}

impl Sampled {
    /// What `before` and a sighting that was `taken` after it say, too; `None`: it was
    /// neither ready nor at its turn so far.
    pub(super) fn and(known: Option<Sampled>, before: &Seen, now: (&Sighted, Time)) -> Option<Sampled> {
        let (now, taken) = now;
        let is_at_it = |state| matches!(state, GoState::Runnable | GoState::Running);
        let states = [before.sighted.state, now.state];
        let mut sampled = match known {
            Some(sampled) => sampled,
            None if states.into_iter().any(is_at_it) => Sampled::default(),
            None => return None,
        };
        let (from, to) = before.sighted.switches.zip(now.switches)?;
        let turns = u32::from(to.wrapping_sub(from));
        let time = taken.since(before.taken);
        sampled.known += time;
        sampled.turns += turns;
        sampled.seen += u32::from(now.state == GoState::Running);
        for state in states {
            match state {
                GoState::Runnable => sampled.runnable += time / 2,
                GoState::Running => sampled.running += time / 2,
                GoState::Blocked | GoState::Syscall | GoState::Dead => {}
            }
        }
        let waited = turns == 0 && states == [GoState::Runnable; 2];
        sampled.waits = if waited { sampled.waits + time } else { Duration::ZERO };
        sampled.longest = sampled.longest.max(sampled.waits);
        Some(sampled)
    }
}
