//! Snapshots of runtimes made of literal memory, for every release that has a
//! layout of its own.

mod again;
mod links;
mod restless;
mod still;
mod ways;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::code::{Code, Point, Unwind};
use super::{Runtime, SnapshotReader};
use crate::binary::layout::{Labels, Layout};
use crate::binary::{GivenLock, HeldLock, InterfaceCall, LiveWords, LockPlace, LockStart};
use crate::memory::{Image, Memory};
use crate::model::{
    Addr, Direction, Frame, GoId, GoState, Goroutine, IoDirection, LockKind, Pc, Snapshot, Stack, StaticAddr,
    SyncObject, Time, Wait, WaitReason,
};

const ALLGS: Addr = Addr(0x1000);
const ALLGS_LEN: Addr = Addr(0x1008);
const ALLM: Addr = Addr(0x2000);
const LIST: Addr = Addr(0x8000);
const SEMTABLE: Addr = Addr(0x10000);
const OBJECTS: Addr = Addr(0xf000_0000);
const MHEAP: Addr = Addr(0x10_0000);
const MODULE: Addr = Addr(0x20_0000);
const VARIABLES: Addr = Addr(0x21_0000);
const RELEASES: [u32; 8] = [19, 21, 22, 23, 24, 25, 26, 27];

/// Every function has frames of so many bytes, return address aside.
const FRAME: u64 = 64;
const FUNCTIONS: &[&str] = &[
    "runtime.goexit",
    "runtime.gopark",
    "main.f",
    "runtime.asyncPreempt",
    "sync.(*Mutex).lockSlow",
    "sync.(*RWMutex).Lock",
    "sync.(*RWMutex).RLock",
    "runtime.runfinq",
    "runtime.bgsweep",
    "C.f",
];

/// How far into `main.f` it holds the lock 8 bytes behind what the last word of
/// its frame points to.
const HOLDS: u64 = 0x20;

/// Code in which the function `FUNCTIONS[i]` begins at `(i + 1) << 20`.
struct Names;

impl Names {
    fn name(pc: Addr) -> Option<&'static str> {
        FUNCTIONS.get(usize::try_from(pc.0 >> 20).ok()?.checked_sub(1)?).copied()
    }
}

fn entry(function: &str) -> u64 {
    (FUNCTIONS.iter().position(|&name| name == function).unwrap() as u64 + 1) << 20
}

impl Code for Names {
    fn point(&self, pc: Addr) -> Option<Point> {
        let name = Names::name(pc)?;
        let unwind = match name {
            "runtime.goexit" => Unwind::Outermost,
            "C.f" => Unwind::Unknown,
            _ => Unwind::Frame(u32::try_from(FRAME).unwrap()),
        };
        Some(Point { entry: Addr(entry(name)), unwind, injected: name == "runtime.asyncPreempt" })
    }

    fn frames(&self, pc: Pc) -> Arc<[Frame]> {
        let function = Arc::from(Names::name(pc.lookup()).unwrap_or_default());
        let line = u32::try_from(pc.lookup().0 & 0xf_ffff).unwrap();
        Arc::new([Frame { function, file: Arc::from("f.go"), line, pc: pc.addr(), inlined: false }])
    }

    fn stack(&self, pcs: &[Pc]) -> Stack {
        Stack::new(pcs.iter().flat_map(|&pc| self.frames(pc).to_vec()).collect::<Vec<_>>())
    }

    fn function_name(&self, pc: Addr) -> Option<String> {
        Names::name(pc).map(str::to_owned)
    }

    /// The first word of each frame of `main.f` is a pointer, where it is at its line 1.
    fn live_words(&self, pc: Pc) -> Option<LiveWords> {
        let of_f = (entry("main.f")..entry("main.f") + 2).contains(&pc.lookup().0);
        let first = u32::try_from(FRAME).unwrap() - 8;
        of_f.then(|| LiveWords { locals: vec![first], ..LiveWords::default() })
    }

    fn locks_held(&self, pc: Pc, _: &[(StaticAddr, Addr)]) -> Vec<HeldLock> {
        let holds = pc.lookup().0 & 0xf_ffff == HOLDS && Names::name(pc.lookup()) == Some("main.f");
        let place = LockPlace { start: LockStart::Slot(-16), steps: vec![8], indexes: Vec::new() };
        let held = HeldLock {
            taken: StaticAddr(entry("main.f") + 3),
            shared: false,
            always: true,
            place: Some(place),
        };
        if holds { vec![held] } else { Vec::new() }
    }

    fn interface_calls(&self, _: Pc) -> Vec<InterfaceCall> {
        Vec::new()
    }

    fn locks_given(&self, _: Addr) -> Vec<GivenLock> {
        Vec::new()
    }

    fn is_in_loop(&self, _: Pc) -> bool {
        false
    }

    fn receives_behind(&self, _: Pc) -> bool {
        false
    }

    fn place(&self, address: StaticAddr) -> Addr {
        Addr(address.0)
    }

    fn variable_at(&self, address: Addr) -> Option<(String, Addr)> {
        (address.0 >> 12 == VARIABLES.0 >> 12).then(|| ("main.v".to_owned(), VARIABLES))
    }
}

/// A runtime in the making.
struct Made {
    image: Image,
    layout: Layout,
    goroutines: u64,
    sudogs: u64,
}

impl Made {
    fn new(minor: u32) -> Made {
        let mut image = Image::default();
        image.map(ALLGS, 16).map(LIST, 0x1000).map(SEMTABLE, 0x4000).map(OBJECTS, 0x10000);
        image.write_word(ALLGS, LIST.0);
        let layout = Layout::of_release(minor, &format!("go1.{minor}")).unwrap();
        Made { image, layout, goroutines: 0, sudogs: 0 }
    }

    fn word(&mut self, addr: Addr, word: u64) {
        assert!(self.image.write_word(addr, word), "{addr} is not mapped");
    }

    fn byte(&mut self, addr: Addr, byte: u8) {
        assert!(self.image.write(addr, &[byte]), "{addr} is not mapped");
    }

    /// A goroutine that is parked for `reason` below these calls, innermost
    /// first, with `words` in the innermost frame. Its `g`.
    fn parked(&mut self, reason: WaitReason, calls: &[&str], words: &[u64]) -> Addr {
        let index = self.goroutines;
        self.goroutines += 1;
        let (addr, lo) = (Addr(0xc000_0000 + index * 0x1000), 0xd000_0000 + index * 0x20000);
        let hi = lo + 0x10000;
        let g = self.layout.g;
        self.image.map(addr, usize::try_from(g.size).unwrap()).map(Addr(lo), 0x10000);
        let sp = hi - calls.len() as u64 * (FRAME + 8);
        for (call, slot) in (0_u64..).zip(calls.iter().skip(1).chain([&"runtime.goexit"])) {
            self.word(Addr(sp + call * (FRAME + 8) + FRAME), entry(slot) + 1);
        }
        for (place, &word) in (0_u64..).zip(words) {
            self.word(Addr(sp + place * 8), word);
        }
        let number = (0..=255).find(|&number| self.layout.wait_reason(number) == reason).unwrap();
        for (offset, word) in [
            (g.stack_lo, lo),
            (g.stack_hi, hi),
            (g.sched_sp, sp),
            (g.sched_pc, entry(calls.first().unwrap()) + 7),
            (g.sched_g, addr.0),
            (g.goid, 100 + index),
            (g.gopc, entry("main.f") + 9),
            (g.startpc, entry(calls.last().unwrap())),
        ] {
            self.word(addr.offset(offset), word);
        }
        self.byte(addr.offset(g.waitreason), number);
        self.status(addr, 4);
        self.word(LIST.offset(index * 8), addr.0);
        self.word(ALLGS_LEN, self.goroutines);
        addr
    }

    fn status(&mut self, g: Addr, status: u32) {
        assert!(self.image.write(g.offset(self.layout.g.atomicstatus), &status.to_le_bytes()));
    }

    /// A sudog of `g`, with these fields.
    fn sudog(&mut self, g: Addr, fields: &[(u64, u64)]) -> Addr {
        let addr = OBJECTS.offset(0x8000 + self.sudogs * 0x100);
        self.sudogs += 1;
        self.word(addr.offset(self.layout.sudog.g), g.0);
        for &(offset, word) in fields {
            self.word(addr.offset(offset), word);
        }
        addr
    }

    /// Where the frame of `main.f` begins, the caller of what `g` is parked in.
    fn frame_of_f(&self, g: Addr) -> Addr {
        let mut word = [0; 8];
        self.image.read(g.offset(self.layout.g.stack_hi), &mut word).unwrap();
        Addr(u64::from_le_bytes(word) - (FRAME + 8))
    }

    fn reader(&self) -> SnapshotReader<Image, Names> {
        self.reader_of(self.image.clone())
    }

    fn reader_of<M: Memory>(&self, memory: M) -> SnapshotReader<M, Names> {
        let layout = self.layout.clone();
        let runtime = Runtime {
            layout,
            allgs: ALLGS,
            allgs_len: ALLGS_LEN,
            semtable: Some(SEMTABLE),
            mheap: Some(MHEAP),
            allfin: None,
            gc_cleanups: None,
            module: Some(MODULE),
            allp: None,
            allm: Some(ALLM),
            sched: None,
        };
        SnapshotReader::new(memory, runtime, Names)
    }

    fn snapshot(&self) -> Snapshot {
        self.reader().read(Time(1)).unwrap()
    }

    /// The only goroutine, with nothing wrong.
    fn only(&self) -> Arc<Goroutine> {
        let snapshot = self.snapshot();
        assert_eq!(snapshot.problems, []);
        assert_eq!(snapshot.goroutines.len(), 1);
        snapshot.goroutines[0].clone()
    }
}

fn each_release(check: impl Fn(Made)) {
    for minor in RELEASES {
        check(Made::new(minor));
    }
}

const CALLS: &[&str] = &["runtime.gopark", "main.f"];

#[test]
fn a_channel_and_its_queue() {
    each_release(|mut made| {
        let layout = made.layout.clone();
        let (g1, g2) =
            (made.parked(WaitReason::ChanSend, CALLS, &[]), made.parked(WaitReason::ChanSend, CALLS, &[]));
        let second = made.sudog(g2, &[(layout.sudog.c, OBJECTS.0)]);
        let first = made.sudog(g1, &[(layout.sudog.c, OBJECTS.0), (layout.sudog.next, second.0)]);
        made.word(g1.offset(layout.g.waiting), first.0);
        made.word(g2.offset(layout.g.waiting), second.0);
        made.word(OBJECTS.offset(layout.hchan.dataqsiz), 3);
        made.word(OBJECTS.offset(layout.hchan.qcount), 3);
        made.word(OBJECTS.offset(layout.hchan.sendq_first), first.0);
        let mut reader = made.reader();
        let snapshot = reader.read(Time(1)).unwrap();
        assert_eq!(snapshot.problems, []);
        let wait = Some(Wait::Channel { channel: OBJECTS, direction: Direction::Send });
        assert!(snapshot.goroutines.iter().all(|g| g.wait == wait && g.reason == Some(WaitReason::ChanSend)));
        let SyncObject::Channel(channel) = &*snapshot.objects[&OBJECTS] else { panic!() };
        assert_eq!((channel.cap, channel.len, channel.closed), (3, 3, false));
        assert_eq!(*channel.senders, [GoId(100), GoId(101)]);
        assert_eq!(*channel.receivers, []);
        let functions: Vec<_> =
            snapshot.goroutines[0].stack.frames().iter().map(|frame| &*frame.function).collect();
        assert_eq!(functions, ["runtime.gopark", "main.f", "runtime.goexit"]);
        let made_by = snapshot.goroutines[0].created_by.clone().unwrap();
        assert_eq!((&*made_by.function, made_by.line), ("main.f", 8));

        let again = reader.read(Time(2)).unwrap();
        assert!(Arc::ptr_eq(&snapshot.goroutines[0], &again.goroutines[0]));
        assert!(Arc::ptr_eq(&snapshot.objects[&OBJECTS], &again.objects[&OBJECTS]));
    });
}

#[test]
fn a_select_with_both_directions() {
    each_release(|mut made| {
        let layout = made.layout.clone();
        let g = made.parked(WaitReason::Select, CALLS, &[]);
        let (a, b) = (OBJECTS, OBJECTS.offset(0x100));
        let second = made.sudog(g, &[(layout.sudog.c, b.0)]);
        let first = made.sudog(g, &[(layout.sudog.c, a.0), (layout.sudog.waitlink, second.0)]);
        made.word(g.offset(layout.g.waiting), first.0);
        made.word(a.offset(layout.hchan.recvq_first), first.0);
        made.word(b.offset(layout.hchan.sendq_first), second.0);
        let cases = vec![(a, Direction::Receive), (b, Direction::Send)];
        assert_eq!(made.only().wait, Some(Wait::Select(cases)));
    });
}

#[test]
fn locks_by_the_semaphore_table_and_the_functions_that_wait() {
    each_release(|mut made| {
        let layout = made.layout.clone();
        let mutex_calls = ["runtime.gopark", "sync.(*Mutex).lockSlow", "main.f"];
        let gs = [
            made.parked(WaitReason::Semacquire, &mutex_calls, &[]),
            made.parked(WaitReason::Semacquire, &mutex_calls, &[]),
            made.parked(WaitReason::Semacquire, &["runtime.gopark", "sync.(*RWMutex).RLock", "main.f"], &[]),
            made.parked(WaitReason::Semacquire, CALLS, &[]),
        ];
        let (mutex, rw, bare) = (OBJECTS, OBJECTS.offset(0x100), OBJECTS.offset(0x200));
        let mutex_sema = mutex.offset(layout.mutex.sema);
        let rw_sema = rw.offset(layout.rw_mutex.reader_sem);
        let sudog = layout.sudog;
        let behind = made.sudog(gs[1], &[(sudog.elem, mutex_sema.0)]);
        let left = made.sudog(gs[2], &[(sudog.elem, rw_sema.0)]);
        let right = made.sudog(gs[3], &[(sudog.elem, bare.0)]);
        let root = made.sudog(
            gs[0],
            &[
                (sudog.elem, mutex_sema.0),
                (sudog.waitlink, behind.0),
                (sudog.prev, left.0),
                (sudog.next, right.0),
            ],
        );
        made.word(SEMTABLE.offset(5 * Layout::SEMTABLE_STRIDE + layout.sema_root.treap), root.0);
        let snapshot = made.snapshot();
        assert_eq!(snapshot.problems, []);
        let waits: Vec<_> = snapshot.goroutines.iter().map(|g| g.wait.clone().unwrap()).collect();
        assert_eq!(waits, [Wait::Lock(mutex), Wait::Lock(mutex), Wait::Lock(rw), Wait::Lock(bare)]);
        let lock = |address| match &*snapshot.objects[&address] {
            SyncObject::Lock(lock) => (lock.kind, lock.semaphore, lock.waiters.to_vec()),
            SyncObject::Channel(_) => panic!(),
        };
        assert_eq!(lock(mutex), (LockKind::Mutex, mutex_sema, vec![GoId(100), GoId(101)]));
        assert_eq!(lock(rw), (LockKind::RwMutex, rw_sema, vec![GoId(102)]));
        assert_eq!(lock(bare), (LockKind::Semaphore, bare, vec![GoId(103)]));
    });
}

#[test]
fn a_condition_is_believed_only_where_it_lists_the_goroutine() {
    each_release(|mut made| {
        let layout = made.layout.clone();
        let (wrong, right) = (OBJECTS.offset(0x100), OBJECTS.offset(0x200));
        let g = made.parked(WaitReason::CondWait, CALLS, &[3, wrong.0, OBJECTS.0, right.0]);
        let (own, other) = (made.sudog(g, &[]), made.sudog(Addr(0xc000_8000), &[]));
        for (list, sudog) in [(wrong, other), (right, own)] {
            made.word(list.offset(layout.notify_list.head), sudog.0);
            made.word(list.offset(layout.notify_list.tail), sudog.0);
        }
        let cond = Addr(right.0 - layout.cond.notify);
        assert_eq!(made.only().wait, Some(Wait::Lock(cond)));
        let SyncObject::Lock(lock) = &*made.snapshot().objects[&cond] else { panic!() };
        assert_eq!((lock.kind, &lock.waiters[..]), (LockKind::Cond, &[GoId(100)][..]));
    });
}

#[test]
fn a_descriptor_is_believed_only_where_it_points_back() {
    each_release(|mut made| {
        let layout = made.layout.clone();
        let (wrong, right) = (OBJECTS, OBJECTS.offset(0x400));
        let g = made.parked(WaitReason::IoWait, CALLS, &[wrong.0, right.0]);
        made.word(wrong.offset(layout.poll_desc.rg), g.0 + 8);
        made.word(right.offset(layout.poll_desc.fd), 17);
        made.word(right.offset(layout.poll_desc.wg), g.0);
        assert_eq!(made.only().wait, Some(Wait::Io { fd: 17, direction: IoDirection::Write }));
        made.word(right.offset(layout.poll_desc.wg), 0);
        let snapshot = made.snapshot();
        assert_eq!(snapshot.goroutines[0].wait, None);
        assert_eq!(snapshot.problems.len(), 1);
    });
}

#[test]
fn sleep_ends_when_its_timer_says() {
    each_release(|mut made| {
        let layout = made.layout.clone();
        let g = made.parked(WaitReason::Sleep, CALLS, &[]);
        made.word(g.offset(layout.g.timer), OBJECTS.0);
        made.word(OBJECTS.offset(layout.timer.when), 77);
        if let Some(sleep_when) = layout.g.sleep_when {
            made.word(g.offset(sleep_when), 77);
        }
        assert_eq!(made.only().wait, Some(Wait::Sleep { until: Time(77) }));
    });
}

#[test]
fn labels_in_both_forms() {
    each_release(|mut made| {
        let layout = made.layout.clone();
        let g = made.parked(WaitReason::SelectNoCases, CALLS, &[]);
        made.word(g.offset(layout.g.labels), OBJECTS.0);
        let (strings, text) = (OBJECTS.offset(0x300), OBJECTS.offset(0x700));
        assert!(made.image.write(text, b"keyvalue"));
        let pairs = match layout.labels {
            Labels::List => {
                made.word(OBJECTS, strings.0);
                made.word(OBJECTS.offset(8), 1);
                [strings, strings.offset(16)]
            }
            Labels::Map(hmap) => {
                let map = OBJECTS.offset(0x100);
                made.word(OBJECTS, map.0);
                made.word(map.offset(hmap.count), 1);
                made.word(map.offset(hmap.buckets), strings.0);
                made.byte(strings.offset(2), 200);
                [strings.offset(8 + 2 * 16), strings.offset(136 + 2 * 16)]
            }
        };
        for (string, start, len) in [(pairs[0], 0, 3), (pairs[1], 3, 5)] {
            made.word(string, text.0 + start);
            made.word(string.offset(8), len);
        }
        let labels = Option::unwrap_or_default(made.only().labels.clone());
        assert_eq!(*labels, BTreeMap::from([("key".to_owned(), "value".to_owned())]));
    });
}

#[test]
fn dead_goroutines_are_none_and_damaged_ones_are_problems() {
    each_release(|mut made| {
        let layout = made.layout.clone();
        let gs: Vec<_> = (0..5).map(|_| made.parked(WaitReason::SelectNoCases, CALLS, &[])).collect();
        made.status(gs[0], 6);
        made.status(gs[1], 77);
        made.word(gs[2].offset(layout.g.sched_g), 8);
        made.word(gs[3].offset(layout.g.sched_sp), 8);
        made.status(gs[4], 0x1004);
        let snapshot = made.snapshot();
        let ids: Vec<_> = snapshot.goroutines.iter().map(|g| (g.id.0, g.stack.frames().len())).collect();
        assert_eq!(ids, [(103, 0), (104, 3)]);
        let mut said: Vec<_> = snapshot.problems.iter().map(|problem| problem.what.as_str()).collect();
        said.sort_unstable();
        assert_eq!(
            said,
            [
                "stack leads out of its bounds at 0x8",
                "the g at 0xc0001000 has the unknown status 77",
                "the g at 0xc0002000 is not a goroutine's",
            ]
        );
    });
}

#[test]
fn stacks_of_every_shape() {
    each_release(|mut made| {
        let deep: Vec<&str> = [&["runtime.gopark"][..], &["main.f"; 700]].concat();
        made.parked(WaitReason::SelectNoCases, &deep, &[]);
        made.parked(WaitReason::SelectNoCases, &["runtime.asyncPreempt", "main.f"], &[]);
        made.parked(WaitReason::SelectNoCases, &["runtime.gopark", "C.f", "main.f"], &[]);
        let snapshot = made.snapshot();
        assert_eq!(snapshot.goroutines[0].stack.frames().len(), 702);
        // The preempted function stopped at an instruction, not at a call.
        let lines: Vec<_> = snapshot.goroutines[1].stack.frames().iter().map(|frame| frame.line).collect();
        assert_eq!(lines, [6, 1, 0]);
        assert_eq!(snapshot.goroutines[2].stack.frames().len(), 2);
        assert_eq!(snapshot.problems.len(), 1);
        assert!(snapshot.problems[0].what.starts_with("stack leads to unknown code"));
    });
}

#[test]
fn system_goroutines_by_their_first_function() {
    each_release(|mut made| {
        made.parked(WaitReason::FinalizerWait, &["runtime.gopark", "runtime.runfinq"], &[]);
        made.parked(WaitReason::SelectNoCases, &["runtime.gopark", "main.f", "runtime.runfinq"], &[]);
        made.parked(WaitReason::GcSweepWait, &["runtime.gopark", "runtime.bgsweep"], &[]);
        made.parked(WaitReason::SelectNoCases, CALLS, &[]);
        let system: Vec<_> = made.snapshot().goroutines.iter().map(|g| g.system).collect();
        assert_eq!(system, [true, false, true, false]);
    });
}

#[test]
fn a_running_goroutine_has_a_thread_and_no_stack() {
    each_release(|mut made| {
        let layout = made.layout.clone();
        let g = made.parked(WaitReason::SelectNoCases, CALLS, &[]);
        made.status(g, 2);
        made.word(g.offset(layout.g.m), OBJECTS.0);
        made.word(OBJECTS.offset(layout.m.procid), 4321);
        let running = made.only();
        assert_eq!((running.state, running.reason), (GoState::Running, None));
        assert_eq!(running.thread.map(|thread| thread.0), Some(4321));
        assert!(running.stack.frames().is_empty());
    });
}

#[test]
fn a_queue_that_leads_in_a_circle_is_a_problem() {
    let mut made = Made::new(27);
    let layout = made.layout.clone();
    let g = made.parked(WaitReason::ChanReceive, CALLS, &[]);
    let sudog = made.sudog(g, &[(layout.sudog.c, OBJECTS.0)]);
    made.word(sudog.offset(layout.sudog.next), sudog.0);
    made.word(g.offset(layout.g.waiting), sudog.0);
    made.word(OBJECTS.offset(layout.hchan.recvq_first), sudog.0);
    let snapshot = made.snapshot();
    assert_eq!(snapshot.goroutines.len(), 1);
    assert!(snapshot.problems.iter().any(|problem| problem.what.contains("cannot be followed")));
}
