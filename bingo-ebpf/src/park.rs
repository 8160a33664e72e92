//! A goroutine parks: `runtime.park_m(gp)`, on g0.
//!
//! `gopark` has noted the reason in the goroutine and the lock in its m, and
//! `mcall` where it left off, in `g.sched`: nothing of it has begun to change
//! (`runtime/proc.go`, `runtime/asm_amd64.s`, Go 1.19 to 1.27).

use aya_ebpf::{macros::uprobe, programs::ProbeContext};
use bingo_common::{Config, Counter, Kind};

use crate::{ring, target};

#[uprobe]
pub fn park(ctx: ProbeContext) -> u32 {
    ring::count(Kind::Park, Counter::Hits);
    let Some(config) = ring::config() else { return 0 };
    // SAFETY: a uprobe's context is the registers of the thread that hit it.
    let regs = unsafe { &*ctx.regs };
    let parked = target::register(regs, config.park_register);
    let Some((goid, reason, lock)) = wait_of(config, parked) else {
        ring::count(Kind::Park, Counter::Unreadable);
        return 0;
    };
    let muted = reason < 64 && config.muted_reasons >> reason & 1 != 0;
    if muted || !ring::wanted(config, goid) {
        ring::count(Kind::Park, Counter::Filtered);
        return 0;
    }
    let mut record = ring::record(Kind::Park, goid, lock);
    record.reason = reason;
    if config.park_depth != 0
        && let Some(pc) = target::word(parked.wrapping_add(config.g_sched_pc))
        && let Some(bp) = target::word(parked.wrapping_add(config.g_sched_bp))
    {
        record.pcs[0] = pc;
        record.depth = 1;
        target::walk(&mut record, bp, config.park_depth);
    }
    ring::send(config, Kind::Park, &record);
    0
}

/// The goroutine's id, the reason that it waits for, and the lock that it gives
/// up: in its m, where the next one to park there will find its own.
#[inline(always)]
fn wait_of(config: &Config, parked: u64) -> Option<(u64, u8, u64)> {
    let goid = target::word(parked.wrapping_add(config.g_goid))?;
    let reason = target::word(parked.wrapping_add(config.g_waitreason))?;
    let m = target::word(parked.wrapping_add(config.g_m))?;
    let lock = target::word(m.wrapping_add(config.m_waitlock))?;
    Some((goid, reason as u8, lock))
}
