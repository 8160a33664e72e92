//! Blocked time in each form, of a life told by hand.

use std::time::UNIX_EPOCH;

use super::{Blocked, Export, Format, dot, flamegraph, folded, pprof, speedscope};
use crate::model::{
    Addr, Event, EventKind, Frame, GoId, Header, Observation, SourceKind, Stack, Time, WaitReason,
};

const MS: u64 = 1_000_000;

fn stack(calls: &[&str]) -> Stack {
    let frame = |function: &&str| Frame {
        function: (*function).into(),
        file: "/src/main.go".into(),
        line: 15,
        pc: Addr(function.len() as u64),
        inlined: false,
    };
    Stack::new(calls.iter().map(frame).collect::<Vec<_>>())
}

/// Two waits of goroutine 7 that 1 ends, one of goroutine 8 that nobody does, and
/// one of the runtime's own.
fn written(format: Format, all: bool) -> Vec<u8> {
    let header = Header {
        source: SourceKind::Trace,
        go_version: None,
        binary: None,
        pid: None,
        inner_pid: None,
        start: UNIX_EPOCH,
        start_monotonic: Time(0),
        notes: vec![],
    };
    let receive = EventKind::Block { reason: Some(WaitReason::ChanReceive), on: None };
    let send = EventKind::Block { reason: Some(WaitReason::ChanSend), on: None };
    let wake = EventKind::Unblock { by: Some(GoId(1)) };
    let worker = ["runtime.gopark", "main.take;all", "main.worker"];
    let mut bytes = Vec::new();
    let mut export = Blocked::new(&mut bytes, &header, all, format);
    for (ms, id, kind, calls) in [
        (0, 1, EventKind::Run, &["main.main"][..]),
        (0, 2, receive.clone(), &["runtime.gopark", "runtime.bgsweep"]),
        (10, 7, receive.clone(), &worker),
        (30, 7, wake.clone(), &["main.feed", "main.main"]),
        (31, 7, receive, &worker),
        (35, 7, wake, &["main.feed", "main.main"]),
        (40, 8, send, &["main.lost"]),
        (100, 1, EventKind::Stop, &["main.main"]),
    ] {
        let (time, goroutine, stack) = (Time(ms * MS), Some(GoId(id)), Some(stack(calls)));
        let event = Event { time, goroutine, kind, stack, thread: None };
        export.take(&Observation::Event(event)).unwrap();
    }
    export.finish().unwrap();
    drop(export);
    bytes
}

fn text(format: Format, all: bool) -> String {
    String::from_utf8(written(format, all)).unwrap()
}

#[test]
fn folded_has_nanoseconds_and_reasons() {
    assert_eq!(
        text(folded, false),
        "main.lost;[chan-send] 60000000\nmain.worker;main.take:all;[chan-receive] 24000000\n"
    );
    assert!(text(folded, true).contains("runtime.bgsweep;runtime.gopark;[chan-receive] 100000000\n"));
}

#[test]
fn a_flame_graph_is_whole_in_itself() {
    let svg = text(flamegraph, false);
    for part in ["<svg", "main.take:all (24,000 µs, 28.57%)", "[chan-send] (60,000 µs", "</svg>"] {
        assert!(svg.contains(part), "{part}: {svg}");
    }
    assert!(!svg.contains("href=\"http") && !svg.contains("src=\"http"), "it needs another file");
}

#[test]
fn the_drawing_says_who_woke_whom() {
    insta::assert_snapshot!(text(dot, false));
}

#[test]
fn speedscope_weighs_each_stack_once_in_all_and_once_by_reason() {
    let file: serde_json::Value = serde_json::from_slice(&written(speedscope, false)).unwrap();
    let frames = file["shared"]["frames"].as_array().unwrap();
    let profiles = file["profiles"].as_array().unwrap();
    let shown: Vec<String> = profiles
        .iter()
        .map(|profile| {
            let samples = profile["samples"].as_array().unwrap().iter().map(|sample| {
                let names = sample.as_array().unwrap().iter().map(|frame| {
                    frames[usize::try_from(frame.as_u64().unwrap()).unwrap()]["name"].as_str().unwrap()
                });
                names.collect::<Vec<_>>().join(";")
            });
            let samples: Vec<String> = samples.collect();
            format!("{} {} {} {samples:?}", profile["name"], profile["endValue"], profile["weights"])
        })
        .collect();
    let (lost, worker) = ("main.lost;[chan-send]", "main.worker;main.take;all;[chan-receive]");
    assert_eq!(
        shown,
        [
            format!("\"blocked, all reasons\" 84000000 [60000000,24000000] {:?}", [lost, worker]),
            format!("\"chan-send\" 60000000 [60000000] {:?}", [lost]),
            format!("\"chan-receive\" 24000000 [24000000] {:?}", [worker]),
        ]
    );
}

#[test]
fn a_profile_is_compressed() {
    assert!(written(pprof, false).starts_with(&[0x1f, 0x8b]));
}
