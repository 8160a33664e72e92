//! System calls: a goroutine keeps its thread in one, and may lose its P.

use super::super::event::TraceEvent;
use super::super::spec::EventType;
use super::goroutine_slots::NO_SLOT;
use super::goroutines::not_running;
use super::state::{Context, GoStatus, ProcStatus, proc};
use super::{Advance, Order, OrderFault, Place};

impl Order {
    pub(super) fn syscall_begin(
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
        known.status = GoStatus::Syscall;
        let held = proc(&mut self.procs, event.kind, context.proc)?;
        held.status = ProcStatus::Syscall;
        // The P is the thread's own, so the number cannot be but the next. It is
        // there to tell which of several system calls a P is taken from.
        let [number, ..] = event.args;
        let seq = Self::seq(place, number);
        if !seq.follows(held.seq) {
            return Err(OrderFault::Sequence { event: event.kind, number, before: held.seq.number });
        }
        held.seq = seq;
        self.emit(event, context);
        Ok(Some(context))
    }

    /// It returned, and found its P where it had left it.
    pub(super) fn syscall_end(&mut self, event: &mut TraceEvent, context: Context) -> Advance {
        context.on_goroutine(event.kind)?;
        self.leave_syscall(event.kind, context, GoStatus::Running)?;
        let held = proc(&mut self.procs, event.kind, context.proc)?;
        in_syscall(event.kind, context.proc, held.status)?;
        held.status = ProcStatus::Running;
        self.emit(event, context);
        Ok(Some(context))
    }

    /// It returned, and its P was gone: that comes first. It may have another by now.
    pub(super) fn syscall_end_blocked(&mut self, event: &mut TraceEvent, context: Context) -> Advance {
        if context.proc != TraceEvent::NONE
            && proc(&mut self.procs, event.kind, context.proc)?.status == ProcStatus::Syscall
        {
            return Ok(None);
        }
        context.with_goroutine(event.kind)?;
        self.leave_syscall(event.kind, context, GoStatus::Runnable)?;
        self.emit(event, context);
        Ok(Some(Context { goroutine: TraceEvent::NONE, slot: NO_SLOT, ..context }))
    }

    /// C's call of Go is over, or C's thread. The thread's id may be used again,
    /// so its P, if it has one yet, is taken from it here and now.
    pub(super) fn go_destroy_syscall(&mut self, event: &mut TraceEvent, context: Context) -> Advance {
        context.with_goroutine(event.kind)?;
        self.leave_syscall(event.kind, context, GoStatus::Bad)?;
        self.goroutines.remove(context.slot);
        self.emit(event, context);
        if context.proc != TraceEvent::NONE {
            let held = proc(&mut self.procs, event.kind, context.proc)?;
            in_syscall(event.kind, context.proc, held.status)?;
            held.status = ProcStatus::SyscallAbandoned;
            let args = [context.proc.cast_unsigned(), 0, 0, ProcStatus::Syscall as u64];
            self.queue(TraceEvent { args, kind: EventType::PROC_STEAL, ..*event });
            self.queue(*event);
        }
        let thread = context.thread;
        Ok(Some(Context { thread, proc: TraceEvent::NONE, goroutine: TraceEvent::NONE, slot: NO_SLOT }))
    }

    fn leave_syscall(&mut self, event: EventType, context: Context, to: GoStatus) -> Result<(), OrderFault> {
        let known = self.goroutines.current(event, context.goroutine, context.slot)?;
        if known.status != GoStatus::Syscall {
            return Err(not_running(event, context.goroutine, known));
        }
        known.status = to;
        Ok(())
    }
}

fn in_syscall(event: EventType, id: i64, status: ProcStatus) -> Result<(), OrderFault> {
    if status == ProcStatus::Syscall {
        return Ok(());
    }
    Err(OrderFault::State { event, what: "proc", id, state: status.as_str() })
}
