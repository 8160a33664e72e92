//! How a sighting changes the record of a goroutine. In: a sighting, and when its
//! snapshot began and was over. Out: what has changed by it.

use std::sync::Arc;

use super::super::lent::Lent;
use super::super::missed::Missed;
use super::super::sampled::Sampled;
use super::{Goroutine, Record, Seen, Sighted, Told, labels_of, noted_since};
use crate::model::{GoState, Time};

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

impl Record {
    /// Notes what a sighting that was `taken` behind the last one says of its turns.
    pub(in super::super) fn sample(&mut self, sighted: &Sighted, taken: Time) {
        if let Some(seen) = self.seen.as_ref().filter(|seen| seen.taken < taken) {
            let known = self.sampled.as_deref().copied();
            let sampled = Sampled::and(known, seen, (sighted, taken));
            self.sampled = sampled.map(|sampled| match self.sampled.take() {
                Some(mut kept) => {
                    *kept = sampled;
                    kept
                }
                None => Box::new(sampled),
            });
        }
    }

    /// Takes in a sighting by a snapshot that was read from `taken` to `end`.
    pub(in super::super) fn note_sighting(
        &mut self,
        sighted: &Arc<Sighted>,
        (taken, end): (Time, Time),
        missed: &Missed,
        lent: &Lent,
    ) -> Sighting {
        let tell = |told: &mut Option<Told>| {
            if let Some(told) = told.as_mut().filter(|told| told.time < taken) {
                told.see(end, sighted.switches, missed);
            }
        };
        let mut since = noted_since(sighted, end);
        if let Some(seen) = &mut self.seen {
            let unchanged = Arc::ptr_eq(&seen.sighted, sighted);
            let is_news = self.told.as_ref().is_some_and(|told| told.time >= seen.taken);
            let old = seen.taken > taken;
            if old || (unchanged && !is_news) {
                if !old {
                    (seen.taken, seen.end) = (taken, end);
                }
                tell(&mut self.told);
                return Sighting::default();
            }
            if unchanged || is_one_stretch(&seen.sighted, sighted) {
                since = since.min(seen.since);
            }
        }
        let before = Arc::clone(self.shown(lent));
        tell(&mut self.told);
        self.plain.set(false);
        self.seen = Some(Seen { taken, end, sighted: Arc::clone(sighted), since });
        let sighting = self.compare(&before, sighted);
        if sighting.changed {
            self.shown.take();
        }
        sighting
    }

    /// What a sighting has changed of what was shown `before`.
    fn compare(&mut self, before: &Goroutine, sighted: &Sighted) -> Sighting {
        let is_told = self.is_told();
        // Where it could not be read, the one that was known is left; that of a
        // running goroutine is not known.
        let readable = !sighted.stack.frames().is_empty() || sighted.state == GoState::Running;
        let mut changed = readable && !is_told && self.note_stack(Some(&sighted.stack));
        changed |= self.note_origin(sighted);
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
        match (&self.told, &self.seen) {
            (Some(told), Some(seen)) => told.time >= seen.taken,
            (told, _) => told.is_some(),
        }
    }

    /// Notes what hardly ever changes.
    fn note_origin(&mut self, sighted: &Sighted) -> bool {
        let origin = &mut self.origin;
        let parent = sighted.parent.or(origin.parent);
        let created_by = sighted.created_by.as_ref().or(origin.created_by.as_ref());
        let same = origin.system == sighted.system
            && origin.parent == parent
            && origin.created_by.as_ref() == created_by
            && origin.labels.as_deref().map_or(sighted.labels.is_empty(), |labels| *labels == sighted.labels);
        if !same {
            origin.created_by = created_by.cloned();
            (origin.system, origin.parent) = (sighted.system, parent);
            origin.labels = labels_of(sighted);
        }
        !same
    }
}

/// Whether a goroutine stayed in one state, and one wait, between two sightings.
fn is_one_stretch(before: &Sighted, now: &Sighted) -> bool {
    before.state == now.state
        && before.reason == now.reason
        && before.switches == now.switches
        && (now.switches.is_some() || before.wait == now.wait)
}
