//! Who refers to an object, in heaps made of literal memory (`links` has their layout).

use super::links::heap_of_each_release;
use super::*;
use crate::goruntime::{Origin, Place, Places, Referrers};

const SPANS: Addr = Addr(0x31_0000);

/// Objects of 256 bytes.
fn object(number: u64) -> Addr {
    OBJECTS.offset(number * 0x100)
}

fn places(made: &Made, check: impl Fn(&Places<'_, Image, Names>)) {
    let mut reader = made.reader();
    reader.read(Time(1)).unwrap();
    check(&Places::read(&reader).unwrap().unwrap());
}

fn referrers(made: &Made, address: Addr) -> Referrers {
    let mut reader = made.reader();
    reader.read(Time(1)).unwrap();
    let places = Places::read(&reader).unwrap().unwrap();
    places.referrers(address).unwrap()
}

#[test]
fn a_way_leads_from_a_variable_through_the_heap() {
    heap_of_each_release(|mut made| {
        made.word(VARIABLES, object(3).0 + 8);
        made.word(object(3).offset(0x10), object(2).0);
        made.word(object(2).offset(0x20), object(1).0 + 0x18);
        let found = referrers(&made, object(1).offset(0x40));
        let [way] = found.ways.as_slice() else { panic!("{found:?}") };
        let hops: Vec<_> = way.hops.iter().map(|hop| (hop.place.unwrap(), hop.word)).collect();
        assert_eq!(way.origin, Origin::Variable);
        assert_eq!(
            hops,
            [
                (VARIABLES, object(3).offset(8)),
                (object(3).offset(0x10), object(2)),
                (object(2).offset(0x20), object(1).offset(0x18)),
            ]
        );
        assert_eq!((found.direct, found.rootless, found.cut), (1, 0, None));
    });
}

#[test]
fn what_nobody_can_reach_has_no_way() {
    heap_of_each_release(|mut made| {
        // Two that refer to each other, and a goroutine's sudog, which is the runtime's.
        made.word(object(2), object(1).0);
        made.word(object(1), object(2).0);
        let layout = made.layout.clone();
        let g = made.parked(WaitReason::ChanSend, CALLS, &[]);
        let sudog = made.sudog(g, &[(layout.sudog.c, object(1).0)]);
        made.word(g.offset(layout.g.waiting), sudog.0);
        made.word(object(1).offset(layout.hchan.sendq_first), sudog.0);
        let found = referrers(&made, object(1));
        assert_eq!((found.ways.len(), found.direct, found.rootless), (0, 1, 1), "{found:?}");
    });
}

#[test]
fn a_frame_has_what_its_map_says_is_in_use() {
    heap_of_each_release(|mut made| {
        // Of each frame of main.f the first word alone is in use.
        made.parked(WaitReason::ForceGcIdle, CALLS, &[0; 16]);
        let g = made.parked(WaitReason::ForceGcIdle, CALLS, &[object(1).0]);
        let frame = made.frame_of_f(g);
        assert_eq!(referrers(&made, object(1)).ways.len(), 1, "gopark has no map: every word counts");
        made.word(frame.offset(8), object(2).0);
        assert_eq!(referrers(&made, object(2)).ways, []);
        made.word(frame, object(2).0);
        let found = referrers(&made, object(2));
        assert_eq!((found.ways.len(), found.ways[0].origin.goroutine()), (1, Some(GoId(101))), "{found:?}");
    });
}

#[test]
fn what_is_free_refers_to_nothing() {
    heap_of_each_release(|mut made| {
        made.word(VARIABLES, object(5).0);
        made.word(object(5), object(1).0);
        made.word(object(6), object(1).0);
        assert_eq!(referrers(&made, object(1)).direct, 2);
        let bits = OBJECTS.offset(0x3f00);
        made.byte(bits, 0b0010_0010);
        made.word(SPANS.offset(made.layout.mspan.alloc_bits), bits.0);
        assert_eq!(referrers(&made, object(1)).direct, 1);
        places(&made, |places| {
            assert!(matches!(places.at(object(6)).unwrap(), Place::Heap(slot) if slot.is_free));
            assert!(matches!(places.at(object(5)).unwrap(), Place::Heap(slot) if !slot.is_free));
        });
    });
}

#[test]
fn every_address_is_something() {
    heap_of_each_release(|mut made| {
        let g = made.parked(WaitReason::ForceGcIdle, CALLS, &[]);
        let frame = made.frame_of_f(g);
        places(&made, |places| {
            let stack = |in_use| Place::Stack { goroutine: GoId(100), in_use };
            for (address, expect) in [
                (frame, stack(true)),
                (Addr(0xd000_0000), stack(false)),
                (g.offset(8), Place::Goroutine(GoId(100))),
                (VARIABLES.offset(8), Place::Variable(Some(("main.v".to_owned(), VARIABLES)))),
                (Addr(entry("main.f") + 4), Place::Code("main.f".to_owned())),
                (ALLGS, Place::Foreign),
                (OBJECTS.offset(0x6008), Place::FreePages),
                (Addr(8), Place::Unmapped),
                (Addr(u64::MAX), Place::Unmapped),
            ] {
                assert_eq!(places.at(address).unwrap(), expect, "{address}");
            }
        });
    });
}
