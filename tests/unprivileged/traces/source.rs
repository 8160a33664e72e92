//! Traces as sources: what their events are in the model's words.

use std::io::Cursor;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use bingo::model::{Event, EventKind, GoId, Observation, Source, SourceError, Time, WaitReason};
use bingo::trace::TraceSource;

use super::text::encode;

/// One thread, one P: goroutine 1 makes 2 and blocks, 2 wakes it and ends.
const TALE: &str = "\
Trace Go1.25
EventBatch gen=1 m=18446744073709551615 time=1000 size=SYNC
Sync
Frequency freq=1000000000
ClockSnapshot dt=1000 mono=502000 sec=1700000000 nsec=0
EventBatch gen=1 m=7 time=1000 size=EVENTS
ProcStatus dt=10 p=0 pstatus=1
GoStatus dt=10 g=1 m=7 gstatus=2
GoStatus dt=10 g=9 m=18446744073709551615 gstatus=4
GoCreate dt=10 new_g=2 new_stack=0 stack=1
GoBlock dt=10 reason_string=1 stack=2
GoStart dt=10 g=2 g_seq=1
GoUnblock dt=10 g=1 g_seq=1 stack=1
GoSyscallBegin dt=10 p_seq=1 stack=0
GoSyscallEnd dt=10
GoDestroy dt=10
GoStart dt=10 g=1 g_seq=2
GoBlock dt=10 reason_string=5 stack=1
EventBatch gen=1 m=18446744073709551615 time=1000 size=STACKS
Stacks
Stack id=1 nframes=1
	pc=4096 func=2 file=4 line=3
Stack id=2 nframes=2
	pc=8192 func=3 file=4 line=9
	pc=4100 func=2 file=4 line=4
EventBatch gen=1 m=18446744073709551615 time=1000 size=STRINGS
Strings
String id=1
	data=\"forever\"
String id=2
	data=\"main.main\"
String id=3
	data=\"runtime.block\"
String id=4
	data=\"main.go\"
String id=5
	data=\"sync\"
";

/// The bytes of a text whose sizes are words: each batch's length is put there.
fn sized(text: &str) -> anyhow::Result<Vec<u8>> {
    let mut text = text.to_owned();
    for word in ["SYNC", "EVENTS", "STACKS", "STRINGS"] {
        let (_, behind) = text.split_once(&format!("size={word}\n")).context("a batch")?;
        let body = behind.split("EventBatch").next().unwrap_or_default();
        let alone = format!("Trace Go1.25\n{body}");
        let size = encode(&alone)?.len() - encode("Trace Go1.25")?.len();
        text = text.replace(&format!("size={word}"), &format!("size={size}"));
    }
    encode(&text)
}

/// What a trace says, and how that ended.
pub(super) fn observations(
    bytes: Vec<u8>,
) -> anyhow::Result<(TraceSource, Vec<Observation>, Option<SourceError>)> {
    let mut source = TraceSource::new(Cursor::new(bytes), SystemTime::now())?;
    let mut out = Vec::new();
    loop {
        match source.observe(Time(0), &mut out) {
            Ok(true) => {}
            Ok(false) => return Ok((source, out, None)),
            Err(error) => return Ok((source, out, Some(error))),
        }
    }
}

/// `time goroutine kind`, and where: the function of the innermost frame.
fn line(event: &Event) -> String {
    let goroutine = event.goroutine.map_or(0, |GoId(id)| id);
    let kind = match &event.kind {
        EventKind::Create { parent: Some(parent) } => format!("create by {parent}"),
        EventKind::Block { reason: Some(reason), .. } => format!("block {reason}"),
        EventKind::Unblock { by: Some(by) } => format!("unblock by {by}"),
        EventKind::Snapshot { state, since: Some(Time(since)), .. } => {
            format!("snapshot {state} since {since}")
        }
        other => other.as_str().to_owned(),
    };
    let site = event.stack.as_ref().map_or(String::new(), |stack| {
        format!(" at {}", stack.frames().first().map_or("", |frame| &frame.function))
    });
    format!("{} {goroutine} {kind}{site}", event.time.0)
}

#[test]
fn a_trace_in_the_models_words() -> anyhow::Result<()> {
    let (source, observations, error) = observations(sized(TALE)?)?;
    assert!(error.is_none(), "{error:?}");
    let lines: Vec<String> = observations
        .iter()
        .map(|observation| match observation {
            Observation::Event(event) => line(event),
            other => panic!("{other:?}"),
        })
        .collect();
    // The monotonic clock is 500,000 ns ahead of the trace's.
    assert_eq!(
        lines,
        [
            "501020 1 snapshot running since 501000",
            "501030 9 snapshot blocked since 501000",
            "501040 2 create by 1 at main.main",
            "501050 1 block select-no-cases at runtime.block",
            "501060 2 run",
            "501070 1 unblock by 2 at main.main",
            "501080 2 syscall",
            "501090 2 run",
            "501100 2 dead",
            "501110 1 run",
            "501120 1 block sync at main.main",
        ]
    );
    let header = source.header();
    assert_eq!(header.start_monotonic, Time(501_000));
    assert_eq!(header.start, UNIX_EPOCH + Duration::from_nanos(1_700_000_000_000_000_000 - 1_000));
    Ok(())
}

#[test]
fn a_stack_is_one_and_the_same_wherever_it_comes() -> anyhow::Result<()> {
    let (_, observations, _) = observations(sized(TALE)?)?;
    let stacks: Vec<_> = observations
        .iter()
        .filter_map(|observation| match observation {
            Observation::Event(event) => event.stack.as_ref().filter(|stack| stack.frames().len() == 1),
            Observation::Snapshot(_) | Observation::Problem(_) => None,
        })
        .collect();
    assert_eq!(stacks.len(), 3);
    assert!(stacks.iter().all(|stack| stack.is_same(stacks[0])));
    Ok(())
}

#[test]
fn what_a_cut_off_trace_lacks_is_a_problem() -> anyhow::Result<()> {
    let mut bytes = sized(TALE)?;
    bytes.truncate(bytes.len() - 20);
    let (_, observations, error) = observations(bytes)?;
    assert!(error.is_none(), "{error:?}");
    let Some(Observation::Problem(last)) = observations.last() else { panic!("{observations:?}") };
    assert!(last.what.contains("cut off at byte"), "{last:?}");
    let blocked: Vec<_> = observations
        .iter()
        .filter_map(|observation| match observation {
            Observation::Event(Event { kind: EventKind::Block { reason, .. }, .. }) => Some(*reason),
            _ => None,
        })
        .collect();
    // Their strings are cut off: why they block is not known, and is not made up.
    assert_eq!(blocked, [None, None]);
    assert!(observations.len() == 12 && !blocked.contains(&Some(WaitReason::Coroutine)));
    Ok(())
}

#[test]
fn a_corrupt_trace_is_an_error_with_its_place() -> anyhow::Result<()> {
    let text = TALE.replace("GoStart dt=10 g=1 g_seq=2", "GoStart dt=10 g=1 g_seq=3");
    let (_, _, error) = observations(sized(&text)?)?;
    let error = error.context("accepted")?.to_string();
    assert!(error.contains("byte ") && error.contains("generation 1, event 11"), "{error}");
    Ok(())
}

/// Coroutines that each make the next and end for it. A switch is three events: wherever
/// they are parted, who ends is who ran, and not whoever has its number from then on.
#[test]
fn who_ends_with_a_switch_has_its_name() -> anyhow::Result<()> {
    const LAST: u64 = 4200;
    let (head, rest) = TALE.split_once("GoStatus dt=10 g=9").context("what is before the events")?;
    let (_, tables) = rest.split_once("GoBlock dt=10 reason_string=5 stack=1\n").context("what is behind")?;
    let mut tale = head.to_owned();
    for next in 2..=LAST {
        tale += &format!("GoCreateBlocked dt=1 new_g={next} new_stack=0 stack=1\n");
        tale += &format!("GoSwitchDestroy dt=1 g={next} g_seq=1\n");
    }
    let (_, observations, error) = observations(sized(&(tale + tables))?)?;
    assert!(error.is_none(), "{error:?}");
    let mut ended = 0;
    for observation in &observations {
        let Observation::Event(event) = observation else { panic!("{observation:?}") };
        if event.kind == EventKind::Dead {
            ended += 1;
            assert_eq!(event.goroutine, Some(GoId(ended)), "{event:?}");
        }
    }
    assert_eq!(ended, LAST - 1);
    Ok(())
}
