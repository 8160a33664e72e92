//! Bytes of the ring → [`Event`]s.
//!
//! Stacks repeat: each list of return addresses is symbolised once and shared.

use std::collections::HashMap;

use bingo_common::{Kind, MAX_DEPTH, RECORD_HEAD, record_size};

use crate::model::{Addr, Direction, Event, EventKind, GoId, Pc, Stack, ThreadId, Time, Wait, WaitReason};

/// Stacks that are kept; past that the cache begins anew.
const MOST_STACKS: usize = 1 << 16;

/// Turns code addresses, innermost first, into a stack.
pub type Symbolize = Box<dyn Fn(&[Pc]) -> Stack + Send>;

/// A record as it came; the fields are those of [`bingo_common::Record`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Received {
    pub(super) time: u64,
    goid: u64,
    other: u64,
    tid: u32,
    pub(super) kind: Kind,
    reason: u8,
    depth: u8,
    pcs: [u64; MAX_DEPTH],
}

/// Makes events of records.
pub(super) struct Decoder {
    reason: Box<dyn Fn(u8) -> WaitReason + Send>,
    /// `runtime.hchan.lock`, in bytes.
    hchan_lock: u64,
    symbolize: Symbolize,
    stacks: HashMap<Box<[u64]>, Stack, foldhash::fast::RandomState>,
}

impl Received {
    /// Reads a record; `None` where it is cut off or of no known kind.
    pub(super) fn parse(bytes: &[u8]) -> Option<Received> {
        let word = |at: usize| Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
        let depth = *bytes.get(30)?;
        let mut received = Received {
            time: word(0)?,
            goid: word(8)?,
            other: word(16)?,
            tid: u32::from_ne_bytes(*bytes.get(24..)?.first_chunk()?),
            kind: Kind::from_number(*bytes.get(28)?)?,
            reason: *bytes.get(29)?,
            depth,
            pcs: [0; MAX_DEPTH],
        };
        let stack = bytes.get(RECORD_HEAD..record_size(usize::from(depth)))?;
        if usize::from(depth) > MAX_DEPTH {
            return None;
        }
        for (pc, bytes) in received.pcs.iter_mut().zip(stack.as_chunks().0) {
            *pc = u64::from_ne_bytes(*bytes);
        }
        Some(received)
    }
}

impl Decoder {
    pub(super) fn new(
        reason: Box<dyn Fn(u8) -> WaitReason + Send>,
        hchan_lock: u64,
        symbolize: Symbolize,
    ) -> Decoder {
        Decoder { reason, hchan_lock, symbolize, stacks: HashMap::default() }
    }

    /// What a record says happened.
    pub(super) fn event(&mut self, received: &Received) -> Event {
        let kind = match received.kind {
            Kind::Park => {
                let reason = (self.reason)(received.reason);
                EventKind::Block { reason: Some(reason), on: self.wait(reason, received.other) }
            }
            Kind::Ready => EventKind::Unblock { by: goroutine(received.other) },
            Kind::Create => EventKind::Create { parent: goroutine(received.other) },
            Kind::Exit | Kind::Calibrate => EventKind::Dead,
        };
        Event {
            time: Time(received.time),
            goroutine: Some(GoId(received.goid)),
            kind,
            stack: self.stack(received),
            thread: Some(ThreadId(u64::from(received.tid))),
        }
    }

    /// What `gopark`'s `lock` argument (`m.waitlock`) says about what is waited on.
    ///
    /// `chansend` and `chanrecv` hand in the channel's own lock, none for a nil
    /// channel (`runtime/chan.go`, Go 1.19 to 1.27); a select and a sleep hand
    /// in nil, a semaphore the lock of its root in `semtable`, which many share.
    fn wait(&self, reason: WaitReason, lock: u64) -> Option<Wait> {
        let direction = match reason {
            WaitReason::ChanSend | WaitReason::ChanSendDurable | WaitReason::ChanSendNil => Direction::Send,
            WaitReason::ChanReceive | WaitReason::ChanReceiveDurable | WaitReason::ChanReceiveNil => {
                Direction::Receive
            }
            _ => return None,
        };
        let nil = matches!(reason, WaitReason::ChanSendNil | WaitReason::ChanReceiveNil);
        let channel = if nil { Addr(0) } else { Addr(lock.checked_sub(self.hchan_lock)?) };
        (nil || !channel.is_nil()).then_some(Wait::Channel { channel, direction })
    }

    /// The stack of a record, which is that of [`Event::stack`].
    fn stack(&mut self, received: &Received) -> Option<Stack> {
        let pcs = received.pcs.get(..usize::from(received.depth))?;
        if pcs.is_empty() {
            return None;
        }
        if let Some(stack) = self.stacks.get(pcs) {
            return Some(stack.clone());
        }
        let stack = (self.symbolize)(&pcs.iter().map(|&pc| Pc::Return(Addr(pc))).collect::<Vec<_>>());
        if self.stacks.len() >= MOST_STACKS {
            self.stacks.clear();
        }
        self.stacks.insert(pcs.into(), stack.clone());
        Some(stack)
    }
}

fn goroutine(goid: u64) -> Option<GoId> {
    (goid != 0).then_some(GoId(goid))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::model::Frame;

    fn record(kind: Kind, reason: u8, other: u64, pcs: &[u64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [1_000, 7, other] {
            bytes.extend_from_slice(&u64::to_ne_bytes(word));
        }
        bytes.extend_from_slice(&4711_u32.to_ne_bytes());
        bytes.extend_from_slice(&[kind as u8, reason, u8::try_from(pcs.len()).unwrap(), 0]);
        for pc in pcs {
            bytes.extend_from_slice(&pc.to_ne_bytes());
        }
        bytes
    }

    /// A decoder whose frames are named after their addresses, and how often it
    /// symbolised.
    fn decoder() -> (Decoder, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let symbolize: Symbolize = Box::new(move |pcs| {
            counted.fetch_add(1, Ordering::Relaxed);
            let frame = |pc: &Pc| Frame {
                function: format!("f{:x}", pc.addr().0).into(),
                file: "".into(),
                line: 0,
                pc: pc.addr(),
                inlined: false,
            };
            Stack::new(pcs.iter().map(frame).collect::<Vec<_>>())
        });
        let reason = |number| match number {
            14 => WaitReason::ChanReceive,
            3 => WaitReason::ChanSendNil,
            9 => WaitReason::Select,
            other => WaitReason::Unknown(other),
        };
        (Decoder::new(Box::new(reason), 0x58, symbolize), calls)
    }

    fn check(bytes: &[u8], expect: &EventKind, functions: &[&str]) {
        let event = decoder().0.event(&Received::parse(bytes).unwrap());
        assert_eq!(
            (event.time, event.goroutine, event.thread),
            (Time(1_000), Some(GoId(7)), Some(ThreadId(4711)))
        );
        assert_eq!(&event.kind, expect);
        let names: Vec<_> =
            event.stack.iter().flat_map(Stack::frames).map(|frame| frame.function.to_string()).collect();
        assert_eq!(names, functions);
    }

    #[test]
    fn parks() {
        check(
            &record(Kind::Park, 14, 0xc000_0058, &[0x10, 0x20]),
            &EventKind::Block {
                reason: Some(WaitReason::ChanReceive),
                on: Some(Wait::Channel { channel: Addr(0xc000_0000), direction: Direction::Receive }),
            },
            &["f10", "f20"],
        );
        check(
            &record(Kind::Park, 3, 0, &[]),
            &EventKind::Block {
                reason: Some(WaitReason::ChanSendNil),
                on: Some(Wait::Channel { channel: Addr(0), direction: Direction::Send }),
            },
            &[],
        );
        check(
            &record(Kind::Park, 9, 0, &[]),
            &EventKind::Block { reason: Some(WaitReason::Select), on: None },
            &[],
        );
    }

    #[test]
    fn a_lock_below_any_channel_is_no_channel() {
        check(
            &record(Kind::Park, 14, 0x10, &[]),
            &EventKind::Block { reason: Some(WaitReason::ChanReceive), on: None },
            &[],
        );
    }

    #[test]
    fn wakes_creations_and_ends() {
        check(&record(Kind::Ready, 0, 3, &[]), &EventKind::Unblock { by: Some(GoId(3)) }, &[]);
        check(&record(Kind::Ready, 0, 0, &[]), &EventKind::Unblock { by: None }, &[]);
        check(&record(Kind::Create, 0, 1, &[0x30]), &EventKind::Create { parent: Some(GoId(1)) }, &["f30"]);
        check(&record(Kind::Exit, 0, 0, &[]), &EventKind::Dead, &[]);
    }

    #[test]
    fn damage_is_not_read() {
        let whole = record(Kind::Park, 14, 0x100, &[1, 2, 3]);
        for len in 0..whole.len() {
            assert_eq!(Received::parse(&whole[..len]), None, "{len} bytes");
        }
        let mut wrong = whole.clone();
        wrong[28] = 9;
        assert_eq!(Received::parse(&wrong), None);
        let mut deep = whole;
        deep[30] = 17;
        deep.resize(4096, 0);
        assert_eq!(Received::parse(&deep), None);
    }

    #[test]
    fn a_stack_is_symbolised_once() {
        let (mut decoder, calls) = decoder();
        let park = Received::parse(&record(Kind::Park, 14, 0x100, &[0x10, 0x20])).unwrap();
        for _ in 0..3 {
            decoder.event(&park);
        }
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        decoder.event(&Received::parse(&record(Kind::Park, 14, 0x100, &[0x10, 0x21])).unwrap());
        assert_eq!(calls.load(Ordering::Relaxed), 2);
    }
}
