//! Where the goroutines are that run, and where the runtime is at work for nobody:
//! threads' registers come in, the place in its stack that each goroutine is at comes
//! out. For a target that stands still and whose registers are known: a core, or a
//! process that is held.
//!
//! ```text
//!   thread is on          the goroutine is at
//!   its goroutine's stack the thread's registers
//!   the signal stack      the registers that the kernel put there, above all
//!   a stack of the system m.vdsoPC, vdsoSP in a call of the kernel's own code;
//!                         else where it left its stack: g.sched
//! ```
//!
//! A thread on its stack of the system may have in its hands what nobody else has: the
//! channel of a timer that fires, the closure of a `go` statement.

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
    /// The `g0`s of threads that are at work on their stacks of the system, and what
    /// they have in registers.
    system: Vec<(G, [u64; 16])>,
}

/// Where one is, and what it has in registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    position: Position,
    registers: Option<[u64; 16]>,
}

/// A mirror of `runtime.m`.
struct Thread {
    g0: Addr,
    curg: Addr,
    gsignal: Addr,
    procid: u64,
    vdso: (u64, u64),
    /// It sleeps until somebody wakes it, and has nothing in its hands.
    blocked: bool,
    next: Addr,
}

impl Running {
    /// Finds them by the list of threads that begins at `allm`. One of `threads` without
    /// registers is in the kernel: where its goroutine is, is not known.
    pub(super) fn find<M: Memory + ?Sized>(
        memory: &M,
        layout: &Layout,
        allm: Addr,
        threads: &[(u64, Option<Registers>)],
    ) -> Result<Running, MemoryError> {
        let mut pages = Pages::new(memory);
        let by_number: HashMap<u64, &Option<Registers>> =
            threads.iter().map(|(tid, at)| (*tid, at)).collect();
        // Where the numbers are those of another namespace.
        let known = threads.iter().filter_map(|(_, at)| at.as_ref());
        let by_stack: BTreeMap<u64, &Registers> = known.map(|at| (at.sp().0, at)).collect();
        let mut found = Running { known: true, ..Running::default() };
        let mut next = Addr(pages.word(allm)?.unwrap_or(0));
        for _ in 0..MOST_THREADS {
            let Some(m) = read_m(&mut pages, layout, next)? else { break };
            next = m.next;
            let signal = read_g(&mut pages, layout, m.gsignal)?.map_or((0, 0), |g| (g.stack_lo, g.stack_hi));
            let on = |(lo, hi): (u64, u64)| by_stack.range(lo..hi.max(lo)).next().map(|(_, at)| *at);
            let of_thread = by_number.get(&m.procid).copied();
            if let Some(g0) = read_g(&mut pages, layout, m.g0)?.filter(|_| !m.blocked) {
                let registers = of_thread.and_then(Option::as_ref).or_else(|| on((g0.stack_lo, g0.stack_hi)));
                let place = registers.map(|at| on_stack(memory, &g0, signal, at)).transpose()?.flatten();
                if let Some(Place { position, registers: Some(registers) }) = place {
                    found
                        .system
                        .push((G { status: Status::Running, running: Some(position), ..g0 }, registers));
                }
            }
            let Some(g) = read_g(&mut pages, layout, m.curg)? else { continue };
            if g.status != Status::Running || of_thread.is_some_and(Option::is_none) {
                continue;
            }
            let registers = of_thread
                .and_then(Option::as_ref)
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

    /// The `g0`s of threads that are at work on their stacks of the system, and what they
    /// have in registers.
    pub(super) fn system(&self) -> &[(G, [u64; 16])] {
        &self.system
    }
}

fn place<M: Memory + ?Sized>(
    memory: &M,
    m: &Thread,
    g: &G,
    signal: (u64, u64),
    registers: Option<&Registers>,
) -> Result<Option<Place>, MemoryError> {
    let place = registers.map(|registers| on_stack(memory, g, signal, registers)).transpose()?.flatten();
    if place.is_some() {
        return Ok(place);
    }
    let own = g.stack_lo..g.stack_hi;
    let places = [m.vdso, (g.sched_pc, g.sched_sp)];
    let left = places.into_iter().zip([0, g.sched_bp]).find(|((pc, sp), _)| *pc != 0 && own.contains(sp));
    Ok(left.map(|((pc, sp), bp)| Place {
        position: Position { pc, sp, bp, interrupted: false },
        registers: None,
    }))
}

/// Where a thread with these registers is on the stack of `g`: itself, or what a signal
/// interrupted.
fn on_stack<M: Memory + ?Sized>(
    memory: &M,
    g: &G,
    signal: (u64, u64),
    registers: &Registers,
) -> Result<Option<Place>, MemoryError> {
    let at = |registers: &Registers| {
        let Addr(sp) = registers.sp();
        (g.stack_lo..g.stack_hi).contains(&sp).then(|| Place {
            position: Position { pc: registers.pc, sp, bp: registers.bp().0, interrupted: true },
            registers: Some(registers.general),
        })
    };
    let place = at(registers);
    if place.is_some() || !(signal.0..signal.1).contains(&registers.sp().0) {
        return Ok(place);
    }
    Ok(interrupted(memory, signal, registers.sp().0)?.as_ref().and_then(at))
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
            g0: at.pointer(m.g0)?,
            curg: at.pointer(m.curg)?,
            gsignal: at.pointer(m.gsignal)?,
            procid: at.u64(m.procid)?,
            vdso: (at.u64(m.vdso_pc)?, at.u64(m.vdso_sp)?),
            // go: runtime.m.blocked (1.19-1.27): in notesleep and notetsleep
            blocked: at.byte(m.blocked)? != 0,
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
