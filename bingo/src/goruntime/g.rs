//! A mirror of `runtime.g`: one goroutine as the runtime describes it.

use std::hash::BuildHasher;
use std::num::NonZeroU64;

use super::fields::Fields;
use crate::binary::layout::Layout;
use crate::model::{Addr, GoState};

/// The collector holds the goroutine while this bit of the status is set.
// go: runtime._Gscan (1.19-1.27)
const SCAN: u32 = 0x1000;

/// What tells a copy of a `g` from another: of a copy that is not kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Print {
    /// Of where it is. Never zero, so that where there is no copy takes no room.
    stop: NonZeroU64,
    /// Of all of it.
    whole: u64,
}

impl Print {
    /// Whether a stack that was read between the two copies is of one piece.
    pub(super) fn same_stop(self, after: Print) -> bool {
        self.stop == after.stop
    }
}

/// One copy of a `runtime.g`. Two equal copies of the same `g` mean that it
/// has not run in between: `tracking_seq` counts its departures from running.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct G {
    pub(super) addr: Addr,
    pub(super) stack_lo: u64,
    pub(super) stack_hi: u64,
    pub(super) m: Addr,
    pub(super) sched_sp: u64,
    pub(super) sched_pc: u64,
    pub(super) sched_bp: u64,
    /// Its own address, once it has been a goroutine.
    pub(super) sched_g: Addr,
    pub(super) syscallsp: u64,
    pub(super) syscallpc: u64,
    pub(super) status: Status,
    pub(super) goid: u64,
    /// The end of the collection before the one that first found it waiting: ns,
    /// monotonic; 0 for none.
    pub(super) waitsince: u64,
    pub(super) waitreason: u8,
    pub(super) tracking_seq: u8,
    pub(super) parent_goid: u64,
    /// Behind the call that made it.
    pub(super) gopc: Addr,
    pub(super) startpc: Addr,
    pub(super) waiting: Addr,
    pub(super) labels: Addr,
    pub(super) timer: Addr,
    pub(super) sleep_when: u64,
    /// Where it is while it runs, where that is known: no part of the copy.
    pub(super) running: Option<Position>,
}

/// `g.atomicstatus`, without the collector's bit.
// go: runtime._Gidle and following (1.19-1.27)
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Status {
    /// 0 `_Gidle`, 6 `_Gdead`, 11 `_Gdeadextra`: no goroutine.
    None,
    /// 1 `_Grunnable`.
    Runnable,
    /// 2 `_Grunning`.
    Running,
    /// 3 `_Gsyscall`.
    Syscall,
    /// 4 `_Gwaiting`, 10 `_Gleaked`: parked.
    Waiting,
    /// 8 `_Gcopystack`: its stack is being moved.
    CopyStack,
    /// 9 `_Gpreempted`: stopped for the collector.
    Preempted,
    /// A number that no release uses.
    Unknown(u32),
}

impl Status {
    fn of(number: u32) -> Status {
        match number & !SCAN {
            0 | 6 | 11 => Status::None,
            1 => Status::Runnable,
            2 => Status::Running,
            3 => Status::Syscall,
            4 | 10 => Status::Waiting,
            8 => Status::CopyStack,
            9 => Status::Preempted,
            other => Status::Unknown(other),
        }
    }

    /// The state in the model. A goroutine whose stack is being moved waits for that.
    pub(super) fn state(self) -> Option<GoState> {
        match self {
            Status::Runnable => Some(GoState::Runnable),
            Status::Running => Some(GoState::Running),
            Status::Syscall => Some(GoState::Syscall),
            Status::Waiting | Status::Preempted | Status::CopyStack => Some(GoState::Blocked),
            Status::None | Status::Unknown(_) => None,
        }
    }
}

impl G {
    /// Reads the copy `bytes` of the `g` at `addr`.
    pub(super) fn decode(layout: &Layout, addr: Addr, bytes: &[u8]) -> Option<G> {
        let (at, g) = (Fields(bytes), &layout.g);
        let optional = |offset: Option<u64>| offset.map_or(Some(0), |offset| at.u64(offset));
        Some(G {
            addr,
            stack_lo: at.u64(g.stack_lo)?,
            stack_hi: at.u64(g.stack_hi)?,
            m: at.pointer(g.m)?,
            sched_sp: at.u64(g.sched_sp)?,
            sched_pc: at.u64(g.sched_pc)?,
            sched_bp: at.u64(g.sched_bp)?,
            sched_g: at.pointer(g.sched_g)?,
            syscallsp: at.u64(g.syscallsp)?,
            syscallpc: at.u64(g.syscallpc)?,
            status: Status::of(at.u32(g.atomicstatus)?),
            goid: at.u64(g.goid)?,
            waitsince: at.u64(g.waitsince)?,
            waitreason: at.byte(g.waitreason)?,
            tracking_seq: at.byte(g.tracking_seq)?,
            parent_goid: optional(g.parent_goid)?,
            gopc: at.pointer(g.gopc)?,
            startpc: at.pointer(g.startpc)?,
            waiting: at.pointer(g.waiting)?,
            labels: at.pointer(g.labels)?,
            timer: at.pointer(g.timer)?,
            sleep_when: optional(g.sleep_when)?,
            running: None,
        })
    }

    /// Where its stack is to be walked from; `None` where that is not known.
    pub(super) fn position(&self) -> Option<Position> {
        match self.status {
            Status::Runnable | Status::Waiting | Status::Preempted => {
                let (pc, sp, bp) = (self.sched_pc, self.sched_sp, self.sched_bp);
                Some(Position { pc, sp, bp, interrupted: false })
            }
            // What it was at when it left Go; the frame pointer belongs to
            // sched, which is not kept up to date in system calls.
            Status::Syscall => {
                Some(Position { pc: self.syscallpc, sp: self.syscallsp, bp: 0, interrupted: false })
            }
            Status::Running => self.running,
            Status::CopyStack | Status::None | Status::Unknown(_) => None,
        }
    }

    /// Whether a stack that was read between the copies `self` and `after` is of one piece.
    pub(super) fn same_stop(&self, after: &G) -> bool {
        self.stop() == after.stop()
    }

    fn stop(&self) -> (u64, Status, u8, Option<Position>, u64, u64) {
        (self.goid, self.status, self.tracking_seq, self.position(), self.stack_lo, self.stack_hi)
    }

    /// What tells this copy from another.
    pub(super) fn print(&self) -> Print {
        let hasher = foldhash::quality::FixedState::default();
        let stop = NonZeroU64::new(hasher.hash_one(self.stop())).unwrap_or(NonZeroU64::MAX);
        Print { stop, whole: hasher.hash_one(self) }
    }
}

/// Where to begin to walk a stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Position {
    pub(super) pc: u64,
    pub(super) sp: u64,
    /// The frame pointer; 0 where it is not known.
    pub(super) bp: u64,
    /// Whether it stopped at any instruction, rather than at a call.
    pub(super) interrupted: bool,
}
