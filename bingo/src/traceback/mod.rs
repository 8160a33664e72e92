//! What the runtime prints of all goroutines, as a source: `goroutine?debug=2` of
//! `net/http/pprof`, SIGQUIT, a panic under `GOTRACEBACK=all`. In: a text, which may
//! have other lines around. Out: one [`Snapshot`], what they all were at that time.

mod parse;

use std::collections::HashSet;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use self::parse::Parser;
use crate::model::{Goroutine, Header, Problem, Sink, Snapshot, Source, SourceError, SourceKind, Time};

/// The longest line that is looked at as a whole. Those of a traceback are shorter.
const LONGEST: u64 = 1 << 16;

/// A traceback of all goroutines that has been read.
pub struct TracebackSource {
    header: Header,
    snapshot: Option<Snapshot>,
}

/// Why a text is no traceback.
#[derive(Debug, thiserror::Error)]
pub enum TracebackError {
    /// Nothing in it looks like a goroutine.
    #[error("there is no goroutine in it")]
    NoGoroutine,
    /// The operating system.
    #[error("line {line} cannot be read: {error}")]
    Read {
        /// Its number, from 1 on.
        line: u64,
        /// Why.
        error: io::Error,
    },
}

impl TracebackSource {
    /// The source of a text that was written at `recorded`.
    ///
    /// # Errors
    /// When there is no goroutine in it, or it cannot be read.
    pub fn new(mut text: impl BufRead, recorded: SystemTime) -> Result<TracebackSource, TracebackError> {
        // There is no clock in it: the wall clock stands for the monotonic one.
        let wall = recorded.duration_since(UNIX_EPOCH).unwrap_or_default();
        let taken = Time(u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX));
        let mut parser = Parser::new(taken);
        let mut found = Found::default();
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = (&mut text).take(LONGEST).read_until(b'\n', &mut line);
            let length = read.map_err(|error| TracebackError::Read { line: number, error })?;
            if length == 0 {
                break;
            }
            found.extend(parser.line(String::from_utf8_lossy(&line).trim_end()));
        }
        found.extend(parser.end());
        if found.goroutines.is_empty() {
            return Err(TracebackError::NoGoroutine);
        }
        let header = Header {
            source: SourceKind::Live,
            go_version: None,
            binary: None,
            pid: None,
            inner_pid: None,
            start: recorded,
            start_monotonic: taken,
            notes: vec!["a traceback: waits are known to the minute, shorter ones not at all".to_owned()],
        };
        Ok(TracebackSource { header, snapshot: Some(found.snapshot(taken)) })
    }
}

impl Source for TracebackSource {
    fn header(&self) -> &Header {
        &self.header
    }

    fn observe(&mut self, _: Time, out: &mut dyn Sink) -> Result<bool, SourceError> {
        if let Some(snapshot) = self.snapshot.take() {
            out.snapshot(Box::new(snapshot));
        }
        Ok(false)
    }
}

/// The goroutines of the last traceback in a text.
#[derive(Default)]
struct Found {
    goroutines: Vec<Arc<Goroutine>>,
    ids: HashSet<u64>,
    before: u64,
    problems: Vec<Problem>,
}

impl Found {
    fn extend(&mut self, goroutine: Option<(Goroutine, Option<Problem>)>) {
        let Some((goroutine, problem)) = goroutine else { return };
        if !self.ids.insert(goroutine.id.0) {
            // One comes once: another traceback begins.
            let before = self.before + 1;
            *self = Found { before, ids: HashSet::from([goroutine.id.0]), ..Found::default() };
        }
        self.goroutines.push(Arc::new(goroutine));
        self.problems.extend(problem);
    }

    fn snapshot(mut self, taken: Time) -> Snapshot {
        if self.before > 0 {
            let what = format!("the text has {} tracebacks: the last one is looked at", self.before + 1);
            self.problems.push(Problem { goroutine: None, what });
        }
        self.goroutines.sort_by_key(|goroutine| goroutine.id);
        Snapshot {
            taken,
            took: Duration::ZERO,
            goroutines: self.goroutines,
            problems: self.problems,
            ..Snapshot::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GoId, GoState, Observation, WaitReason};

    const TEXT: &str = "2026/11/22 some log line\n\
        SIGQUIT: quit\nPC=0x47b5a1 m=0 sigcode=0\n\n\
        goroutine 1 gp=0xc000002380 m=nil [chan receive, 5 minutes]:\n\
        runtime.gopark(0x1?, 0x2?)\n\t/go/src/runtime/proc.go:435 +0xce fp=0xc0 sp=0xc1 pc=0x438d4e\n\
        main.main()\n\t/src/main.go:51 +0x7a\n\n\
        goroutine 49 [chan send (nil chan), 2 minutes, locked to thread]:\n\
        main.(*T[...]).wait(0x5, {0x1?, 0x2})\n\t/src/a b.go:9 +0x25\n\
        main.inlined(...)\n\tC:/src/c.go:7\n\
        ...additional frames elided...\n\
        created by main.shapes in goroutine 17\n\t/src/a.go:267 +0x8a\n\n\
        goroutine 50 [running]:\n\tgoroutine running on other thread; stack unavailable\n\
        created by main.shapes\n\t/src/a.go:268 +0x8a\n\n\
        goroutine 51 [syscall, 1 minutes]:\r\nos/signal.loop()\r\n\t/go/x.go:1 +0x1\r\n\
        rax    0x0\nexit status 2\n";

    fn read(text: &str) -> Snapshot {
        let recorded = UNIX_EPOCH + Duration::from_secs(1_000);
        let mut source = TracebackSource::new(text.as_bytes(), recorded).unwrap();
        let mut observed = Vec::new();
        assert!(!source.observe(Time(0), &mut observed).unwrap());
        match observed.remove(0) {
            Observation::Snapshot(snapshot) => *snapshot,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_the_runtime_prints() {
        let snapshot = read(TEXT);
        let [main, sender, running, syscall] = &snapshot.goroutines[..] else { panic!("{snapshot:?}") };
        assert_eq!((main.state, main.reason), (GoState::Blocked, Some(WaitReason::ChanReceive)));
        assert_eq!(main.blocked_since, Some(Time(700_000_000_000)));
        assert_eq!(main.stack.frames()[0].pc.0, 0x43_8d4e);
        assert_eq!(main.stack.site().map(|site| (&*site.function, site.line)), Some(("main.main", 51)));
        assert_eq!(sender.reason, Some(WaitReason::ChanSendNil));
        let calls: Vec<_> = sender
            .stack
            .frames()
            .iter()
            .map(|frame| format!("{} {}:{} {}", frame.function, frame.file, frame.line, frame.inlined))
            .collect();
        assert_eq!(calls, ["main.(*T[...]).wait /src/a b.go:9 false", "main.inlined C:/src/c.go:7 true"]);
        let made = sender.created_by.as_ref().unwrap();
        assert_eq!((&*made.function, made.line, sender.parent), ("main.shapes", 267, Some(GoId(17))));
        assert_eq!((running.state, running.parent), (GoState::Running, None));
        assert!(running.created_by.is_some() && running.stack.frames().is_empty());
        assert_eq!((syscall.state, syscall.blocked_since), (GoState::Syscall, None));
        assert_eq!(syscall.stack.frames().len(), 1);
        let [elided] = &snapshot.problems[..] else { panic!("{:?}", snapshot.problems) };
        assert_eq!(elided.goroutine, Some(GoId(49)));
    }

    #[test]
    fn of_several_it_is_the_last() {
        let snapshot =
            read(&format!("{TEXT}\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:52 +0x7a\n"));
        assert_eq!(snapshot.goroutines.len(), 1);
        assert!(snapshot.problems[0].what.contains("2 tracebacks"), "{:?}", snapshot.problems);
    }

    #[test]
    fn any_other_text_is_none() {
        for text in ["", "hello", "goroutine", "goroutine x [running]:", "goroutine 1 running:", "\n\n\u{0}"]
        {
            let answer = TracebackSource::new(text.as_bytes(), UNIX_EPOCH).map(drop);
            assert!(matches!(answer, Err(TracebackError::NoGoroutine)), "{text:?}");
        }
    }
}
