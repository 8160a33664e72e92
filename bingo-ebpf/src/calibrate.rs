//! What a hit costs: attached to a function of Bingo itself, it does the work
//! of [`crate::park`] and throws the record away. Half of the
//! configured depth is walked, as on a usual stack.

use aya_ebpf::{macros::uprobe, programs::ProbeContext};
use bingo_common::{Counter, Kind, MAX_DEPTH};

use crate::{ring, target};

#[uprobe]
pub fn calibrate(ctx: ProbeContext) -> u32 {
    ring::count(Kind::Calibrate, Counter::Hits);
    let Some(config) = ring::config() else { return 0 };
    // SAFETY: a uprobe's context is the registers of the thread that hit it.
    let regs = unsafe { &*ctx.regs };
    // Any words of ours stand for the goroutine's and its frames: Rust keeps no
    // chain of frame pointers.
    let mut record = ring::record(Kind::Calibrate, 0, 0);
    for field in 0..6 {
        let Some(word) = target::word(regs.rsp.wrapping_add(field * 8)) else { return 0 };
        record.goid ^= word;
    }
    for slot in 0..MAX_DEPTH {
        if slot as u64 * 2 >= config.park_depth {
            break;
        }
        let Some(word) = target::word(regs.rsp.wrapping_add(slot as u64 * 8)) else { break };
        record.pcs[slot] = word;
    }
    ring::discard(&record);
    0
}
