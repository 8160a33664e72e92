//! What one hit costs on this machine, measured on ourselves.
//!
//! A function of Bingo's own is probed on an instruction of the kind that is
//! probed in the target, with a program that does the same work, and called
//! some thousand times with and without.

use std::fs;
use std::hint::black_box;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use aya::programs::ProgramError;
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind};

use super::counts::Counts;
use super::switches::{Link, Programs};

/// Rounds, of which the fastest counts: whatever disturbs one makes it slower.
const ROUNDS: u32 = 40;
/// Calls a round: few, so that some round is not disturbed on a busy machine.
const CALLS: u32 = 50;

/// In the target a trap finds colder caches than in our loop: channel ping-pong
/// lost 1.21 µs a hit on one CPU where the loop said 1.15.
const COLDER: f64 = 1.1;

/// What a hit is taken to cost where it cannot be measured: rather too much.
pub(super) const ASSUMED: Duration = Duration::from_nanos(2_000);

/// Measures, on a thread of its own; `None` where it cannot be done, or where
/// the kernel did not run the program each time.
pub(super) fn measure(programs: &mut Programs, counts: &Counts) -> Option<Duration> {
    let before = counts.calibrated().ok()?;
    let bare = fastest();
    let link = set(programs).ok()?;
    let probed = std::thread::scope(|scope| scope.spawn(fastest).join()).ok()?;
    drop(link);
    let counted = counts.calibrated().ok()?.saturating_sub(before);
    (counted >= u64::from(ROUNDS * CALLS)).then(|| (probed.saturating_sub(bare) / CALLS).mul_f64(COLDER))
}

/// Sets the program that measures on our own function.
pub(super) fn set(programs: &mut Programs) -> Result<Link, ProgramError> {
    let nowhere = || ProgramError::IOError(io::Error::other("no instruction of Bingo's own to probe"));
    programs.attach_to_ourselves(probed_offset().ok_or_else(nowhere)?)
}

fn fastest() -> Duration {
    (0..ROUNDS).map(|_| round()).min().unwrap_or_default()
}

fn round() -> Duration {
    let began = Instant::now();
    for call in 0..CALLS {
        black_box(probed(u64::from(call)));
    }
    began.elapsed()
}

/// The function that is probed. It keeps its argument across a call, so that
/// it begins by saving a register.
#[inline(never)]
fn probed(argument: u64) -> u64 {
    let other: fn(u64) -> u64 = black_box(|value| value ^ 1);
    other(argument).wrapping_add(argument)
}

/// Where in our executable's file the instruction to probe is.
fn probed_offset() -> Option<u64> {
    let address = u64::try_from(probed as fn(u64) -> u64 as usize).ok()?;
    let start = file_offset_of(address)?;
    let mut code = [0; 96];
    fs::File::open("/proc/self/exe").ok()?.read_exact_at(&mut code, start).ok()?;
    emulated(&code).map(|offset| start + offset)
}

/// The file offset of an address of our own code, from `/proc/self/maps`.
fn file_offset_of(address: u64) -> Option<u64> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (from, to) = words.next()?.split_once('-')?;
        let from = u64::from_str_radix(from, 16).ok()?;
        let to = u64::from_str_radix(to, 16).ok()?;
        let offset = u64::from_str_radix(words.nth(1)?, 16).ok()?;
        (from..to).contains(&address).then(|| address - from + offset)
    })
}

/// The first instruction that the kernel emulates instead of stepping over it
/// (`push` of a register, `nop`, near `call`: `arch/x86/kernel/uprobes.c`,
/// `branch_setup_xol_ops`, `push_setup_xol_ops`), and that every call executes.
fn emulated(code: &[u8]) -> Option<u64> {
    let mut decoder = Decoder::new(64, code, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        let push = instruction.mnemonic() == Mnemonic::Push && instruction.op0_kind() == OpKind::Register;
        let near_call =
            instruction.flow_control() == FlowControl::Call && instruction.op0_kind() == OpKind::NearBranch64;
        if push || near_call || instruction.mnemonic() == Mnemonic::Nop {
            return Some(instruction.ip());
        }
        if !matches!(instruction.flow_control(), FlowControl::Next | FlowControl::IndirectCall) {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_that_the_kernel_emulates() {
        let check = |code: &[u8], expect| assert_eq!(emulated(code), expect, "{code:x?}");
        check(&[0x55, 0x48, 0x89, 0xe5], Some(0));
        check(&[0x48, 0x83, 0xec, 0x18, 0x53], Some(4));
        check(&[0x48, 0x83, 0xec, 0x18, 0xe8, 0, 0, 0, 0], Some(4));
        check(&[0x48, 0x89, 0xf8, 0xc3, 0x55], None);
        check(&[0x48], None);
    }

    #[test]
    fn our_own_function_has_one() {
        assert_eq!(probed(6), 7 + 6);
        assert!(probed_offset().is_some());
    }
}
