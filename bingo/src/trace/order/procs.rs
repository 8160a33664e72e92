//! Ps: started and stopped by their thread, or taken from a thread that is in a
//! system call.

use super::super::detail::ProcState;
use super::super::event::TraceEvent;
use super::state::{Context, Proc, ProcStatus, Ranges, proc};
use super::{Advance, Order, OrderFault, Place};

/// The state that a status stands for to the readers of events.
fn shown(status: ProcStatus) -> ProcState {
    match status {
        ProcStatus::Bad => ProcState::Undetermined,
        ProcStatus::Running | ProcStatus::Syscall => ProcState::Running,
        ProcStatus::Idle | ProcStatus::SyscallAbandoned => ProcState::Idle,
    }
}

impl Order {
    pub(super) fn proc_status(
        &mut self,
        event: &mut TraceEvent,
        place: &Place<'_>,
        context: Context,
    ) -> Advance {
        let [id, number, ..] = event.args;
        let id = id.cast_signed();
        let status = ProcStatus::of(number);
        let status = status.map_err(|status| OrderFault::Status { what: "proc", id, status })?;
        let abandoned = status == ProcStatus::SyscallAbandoned;
        let mut before = shown(status);
        match self.procs.get_mut(&id) {
            Some(known) => {
                if abandoned && known.status == ProcStatus::Syscall {
                    // Its thread is known all the same: nothing is lost.
                    before = ProcState::Running;
                    event.args[1] = ProcStatus::Syscall as u64;
                } else if abandoned && known.status == ProcStatus::SyscallAbandoned {
                    before = ProcState::Idle;
                } else if known.status != status {
                    let state = known.status.as_str();
                    return Err(OrderFault::State { event: event.kind, what: "proc", id, state });
                }
                known.seq = Self::seq(place, 0);
            }
            None => {
                let seq = Self::seq(place, 0);
                self.procs.insert(id, Proc { status, seq, ranges: Ranges::default() });
                before = if place.generation == self.first_generation {
                    ProcState::Undetermined
                } else {
                    ProcState::NotExist
                };
            }
        }
        event.args[2] = before as u64;

        let mut after = context;
        if matches!(status, ProcStatus::Running | ProcStatus::Syscall) {
            after.proc = id;
        }
        let mut shown = context;
        if abandoned && before == ProcState::Running {
            // It is told by who is about to take it, but it is another thread's yet.
            let holder = self.threads.iter().rfind(|thread| thread.seen && thread.proc == id);
            let holder =
                holder.ok_or(OrderFault::Absent { event: event.kind, what: "holder of proc", id })?;
            shown = Context { thread: holder.id, proc: id, goroutine: holder.goroutine, slot: holder.slot };
        }
        self.emit(event, shown);
        Ok(Some(after))
    }

    pub(super) fn proc_start(
        &mut self,
        event: &mut TraceEvent,
        place: &Place<'_>,
        context: Context,
    ) -> Advance {
        let [id, number, ..] = event.args;
        let id = id.cast_signed();
        let seq = Self::seq(place, number);
        let Some(known) = self.procs.get_mut(&id) else { return Ok(None) };
        // A thread that has a P yet, in a system call, is to lose it first.
        let held = context.proc != TraceEvent::NONE;
        if known.status != ProcStatus::Idle || !seq.follows(known.seq) || held {
            return Ok(None);
        }
        context.on_thread(event.kind)?;
        (known.status, known.seq) = (ProcStatus::Running, seq);
        self.emit(event, context);
        Ok(Some(Context { proc: id, ..context }))
    }

    pub(super) fn proc_stop(&mut self, event: &mut TraceEvent, context: Context) -> Advance {
        let known = proc(&mut self.procs, event.kind, context.proc)?;
        if !matches!(known.status, ProcStatus::Running | ProcStatus::Syscall) {
            let state = known.status.as_str();
            return Err(OrderFault::State { event: event.kind, what: "proc", id: context.proc, state });
        }
        context.on_proc(event.kind)?;
        known.status = ProcStatus::Idle;
        self.emit(event, context);
        Ok(Some(Context { proc: TraceEvent::NONE, ..context }))
    }

    pub(super) fn proc_steal(
        &mut self,
        event: &mut TraceEvent,
        place: &Place<'_>,
        context: Context,
    ) -> Advance {
        let [id, number, from, _] = event.args;
        let (id, from) = (id.cast_signed(), from.cast_signed());
        let seq = Self::seq(place, number);
        let Some(known) = self.procs.get_mut(&id) else { return Ok(None) };
        let stealable = matches!(known.status, ProcStatus::Syscall | ProcStatus::SyscallAbandoned);
        if !stealable || !seq.follows(known.seq) {
            return Ok(None);
        }
        context.on_thread(event.kind)?;
        let before = known.status;
        event.args[3] = before as u64;
        (known.status, known.seq) = (ProcStatus::Idle, seq);
        if before == ProcStatus::SyscallAbandoned {
            // Whose it was is not known, and its thread may have moved on.
            self.emit(event, context);
            return Ok(Some(context));
        }
        let elsewhere = OrderFault::Elsewhere { event: event.kind, thread: from, what: "proc", id };
        if from == context.thread {
            if context.proc != id {
                return Err(elsewhere);
            }
            self.emit(event, context);
            return Ok(Some(Context { proc: TraceEvent::NONE, ..context }));
        }
        let slot = self.thread_slots.get(&from).copied().ok_or(elsewhere)?;
        let victim = self.threads.get_mut(slot as usize).filter(|thread| thread.seen && thread.proc == id);
        // It cannot get on before it has noticed.
        victim.ok_or(elsewhere)?.proc = TraceEvent::NONE;
        self.emit(event, context);
        Ok(Some(context))
    }

    /// An event that needs a thread with a P, and changes nothing.
    pub(super) fn on_proc(&mut self, event: &mut TraceEvent, context: Context) -> Advance {
        context.on_proc(event.kind)?;
        self.emit(event, context);
        Ok(Some(context))
    }

    /// An event that needs a thread, and changes nothing.
    pub(super) fn on_thread(&mut self, event: &mut TraceEvent, context: Context) -> Advance {
        context.on_thread(event.kind)?;
        self.emit(event, context);
        Ok(Some(context))
    }
}
