//! A `go` statement: the call of `runqput` in `runtime.newproc.func1`, on g0.
//!
//! There the new goroutine is complete, and in a register as the call's second
//! argument. Its maker is the thread's current goroutine.

use aya_ebpf::{macros::uprobe, programs::ProbeContext};
use bingo_common::{Counter, Kind};

use crate::{ring, target};

#[uprobe]
pub fn create(ctx: ProbeContext) -> u32 {
    ring::count(Kind::Create, Counter::Hits);
    let Some(config) = ring::config() else { return 0 };
    // SAFETY: a uprobe's context is the registers of the thread that hit it.
    let regs = unsafe { &*ctx.regs };
    let created = target::register(regs, config.create_register);
    let Some(goid) = target::word(created.wrapping_add(config.g_goid)) else {
        ring::count(Kind::Create, Counter::Unreadable);
        return 0;
    };
    if !ring::wanted(config, goid) {
        ring::count(Kind::Create, Counter::Filtered);
        return 0;
    }
    let maker = target::requester(config, regs.r14);
    let mut record = ring::record(Kind::Create, goid, maker.map_or(0, |(_, goid)| goid));
    // The maker's stack begins where `newproc` returns to, which `gopc` is too.
    if config.create_depth > 1
        && let Some((g, _)) = maker
        && let Some(bp) = target::word(g.wrapping_add(config.g_sched_bp))
    {
        target::walk(&mut record, bp, config.create_depth);
    }
    if record.depth == 0
        && let Some(pc) = target::word(created.wrapping_add(config.g_gopc))
    {
        record.pcs[0] = pc;
        record.depth = 1;
    }
    ring::send(config, Kind::Create, &record);
    0
}
