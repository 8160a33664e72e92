//! Lines as they stand in the interface.

use std::path::PathBuf;
use std::time::{Duration, Instant, UNIX_EPOCH};

use super::EventWriter;
use crate::model::{
    Addr, Direction, Event, EventKind, Frame, GoId, Header, LostKind, SourceKind, Stack, Time, Wait,
    WaitReason,
};

fn header() -> Header {
    Header {
        source: SourceKind::Live,
        go_version: Some("go1.27.3".into()),
        binary: Some(PathBuf::from("/srv/app")),
        pid: Some(123),
        inner_pid: None,
        start: UNIX_EPOCH + Duration::from_nanos(1_795_307_891_969_332_122),
        start_monotonic: Time(969_332_122_271),
        notes: vec![],
    }
}

fn block() -> Event {
    let frame = |function: &str, line| Frame {
        function: function.into(),
        file: "/src/main.go".into(),
        line,
        pc: Addr(0x40_1234),
        inlined: false,
    };
    Event {
        time: Time(969_332_122_271),
        goroutine: Some(GoId(123)),
        kind: EventKind::Block {
            reason: Some(WaitReason::ChanSend),
            on: Some(Wait::Channel { channel: Addr(0xc0_0001_2345), direction: Direction::Send }),
        },
        stack: Some(Stack::new(vec![frame("runtime.gopark", 402), frame("main.worker", 5)])),
        thread: None,
    }
}

fn line(event: &Event) -> String {
    let mut out = Vec::new();
    let mut writer = EventWriter::new(&mut out, &header(), false).unwrap();
    writer.event(event, None).unwrap();
    writer.flush().unwrap();
    String::from_utf8(out).unwrap().lines().nth(1).unwrap().to_owned()
}

#[test]
fn the_header() {
    let mut out = Vec::new();
    EventWriter::new(&mut out, &header(), false).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
}

#[test]
fn a_park() {
    insta::assert_snapshot!(line(&block()));
}

/// Nobody parks to receive from a channel that is closed or has something in it.
#[test]
fn a_park_tells_of_its_channel_what_made_it_park() {
    let parked = |channel, direction| {
        let mut event = block();
        let on = Some(Wait::Channel { channel: Addr(channel), direction });
        event.kind = EventKind::Block { reason: Some(WaitReason::ChanReceive), on };
        let line: serde_json::Value = serde_json::from_str(&line(&event)).unwrap();
        line["blocked_on"].to_string()
    };
    let on = |channel, direction, expect| assert_eq!(parked(channel, direction), expect);
    on(
        16,
        Direction::Receive,
        r#"{"address":"0x10","closed":false,"direction":"receive","kind":"channel","len":0}"#,
    );
    on(16, Direction::Send, r#"{"address":"0x10","closed":false,"direction":"send","kind":"channel"}"#);
    on(0, Direction::Receive, r#"{"address":"0x0","direction":"receive","kind":"channel"}"#);
}

#[test]
fn what_was_lost() {
    let kind = EventKind::Lost { kind: LostKind::Block, count: 1 << 60 };
    let lost = Event { time: Time(969_332_122_270), goroutine: None, kind, stack: None, thread: None };
    insta::assert_snapshot!(line(&lost));
}

#[test]
fn a_before_the_start_time_is_before_it() {
    let early = Event { time: Time(0), goroutine: None, kind: EventKind::Run, stack: None, thread: None };
    assert!(line(&early).contains("2026-11-22T00:22:02"), "{}", line(&early));
}

/// Not a timed test: it prints the cost of a line, and fails only if it is out
/// of all proportion.
#[test]
fn a_line_is_cheap() {
    let event = block();
    let mut writer = EventWriter::new(std::io::sink(), &header(), false).unwrap();
    let begun = Instant::now();
    for _ in 0..20_000 {
        writer.event(&event, None).unwrap();
    }
    let each = begun.elapsed() / 20_000;
    println!("{each:?} a line");
    assert!(each < Duration::from_millis(1));
}
