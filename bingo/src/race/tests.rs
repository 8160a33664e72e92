//! Reports as Go prints them, whole, broken off, and among other things.

use super::*;
use crate::model::{Addr, GoId, MemoryAccess, Race};

const REPORT: &str = "==================
WARNING: DATA RACE
Write at 0x00c000014098 by goroutine 7:
  runtime.mapassign_faststr()
      /go/src/internal/runtime/maps/runtime_faststr_swiss.go:263 +0x0
  main.(*T[go.shape.int]).set()
      /src/a b.go:10 +0x3c
  main.main.func1()
      /src/main.go:20 +0x44

Previous read at 0x00c000014098 by main goroutine:
  main.main()
      /src/main.go:13 +0x9e

Goroutine 7 (running) created at:
  main.main()
      /src/main.go:9 +0x8e
==================
";

fn read(text: &str) -> Vec<(Race, u64)> {
    let found = races(text.as_bytes()).unwrap();
    found.races.found().map(|(race, times)| (race.clone(), times)).collect()
}

/// `kind who site`, of both.
fn said(race: &Race) -> [String; 2] {
    race.accesses.each_ref().map(|access| {
        let site = access.stack.site().map(|site| format!(" {}:{}", site.file, site.line));
        format!("{} by {}{}", access.kind, access.who, site.unwrap_or_default())
    })
}

#[test]
fn a_whole_report() {
    let [(race, 1)] = &read(REPORT)[..] else { panic!("{:?}", read(REPORT)) };
    assert_eq!(
        said(race),
        ["write by goroutine 7 /src/a b.go:10", "previous read by main goroutine /src/main.go:13"]
    );
    let [write, read] = &race.accesses;
    assert_eq!((write.address, write.goroutine), (Some(Addr(0xc0_0001_4098)), Some(GoId(7))));
    assert_eq!((write.stack.frames().len(), read.goroutine), (3, Some(GoId(1))));
    assert_eq!(&*write.stack.frames()[1].function, "main.(*T[go.shape.int]).set");
    let [racer] = &race.goroutines[..] else { panic!("{race:?}") };
    assert_eq!((racer.goroutine, &*racer.state), (GoId(7), "running"));
    assert_eq!(racer.created_at.site().map(|site| site.line), Some(9));
    assert_eq!(race.notes, Vec::<String>::new());
}

/// What one program says that was built by the oldest, a middle and the newest Go:
/// a map, an atomic and a plain access, a generic method, and a finalizer.
#[test]
fn what_each_go_prints() {
    for said in [
        include_str!("reports/go1.21.txt"),
        include_str!("reports/go1.24.txt"),
        include_str!("reports/go1.27.txt"),
    ] {
        let found = races(said.as_bytes()).unwrap();
        let told = said.matches("WARNING: DATA RACE").count();
        assert!(said.contains(&format!("Found {told} data race(s)")) && found.unreadable == 0);
        assert_eq!(found.races.found().map(|(_, times)| times).sum::<u64>(), told as u64);
        let mut lines: Vec<Vec<u32>> = found
            .races
            .found()
            .map(|(race, _)| {
                assert_eq!((race.notes.len(), race.accesses[0].address), (0, race.accesses[1].address));
                let own = |access: &MemoryAccess| {
                    assert!(!access.stack.frames().is_empty() && access.goroutine.is_some());
                    access.stack.site().filter(|site| &*site.file == "/src/main.go").map(|site| site.line)
                };
                assert!(race.goroutines.iter().all(|racer| !racer.created_at.frames().is_empty()));
                let mut lines: Vec<u32> = race.accesses.iter().filter_map(own).collect();
                lines.sort_unstable();
                lines
            })
            .collect();
        lines.sort();
        assert_eq!(lines, [vec![13, 24], vec![21, 22], vec![24], vec![28, 32]], "{said}");
    }
}

#[test]
fn the_same_places_are_one_race_whichever_came_first() {
    let other = REPORT.replace("Write at", "Read at").replace("Previous read", "Previous write");
    let turned = "WARNING: DATA RACE
Read at 0x00c000014098 by goroutine 9:
  main.main()
      /src/main.go:13 +0x9e

Previous write at 0x00c000014098 by goroutine 8:
  main.(*T[go.shape.int]).set()
      /src/a b.go:10 +0x3c
==================
";
    let elsewhere = REPORT.replace("main.go:13", "main.go:14");
    let found = read(&format!("{REPORT}{other}{turned}{elsewhere}"));
    assert_eq!(found.iter().map(|(_, times)| *times).collect::<Vec<_>>(), [3, 1]);
}

#[test]
fn what_stands_between_and_before_is_passed_over() {
    let mut text = String::from("=== RUN   TestOrders\nsome log\n");
    for line in REPORT.lines() {
        text += &format!("{line}\nserved 200 GET /orders\n");
    }
    text +=
        "--- FAIL: TestOrders (0.00s)\n    testing.go:1712: race detected during execution of test\nFAIL\n";
    assert_eq!(said(&read(&text)[0].0), said(&read(REPORT)[0].0));
    let stamped: String = REPORT.lines().map(|line| format!("2026-11-22T00:38:11.97Z {line}\r\n")).collect();
    assert_eq!(read(&stamped), read(REPORT));
}

#[test]
fn what_has_no_stack_or_breaks_off_is_told_as_far_as_it_goes() {
    let failed = "WARNING: DATA RACE\nWrite at 0x1 by goroutine 7:\n  main.f()\n      /src/a.go:1 +0x1\n\n\
        Previous write at 0x1 by finalizer goroutine:\n  [failed to restore the stack]\n\n\
        Goroutine 7 (finished) created at:\n  main.g()\n      /src/a.go:9 +0x1\n==================\n";
    let (race, _) = &read(failed)[0];
    assert_eq!(said(race), ["write by goroutine 7 /src/a.go:1", "previous write by finalizer goroutine"]);
    assert!(race.accesses[1].stack.frames().is_empty() && race.notes.is_empty());
    let cut = REPORT.split("Previous").next().unwrap();
    let found = read(&format!("{cut}{REPORT}"));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].0.notes[0].contains("breaks off"));
    assert_eq!(said(&found[0].0)[0], "write by goroutine 7 /src/a b.go:10");
    for nothing in ["WARNING: DATA RACE", "WARNING: DATA RACE\n==================\n"] {
        let found = races(nothing.as_bytes()).unwrap();
        assert!(found.races.is_empty() && found.unreadable == 1, "{nothing}");
    }
}

#[test]
fn hostile_text_is_bounded_and_breaks_nothing() {
    let endless =
        format!("WARNING: DATA RACE\nRead at 0x1 by goroutine 1:\n{}", "  f()\n      a:1\n".repeat(50_000));
    assert!(read(&endless)[0].0.accesses[0].stack.frames().len() <= 1_000);
    for at in 0..REPORT.len() {
        let cut = &REPORT.as_bytes()[at..];
        let _ = races(cut).unwrap();
        let mut torn = REPORT.as_bytes().to_vec();
        torn[at] ^= 0xff;
        let _ = races(&torn[..]).unwrap();
    }
    let long = format!("ö{}WARNING: DATA RACE\n", "ö".repeat(200_000));
    let _ = races(long.as_bytes()).unwrap();
    let many: String = (0..12_000)
        .map(|line| format!("WARNING: DATA RACE\nRead at 0x1 by goroutine 1:\n  main.f()\n      /a.go:{line} +0x1\n==================\n"))
        .collect();
    let found = races(many.as_bytes()).unwrap();
    assert_eq!((found.races.found().count(), found.races.left_out()), (10_000, 2_000));
}
