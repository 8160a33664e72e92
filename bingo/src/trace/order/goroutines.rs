//! Goroutines: made, started, stopped, blocked, made runnable, ended; and what
//! the runtime says of each at the beginning of a generation.

use super::super::detail::GoState;
use super::super::event::TraceEvent;
use super::super::spec::EventType;
use super::goroutine_slots::NO_SLOT;
use super::state::{Context, GoStatus, Goroutine};
use super::{Advance, Order, OrderFault, Place};

/// The state that a status stands for to the readers of events.
fn shown(status: GoStatus) -> GoState {
    match status {
        GoStatus::Bad => GoState::Undetermined,
        GoStatus::Runnable => GoState::Runnable,
        GoStatus::Running => GoState::Running,
        GoStatus::Syscall => GoState::Syscall,
        GoStatus::Waiting => GoState::Waiting,
    }
}

impl Order {
    pub(super) fn go_status(
        &mut self,
        event: &mut TraceEvent,
        place: &Place<'_>,
        mut context: Context,
    ) -> Advance {
        let [id, thread, number, _] = event.args;
        let (id, thread) = (id.cast_signed(), thread.cast_signed());
        let status = GoStatus::of(number);
        let status = status.map_err(|status| OrderFault::Status { what: "goroutine", id, status })?;
        let first = place.generation == self.first_generation;
        let mut before = shown(status);
        let named = self.goroutines.find(id);
        let slot = match named.and_then(|slot| Some((slot, self.goroutines.at(slot)?))) {
            Some((slot, known)) if known.status == status => {
                known.change_hands(Self::seq(place, 0));
                slot
            }
            Some((_, known)) => {
                let state = known.status.as_str();
                return Err(OrderFault::State { event: event.kind, what: "goroutine", id, state });
            }
            None if first => {
                before = GoState::Undetermined;
                let slot = self.goroutines.insert(Goroutine::new(id, status, place.generation));
                slot.ok_or(OrderFault::Exists { event: event.kind, what: "goroutine", id })?
            }
            None => return Err(OrderFault::Absent { event: event.kind, what: "goroutine", id }),
        };
        self.touched.named = slot;
        event.args[2] = (before as u64) << 32 | status as u64;

        let mut after = context;
        match status {
            GoStatus::Running => (after.goroutine, after.slot) = (id, slot),
            GoStatus::Syscall => {
                if thread == TraceEvent::NONE {
                    return Err(OrderFault::Lacks { event: event.kind, what: "thread" });
                }
                let elsewhere = OrderFault::Elsewhere { event: event.kind, thread, what: "goroutine", id };
                if thread == context.thread {
                    // Later than in the first generation, the binding is known.
                    if !first && context.goroutine != id {
                        return Err(elsewhere);
                    }
                    (after.goroutine, after.slot) = (id, slot);
                } else {
                    // Somebody tells of a thread that sat in its system call all the while.
                    let there = self.slot_of(thread);
                    self.touched.thread = there;
                    if let Some(other) = self.threads.get_mut(there as usize) {
                        if !other.seen {
                            (other.seen, other.goroutine, other.slot) = (true, id, slot);
                        } else if other.goroutine == id {
                            (context.goroutine, context.slot) = (id, slot);
                        } else {
                            return Err(elsewhere);
                        }
                    }
                }
                context.thread = thread;
            }
            GoStatus::Bad | GoStatus::Runnable | GoStatus::Waiting => {}
        }
        self.emit(event, context);
        Ok(Some(after))
    }

    pub(super) fn go_create(
        &mut self,
        event: &mut TraceEvent,
        place: &Place<'_>,
        context: Context,
    ) -> Advance {
        context.on_proc(event.kind)?;
        if let Ok(parent) = self.goroutines.current(event.kind, context.goroutine, context.slot)
            && parent.status != GoStatus::Running
        {
            return Err(not_running(event.kind, context.goroutine, parent));
        }
        let status = match event.kind {
            EventType::GO_CREATE_BLOCKED => GoStatus::Waiting,
            _ => GoStatus::Runnable,
        };
        self.make(event, status, place)?;
        self.emit(event, context);
        Ok(Some(context))
    }

    /// A goroutine that C made by calling Go: it comes to be in a system call.
    pub(super) fn go_create_syscall(
        &mut self,
        event: &mut TraceEvent,
        place: &Place<'_>,
        context: Context,
    ) -> Advance {
        context.on_thread(event.kind)?.without_goroutine(event.kind)?;
        let slot = self.make(event, GoStatus::Syscall, place)?;
        self.emit(event, context);
        let [id, ..] = event.args;
        Ok(Some(Context { goroutine: id.cast_signed(), slot, ..context }))
    }

    fn make(&mut self, event: &TraceEvent, status: GoStatus, place: &Place<'_>) -> Result<u32, OrderFault> {
        let [id, ..] = event.args;
        let id = id.cast_signed();
        let slot = self.goroutines.insert(Goroutine::new(id, status, place.generation));
        let slot = slot.ok_or(OrderFault::Exists { event: event.kind, what: "goroutine", id })?;
        self.touched.named = slot;
        Ok(slot)
    }

    /// The running goroutine ends, yields or blocks.
    pub(super) fn go_off(&mut self, event: &mut TraceEvent, context: Context) -> Advance {
        context.on_goroutine(event.kind)?;
        let known = self.goroutines.current(event.kind, context.goroutine, context.slot)?;
        if known.status != GoStatus::Running {
            return Err(not_running(event.kind, context.goroutine, known));
        }
        match event.kind {
            EventType::GO_STOP => known.status = GoStatus::Runnable,
            EventType::GO_BLOCK => known.status = GoStatus::Waiting,
            _ => {
                self.goroutines.remove(context.slot);
            }
        }
        self.emit(event, context);
        Ok(Some(Context { goroutine: TraceEvent::NONE, slot: NO_SLOT, ..context }))
    }

    pub(super) fn go_start(
        &mut self,
        event: &mut TraceEvent,
        place: &Place<'_>,
        context: Context,
    ) -> Advance {
        let [id, number, ..] = event.args;
        let id = id.cast_signed();
        let seq = Self::seq(place, number);
        let Some(slot) = self.goroutines.find(id) else { return Ok(None) };
        let Some(known) = self.goroutines.at(slot) else { return Ok(None) };
        if known.status != GoStatus::Runnable || !known.comes_to(seq) {
            return Ok(None);
        }
        context.on_proc(event.kind)?.without_goroutine(event.kind)?;
        known.status = GoStatus::Running;
        known.change_hands(seq);
        self.touched.named = slot;
        self.emit(event, context);
        Ok(Some(Context { goroutine: id, slot, ..context }))
    }

    /// Anybody may unblock a goroutine, the runtime's own threads too.
    pub(super) fn go_unblock(
        &mut self,
        event: &mut TraceEvent,
        place: &Place<'_>,
        context: Context,
    ) -> Advance {
        let [id, number, ..] = event.args;
        let seq = Self::seq(place, number);
        let Some(slot) = self.goroutines.find(id.cast_signed()) else { return Ok(None) };
        let Some(known) = self.goroutines.at(slot) else { return Ok(None) };
        if known.status != GoStatus::Waiting || !known.comes_to(seq) {
            return Ok(None);
        }
        known.status = GoStatus::Runnable;
        known.change_hands(seq);
        self.touched.named = slot;
        self.emit(event, context);
        Ok(Some(context))
    }

    /// A coroutine gives its thread to another: three events in one. The other is
    /// unblocked, the one that runs blocks or ends, the other starts.
    pub(super) fn go_switch(
        &mut self,
        event: &mut TraceEvent,
        place: &Place<'_>,
        context: Context,
    ) -> Advance {
        context.on_goroutine(event.kind)?;
        let known = self.goroutines.current(event.kind, context.goroutine, context.slot)?;
        if known.status != GoStatus::Running {
            return Err(not_running(event.kind, context.goroutine, known));
        }
        let [next, number, ..] = event.args;
        let seq = Self::seq(place, number);
        let Some(slot) = self.goroutines.find(next.cast_signed()) else { return Ok(None) };
        let Some(other) = self.goroutines.at(slot) else { return Ok(None) };
        if other.status != GoStatus::Waiting || !other.comes_to(seq) {
            return Ok(None);
        }
        other.status = GoStatus::Running;
        other.change_hands(seq);
        self.touched.named = slot;
        self.emit(event, context);
        self.queue(*event);
        let off = match event.kind {
            EventType::GO_SWITCH => {
                self.goroutines.current(event.kind, context.goroutine, context.slot)?.status =
                    GoStatus::Waiting;
                EventType::GO_BLOCK
            }
            _ => {
                self.goroutines.remove(context.slot);
                EventType::GO_DESTROY
            }
        };
        self.queue(TraceEvent { args: [0; 4], kind: off, ..*event });
        let args = [next, number, 0, 0];
        let start = TraceEvent { args, kind: EventType::GO_START, goroutine: TraceEvent::NONE, ..*event };
        self.queue(start);
        Ok(Some(Context { goroutine: next.cast_signed(), slot, ..context }))
    }

    /// An event that needs a thread with a P and a goroutine, and changes nothing.
    pub(super) fn on_goroutine(&mut self, event: &mut TraceEvent, context: Context) -> Advance {
        context.on_goroutine(event.kind)?;
        self.emit(event, context);
        Ok(Some(context))
    }
}

pub(super) fn not_running(event: EventType, id: i64, known: &Goroutine) -> OrderFault {
    OrderFault::State { event, what: "goroutine", id, state: known.status.as_str() }
}
