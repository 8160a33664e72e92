//! A goroutine ends.

use aya_ebpf::{macros::uprobe, programs::ProbeContext};
use bingo_common::{Counter, Kind};

use crate::{ring, target};

#[uprobe]
pub fn exit(ctx: ProbeContext) -> u32 {
    ring::count(Kind::Exit, Counter::Hits);
    let Some(config) = ring::config() else { return 0 };
    // SAFETY: a uprobe's context is the registers of the thread that hit it.
    let regs = unsafe { &*ctx.regs };
    let ended = target::register(regs, config.exit_register);
    let Some(goid) = target::word(ended.wrapping_add(config.g_goid)) else {
        ring::count(Kind::Exit, Counter::Unreadable);
        return 0;
    };
    if !ring::wanted(config, goid) {
        ring::count(Kind::Exit, Counter::Filtered);
        return 0;
    }
    let record = ring::record(Kind::Exit, goid, 0);
    ring::send(config, Kind::Exit, &record);
    0
}
