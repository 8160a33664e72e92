//! Any bytes as a core file: opened, asked for all that it says, and read as the
//! memory of a Go program, whose runtime has its variables at the places below.
#![no_main]

use std::sync::Arc;

use bingo::binary::layout::Layout;
use bingo::binary::{GivenLock, HeldLock, InterfaceCall, LiveWords, Unwind};
use bingo::goruntime::{Code, Point, Runtime, SnapshotReader};
use bingo::memory::core_dump::CoreDump;
use bingo::memory::{Batch, Memory};
use bingo::model::{Addr, Frame, Pc, Stack, StaticAddr, Time};
use libfuzzer_sys::fuzz_target;

/// Where the seeds have the runtime's variables (`seeds/make_core.py`).
const VARIABLES: u64 = 0x1000;

fuzz_target!(|bytes: &[u8]| {
    let Ok(core) = CoreDump::from_bytes(bytes.to_vec()) else { return };
    let notes = core.notes();
    // What is kept of a note is less than what the file has of it.
    assert!(notes.threads.len() * 112 <= bytes.len() && notes.files.len() * 24 <= bytes.len());
    let _ = (notes.executable(), core.build_ids());
    let mut batch = Batch::default();
    let threads = notes.threads.iter().flat_map(|thread| [thread.registers.sp(), Addr(thread.registers.pc)]);
    let files = notes.files.iter().flat_map(|file| [file.start, file.end]);
    for place in threads.chain(files).take(256) {
        batch.push(place, 64);
    }
    core.read_batch(&mut batch).expect("damage is a piece without bytes");

    let at = |place: u64| Some(Addr(VARIABLES + place));
    let runtime = Runtime {
        layout: Layout::of_release(27, "go1.27.3").expect("it is in the table"),
        allgs: Addr(VARIABLES),
        allgs_len: Addr(VARIABLES + 8),
        allm: at(16),
        allp: at(24),
        allfin: at(48),
        gc_cleanups: Some(Addr(VARIABLES + 56 - 128)),
        sched: at(64),
        module: at(0x400),
        semtable: at(0x1000),
        mheap: at(0x6000),
    };
    let threads =
        notes.threads.iter().map(|thread| (u64::from(thread.tid), Some(thread.registers))).collect();
    let mut reader = SnapshotReader::new(core, runtime, Frames).standing_still(threads);
    if let Ok(snapshot) = reader.read_closely(Time(1)) {
        // A goroutine is known by its own address, which stands in it.
        assert!(snapshot.goroutines.len() * 8 <= bytes.len());
    }
});

/// Code in which every function has a frame of one size.
struct Frames;

impl Code for Frames {
    fn point(&self, pc: Addr) -> Option<Point> {
        let unwind = match pc.0 >> 20 {
            1 => Unwind::Outermost,
            2 => Unwind::Frame(24),
            3 => Unwind::Unknown,
            _ => return None,
        };
        Some(Point { entry: Addr(pc.0 >> 20 << 20), unwind, injected: pc.0 & 0xf == 0xf })
    }

    fn frames(&self, pc: Pc) -> Arc<[Frame]> {
        let function = Arc::from("main.f");
        Arc::new([Frame { function, file: Arc::from("f.go"), line: 1, pc: pc.addr(), inlined: false }])
    }

    fn stack(&self, pcs: &[Pc]) -> Stack {
        Stack::new(pcs.iter().flat_map(|&pc| self.frames(pc).to_vec()).collect::<Vec<_>>())
    }

    fn function_name(&self, _: Addr) -> Option<String> {
        Some("main.f".to_owned())
    }

    fn live_words(&self, pc: Pc) -> Option<LiveWords> {
        (pc.addr().0 & 1 == 1).then(|| LiveWords { locals: vec![8, 16], ..LiveWords::default() })
    }

    fn locks_held(&self, _: Pc, _: &[(StaticAddr, Addr)]) -> Vec<HeldLock> {
        Vec::new()
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

    fn variable_at(&self, _: Addr) -> Option<(String, Addr)> {
        None
    }
}
