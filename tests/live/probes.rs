//! Probes in a running program: what they tell, that nothing is lost uncounted,
//! and that they leave nothing behind.

use std::fs;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bingo::binary::layout::Layout;
use bingo::binary::{Binary, Symbolizer};
use bingo::live::{Attachment, Mode, Probe, Probes};
use bingo::model::{
    Direction, Event, EventKind, Header, LoadBias, Observation, Source, SourceKind, Time, Wait, WaitReason,
};
use bingo_tests::{Child, Fixture, GoRelease, Mode as Build, live_or_skip, skip};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ping-pong, running, unless it has to be skipped.
fn ping_pong(test: &str) -> Option<Child> {
    if !live_or_skip(test) {
        return None;
    }
    let Some(release) = GoRelease::newest() else {
        skip(test, "no Go release is installed");
        return None;
    };
    let program = Fixture::build("bench/pingpong", &release, Build::Normal).expect("a test target that runs");
    let mut child = Child::start(&program, &["-interval", "50ms"]).expect("a test target that runs");
    child.line(PATIENCE).expect("a test target that runs");
    Some(child)
}

fn attachment(pid: u32, mode: Mode) -> Attachment {
    let binary =
        Arc::new(Binary::open(format!("/proc/{pid}/exe").as_ref()).expect("a test target that runs"));
    let layout = Arc::new(Layout::of(&binary).expect("a test target that runs"));
    let symbolizer = Arc::new(Symbolizer::new(binary, LoadBias(0)));
    let header = Header {
        source: SourceKind::Live,
        go_version: None,
        binary: None,
        pid: Some(pid),
        inner_pid: None,
        start: SystemTime::now(),
        start_monotonic: Time(0),
        notes: Vec::new(),
    };
    let mut attachment = Attachment::new(pid, header, LoadBias(0), layout, symbolizer, mode);
    // CI runs these tests with the object that it has just built, too.
    attachment.object = std::env::var_os("BINGO_EBPF_OBJECT").map(|file| fs::read(file).expect("an object"));
    attachment
}

/// Everything there is now, whatever its time.
fn observe(probes: &mut Probes, events: &mut Vec<Event>) -> bool {
    let mut observed = Vec::new();
    let more = probes.observe(Time(u64::MAX), &mut observed).expect("a test target that runs");
    events.extend(observed.into_iter().filter_map(|observation| match observation {
        Observation::Event(event) => Some(event),
        Observation::Snapshot(_) | Observation::Problem(_) => None,
    }));
    more
}

/// The byte at each probe's site.
fn site_bytes(pid: u32, addresses: &[u64]) -> Vec<u8> {
    let memory = fs::File::open(format!("/proc/{pid}/mem")).expect("a test target that runs");
    let mut bytes = Vec::new();
    for &address in addresses {
        let mut byte = [0];
        memory.read_exact_at(&mut byte, address).expect("code is readable");
        bytes.extend(byte);
    }
    bytes
}

#[test]
fn events_say_who_waits_on_what_and_who_ended_it() {
    let Some(child) = ping_pong("events_say_who_waits_on_what_and_who_ended_it") else { return };
    for multi_links in [true, false] {
        let probes = Probes::attach(Attachment { multi_links, ..attachment(child.pid(), Mode::Always) });
        check_events(probes.unwrap());
    }
}

fn check_events(mut probes: Probes) {
    let (mut events, began) = (Vec::new(), Instant::now());
    while events.len() < 10_000 {
        assert!(began.elapsed() < PATIENCE, "{} events", events.len());
        probes.wait(Duration::from_millis(50));
        observe(&mut probes, &mut events);
    }
    assert!(
        events.is_sorted_by_key(|event| event.time) || probes.stats().expect("the kernel counts").late > 0
    );
    // Two that are in step may well meet at every other of their channels alone.
    let waits = events.iter().any(|event| {
        let on = match &event.kind {
            EventKind::Block { reason: Some(WaitReason::ChanReceive), on } => (on, Direction::Receive),
            EventKind::Block { reason: Some(WaitReason::ChanSend), on } => (on, Direction::Send),
            _ => return false,
        };
        let is_named = matches!(on, (Some(Wait::Channel { direction, channel }), expected)
            if *direction == expected && !channel.is_nil());
        let stack = event.stack.iter().flat_map(|stack| stack.frames());
        let functions: Vec<&str> = stack.map(|frame| &*frame.function).collect();
        is_named && functions.first() == Some(&"runtime.gopark") && functions.contains(&"main.serve")
    });
    assert!(waits, "main.serve waits at a channel: {:#?}", events.first());
    let woken = events.iter().find_map(|event| match event.kind {
        EventKind::Unblock { by: Some(by) } => Some((event.goroutine?, by)),
        _ => None,
    });
    let (woken, by) = woken.expect("somebody wakes somebody");
    assert_ne!(woken, by);
}

#[test]
fn every_record_is_received_or_counted_as_lost() {
    let Some(mut child) = ping_pong("every_record_is_received_or_counted_as_lost") else { return };
    let mut small = attachment(child.pid(), Mode::Always);
    small.ring_bytes = 64 << 10;
    let mut probes = Probes::attach(small).unwrap();
    let mut events = Vec::new();
    // A reader that comes too late for a ring of this size.
    let began = Instant::now();
    while !events.iter().any(|event: &Event| event.goroutine.is_none()) {
        assert!(began.elapsed() < PATIENCE, "{:?}", probes.stats());
        child.line(PATIENCE).unwrap();
        observe(&mut probes, &mut events);
    }
    child.kill();
    while probes.wait(Duration::from_millis(20)) {}
    while observe(&mut probes, &mut events) {}

    let stats = probes.stats().unwrap();
    let (mut lost, mut received) = (0, 0);
    for probe in stats.probes {
        let made = probe.count.hits - probe.count.filtered;
        assert_eq!(made, probe.received + probe.count.lost, "{probe:?}");
        lost += probe.count.lost;
        received += probe.received;
    }
    let told: u64 = events
        .iter()
        .map(|event| if let EventKind::Lost { count, .. } = event.kind { count } else { 0 })
        .sum();
    let told_of = events.iter().filter(|event| event.goroutine.is_some()).count();
    assert!(lost > 0, "the ring was large enough: {stats:?}");
    assert_eq!((told, u64::try_from(told_of).unwrap()), (lost, received));
}

#[test]
fn detaching_leaves_nothing_behind() {
    let Some(mut child) = ping_pong("detaching_leaves_nothing_behind") else { return };
    let addresses: Vec<u64> =
        attachment(child.pid(), Mode::Always).sites.iter().map(|site| site.address.0).collect();
    assert_eq!(addresses.len(), Probe::ALL.len());
    let before = site_bytes(child.pid(), &addresses);
    let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
    let mut at_rest = None;
    for multi_links in [true, true, true, false] {
        let probes = Probes::attach(Attachment { multi_links, ..attachment(child.pid(), Mode::Always) });
        let probes = probes.unwrap();
        assert_eq!(site_bytes(child.pid(), &addresses), [0xcc; 4]);
        drop(probes);
        assert_eq!(site_bytes(child.pid(), &addresses), before);
        assert_eq!(*at_rest.get_or_insert_with(descriptors), descriptors());
    }
    child.line(PATIENCE).unwrap();
}
