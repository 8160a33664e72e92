//! A transition of a goroutine in 16 bytes: of each goroutine the last ones are kept, and
//! what happens to thousands by turns has to pass through a processor's caches.

use super::Transition;
use crate::model::{GoId, GoState, ShortReason, Time};

/// A [`Transition`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) time: Time,
    /// Bits 0 to 2: the state, 3 to 12: the reason, 13 on: who woke it, [`NOBODY`]: nobody,
    /// or one of a number that no program comes to.
    rest: u64,
}

const STATES: [GoState; 5] =
    [GoState::Runnable, GoState::Running, GoState::Blocked, GoState::Syscall, GoState::Dead];
const REASON: u32 = 3;
const BY: u32 = 13;
const NOBODY: u64 = u64::MAX >> BY;
const _: () = assert!(ShortReason::MOST < 1 << (BY - REASON) && STATES.len() <= 1 << REASON);

impl Step {
    #[inline(always)]
    pub(super) fn new(time: Time, state: GoState, reason: ShortReason, by: Option<GoId>) -> Step {
        let by = by.map_or(NOBODY, |by| by.0.min(NOBODY));
        Step { time, rest: state as u64 | u64::from(reason.number()) << REASON | by << BY }
    }

    pub(super) fn shown(self) -> Transition {
        let Step { time, rest } = self;
        let state = usize::try_from(rest & ((1 << REASON) - 1)).ok().and_then(|at| STATES.get(at));
        let reason = u16::try_from(rest >> REASON & ((1 << (BY - REASON)) - 1)).ok();
        Transition {
            time,
            state: state.copied().unwrap_or(GoState::Dead),
            reason: reason.and_then(|number| ShortReason::of_number(number).get()),
            by: Some(rest >> BY).filter(|by| *by != NOBODY).map(GoId),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WaitReason;

    #[test]
    fn what_was_noted_is_shown() {
        for (at, state) in STATES.into_iter().enumerate() {
            assert_eq!(state as usize, at);
            for reason in [None, Some(WaitReason::ChanReceive), Some(WaitReason::Unknown(u8::MAX))] {
                for by in [None, Some(GoId(0)), Some(GoId(NOBODY - 1))] {
                    let shown = Transition { time: Time(u64::MAX - 7), state, reason, by };
                    assert_eq!(Step::new(shown.time, state, reason.into(), by).shown(), shown);
                }
            }
        }
        let beyond = Step::new(Time(1), GoState::Runnable, ShortReason::NONE, Some(GoId(u64::MAX)));
        assert_eq!(beyond.shown().by, None);
    }
}
