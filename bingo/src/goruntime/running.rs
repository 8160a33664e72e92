//! Where the goroutines are that run: threads' registers come in, the place in its
//! stack that each goroutine is at comes out. For a target that stands still and
//! whose registers are known: a core.
//!
//! ```text
//!   thread is on          the goroutine is at
//!   its goroutine's stack the thread's registers
//!   the signal stack      the registers that the kernel put there, above all
//!   a stack of the system m.vdsoPC, vdsoSP in a call of the kernel's own code;
//!                         else where it left its stack: g.sched
//! ```

use std::collections::{BTreeMap, HashMap};

use super::fields::{Fields, length, words};
use super::g::{G, Position, Status};
use crate::binary::layout::Layout;
use crate::memory::{Memory, MemoryError, Pages, Registers};
use crate::model::Addr;

/// No process has more threads.
const MOST_THREADS: usize = 1 << 16;
/// Signal stacks are smaller (`malg(32 * 1024)` in `runtime/os_linux.go`, Go 1.27).
const SIGNAL_STACK: u64 = 1 << 20;

/// The goroutines that run, by the address of their `g`.
#[derive(Default)]
pub(super) struct Running {
    /// Whether the target stands still, so that they could be found.
    known: bool,
    places: HashMap<Addr, Place, foldhash::fast::FixedState>,
}

/// Where one is, and what it has in registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    position: Position,
    registers: Option<[u64; 16]>,
}

/// A mirror of `runtime.m`.
struct Thread {
    curg: Addr,
    gsignal: Addr,
    procid: u64,
    vdso: (u64, u64),
    next: Addr,
}

impl Running {
    /// Finds them by the list of threads that begins at `allm`.
    pub(super) fn find<M: Memory + ?Sized>(
        memory: &M,
        layout: &Layout,
        allm: Addr,
        threads: &[(u64, Registers)],
    ) -> Result<Running, MemoryError> {
        let mut pages = Pages::new(memory);
        let by_number: HashMap<u64, &Registers> = threads.iter().map(|(tid, at)| (*tid, at)).collect();
        // Where the numbers are those of another namespace.
        let by_stack: BTreeMap<u64, &Registers> = threads.iter().map(|(_, at)| (at.sp().0, at)).collect();
        let mut found = Running { known: true, ..Running::default() };
        let mut next = Addr(pages.word(allm)?.unwrap_or(0));
        for _ in 0..MOST_THREADS {
            let Some(m) = read_m(&mut pages, layout, next)? else { break };
            next = m.next;
            let Some(g) = read_g(&mut pages, layout, m.curg)? else { continue };
            if g.status != Status::Running {
                continue;
            }
            let signal = read_g(&mut pages, layout, m.gsignal)?.map_or((0, 0), |g| (g.stack_lo, g.stack_hi));
            let on = |(lo, hi): (u64, u64)| by_stack.range(lo..hi.max(lo)).next().map(|(_, at)| *at);
            let registers = by_number
                .get(&m.procid)
                .copied()
                .or_else(|| on((g.stack_lo, g.stack_hi)))
                .or_else(|| on(signal));
            if let Some(place) = place(memory, &m, &g, signal, registers)? {
                found.places.insert(g.addr, place);
            }
        }
        Ok(found)
    }

    /// Whether the target stands still.
    pub(super) fn is_known(&self) -> bool {
        self.known
    }

    /// Notes in a copy of a `g` where it is.
    pub(super) fn complete(&self, g: &mut G) {
        if g.status == Status::Running {
            g.running = self.places.get(&g.addr).map(|place| place.position);
        }
    }

    /// What the goroutine of a `g` has in registers.
    pub(super) fn registers(&self, g: Addr) -> impl Iterator<Item = u64> {
        self.places.get(&g).and_then(|place| place.registers).into_iter().flatten()
    }
}

fn place<M: Memory + ?Sized>(
    memory: &M,
    m: &Thread,
    g: &G,
    signal: (u64, u64),
    registers: Option<&Registers>,
) -> Result<Option<Place>, MemoryError> {
    let own = g.stack_lo..g.stack_hi;
    let at = |registers: &Registers| {
        let Addr(sp) = registers.sp();
        own.contains(&sp).then(|| Place {
            position: Position { pc: registers.pc, sp, bp: registers.bp().0, interrupted: true },
            registers: Some(registers.general),
        })
    };
    if let Some(registers) = registers {
        if let Some(place) = at(registers) {
            return Ok(Some(place));
        }
        if (signal.0..signal.1).contains(&registers.sp().0)
            && let Some(place) = interrupted(memory, signal, registers.sp().0)?.as_ref().and_then(at)
        {
            return Ok(Some(place));
        }
    }
    let places = [m.vdso, (g.sched_pc, g.sched_sp)];
    let left = places.into_iter().zip([0, g.sched_bp]).find(|((pc, sp), _)| *pc != 0 && own.contains(sp));
    Ok(left.map(|((pc, sp), bp)| Place {
        position: Position { pc, sp, bp, interrupted: false },
        registers: None,
    }))
}

/// The registers with which a signal interrupted the thread whose signal stack this
/// is. The kernel put them at the top, known by the stack that it notes beside them:
///
/// ```text
///   0   return address          40  uc_stack.ss_size   112 rdi  120 rsi
///   8   uc_flags                48  r8 … 104 r15       128 rbp  136 rbx
///   16  uc_link: 0                                     144 rdx  152 rax
///   24  uc_stack.ss_sp                                 160 rcx  168 rsp  176 rip
/// ```
/// (`struct rt_sigframe`, `arch/x86/include/asm/sigframe.h`, Linux 6.18.)
fn interrupted<M: Memory + ?Sized>(
    memory: &M,
    (lo, hi): (u64, u64),
    sp: u64,
) -> Result<Option<Registers>, MemoryError> {
    let start = sp.next_multiple_of(8);
    let Some(size) = hi.checked_sub(start).filter(|&size| size <= SIGNAL_STACK) else { return Ok(None) };
    let mut bytes = vec![0; length(size)];
    match memory.read(Addr(start), &mut bytes) {
        Ok(()) => {}
        Err(MemoryError::Unreadable { .. }) => return Ok(None),
        Err(error) => return Err(error),
    }
    let stack: Vec<u64> = words(&bytes).collect();
    let frame = stack.windows(23).rev().find_map(|frame| match frame {
        [_, _, 0, ss_sp, _, ss_size, rest @ ..] if *ss_sp == lo && *ss_size == hi - lo => Some(rest),
        _ => None,
    });
    let Some(&[r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, pc]) = frame
    else {
        return Ok(None);
    };
    let general = [rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15];
    Ok(Some(Registers { general, pc }))
}

fn read_m<M: Memory + ?Sized>(
    pages: &mut Pages<'_, M>,
    layout: &Layout,
    at: Addr,
) -> Result<Option<Thread>, MemoryError> {
    if at.is_nil() {
        return Ok(None);
    }
    let mut bytes = vec![0; length(layout.m.size)];
    if pages.read(at, &mut bytes)?.is_none() {
        return Ok(None);
    }
    let (at, m) = (Fields(&bytes), &layout.m);
    let read = || {
        Some(Thread {
            curg: at.pointer(m.curg)?,
            gsignal: at.pointer(m.gsignal)?,
            procid: at.u64(m.procid)?,
            vdso: (at.u64(m.vdso_pc)?, at.u64(m.vdso_sp)?),
            next: at.pointer(m.alllink)?,
        })
    };
    Ok(read())
}

fn read_g<M: Memory + ?Sized>(
    pages: &mut Pages<'_, M>,
    layout: &Layout,
    at: Addr,
) -> Result<Option<G>, MemoryError> {
    if at.is_nil() {
        return Ok(None);
    }
    let mut bytes = vec![0; length(layout.g.size)];
    Ok(pages.read(at, &mut bytes)?.and_then(|()| G::decode(layout, at, &bytes)))
}
