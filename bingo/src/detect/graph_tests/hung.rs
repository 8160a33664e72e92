//! Tests that hang.

use super::*;

/// 4 s on a goroutine is seen to wait there: `shop.TestPay shop_test.go`, a frame each.
fn waits_there(world: &mut World, id: u64, reason: WaitReason, frames: &[&str]) {
    let frame = |told: &&str| {
        let (function, file) = told.split_once(' ').expect("a function and a file");
        Frame { function: function.into(), file: file.into(), line: 7, pc: Addr(1), inlined: false }
    };
    world.apply(&Observation::Event(Event {
        time: Time(4 * SECOND),
        goroutine: Some(GoId(id)),
        kind: EventKind::Block { reason: Some(reason), on: None },
        stack: Some(Stack::new(frames.iter().map(frame).collect::<Vec<_>>())),
        thread: None,
    }));
}

const RUNNER: &str = "testing.tRunner testing.go";

#[test]
fn the_test_is_named_that_one_of_them_runs() {
    let mut told = Told::default();
    ["7 locks A", "7 holds B", "9 locks B", "9 holds A"].iter().for_each(|line| told.line(line));
    let mut world = told.world();
    let frames = ["shop.transfer shop.go", "shop.TestTransfer shop_test.go", RUNNER];
    waits_there(&mut world, 7, WaitReason::MutexLock, &frames);
    let found = findings(&world, &[&told.links], Duration::from_secs(9));
    let tests = |line: &&String| line.contains("test");
    let named: Vec<&String> = found.iter().flat_map(|one| &one.evidence).filter(tests).collect();
    assert_eq!(named, ["goroutine 7 runs the test shop.TestTransfer"]);
}

#[test]
fn a_hang_of_tests_is_told_at_the_one_that_waits_of_itself() {
    let mut told = Told::default();
    let lines = ["1 receives main", "22 has main", "21 awaits group", "22 has group", "22 receives barrier"];
    lines.iter().chain(&["1 has barrier", "21 has barrier"]).for_each(|line| told.line(line));
    let mut world = told.world();
    let (run, main) = ("testing.(*T).Run testing.go", "main.main _testmain.go");
    waits_there(&mut world, 1, WaitReason::ChanReceive, &[run, main]);
    let all = ["shop.TestAll shop_test.go", RUNNER];
    waits_there(&mut world, 21, WaitReason::WaitGroupWait, &all);
    let part = ["testing.(*T).Parallel testing.go", "shop.TestAll.func1 shop_test.go", RUNNER];
    waits_there(&mut world, 22, WaitReason::ChanReceive, &part);
    let found = findings(&world, &[&told.links], Duration::from_secs(9));
    let [hang] = found.as_slice() else { panic!("{found:?}") };
    let way: Vec<u64> = hang.cycle.iter().map(|step| step.goroutine.0).collect();
    assert_eq!((hang.class, way), (Class::Deadlock, vec![21, 22]));
    assert_eq!(hang.stack.site().map(|site| &*site.function), Some("shop.TestAll"));
    // Whoever reads of main is not sent to the file that `go test` writes.
    let main = world.goroutine(GoId(1)).and_then(|main| main.stack.site()).map(|site| &*site.function);
    assert_eq!(main, Some("testing.(*T).Run"));
}
