//! What has become of a goroutine since it was made or first seen: how often it has
//! waited, who woke it last and, where the past is kept, its last transitions, its time
//! in each state and its children; by numbers, so that little has to be done for each
//! event. In: transitions and wake-ups. Out: [`History`], [`Woken`].

use std::collections::VecDeque;
use std::time::Duration;

use super::history::{History, PlaceIndex, TimeInStates, Transition};
use super::lent::{Lent, NONE};
use super::step::Step;
use super::{Sampled, Woken};
use crate::model::{GoId, GoState, ShortReason, Stack, Time, WaitReason};

/// Children that are kept by name.
pub(super) const CHILDREN_KEPT: usize = 64;
/// Transitions that most goroutines of very many have: made, run, parked for good.
const FEW: usize = 3;
/// Stands for nobody where one is kept by id.
const NOBODY: GoId = GoId(u64::MAX);
/// Stands for never.
const NEVER: Time = Time(u64::MAX);

/// What every short event changes comes first, side by side.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Course {
    /// The last transitions; where there are as many as are kept, a ring.
    steps: Vec<Step>,
    /// Where the next transition comes: behind all of them, or to the oldest of the ring.
    oldest: u32,
    /// The stack of who woke it last by its number, where that is newer; else [`NONE`].
    woken_lent: u32,
    /// Time spent in each state, in nanoseconds; none in the last, which is death.
    nanoseconds: [u64; 5],
    /// How often it has parked.
    pub(super) blocks: u64,
    /// When it was woken last.
    woken: Time,
    woken_by: GoId,
    /// The stack of who did, if that is known.
    woken_at: Option<Stack>,
    children: Option<Box<Children>>,
    /// The place of a reason and its stack, where that has been looked up.
    pub(super) place: Option<(Option<WaitReason>, PlaceIndex)>,
    /// How it came to its turns, where snapshots tell.
    pub(super) sampled: Option<Box<Sampled>>,
}

#[derive(Debug, Default)]
struct Children {
    first: Vec<GoId>,
    made: u64,
}

impl Default for Course {
    fn default() -> Course {
        Course {
            steps: Vec::new(),
            nanoseconds: [0; 5],
            children: None,
            blocks: 0,
            woken: NEVER,
            woken_by: NOBODY,
            woken_at: None,
            woken_lent: NONE,
            oldest: 0,
            place: None,
            sampled: None,
        }
    }
}

impl Course {
    /// Notes a transition, of which so many are kept; `before` is what it was.
    #[inline(always)]
    pub(super) fn note_step(&mut self, step: Step, before: (Time, GoState, ShortReason), most: usize) {
        let kept = self.steps.len();
        match self.steps.get_mut(self.oldest as usize) {
            // There is an oldest one where there are as many as are kept at the most.
            Some(oldest) => {
                *oldest = step;
                self.oldest += 1;
                if self.oldest as usize == kept {
                    self.oldest = 0;
                }
            }
            None => self.push(step, before, most),
        }
    }

    /// Adds a transition, where there are fewer than are kept at the most.
    #[cold]
    #[inline(never)]
    fn push(&mut self, step: Step, before: (Time, GoState, ShortReason), most: usize) {
        // Where one alone is kept it is the last.
        if self.is_new() && most > 1 {
            self.steps.reserve_exact(FEW.min(most));
            self.steps.push(self.first(before));
        }
        if self.steps.len() < most {
            self.steps.push(step);
        }
        self.oldest = u32::try_from(self.steps.len().checked_rem(most).unwrap_or(0)).unwrap_or(0);
    }

    /// Whether no transition was noted.
    pub(super) fn is_new(&self) -> bool {
        self.steps.is_empty()
    }

    /// What it was before its first transition, and by whom, if that is known still.
    pub(super) fn first(&self, (since, state, reason): (Time, GoState, ShortReason)) -> Step {
        let was_woken = state == GoState::Runnable && since == self.woken && self.woken_by != NOBODY;
        Step::new(since, state, reason, was_woken.then_some(self.woken_by))
    }

    /// Notes how long it was in a state, in nanoseconds.
    #[inline(always)]
    pub(super) fn note_lasted(&mut self, state: GoState, lasted: u64) {
        if let Some(sum) = self.nanoseconds.get_mut(state as usize) {
            // No two of them overlap.
            *sum = sum.wrapping_add(lasted);
        }
    }

    /// Notes that it made another goroutine.
    pub(super) fn note_child(&mut self, child: GoId) {
        let children = self.children.get_or_insert_default();
        children.made += 1;
        if children.first.len() < CHILDREN_KEPT {
            children.first.push(child);
        }
    }

    /// Notes who woke it, unless that was before it was woken last.
    pub(super) fn note_woken(&mut self, time: Time, by: Option<GoId>, stack: Option<&Stack>) {
        if self.woken != NEVER && self.woken > time {
            return;
        }
        (self.woken, self.woken_by) = (time, by.unwrap_or(NOBODY));
        let same = self.woken_at.as_ref().zip(stack).is_some_and(|(before, now)| before.is_same(now));
        if !same {
            self.woken_at = stack.cloned();
        }
    }

    /// The same by the number of the waker's stack, or [`NONE`].
    #[inline(always)]
    pub(super) fn note_woken_by_number(&mut self, time: Time, by: Option<GoId>, stack: u32) {
        (self.woken, self.woken_by, self.woken_lent) = (time, by.unwrap_or(NOBODY), stack);
        if stack == NONE {
            self.woken_at = None;
        }
    }

    /// Who woke it last.
    pub(super) fn woken(&self, lent: &Lent) -> Option<Woken> {
        let stack = match self.woken_lent {
            NONE => self.woken_at.clone(),
            number => lent.stack(number).cloned(),
        };
        let by = Some(self.woken_by).filter(|by| *by != NOBODY);
        (self.woken != NEVER).then_some(Woken { time: self.woken, by, stack })
    }

    /// Refers to no stack by its number any more.
    pub(super) fn own_stacks(&mut self, lent: &Lent) {
        if self.woken_lent != NONE {
            self.woken_at = lent.stack(self.woken_lent).cloned();
            self.woken_lent = NONE;
        }
    }

    /// What is shown of it, with its transitions.
    pub(super) fn shown(&self, transitions: VecDeque<Transition>) -> History {
        let [runnable, running, blocked, syscall, _] = self.nanoseconds.map(Duration::from_nanos);
        let children = self.children.as_ref();
        History {
            transitions,
            in_state: TimeInStates { runnable, running, blocked, syscall },
            children: children.map_or_else(Vec::new, |children| children.first.clone()),
            children_made: children.map_or(0, |children| children.made),
        }
    }

    /// The last transitions, oldest first.
    pub(super) fn transitions(&self) -> impl Iterator<Item = Transition> + Clone {
        let (newer, older) = self.steps.split_at_checked(self.oldest as usize).unwrap_or_default();
        older.iter().chain(newer).map(|step| step.shown())
    }
}
