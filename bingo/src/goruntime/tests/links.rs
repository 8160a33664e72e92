//! Who can reach what, in heaps made of literal memory.
//!
//! ```text
//!   OBJECTS          16 KiB, objects of 256 bytes that may hold pointers
//!   OBJECTS + 0x4000 8 KiB, blocks that small objects without pointers share
//!   OBJECTS + 0x8000 32 KiB, sudogs and what goroutines hold
//! ```

use super::*;
use crate::model::{Access, Certainty, ObjectKey, ObjectKind, Operation, WaitFor};

/// Words of a stack stand at the frame's low end: the first is that of `main.f`
/// alone where it is the innermost call.
const PARKED: &[&str] = &["runtime.gopark", "main.f"];
const TINY: Addr = Addr(0xf000_4000);

impl Made {
    /// Lays out the heap and one module.
    fn with_heap(mut self) -> Made {
        let layout = self.layout.clone();
        self.image.map(MHEAP, usize::try_from(layout.mheap.size).unwrap());
        self.image.map(MODULE, 0x1000).map(VARIABLES, 0x1000);
        let (module, mspan) = (layout.module, layout.mspan);
        for (offset, word) in [
            (module.noptrdata, VARIABLES.0),
            (module.data, VARIABLES.0),
            (module.edata, VARIABLES.0 + 16),
            (module.bss, VARIABLES.0 + 16),
            (module.ebss, VARIABLES.0 + 32),
            (module.enoptrbss, VARIABLES.0 + 0x100),
            (module.gcdatamask, VARIABLES.0 + 0x800),
            (module.gcbssmask, VARIABLES.0 + 0x808),
        ] {
            self.word(MODULE.offset(offset), word);
        }
        // Of each two words the first is a pointer.
        self.word(VARIABLES.offset(0x800), 1);
        self.word(VARIABLES.offset(0x808), 1);
        let (list, spans) = (Addr(0x30_0000), Addr(0x31_0000));
        self.image.map(list, 0x1000).map(spans, 0x1000);
        self.word(MHEAP.offset(layout.mheap.allspans), list.0);
        self.word(MHEAP.offset(layout.mheap.allspans + 8), 4);
        for (index, (start, pages, element, class, state)) in (0_u64..).zip([
            (OBJECTS.0, 2, 256, 34, 1),
            (TINY.0, 1, 16, 5, 1),
            (OBJECTS.0 + 0x8000, 4, 256, 34, 1),
            // Free, and so none of the heap's.
            (OBJECTS.0 + 0x6000, 1, 256, 34, 0),
        ]) {
            let span = spans.offset(index * mspan.size);
            self.word(list.offset(index * 8), span.0);
            self.word(span.offset(mspan.start_addr), start);
            self.word(span.offset(mspan.npages), pages);
            self.word(span.offset(mspan.elemsize), element);
            self.byte(span.offset(mspan.spanclass), class);
            self.byte(span.offset(mspan.state), state);
        }
        self
    }

    /// A goroutine that waits to send on the channel at `channel`, with `words`
    /// in its innermost frame.
    pub(super) fn sender(&mut self, channel: Addr, words: &[u64]) -> Addr {
        let layout = self.layout.clone();
        let g = self.parked(WaitReason::ChanSend, PARKED, words);
        let sudog = self.sudog(g, &[(layout.sudog.c, channel.0)]);
        self.word(g.offset(layout.g.waiting), sudog.0);
        self.word(channel.offset(layout.hchan.sendq_first), sudog.0);
        g
    }

    /// What two close looks say of the object at `address`.
    fn access(&self, address: Addr) -> Access {
        let mut reader = self.reader();
        reader.read_closely(Time(1)).unwrap();
        let snapshot = reader.read_closely(Time(2)).unwrap();
        assert_eq!(snapshot.problems, []);
        let links = snapshot.links.unwrap();
        let object = links.objects.iter().find(|object| object.key == ObjectKey::Address(address));
        object.unwrap().access.clone()
    }

    fn reached(&self, address: Addr, from: &str) {
        assert_eq!(self.access(address), Access::Reached(from.into()), "Go 1.{}", self.layout.minor);
    }

    fn closed(&self, address: Addr) {
        assert_eq!(self.access(address), Access::Closed, "Go 1.{}", self.layout.minor);
    }
}

pub(super) fn heap_of_each_release(check: impl Fn(Made)) {
    each_release(|made| check(made.with_heap()));
}

#[test]
fn what_only_its_waiter_has_is_out_of_reach_once_it_was_seen_so_twice() {
    heap_of_each_release(|mut made| {
        // By its own stack, the sudog in the channel's queue, and the g's list.
        made.sender(OBJECTS, &[OBJECTS.0]);
        made.closed(OBJECTS);
        let links = made.reader().read_closely(Time(1)).unwrap().links.unwrap();
        assert!(matches!(links.objects[0].access, Access::Reached(_)), "a single look proves nothing");
        let waits = links.waits.get(GoId(100)).unwrap();
        assert_eq!(*waits, [WaitFor { object: crate::model::ObjectIndex(0), operation: Operation::Send }]);
        assert_eq!(links.uses, []);
    });
}

#[test]
fn a_look_that_is_broken_off_says_so_and_proves_nothing() {
    heap_of_each_release(|mut made| {
        made.sender(OBJECTS, &[OBJECTS.0]);
        let mut reader = made.reader().standing_still(Vec::new());
        reader.ask_on(Arc::new(|| false));
        let snapshot = reader.read_closely(Time(1)).unwrap();
        assert_eq!(snapshot.goroutines.len(), 1);
        assert!(snapshot.links.is_none());
        assert!(snapshot.problems[0].what.starts_with("the search of the heap was broken off"));
    });
}

#[test]
fn of_what_stands_still_one_look_proves_it() {
    heap_of_each_release(|mut made| {
        made.sender(OBJECTS, &[OBJECTS.0]);
        let links = made.reader().standing_still(Vec::new()).read_closely(Time(1)).unwrap().links.unwrap();
        assert!(links.still);
        assert_eq!(links.objects[0].access, Access::Closed);
    });
}

#[test]
fn variables_reach_by_their_pointers_alone() {
    heap_of_each_release(|mut made| {
        made.sender(OBJECTS, &[]);
        made.word(VARIABLES.offset(8), OBJECTS.0);
        made.closed(OBJECTS);
        // Through an object, and into the middle of the channel.
        made.word(VARIABLES.offset(16), OBJECTS.0 + 0x310);
        made.closed(OBJECTS);
        made.word(OBJECTS.offset(0x3f8), OBJECTS.0 + 0x40);
        made.reached(OBJECTS, "package variable main.v");
    });
}

#[test]
fn of_small_objects_those_words_count_that_the_collector_takes_for_pointers() {
    heap_of_each_release(|mut made| {
        let page = OBJECTS.offset(0x6000);
        let mspan = made.layout.mspan;
        made.byte(Addr(0x31_0000).offset(3 * mspan.size + mspan.state), 1);
        made.sender(OBJECTS, &[]);
        made.word(VARIABLES, page.0 + 0x100);
        made.word(page.offset(0x100 + 31 * 8), OBJECTS.0);
        let bits = page.offset(if made.layout.minor >= 26 { 8192 - 256 } else { 8192 - 128 });
        // None of its words: it is being made.
        made.reached(OBJECTS, "package variable main.v");
        made.word(bits, 1 << 32);
        match made.layout.minor {
            ..22 => made.reached(OBJECTS, "package variable main.v"),
            _ => made.closed(OBJECTS),
        }
        made.word(bits, 1 << 32 | 1 << 63);
        made.reached(OBJECTS, "package variable main.v");
    });
}

#[test]
fn who_goes_on_reaches_and_who_waits_on_what_is_reached_too() {
    heap_of_each_release(|mut made| {
        let (a, b, c) = (OBJECTS, OBJECTS.offset(0x100), OBJECTS.offset(0x200));
        made.sender(a, &[b.0]);
        made.sender(b, &[c.0]);
        made.sender(c, &[]);
        made.closed(a);
        made.closed(c);
        let links = {
            let mut reader = made.reader();
            reader.read_closely(Time(1)).unwrap();
            reader.read_closely(Time(2)).unwrap().links.unwrap()
        };
        let uses: Vec<_> =
            links.uses.iter().map(|one| (one.goroutine, one.object.0, &*one.because)).collect();
        let has = "has it on its stack in runtime.gopark";
        assert_eq!(uses, [(GoId(100), 1, has), (GoId(101), 2, has)]);
        assert!(
            links.uses.iter().all(|one| one.certainty == Certainty::Likely),
            "no map says that it is used"
        );
        let live = made.parked(WaitReason::ForceGcIdle, PARKED, &[a.0]);
        made.reached(a, "goroutine 103, which goes on");
        made.reached(b, "goroutine 100, which goes on");
        made.reached(c, "goroutine 101, which goes on");
        made.status(live, 2);
        made.reached(a, "goroutine 103, which goes on");
    });
}

#[test]
fn a_word_that_the_compiler_has_no_further_use_for_does_not_count() {
    heap_of_each_release(|mut made| {
        made.sender(OBJECTS, &[]);
        let g = made.parked(WaitReason::ForceGcIdle, &["main.f", "main.f"], &[0, OBJECTS.0]);
        made.word(g.offset(made.layout.g.sched_pc), entry("main.f") + 2);
        made.closed(OBJECTS);
        // The frame's words end 16 bytes before the return address's end: its first one.
        let sp = 0xd000_0000 + 0x20000 + 0x10000 - 2 * (FRAME + 8);
        made.word(Addr(sp), OBJECTS.0);
        made.reached(OBJECTS, "goroutine 101, which goes on");
        made.word(Addr(sp), 0);
        made.word(g.offset(made.layout.g.sched_ctxt), OBJECTS.0);
        made.reached(OBJECTS, "goroutine 101, which goes on");
    });
}

#[test]
fn what_is_deferred_is_held() {
    heap_of_each_release(|mut made| {
        made.sender(OBJECTS, &[]);
        let g = made.parked(WaitReason::ForceGcIdle, PARKED, &[]);
        // In the heap; it links to one on the stack, whose function has the channel.
        let (first, second) = (OBJECTS.offset(0x500), 0xd000_0000 + 0x20000 + 0x8000);
        let defer = made.layout.defer;
        made.word(g.offset(made.layout.g.defers), first.0);
        made.word(first.offset(defer.link), second);
        made.closed(OBJECTS);
        made.word(Addr(second + defer.func), OBJECTS.0 + 0x600);
        made.word(OBJECTS.offset(0x608), OBJECTS.0);
        made.reached(OBJECTS, "goroutine 101, which goes on");
    });
}

#[test]
fn finalizers_hold_what_their_object_holds_and_not_the_object() {
    heap_of_each_release(|mut made| {
        made.sender(OBJECTS, &[]);
        let special = made.layout.special;
        let record = OBJECTS.offset(0x5000);
        let span = Addr(0x31_0000);
        made.word(span.offset(made.layout.mspan.specials), record.0);
        let finalizer = if made.layout.minor >= 25 { 2 } else { 1 };
        made.byte(record.offset(special.kind), finalizer);
        made.closed(OBJECTS);
        // Of the object at 0x700.
        made.word(record.offset(special.offset), 0x700);
        made.byte(record.offset(special.kind), finalizer);
        made.word(OBJECTS.offset(0x7f0), OBJECTS.0);
        made.reached(OBJECTS, "a finalizer or a cleanup");
        made.word(OBJECTS.offset(0x7f0), 0);
        made.closed(OBJECTS);
        made.word(record.offset(special.size), OBJECTS.0);
        made.reached(OBJECTS, "a finalizer or a cleanup");
        // What a cleanup is called with.
        made.word(record.offset(special.size), 0);
        made.word(record.offset(special.size + 16), OBJECTS.0);
        made.byte(record.offset(special.kind), 4);
        made.closed(OBJECTS);
        made.byte(record.offset(special.kind), 7);
        if made.layout.minor >= 26 {
            made.reached(OBJECTS, "a finalizer or a cleanup");
        } else {
            made.closed(OBJECTS);
        }
    });
}

#[test]
fn small_locks_share_blocks_and_are_told_apart() {
    heap_of_each_release(|mut made| {
        let layout = made.layout.clone();
        let calls = ["runtime.gopark", "sync.(*Mutex).lockSlow", "main.f"];
        let lock = TINY.offset(8);
        let g = made.parked(WaitReason::Semacquire, &calls, &[lock.0]);
        let sudog = made.sudog(g, &[(layout.sudog.elem, lock.0 + layout.mutex.sema)]);
        made.word(SEMTABLE.offset(layout.sema_root.treap), sudog.0);
        made.closed(lock);
        // Its neighbour in the block.
        made.word(VARIABLES, TINY.0);
        made.closed(lock);
        // A struct that begins with four bytes before it, and it itself.
        for pointer in [TINY.0 + 4, lock.0, lock.0 + 4] {
            made.word(VARIABLES, pointer);
            made.reached(lock, "package variable main.v");
        }
    });
}

#[test]
fn a_lock_that_is_a_variable_is_reached() {
    heap_of_each_release(|mut made| {
        let layout = made.layout.clone();
        let calls = ["runtime.gopark", "sync.(*Mutex).lockSlow", "main.f"];
        let lock = VARIABLES.offset(0x40);
        let g = made.parked(WaitReason::Semacquire, &calls, &[]);
        let sudog = made.sudog(g, &[(layout.sudog.elem, lock.0 + layout.mutex.sema)]);
        made.word(SEMTABLE.offset(layout.sema_root.treap), sudog.0);
        made.parked(WaitReason::ChanReceiveNil, PARKED, &[lock.0]);
        made.reached(lock, "package variable main.v");
        let links = made.reader().read_closely(Time(1)).unwrap().links.unwrap();
        assert_eq!(links.objects[0].kind, ObjectKind::Mutex);
        assert_eq!((links.uses[0].goroutine, links.uses[0].object.0), (GoId(101), 0));
    });
}

#[test]
fn a_heap_that_cannot_be_read_proves_nothing() {
    heap_of_each_release(|mut made| {
        made.sender(OBJECTS, &[]);
        made.closed(OBJECTS);
        let mut torn = made.image.clone();
        // A module whose variables end before they begin; a list of spans elsewhere.
        for (place, word) in [
            (MODULE.offset(made.layout.module.edata), VARIABLES.0 - 8),
            (MHEAP.offset(made.layout.mheap.allspans), 0x5000_0000),
            (MHEAP.offset(made.layout.mheap.allspans + 8), u64::MAX),
            (MODULE.offset(made.layout.module.next), MODULE.0),
        ] {
            std::mem::swap(&mut made.image, &mut torn);
            let whole = made.image.clone();
            made.word(place, word);
            assert!(matches!(made.access(OBJECTS), Access::Reached(_)), "{place}");
            made.image = whole.clone();
            torn = whole;
        }
    });
}
