//! A goroutine at a glance: what is read of all of them, where a [`Goroutine`] put
//! together for each would be a copy of the World. In: a record. Out: its facts, one
//! at a time.

use std::sync::Arc;

use super::goroutine::Record;
use super::lent::Lent;
use super::{Goroutine, Sampled, Since, Transition};
use crate::model::{CreatedBy, GoId, GoState, Stack, Time, WaitReason};

/// A goroutine that lives.
#[derive(Clone, Copy, Debug)]
pub struct Glance<'w> {
    pub(super) record: &'w Record,
    pub(super) lent: &'w Lent,
}

impl<'w> Glance<'w> {
    /// All that is known of it.
    #[must_use]
    pub fn whole(self) -> &'w Arc<Goroutine> {
        self.record.shown(self.lent)
    }

    /// Its id.
    #[must_use]
    pub fn id(self) -> GoId {
        self.record.id
    }

    /// Its state.
    #[must_use]
    pub fn state(self) -> GoState {
        self.record.condition().state
    }

    /// Why it is blocked, if it is and that is known.
    #[must_use]
    pub fn reason(self) -> Option<WaitReason> {
        self.record.condition().reason
    }

    /// Since when it is in that state.
    #[must_use]
    pub fn since(self) -> Since {
        self.record.condition().since
    }

    /// Its stack when it last left the processor; empty where none was seen.
    #[must_use]
    pub fn stack(self) -> &'w Stack {
        self.record.stack(self.lent).unwrap_or(Stack::none())
    }

    /// Who made it.
    #[must_use]
    pub fn parent(self) -> Option<GoId> {
        self.record.parent()
    }

    /// The `go` statement that made it.
    #[must_use]
    pub fn created_by(self) -> Option<&'w CreatedBy> {
        self.record.created_by()
    }

    /// When it was made, if that was seen.
    #[must_use]
    pub fn created(self) -> Option<Time> {
        self.record.created()
    }

    /// Its last transitions, oldest first; where the past is not kept the last one alone.
    pub fn transitions(self) -> impl Iterator<Item = Transition> + Clone {
        self.record.transitions()
    }

    /// How it came to its turns, by snapshots; `None` where it was at none, or they do
    /// not tell, or the past is not kept.
    #[must_use]
    pub fn sampled(self) -> Option<&'w Sampled> {
        self.record.course.as_ref()?.sampled.as_deref()
    }

    /// How often it was seen to park.
    #[must_use]
    pub fn blocks(self) -> u64 {
        self.record.blocks()
    }

    /// Whether it is the runtime's own.
    #[must_use]
    pub fn is_system(self) -> bool {
        self.record.is_system()
    }
}
