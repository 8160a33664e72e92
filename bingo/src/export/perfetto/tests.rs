//! A tale of three goroutines, decoded again.

use std::collections::HashMap;
use std::time::UNIX_EPOCH;

use prost::Message;

use super::packets::{Content, Packet, Trace};
use super::{Export, Perfetto};
use crate::model::{
    Addr, Event, EventKind, Frame, GoId, Header, Observation, SourceKind, Stack, Time, WaitReason,
};

fn header() -> Header {
    Header {
        source: SourceKind::Trace,
        go_version: None,
        binary: Some("/srv/app".into()),
        pid: Some(4242),
        inner_pid: None,
        start: UNIX_EPOCH,
        start_monotonic: Time(0),
        notes: vec![],
    }
}

fn stack(function: &str) -> Stack {
    let frame = |function: &str| Frame {
        function: function.into(),
        file: "/src/main.go".into(),
        line: 5,
        pc: Addr(1),
        inlined: false,
    };
    Stack::new(vec![frame("runtime.gopark"), frame(function)])
}

/// What a reader of the packets sees, line by line, and their bytes.
fn told(events: Vec<Event>) -> Vec<String> {
    let mut bytes = Vec::new();
    let mut perfetto = Perfetto::new(&mut bytes, &header()).unwrap();
    for event in events {
        perfetto.take(&Observation::Event(event)).unwrap();
    }
    perfetto.finish().unwrap();
    drop(perfetto);
    let trace = Trace::decode(&bytes[..]).unwrap();
    let mut tracks = HashMap::new();
    let mut texts: HashMap<u64, String> = HashMap::new();
    trace.packet.iter().filter_map(|packet| line(packet, &mut tracks, &mut texts)).collect()
}

fn line(
    packet: &Packet,
    tracks: &mut HashMap<u64, String>,
    texts: &mut HashMap<u64, String>,
) -> Option<String> {
    if packet.sequence_flags.is_some_and(|flags| flags & 1 != 0) {
        texts.clear();
    }
    if let Some(interned) = &packet.interned_data {
        for named in interned.event_names.iter().chain(&interned.debug_annotation_string_values) {
            assert!(texts.insert(named.iid?, named.text.clone()?).is_none(), "one number for two");
        }
    }
    match packet.content.as_ref()? {
        Content::ClockSnapshot(_) => None,
        Content::TrackDescriptor(track) => {
            let name = track.name.clone().or_else(|| track.process.as_ref()?.process_name.clone())?;
            assert!(tracks.insert(track.uuid?, name.clone()).is_none(), "{name} is told twice");
            Some(format!("track {name}"))
        }
        Content::TrackEvent(event) => {
            let track = tracks.get(&event.track_uuid?).expect("a track is told before what is on it");
            let doing = ["", "begin", "end", "instant"][usize::try_from(event.r#type?).unwrap()];
            let name = event.name_iid.map_or("", |iid| texts.get(&iid).expect("a name"));
            let at = event
                .debug_annotations
                .first()
                .map(|at| format!(" at {}", texts.get(&at.string_value_iid.unwrap()).expect("a stack")));
            let flows = format!("{:?} {:?}", event.flow_ids, event.terminating_flow_ids);
            Some(format!("{} {track}: {doing} {name}{} {flows}", packet.timestamp?, at.unwrap_or_default()))
        }
    }
}

fn event(time: u64, id: u64, kind: EventKind, at: Option<&str>) -> Event {
    Event { time: Time(time), goroutine: Some(GoId(id)), kind, stack: at.map(stack), thread: None }
}

#[test]
fn states_are_slices_and_wake_ups_are_arrows() {
    let block = EventKind::Block { reason: Some(WaitReason::ChanReceive), on: None };
    let told = told(vec![
        event(10, 1, EventKind::Run, None),
        event(20, 7, EventKind::Create { parent: Some(GoId(1)) }, Some("main.main")),
        event(30, 7, EventKind::Run, None),
        event(40, 7, block, Some("main.worker")),
        event(50, 7, EventKind::Unblock { by: Some(GoId(1)) }, Some("main.main")),
        event(60, 7, EventKind::Run, None),
        event(65, 7, EventKind::Run, None),
        event(70, 7, EventKind::Dead, None),
        event(80, 9, EventKind::Create { parent: Some(GoId(1)) }, Some("main.main")),
        event(85, 9, EventKind::Dead, None),
    ]);
    assert_eq!(
        told,
        [
            "track /srv/app",
            "track goroutine 1 main.main",
            "10 goroutine 1 main.main: begin running [] []",
            "20 goroutine 1 main.main: instant makes at main.main /src/main.go:5 [1] []",
            "track goroutine 7 main.worker",
            "20 goroutine 7 main.worker: begin runnable [] [1]",
            "30 goroutine 7 main.worker: end  [] []",
            "30 goroutine 7 main.worker: begin running [] []",
            "40 goroutine 7 main.worker: end  [] []",
            "40 goroutine 7 main.worker: begin blocked (chan-receive) at main.worker /src/main.go:5 [] []",
            "50 goroutine 1 main.main: instant wakes at main.main /src/main.go:5 [2] []",
            "50 goroutine 7 main.worker: end  [] []",
            "50 goroutine 7 main.worker: begin runnable [] [2]",
            "60 goroutine 7 main.worker: end  [] []",
            "60 goroutine 7 main.worker: begin running [] []",
            "70 goroutine 7 main.worker: end  [] []",
            "80 goroutine 1 main.main: instant makes at main.main /src/main.go:5 [3] []",
            "track goroutine 9 made by main.main",
            "80 goroutine 9 made by main.main: begin runnable [] [3]",
            "85 goroutine 9 made by main.main: end  [] []",
        ]
    );
}

#[test]
fn numbers_and_goroutines_that_are_gone_take_no_memory() {
    let mut perfetto = Perfetto::new(std::io::sink(), &header()).unwrap();
    for id in 1..60_000 {
        let block = EventKind::Block { reason: None, on: None };
        for (kind, at) in [(EventKind::Run, None), (block, Some("main.f")), (EventKind::Dead, None)] {
            perfetto.take(&Observation::Event(event(id, id, kind, at))).unwrap();
        }
    }
    assert!(perfetto.lanes.is_empty());
    assert!(perfetto.packets.numbered() <= 1 + (1 << 15), "{}", perfetto.packets.numbered());
}
