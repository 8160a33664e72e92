//! Puts the events of all threads into one order, which their times alone do not
//! give: clocks of different CPUs disagree. The scheduler is re-enacted, and an
//! event is let through when the goroutine, the P and the thread that it speaks
//! of are where it needs them; sequence numbers tell which of several comes first.
//!
//! In: a thread's next event. Out: let through (or up to three events in its
//! place), not yet, or a trace that contradicts itself. A file here has one resource's rules.
//!
//! Source: `internal/trace/order.go`, Go 1.27, rule by rule.

mod annotations;
mod common;
mod fault;
mod goroutine_slots;
mod goroutines;
mod procs;
mod ranges;
mod state;
mod syscalls;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::event::TraceEvent;
use super::merge::Take;
use super::spec::EventType;
use super::tables::Tables;

pub(super) use common::{Common, Lane};
pub use fault::OrderFault;
use goroutine_slots::GoroutineSlots;
pub(super) use goroutine_slots::NO_SLOT;
use ranges::Collection;
pub(super) use state::ProcStatus;
use state::{Context, Proc, Seq, Thread};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// The scheduler, as far as the events that were let through tell of it.
#[derive(Default)]
pub(super) struct Order {
    pub(super) goroutines: GoroutineSlots,
    procs: Map<i64, Proc>,
    threads: Vec<Thread>,
    thread_slots: Map<i64, u32>,
    /// Name and parent of the user's tasks that have begun.
    tasks: Map<u64, (Arc<[u8]>, u64)>,
    collection: Collection,
    first_generation: u64,
    /// The names of this generation's ended tasks.
    pub(super) task_names: Vec<Arc<[u8]>>,
    /// What is let through at once where an event stands for several, in order.
    pub(super) queued: VecDeque<(TraceEvent, Touched)>,
    /// Whom the event is about that was let through last.
    pub(super) touched: Touched,
}

/// Whom an event is about, by slots.
#[derive(Clone, Copy)]
pub(super) struct Touched {
    /// The goroutine that its first argument names, if that is one.
    pub(super) named: u32,
    /// The goroutine that ran before it; [`NO_SLOT`]: none.
    pub(super) current: u32,
    /// The thread.
    pub(super) thread: u32,
}

impl Default for Touched {
    fn default() -> Touched {
        Touched { named: NO_SLOT, current: NO_SLOT, thread: NO_SLOT }
    }
}

/// Where an event is: its generation, and what ids mean in it.
struct Place<'t> {
    generation: u64,
    tables: &'t Tables,
}

/// What an event leaves its thread with, or `None`: not yet.
type Advance = Result<Option<Context>, OrderFault>;

impl Order {
    /// The slot of a thread in the table of threads.
    pub(super) fn slot_of(&mut self, thread: i64) -> u32 {
        let next = u32::try_from(self.threads.len()).unwrap_or(NO_SLOT);
        let slot = *self.thread_slots.entry(thread).or_insert(next);
        if slot == next {
            self.threads.push(Thread::new(thread));
        }
        slot
    }

    /// The ids of the threads, but for the first `known`, in the order of their slots.
    pub(super) fn threads_behind(&self, known: usize) -> impl Iterator<Item = i64> {
        self.threads.iter().skip(known).map(|thread| thread.id)
    }

    /// Events of this generation come next.
    pub(super) fn begin(&mut self, generation: u64) {
        if self.first_generation == 0 {
            self.first_generation = generation;
        }
    }

    /// Lets `event` of the thread at `slot` through, if it is its turn: `taker` takes
    /// it, but where others come in its place, which are queued.
    pub(super) fn advance(
        &mut self,
        mut event: TraceEvent,
        tables: &Tables,
        slot: u32,
        taker: &mut impl Take,
    ) -> Result<bool, OrderFault> {
        let Some(thread) = self.threads.get_mut(slot as usize) else { return Ok(false) };
        thread.seen = true;
        let Thread { id, proc, goroutine, slot: current, .. } = *thread;
        let context = Context { thread: id, proc, goroutine, slot: current };
        self.touched.thread = slot;
        let place = Place { generation: tables.generation, tables };
        let Some(after) = self.dispatch(&mut event, &place, context)? else { return Ok(false) };
        self.now_has(slot, context, after);
        if self.queued.is_empty() {
            taker.take(&event, self.touched, tables)?;
        }
        Ok(true)
    }

    /// A thread that had `before` has `after` now.
    fn now_has(&mut self, slot: u32, before: Context, after: Context) {
        if before.thread != TraceEvent::NONE
            && let Some(thread) = self.threads.get_mut(slot as usize)
        {
            (thread.proc, thread.goroutine, thread.slot) = (after.proc, after.goroutine, after.slot);
        }
    }

    #[inline(never)]
    fn dispatch(&mut self, event: &mut TraceEvent, place: &Place<'_>, context: Context) -> Advance {
        match event.kind {
            EventType::PROC_START => self.proc_start(event, place, context),
            EventType::PROC_STOP => self.proc_stop(event, context),
            EventType::PROC_STEAL => self.proc_steal(event, place, context),
            EventType::PROC_STATUS => self.proc_status(event, place, context),

            EventType::GO_CREATE | EventType::GO_CREATE_BLOCKED => self.go_create(event, place, context),
            EventType::GO_CREATE_SYSCALL => self.go_create_syscall(event, place, context),
            EventType::GO_START => self.go_start(event, place, context),
            EventType::GO_UNBLOCK => self.go_unblock(event, place, context),
            EventType::GO_STOP | EventType::GO_BLOCK | EventType::GO_DESTROY => self.go_off(event, context),
            EventType::GO_DESTROY_SYSCALL => self.go_destroy_syscall(event, context),
            EventType::GO_SWITCH | EventType::GO_SWITCH_DESTROY => self.go_switch(event, place, context),
            EventType::GO_SYSCALL_BEGIN => self.syscall_begin(event, place, context),
            EventType::GO_SYSCALL_END => self.syscall_end(event, context),
            EventType::GO_SYSCALL_END_BLOCKED => self.syscall_end_blocked(event, context),
            EventType::GO_STATUS | EventType::GO_STATUS_STACK => self.go_status(event, place, context),

            EventType::STW_BEGIN | EventType::GC_MARK_ASSIST_BEGIN => self.go_range_begin(event, context),
            EventType::STW_END | EventType::GC_MARK_ASSIST_END => self.go_range_end(event, context),
            EventType::GC_MARK_ASSIST_ACTIVE => self.go_range_active(event, place, context),
            EventType::GC_ACTIVE => self.gc_active(event, place, context),
            EventType::GC_BEGIN => self.gc_begin(event, context),
            EventType::GC_END => self.gc_end(event, context),
            EventType::GC_SWEEP_ACTIVE => self.sweep_active(event, place, context),
            EventType::GC_SWEEP_BEGIN => self.sweep_begin(event, context),
            EventType::GC_SWEEP_END => self.sweep_end(event, context),

            EventType::PROCS_CHANGE | EventType::GO_LABEL | EventType::USER_LOG => {
                self.on_goroutine(event, context)
            }
            EventType::HEAP_ALLOC | EventType::HEAP_GOAL => self.on_proc(event, context),
            EventType::USER_TASK_BEGIN => self.task_begin(event, place, context),
            EventType::USER_TASK_END => self.task_end(event, context),
            EventType::USER_REGION_BEGIN => self.region_begin(event, place, context),
            EventType::USER_REGION_END => self.region_end(event, place, context),
            kind if kind.is_experimental() => self.on_thread(event, context),
            kind => Err(OrderFault::Misplaced(kind)),
        }
    }

    /// Lets an event through, as one of this context.
    #[inline(always)]
    fn emit(&mut self, event: &mut TraceEvent, context: Context) {
        event.thread = context.thread;
        event.proc = context.proc;
        event.goroutine = context.goroutine;
        self.touched.current = context.slot;
    }

    /// One of the events that come in place of the one that is let through.
    fn queue(&mut self, event: TraceEvent) {
        self.queued.push_back((event, self.touched));
    }

    fn seq(place: &Place<'_>, number: u64) -> Seq {
        Seq { generation: place.generation, number }
    }
}
