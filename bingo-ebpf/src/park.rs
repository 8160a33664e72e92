//! A goroutine parks: `runtime.gopark(unlockf, lock, reason, …)`.
//!
//! The probe sits where AX, BX, CX still hold the arguments
//! (`cmd/compile/abi-internal.md`): as a rule before the frame is made, with the
//! return address at `[SP]` and the caller's frame in BP.

use aya_ebpf::{macros::uprobe, programs::ProbeContext};
use bingo_common::{Counter, Kind};

use crate::{ring, target};

#[uprobe]
pub fn park(ctx: ProbeContext) -> u32 {
    ring::count(Kind::Park, Counter::Hits);
    let Some(config) = ring::config() else { return 0 };
    // SAFETY: a uprobe's context is the registers of the thread that hit it.
    let regs = unsafe { &*ctx.regs };
    let reason = regs.rcx as u8;
    if reason < 64 && config.muted_reasons >> reason & 1 != 0 {
        ring::count(Kind::Park, Counter::Filtered);
        return 0;
    }
    let Some(goid) = target::word(regs.r14.wrapping_add(config.g_goid)) else {
        ring::count(Kind::Park, Counter::Unreadable);
        return 0;
    };
    if !ring::wanted(config, goid) {
        ring::count(Kind::Park, Counter::Filtered);
        return 0;
    }
    let mut record = ring::record(Kind::Park, goid, regs.rbx);
    record.reason = reason;
    if config.park_depth != 0 {
        if config.park_framed == 0
            && let Some(pc) = target::word(regs.rsp)
        {
            record.pcs[0] = pc;
            record.depth = 1;
        }
        target::walk(&mut record, regs.rbp, config.park_depth);
    }
    ring::send(config, Kind::Park, &record);
    0
}
