//! A goroutine is made runnable: `runtime.ready(gp, …)`, on the waker's thread.
//!
//! `goready` switches to g0 first, so R14 is g0 and the waker is its thread's
//! current goroutine; `runtime.systemstack` has noted where it left off in
//! `g.sched`.

use aya_ebpf::{macros::uprobe, programs::ProbeContext};
use bingo_common::{Counter, Kind};

use crate::{ring, target};

#[uprobe]
pub fn ready(ctx: ProbeContext) -> u32 {
    ring::count(Kind::Ready, Counter::Hits);
    let Some(config) = ring::config() else { return 0 };
    // SAFETY: a uprobe's context is the registers of the thread that hit it.
    let regs = unsafe { &*ctx.regs };
    let woken = target::register(regs, config.ready_register);
    let Some(goid) = target::word(woken.wrapping_add(config.g_goid)) else {
        ring::count(Kind::Ready, Counter::Unreadable);
        return 0;
    };
    if !ring::wanted(config, goid) {
        ring::count(Kind::Ready, Counter::Filtered);
        return 0;
    }
    let waker = target::requester(config, regs.r14);
    let mut record = ring::record(Kind::Ready, goid, waker.map_or(0, |(_, goid)| goid));
    if config.ready_depth != 0
        && let Some((g, _)) = waker
        && let Some(bp) = target::word(g.wrapping_add(config.g_sched_bp))
    {
        target::walk(&mut record, bp, config.ready_depth);
    }
    ring::send(config, Kind::Ready, &record);
    0
}
