//! The target's registers and memory.

use aya_ebpf::{bindings::pt_regs, helpers::bpf_probe_read_user};
use bingo_common::{Config, MAX_DEPTH, Record, Register};

/// The word at `address` of the target, `None` where it is not in memory.
#[inline(always)]
pub(crate) fn word(address: u64) -> Option<u64> {
    // SAFETY: the kernel checks the address and copies; nothing is dereferenced.
    unsafe { bpf_probe_read_user(address as *const u64) }.ok()
}

/// The value of the register that the configuration names by number.
#[inline(always)]
pub(crate) fn register(regs: &pt_regs, number: u64) -> u64 {
    // All are loaded, then one is chosen: the verifier refuses a load at a
    // computed offset of the context, which the compiler would make otherwise.
    // SAFETY: reads of a valid reference.
    let [r14, rax, rbx, rcx, rdi, rsi, rdx] =
        [&regs.r14, &regs.rax, &regs.rbx, &regs.rcx, &regs.rdi, &regs.rsi, &regs.rdx]
            .map(|register| unsafe { core::ptr::read_volatile(register) });
    let is = |register: Register| number == register as u64;
    if is(Register::Rax) {
        rax
    } else if is(Register::Rbx) {
        rbx
    } else if is(Register::Rcx) {
        rcx
    } else if is(Register::Rdi) {
        rdi
    } else if is(Register::Rsi) {
        rsi
    } else if is(Register::Rdx) {
        rdx
    } else {
        r14
    }
}

/// The g that asked for what runs now: that in R14, or, where R14 is a thread's
/// g0, the goroutine that the thread belongs to. `None`: nobody, as for a timer
/// or the network poller.
#[inline(always)]
pub(crate) fn requester(config: &Config, g: u64) -> Option<(u64, u64)> {
    // A g0 has the id 0 (runtime.allocm, Go 1.19 to 1.27).
    let goid = word(g.wrapping_add(config.g_goid))?;
    if goid != 0 {
        return Some((g, goid));
    }
    let m = word(g.wrapping_add(config.g_m))?;
    let curg = word(m.wrapping_add(config.m_curg))?;
    if curg == 0 {
        return None;
    }
    Some((curg, word(curg.wrapping_add(config.g_goid))?))
}

/// Appends the return addresses of the frames from frame pointer `bp` on, until
/// the record has `limit` of them.
#[inline(always)]
pub(crate) fn walk(record: &mut Record, bp: u64, limit: u64) {
    let mut bp = bp;
    let first = record.depth as usize;
    for slot in first..MAX_DEPTH {
        if slot as u64 >= limit || bp == 0 {
            break;
        }
        // SAFETY: as in `word`. A frame begins with the caller's frame pointer,
        // above it stands the return address.
        let Ok([caller, pc]) = (unsafe { bpf_probe_read_user(bp as *const [u64; 2]) }) else { break };
        if pc == 0 {
            break;
        }
        record.pcs[slot] = pc;
        record.depth = slot as u8 + 1;
        // Stacks grow down: a caller's frame that is not above is damage.
        if caller <= bp {
            break;
        }
        bp = caller;
    }
}
