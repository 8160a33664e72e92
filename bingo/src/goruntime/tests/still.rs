//! Targets that stand still, and where the goroutines were that ran in them.

use super::*;
use crate::memory::Registers;

const M: Addr = Addr(0x40_0000);
const SIGNAL_G: Addr = Addr(0x41_0000);
const SIGNAL_STACK: (u64, u64) = (0x42_0000, 0x42_8000);

/// The calls of a goroutine that runs, below `main.f` and a call of its that parks,
/// on a thread with these registers. `lay` puts down more, and gets the stack pointer
/// that the goroutine had when it was in `main.f`.
fn ran(
    made: &mut Made,
    registers: impl Fn(u64) -> Registers,
    lay: impl Fn(&mut Made, u64),
) -> Vec<(String, u32)> {
    let layout = made.layout.clone();
    let g = made.parked(WaitReason::ChanSend, CALLS, &[]);
    made.status(g, 2);
    // What is followed by pointers is read by whole pages.
    let mut copy = vec![0; usize::try_from(layout.g.size).unwrap()];
    made.image.read(g, &mut copy).unwrap();
    made.image.map(g, 0x1000).map(ALLM, 0x1000).map(M, 0x2000).map(SIGNAL_G, 0x1000);
    made.image.map(Addr(SIGNAL_STACK.0), 0x8000);
    assert!(made.image.write(g, &copy));
    for (at, word) in [
        (ALLM, M.0),
        (M.offset(layout.m.curg), g.0),
        (M.offset(layout.m.procid), 7),
        (M.offset(layout.m.gsignal), SIGNAL_G.0),
        (SIGNAL_G.offset(layout.g.stack_lo), SIGNAL_STACK.0),
        (SIGNAL_G.offset(layout.g.stack_hi), SIGNAL_STACK.1),
    ] {
        made.word(at, word);
    }
    let mut word = [0; 8];
    made.image.read(g.offset(layout.g.sched_sp), &mut word).unwrap();
    let in_f = u64::from_le_bytes(word) + FRAME + 8;
    lay(made, in_f);
    let threads = vec![(7, Some(registers(in_f)))];
    let snapshot = made.reader().standing_still(threads).read(Time(1)).unwrap();
    assert_eq!(snapshot.problems, []);
    let frames = snapshot.goroutines[0].stack.frames();
    frames.iter().map(|frame| (frame.function.to_string(), frame.line)).collect()
}

/// A thread at `pc` whose stack pointer is `sp`.
fn at(pc: u64, sp: u64) -> Registers {
    let mut general = [0; 16];
    general[7] = sp;
    Registers { general, pc }
}

fn check(found: &[(String, u32)], expect: &[(&str, u32)]) {
    let found: Vec<_> = found.iter().map(|(name, line)| (name.as_str(), *line)).collect();
    assert_eq!(found, expect);
}

#[test]
fn one_that_ran_is_where_its_thread_was() {
    each_release(|mut made| {
        let found = ran(&mut made, |in_f| at(entry("main.f") + 5, in_f), |_, _| ());
        check(&found, &[("main.f", 5), ("runtime.goexit", 0)]);
    });
}

#[test]
fn one_whose_thread_is_elsewhere_is_where_it_left_its_stack() {
    each_release(|mut made| {
        let found = ran(&mut made, |_| at(entry("C.f"), 0x10), |_, _| ());
        check(&found, &[("runtime.gopark", 6), ("main.f", 0), ("runtime.goexit", 0)]);
    });
}

#[test]
fn one_that_a_signal_interrupted_is_where_that_found_it() {
    each_release(|mut made| {
        let (lo, hi) = SIGNAL_STACK;
        let frame = hi - 0x400;
        let found = ran(
            &mut made,
            |_| at(entry("C.f"), frame - 0x100),
            |made, in_f| {
                for (place, word) in [(3, lo), (5, hi - lo), (21, in_f), (22, entry("main.f") + 9)] {
                    made.word(Addr(frame + place * 8), word);
                }
            },
        );
        check(&found, &[("main.f", 9), ("runtime.goexit", 0)]);
    });
}

#[test]
fn one_in_the_kernels_own_code_is_where_it_called_that() {
    each_release(|mut made| {
        let m = made.layout.m;
        let found = ran(
            &mut made,
            |_| at(0x7fff_0000, 0x10),
            |made, in_f| {
                made.word(M.offset(m.vdso_pc), entry("main.f") + 4);
                made.word(M.offset(m.vdso_sp), in_f);
            },
        );
        check(&found, &[("main.f", 3), ("runtime.goexit", 0)]);
    });
}
