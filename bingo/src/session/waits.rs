//! Who waited where, how long, and who ended it, of an input as a whole. In come
//! the observations of a source; out come the places, those where somebody waits
//! still among them.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::{GoState, Observation, Stack, WaitReason};
use crate::world::{Keep, Waker, World};

/// The waits of an input.
#[derive(Debug)]
pub struct Waits(World);

/// All waits at one place for one reason.
#[derive(Clone, Debug)]
pub struct Waited {
    /// Why.
    pub reason: Option<WaitReason>,
    /// Where.
    pub stack: Stack,
    /// How many waits there were.
    pub count: u64,
    /// How many of them had not ended at the input's end.
    pub lasting: u64,
    /// How long they took together, up to the input's end.
    pub blocked: Duration,
    /// Who ended them, but for the runtime.
    pub wakers: Vec<Waker>,
}

impl Default for Waits {
    fn default() -> Waits {
        Waits(World::keeping(Keep { transitions: 1, long: Duration::MAX }))
    }
}

impl Waits {
    /// Takes in what comes next.
    pub fn take(&mut self, observation: &Observation) {
        self.0.apply(observation);
    }

    /// From the first observation to the last.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.0.latest().since(self.0.began().unwrap_or(self.0.latest()))
    }

    /// The places, the longest first.
    #[must_use]
    pub fn places(&self) -> Vec<Waited> {
        let mut places: HashMap<(Option<WaitReason>, Stack), Waited> = HashMap::new();
        let mut add = |reason, stack: &Stack, count, lasting, blocked, wakers: &[Waker]| {
            let place = places.entry((reason, stack.clone())).or_insert_with(|| Waited {
                reason,
                stack: stack.clone(),
                count: 0,
                lasting: 0,
                blocked: Duration::ZERO,
                wakers: Vec::new(),
            });
            place.count += count;
            place.lasting += lasting;
            place.blocked = place.blocked.saturating_add(blocked);
            place.wakers.extend_from_slice(wakers);
        };
        for place in self.0.places() {
            add(place.reason, &place.stack, place.ended, 0, place.blocked(), &place.wakers);
        }
        for goroutine in self.0.goroutines().filter(|goroutine| goroutine.state == GoState::Blocked) {
            let lasted = self.0.latest().since(goroutine.since.time());
            add(goroutine.reason, &goroutine.stack, 1, 1, lasted, &[]);
        }
        let mut places: Vec<Waited> = places.into_values().collect();
        places.sort_by_cached_key(|place| {
            let frames: Vec<_> = place.stack.frames().iter().map(|frame| frame.pc).collect();
            (std::cmp::Reverse(place.blocked), place.reason, frames)
        });
        places
    }
}
