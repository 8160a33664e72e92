//! A trace's events in the model's words. In: events in their order. Out: short
//! events, and the stacks that they name. What the model has no word for is left out.

use std::collections::HashMap;

use super::event::TraceEvent;
use super::merge::{Take, refers_to_what_is_there};
use super::order::{OrderFault, Touched};
use super::spec::EventType;
use super::stacks::Stacks;
use super::tables::{ClockSnapshot, Tables};
use crate::model::{GoState, ShortEvent, ShortKind, ShortReason, Time, WaitReason};

const NONE: u32 = ShortEvent::NONE;
const NO_REASON: ShortReason = ShortReason::NONE;
/// What happened, and the state that it leads to.
const CREATE: (ShortKind, GoState) = (ShortKind::Create, GoState::Runnable);
const RUN: (ShortKind, GoState) = (ShortKind::Run, GoState::Running);
const BLOCK: (ShortKind, GoState) = (ShortKind::Block, GoState::Blocked);
const UNBLOCK: (ShortKind, GoState) = (ShortKind::Unblock, GoState::Runnable);
const STOP: (ShortKind, GoState) = (ShortKind::Stop, GoState::Runnable);
const SYSCALL: (ShortKind, GoState) = (ShortKind::Syscall, GoState::Syscall);
/// A time from which on no event's time is counted.
const NEVER: i64 = i64::MIN;
/// Ids of reasons below it are looked up by place.
const SMALL: usize = 1 << 12;

/// Says a trace's events in the model's words.
#[derive(Default)]
pub(super) struct Words {
    /// What was said since [`Words::begin`], of one generation.
    pub(super) events: Vec<ShortEvent>,
    /// What their times are counted from: from which one of them on, and the time.
    pub(super) times: Vec<(usize, Time)>,
    /// The last of these, by the trace's clock.
    from: i64,
    pub(super) stacks: Stacks,
    /// How the trace's clock relates to others, once that is known.
    pub(super) clocks: Option<Clocks>,
    /// What the trace's clock lags behind the monotonic one, in nanoseconds.
    lag: i64,
    /// When this generation began.
    pub(super) began: Time,
    /// When the next one did, if its events come next.
    pub(super) next_begins: Option<i64>,
    /// This generation's reasons by string id, as far as they were asked for and it alone
    /// tells them.
    reasons: Vec<Option<ShortReason>>,
    reasons_beyond: HashMap<u64, Option<WaitReason>, foldhash::fast::RandomState>,
}

/// How a trace's clock relates to others.
#[derive(Clone, Copy)]
pub(super) struct Clocks {
    /// The trace's time of its beginning, in nanoseconds.
    pub(super) begin: i64,
    /// What the trace's clock lags behind the monotonic one, in nanoseconds.
    lag: i64,
    /// Both, and the wall clock, at one instant; since Go 1.25.
    pub(super) snapshot: Option<ClockSnapshot>,
}

impl Clocks {
    fn of(begin: i64, snapshot: Option<ClockSnapshot>) -> Clocks {
        let lag = snapshot.map_or(0, |clock| clock.monotonic.cast_signed().wrapping_sub(clock.trace));
        Clocks { begin, lag, snapshot }
    }

    /// When the trace began, by the monotonic clock.
    pub(super) fn began(&self) -> Time {
        monotonic(self.begin, self.lag)
    }
}

/// A trace's time by the monotonic clock.
#[inline(always)]
fn monotonic(time: i64, lag: i64) -> Time {
    Time(time.wrapping_add(lag).max(0).unsigned_abs())
}

impl Take for Words {
    #[inline(always)]
    fn take(&mut self, event: &TraceEvent, touched: Touched, tables: &Tables) -> Result<(), OrderFault> {
        let [_, second, third, _] = event.args;
        let Touched { named, current, .. } = touched;
        let (who, by, (kind, state), stack, reason) = match event.kind {
            EventType::GO_START => (named, NONE, RUN, NONE, NO_REASON),
            EventType::GO_BLOCK => {
                let reason = self.reason(event, tables)?;
                let stack = self.stacks.of(event.kind, second, tables)?;
                (current, NONE, BLOCK, stack, reason)
            }
            EventType::GO_UNBLOCK => {
                let stack = self.stacks.of(event.kind, third, tables)?;
                (named, current, UNBLOCK, stack, NO_REASON)
            }
            EventType::GO_STOP => {
                self.reason(event, tables)?;
                (current, NONE, STOP, self.stacks.of(event.kind, second, tables)?, NO_REASON)
            }
            EventType::GO_SYSCALL_BEGIN => {
                (current, NONE, SYSCALL, self.stacks.of(event.kind, second, tables)?, NO_REASON)
            }
            EventType::GO_SYSCALL_END => (current, NONE, RUN, NONE, NO_REASON),
            EventType::GO_SYSCALL_END_BLOCKED => (current, NONE, STOP, NONE, NO_REASON),
            EventType::GO_DESTROY | EventType::GO_DESTROY_SYSCALL => {
                (current, NONE, (ShortKind::Dead, GoState::Dead), NONE, NO_REASON)
            }
            _ => {
                let event = *event;
                return self.take_rare(&event, touched, tables);
            }
        };
        self.push(event.time, who, by, touched.thread, stack, reason, (kind, state));
        Ok(())
    }

    fn take_sync(&mut self, event: &TraceEvent, tables: Option<&Tables>) {
        let snapshot = || tables.and_then(|tables| tables.clock);
        self.lag = self.clocks.get_or_insert_with(|| Clocks::of(event.time, snapshot())).lag;
        self.next_begins = Some(event.time);
    }
}

impl Words {
    /// Forgets what was said; whoever asks has it.
    pub(super) fn begin(&mut self) {
        self.events.clear();
        self.times.clear();
        self.from = NEVER;
        self.stacks.made.clear();
        self.stacks.others = false;
        if let Some(time) = self.next_begins.take() {
            self.began = monotonic(time, self.lag);
            self.reasons.clear();
            self.reasons_beyond.clear();
            self.stacks.next_generation();
        }
    }

    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "they are an event, which is made here")]
    fn push(
        &mut self,
        time: i64,
        goroutine: u32,
        by: u32,
        thread: u32,
        stack: u32,
        reason: ShortReason,
        (kind, state): (ShortKind, GoState),
    ) {
        let after = match u32::try_from(time.wrapping_sub(self.from)) {
            Ok(after) => after,
            Err(_) => self.count_from(time),
        };
        self.events.push(ShortEvent { after, goroutine, by, thread, stack, reason, kind, state });
    }

    /// Times are counted from this one on.
    #[cold]
    fn count_from(&mut self, time: i64) -> u32 {
        let from = monotonic(time, self.lag);
        // Before the monotonic clock began it stands still.
        self.from = if from.0 == 0 { NEVER } else { time };
        self.times.push((self.events.len(), from));
        0
    }

    #[inline(never)]
    fn take_rare(&mut self, event: &TraceEvent, touched: Touched, tables: &Tables) -> Result<(), OrderFault> {
        refers_to_what_is_there(event, tables)?;
        let Touched { named, current, thread } = touched;
        let mut then = None;
        let (by, kind) = match event.kind {
            EventType::GO_CREATE => (current, CREATE),
            EventType::GO_CREATE_BLOCKED => {
                then = Some((BLOCK, Some(WaitReason::Coroutine).into()));
                (current, CREATE)
            }
            EventType::GO_CREATE_SYSCALL => {
                then = Some((SYSCALL, NO_REASON));
                (NONE, CREATE)
            }
            EventType::GO_SWITCH | EventType::GO_SWITCH_DESTROY => (current, UNBLOCK),
            EventType::GO_STATUS | EventType::GO_STATUS_STACK => match found(event) {
                // It is told before the first thing that happens to it in a
                // generation, or at the end: it was so from the beginning on.
                Some(state) => (NONE, (ShortKind::Found, state)),
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        let stack = self.stacks.of(event.kind, event.stack(), tables)?;
        self.push(event.time, named, by, thread, stack, NO_REASON, kind);
        if let Some((kind, reason)) = then {
            self.push(event.time, named, NONE, thread, NONE, reason, kind);
        }
        Ok(())
    }

    /// Why a goroutine stopped or blocked, as far as the trace says and the model knows.
    #[inline(always)]
    fn reason(&mut self, event: &TraceEvent, tables: &Tables) -> Result<ShortReason, OrderFault> {
        let [id, stack, ..] = event.args;
        let known = usize::try_from(id).ok().and_then(|at| self.reasons.get(at)).copied().flatten();
        match known {
            Some(known) => Ok(known),
            None => self.learn_reason(event.kind, id, stack, tables),
        }
    }

    #[cold]
    fn learn_reason(
        &mut self,
        event: EventType,
        id: u64,
        stack: u64,
        tables: &Tables,
    ) -> Result<ShortReason, OrderFault> {
        let said = match self.reasons_beyond.get(&id) {
            Some(said) => *said,
            None => {
                let text = tables.string(id);
                if text.is_none() && !tables.cut_off {
                    return Err(OrderFault::Dangling { event, what: "string", id });
                }
                text.and_then(reason_of)
            }
        };
        if said == Some(WaitReason::Forever) {
            // The stack tells more.
            self.reasons_beyond.insert(id, said);
            return Ok(Some(forever(stack, tables)).into());
        }
        let reason = ShortReason::from(said);
        match usize::try_from(id).ok().filter(|at| *at < SMALL) {
            Some(at) => {
                if self.reasons.len() <= at {
                    self.reasons.resize(at + 1, None);
                }
                if let Some(place) = self.reasons.get_mut(at) {
                    *place = Some(reason);
                }
            }
            None => {
                self.reasons_beyond.insert(id, said);
            }
        }
        Ok(reason)
    }
}

/// Why a goroutine blocked for ever: the runtime's own innermost function tells.
#[cold]
fn forever(stack: u64, tables: &Tables) -> WaitReason {
    let innermost = tables.stack(stack).next();
    let innermost = innermost.map(|frame| tables.text(u64::from(frame.function)));
    match innermost.as_deref() {
        Some("runtime.chansend1") => WaitReason::ChanSendNil,
        Some("runtime.chanrecv1" | "runtime.chanrecv2") => WaitReason::ChanReceiveNil,
        Some("runtime.block") => WaitReason::SelectNoCases,
        _ => WaitReason::Forever,
    }
}

/// The state that a goroutine was found in, where that is news.
fn found(event: &TraceEvent) -> Option<GoState> {
    let [.., packed, _] = event.args;
    let (before, status) = (packed >> 32, packed & u64::from(u32::MAX));
    if before != 0 {
        return None;
    }
    Some(match status {
        1 => GoState::Runnable,
        2 => GoState::Running,
        3 => GoState::Syscall,
        4 => GoState::Blocked,
        _ => return None,
    })
}

/// The reason that a trace calls `text` (`runtime/traceruntime.go`, Go 1.22 to
/// 1.27). "unspecified" and "synctest" stand for several.
fn reason_of(text: &[u8]) -> Option<WaitReason> {
    Some(match std::str::from_utf8(text).ok()? {
        // A switch of coroutines blocks without a word.
        "" => WaitReason::Coroutine,
        "network" => WaitReason::IoWait,
        "sync.(*Cond).Wait" => WaitReason::CondWait,
        "GC mark assist wait for work" => WaitReason::GcAssistWait,
        "GC background sweeper wait" => WaitReason::GcSweepWait,
        "wait for debug call" => WaitReason::DebugCall,
        "wait until GC ends" => WaitReason::WaitForGcCycle,
        other => return WaitReason::from_go_text(other),
    })
}
