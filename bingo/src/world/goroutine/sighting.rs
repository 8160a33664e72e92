//! How a sighting changes the record of a goroutine. In: a sighting, and when its
//! snapshot began and was over. Out: what has changed by it.

use std::sync::Arc;

use super::super::missed::Missed;
use super::super::sampled::Sampled;
use super::{Condition, Facts, Origin, Record, Seen, Shown, Sighted, Since};
use crate::model::{GoState, ThreadId, Time, Wait, WaitReason};

/// What a sighting changed.
#[derive(Clone, Copy, Default, Debug)]
pub(in super::super) struct Sighting {
    /// Anything that a reader would want to know.
    pub(in super::super) changed: bool,
    /// It is in another state, or another wait, than events told.
    pub(in super::super) untold: bool,
    /// What it waits on has become known.
    pub(in super::super) detailed: bool,
}

/// What was known of a goroutine before a sighting. What is shown of it is not put
/// together for that: of a hundred thousand that would be most of a World.
struct Before {
    state: GoState,
    reason: Option<WaitReason>,
    since: Since,
    wait: Option<Wait>,
    thread: Option<ThreadId>,
}

impl Before {
    fn of(now: Condition<'_>) -> Before {
        let Condition { state, reason, since, wait, thread, .. } = now;
        Before { state, reason, since, wait: wait.cloned(), thread }
    }
}

impl Record {
    /// Notes what a sighting that was `taken` behind the last one says of its turns.
    pub(in super::super) fn sample(&mut self, sighted: &Sighted, taken: Time) {
        let Some(seen) = self.facts.seen().filter(|seen| seen.taken < taken) else { return };
        let known = self.course.as_ref().and_then(|course| course.sampled.as_deref().copied());
        let sampled = Sampled::and(known, seen, (sighted, taken));
        if sampled.is_none() && self.course.is_none() {
            return;
        }
        let course = self.course.get_or_insert_default();
        course.sampled = sampled.map(|sampled| match course.sampled.take() {
            Some(mut kept) => {
                *kept = sampled;
                kept
            }
            None => Box::new(sampled),
        });
    }

    /// Takes in a sighting by a snapshot that was read from `taken` to `end`.
    pub(in super::super) fn note_sighting(
        &mut self,
        sighted: &Arc<Sighted>,
        (taken, end): (Time, Time),
        missed: &Missed,
    ) -> Sighting {
        let tie = |facts: &mut Facts| {
            if let Some(told) = facts.told_mut().filter(|told| told.time < taken) {
                told.tie_to(end, sighted.switches, missed);
            }
        };
        let mut now = Seen::new(sighted, (taken, end), Since::AtLatest(end));
        let told_at = self.facts.told().map(|told| told.time);
        if let Some(seen) = self.facts.seen_mut() {
            let unchanged = Arc::ptr_eq(&seen.sighted, sighted);
            let is_news = told_at.is_some_and(|told| told >= seen.taken);
            let old = seen.taken > taken;
            if old || (unchanged && !is_news) {
                if !old {
                    (seen.taken, seen.end) = (taken, end);
                }
                tie(&mut self.facts);
                return Sighting::default();
            }
            if unchanged || is_one_stretch(&seen.sighted, sighted) {
                (now.since, now.noted) = (now.since.min(seen.since), seen.noted);
            }
        }
        let before = Before::of(self.condition());
        tie(&mut self.facts);
        let origin = self.note_origin(sighted);
        self.facts.see(now);
        let mut sighting = self.compare(&before, sighted);
        sighting.changed |= origin;
        if sighting.changed {
            self.shown.take();
        }
        sighting
    }

    /// What a sighting has changed of what was shown `before`.
    fn compare(&mut self, before: &Before, sighted: &Sighted) -> Sighting {
        let is_told = self.is_told();
        // Where it could not be read, the one that was known is left; that of a
        // running goroutine is not known.
        let readable = !sighted.stack.frames().is_empty() || sighted.state == GoState::Running;
        let mut changed = readable && !is_told && self.note_stack(Some(&sighted.stack));
        let now = self.condition();
        let blocked = now.state == GoState::Blocked;
        let state = now.state != before.state || now.reason != before.reason;
        let since = now.since != before.since;
        let wait = now.wait != before.wait.as_ref();
        changed |= state || since || wait || now.thread != before.thread;
        Sighting {
            changed,
            untold: !is_told && (state || (blocked && since)),
            detailed: !is_told && blocked && wait,
        }
    }

    /// Whether what is shown comes from the event: it is not older than the
    /// beginning of the snapshot.
    fn is_told(&self) -> bool {
        match (self.facts.told(), self.facts.seen()) {
            (Some(told), Some(seen)) => told.time >= seen.taken,
            (told, _) => told.is_some(),
        }
    }

    /// Notes what hardly ever changes, before it is noted that it was seen.
    fn note_origin(&mut self, sighted: &Sighted) -> bool {
        let (before, seen) = (self.origin(), Shown::of(sighted));
        let parent = seen.parent.or(before.parent);
        let now = Shown { parent, created_by: seen.created_by.or(before.created_by), ..seen };
        let changed = now != before;
        // What the sighting says need not be kept beside it.
        let own = if self.origin.is_some() { changed } else { now != seen };
        if own {
            let created = self.created();
            self.origin = Some(Box::new(Origin { created, ..now.to_owned() }));
        }
        changed
    }
}

/// Whether a goroutine stayed in one state, and one wait, between two sightings.
fn is_one_stretch(before: &Sighted, now: &Sighted) -> bool {
    before.state == now.state
        && before.reason == now.reason
        && before.switches == now.switches
        && (now.switches.is_some() || before.wait == now.wait)
}
