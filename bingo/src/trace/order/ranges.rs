//! Ranges of time: the collector's marking, a P's sweeping, a goroutine's mark
//! assist, a stop of the world.

use super::super::event::TraceEvent;
use super::super::spec::EventType;
use super::goroutine_slots::NO_SLOT;
use super::state::{Context, proc};
use super::{Advance, Order, OrderFault, Place};

/// The collector's cycle. Its beginning and its end come from any thread, so
/// both are numbered.
#[derive(Default)]
pub(super) struct Collection {
    number: u64,
    state: Marking,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Marking {
    #[default]
    Undetermined,
    Off,
    On,
}

impl Collection {
    /// Whether `number` is the next one.
    fn is_next(&self, number: u64) -> bool {
        number == self.number.wrapping_add(1)
    }
}

impl Order {
    pub(super) fn gc_active(
        &mut self,
        event: &mut TraceEvent,
        place: &Place<'_>,
        context: Context,
    ) -> Advance {
        let [number, ..] = event.args;
        let event_kind = event.kind;
        if place.generation == self.first_generation {
            if self.collection.state != Marking::Undetermined {
                return Err(OrderFault::Nesting {
                    event: event_kind,
                    what: "not the first of the collector",
                });
            }
            self.collection = Collection { number, state: Marking::On };
            self.emit(event, context);
            return Ok(Some(context));
        }
        if !self.collection.is_next(number) {
            return Ok(None);
        }
        if self.collection.state != Marking::On {
            return Err(OrderFault::Nesting { event: event_kind, what: "no collection has begun" });
        }
        self.collection.number = number;
        self.on_goroutine(event, context)
    }

    pub(super) fn gc_begin(&mut self, event: &mut TraceEvent, context: Context) -> Advance {
        let [number, ..] = event.args;
        if self.collection.state == Marking::Undetermined {
            self.collection = Collection { number, state: Marking::On };
            self.emit(event, context);
            return Ok(Some(context));
        }
        if !self.collection.is_next(number) {
            return Ok(None);
        }
        if self.collection.state == Marking::On {
            return Err(OrderFault::Nesting { event: event.kind, what: "a collection has begun already" });
        }
        self.collection = Collection { number, state: Marking::On };
        self.on_goroutine(event, context)
    }

    pub(super) fn gc_end(&mut self, event: &mut TraceEvent, context: Context) -> Advance {
        let [number, ..] = event.args;
        if !self.collection.is_next(number) {
            return Ok(None);
        }
        if self.collection.state != Marking::On {
            return Err(OrderFault::Nesting { event: event.kind, what: "no collection has begun" });
        }
        self.collection = Collection { number, state: Marking::Off };
        self.on_goroutine(event, context)
    }

    pub(super) fn sweep_begin(&mut self, event: &mut TraceEvent, context: Context) -> Advance {
        context.on_proc(event.kind)?;
        let held = proc(&mut self.procs, event.kind, context.proc)?;
        held.ranges.begin(event.kind, (EventType::GC_SWEEP_BEGIN, 0))?;
        self.emit(event, context);
        Ok(Some(context))
    }

    pub(super) fn sweep_active(
        &mut self,
        event: &mut TraceEvent,
        place: &Place<'_>,
        context: Context,
    ) -> Advance {
        let [id, ..] = event.args;
        let first = place.generation == self.first_generation;
        let sweeping = proc(&mut self.procs, event.kind, id.cast_signed())?;
        sweeping.ranges.active(event.kind, (EventType::GC_SWEEP_BEGIN, 0), first)?;
        self.emit(event, context);
        Ok(Some(context))
    }

    pub(super) fn sweep_end(&mut self, event: &mut TraceEvent, context: Context) -> Advance {
        context.on_proc(event.kind)?;
        let held = proc(&mut self.procs, event.kind, context.proc)?;
        held.ranges.end(event.kind, EventType::GC_SWEEP_BEGIN)?;
        self.emit(event, context);
        Ok(Some(context))
    }

    pub(super) fn go_range_begin(&mut self, event: &mut TraceEvent, context: Context) -> Advance {
        context.on_goroutine(event.kind)?;
        let [reason, ..] = event.args;
        let reason = if event.kind == EventType::STW_BEGIN { reason } else { 0 };
        let known = self.goroutines.current(event.kind, context.goroutine, context.slot)?;
        known.attached().ranges.begin(event.kind, (event.kind, reason))?;
        self.emit(event, context);
        Ok(Some(context))
    }

    pub(super) fn go_range_active(
        &mut self,
        event: &mut TraceEvent,
        place: &Place<'_>,
        context: Context,
    ) -> Advance {
        let [id, ..] = event.args;
        let first = place.generation == self.first_generation;
        let id = id.cast_signed();
        let slot = self.goroutines.find(id).unwrap_or(NO_SLOT);
        let known = self.goroutines.current(event.kind, id, slot)?;
        let range = (EventType::GC_MARK_ASSIST_BEGIN, 0);
        known.attached().ranges.active(event.kind, range, first)?;
        self.emit(event, context);
        Ok(Some(context))
    }

    pub(super) fn go_range_end(&mut self, event: &mut TraceEvent, context: Context) -> Advance {
        context.on_goroutine(event.kind)?;
        let known = self.goroutines.current(event.kind, context.goroutine, context.slot)?;
        let begun = match event.kind {
            EventType::STW_END => EventType::STW_BEGIN,
            _ => EventType::GC_MARK_ASSIST_BEGIN,
        };
        let reason = known.attached().ranges.end(event.kind, begun)?;
        if event.kind == EventType::STW_END {
            event.args[0] = reason;
        }
        self.emit(event, context);
        Ok(Some(context))
    }
}
