//! The pointers on goroutines' stacks: copies of `g`s come in, each word that may
//! be a pointer in use goes out, with the call in whose frame it stands.
//!
//! Frames are read by the compiler's stack maps, as the garbage collector does:
//! what a function has no further use for is not in use, even if it is still
//! there. Where there is no map (assembly, C, a stack that runs, a call that a
//! signal put in) every word counts.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::stopped::Stopped;
use crate::binary::LiveWords;
use crate::binary::layout::Layout;
use crate::goruntime::code::{Code, Point, Unwind};
use crate::goruntime::fields::{Fields, length, words};
use crate::memory::{Batch, Memory, MemoryError};
use crate::model::{Addr, Pc};

/// Bytes of stacks that are read in one go.
const CHUNK: u64 = 256 << 10;
/// Goroutines in one go.
const MOST: usize = 1024;
/// A frame without a map may have arguments behind it.
const ARGUMENTS: u64 = 256;
/// Deferred calls that are followed.
pub(super) const DEFERS: usize = 1 << 12;
/// Addresses of code that are remembered.
const REMEMBERED: usize = 1 << 18;

/// A word that may be a pointer in use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    pub(super) word: u64,
    /// The call in whose frame it stands, where it stands in one.
    pub(super) pc: Option<Pc>,
    /// Whether the compiler says so.
    pub(super) exact: bool,
}

/// What is known of a code address.
struct FrameKind {
    point: Option<Point>,
    live: Option<LiveWords>,
}

/// One frame of a stack.
struct Frame {
    call: Pc,
    sp: u64,
    /// Behind the return address.
    argp: u64,
    /// Whether a signal put it in, or stopped it.
    injected: bool,
    kind: Arc<FrameKind>,
}

/// Reads stacks.
pub(super) struct Stacks<C> {
    code: Arc<C>,
    frames: HashMap<(u64, bool), Arc<FrameKind>, foldhash::fast::FixedState>,
    batch: Batch,
}

impl<C: Code> Stacks<C> {
    pub(super) fn new(code: Arc<C>) -> Stacks<C> {
        Stacks { code, frames: HashMap::default(), batch: Batch::default() }
    }

    /// Tells `visit` of every pointer that `goroutines` hold, each with its place in
    /// the list. How many stacks could not be read.
    pub(super) fn scan<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        layout: &Layout,
        goroutines: &[&Stopped],
        mut visit: impl FnMut(usize, Sighting),
    ) -> Result<usize, MemoryError> {
        self.each(memory, goroutines, |stacks, place, one, stack| {
            let mut tell = |sighting| visit(place, sighting);
            for word in one.words() {
                tell(Sighting { word, pc: None, exact: true });
            }
            let Some(stack) = stack else { return Ok(()) };
            stacks.scan_one(one, &stack, &mut tell);
            defers(memory, layout, one.defers(), &stack, &mut tell)
        })
    }

    /// Tells `visit` of every call on the stacks of `goroutines`, those that run
    /// excepted, with the bytes of its stack and where its frame ends.
    pub(super) fn calls<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        goroutines: &[&Stopped],
        mut visit: impl FnMut(usize, Pc, &Bytes<'_>, u64) -> Result<(), MemoryError>,
    ) -> Result<(), MemoryError> {
        self.each(memory, goroutines, |stacks, place, one, stack| {
            let Some(stack) = stack else { return Ok(()) };
            let mut next = stacks.innermost(one, &stack);
            while let Some(frame) = next {
                visit(place, frame.call, &stack, frame.argp)?;
                next = stacks.caller(&frame, &stack);
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Reads the stacks of `goroutines`; how many could not be.
    fn each<M: Memory + ?Sized>(
        &mut self,
        memory: &M,
        goroutines: &[&Stopped],
        mut look: impl FnMut(&mut Self, usize, &Stopped, Option<Bytes<'_>>) -> Result<(), MemoryError>,
    ) -> Result<usize, MemoryError> {
        let mut batch = std::mem::take(&mut self.batch);
        let mut unreadable = 0;
        let mut next = 0;
        while next < goroutines.len() {
            batch.clear();
            let mut asked = Vec::new();
            let mut bytes = 0;
            while let Some(&one) = goroutines.get(next)
                && asked.len() < MOST
                && bytes < CHUNK
            {
                let range = one.in_use();
                let size = range.end - range.start;
                bytes = bytes.saturating_add(size);
                asked.push((next, range.start, batch.push(Addr(range.start), length(size))));
                next += 1;
            }
            memory.read_batch(&mut batch)?;
            for (place, start, piece) in asked {
                let Some(&one) = goroutines.get(place) else { continue };
                let stack = batch.bytes(piece).map(|bytes| Bytes { start, bytes });
                unreadable += usize::from(stack.is_none());
                look(self, place, one, stack)?;
            }
        }
        self.batch = batch;
        Ok(unreadable)
    }

    fn scan_one(&mut self, one: &Stopped, stack: &Bytes<'_>, tell: &mut impl FnMut(Sighting)) {
        let end = stack.end();
        let mut rest = stack.start;
        let mut next = self.innermost(one, stack);
        while let Some(frame) = next {
            match &frame.kind.live {
                Some(live) if !frame.injected => stack.live(live, frame.sp, frame.argp, frame.call, tell),
                _ => {
                    let behind = frame.argp.saturating_add(ARGUMENTS).min(end);
                    stack.all(frame.sp..behind, Some(frame.call), tell);
                }
            }
            rest = frame.argp;
            next = self.caller(&frame, stack);
        }
        // What no table knows.
        stack.all(rest..end, None, tell);
    }

    /// The frame that it stopped in.
    fn innermost(&mut self, one: &Stopped, stack: &Bytes<'_>) -> Option<Frame> {
        let (pc, interrupted) = one.innermost(stack.start)?;
        self.at(pc, stack.start, interrupted, stack)
    }

    fn caller(&mut self, frame: &Frame, stack: &Bytes<'_>) -> Option<Frame> {
        let injected = frame.kind.point.is_some_and(|point| point.injected);
        self.at(stack.word(frame.argp - 8)?, frame.argp, injected, stack)
    }

    /// The frame of the call at `pc`, whose stack pointer is `sp`; `interrupted`:
    /// it was stopped by a signal and made no call.
    fn at(&mut self, pc: u64, sp: u64, interrupted: bool, stack: &Bytes<'_>) -> Option<Frame> {
        if sp >= stack.end() {
            return None;
        }
        let kind = self.frame(pc, interrupted);
        let point = kind.point?;
        let size = match point.unwind {
            Unwind::Frame(size) | Unwind::SpWritten(size) => u64::from(size),
            Unwind::Outermost | Unwind::Unknown => return None,
        };
        let argp = sp.saturating_add(size).saturating_add(8);
        let injected = interrupted || point.injected;
        (argp <= stack.end()).then(|| Frame {
            call: called(pc, point.entry, interrupted),
            sp,
            argp,
            injected,
            kind,
        })
    }

    fn frame(&mut self, pc: u64, injected: bool) -> Arc<FrameKind> {
        if let Some(known) = self.frames.get(&(pc, injected)) {
            return Arc::clone(known);
        }
        if self.frames.len() >= REMEMBERED {
            self.frames.clear();
        }
        let point = self.code.point(Addr(pc));
        let live = point.and_then(|point| self.code.live_words(called(pc, point.entry, injected)));
        let kind = Arc::new(FrameKind { point, live });
        self.frames.insert((pc, injected), Arc::clone(&kind));
        kind
    }
}

/// The call that stands at `pc`; one that has not begun is at its entry.
fn called(pc: u64, entry: Addr, injected: bool) -> Pc {
    if injected || pc == entry.0 { Pc::Instruction(Addr(pc)) } else { Pc::Return(Addr(pc)) }
}

/// Bytes of a stack.
pub(super) struct Bytes<'a> {
    start: u64,
    bytes: &'a [u8],
}

impl Bytes<'_> {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.bytes.len() as u64)
    }

    pub(super) fn word(&self, at: u64) -> Option<u64> {
        Fields(self.bytes).u64(at.checked_sub(self.start)?)
    }

    /// Every word of `range`.
    fn all(&self, range: Range<u64>, pc: Option<Pc>, tell: &mut impl FnMut(Sighting)) {
        let place = |at: u64| usize::try_from(at.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let bytes = self.bytes.get(place(range.start)..place(range.end)).unwrap_or_default();
        for word in words(bytes) {
            tell(Sighting { word, pc, exact: false });
        }
    }

    /// The words of a frame that its map names.
    fn live(&self, live: &LiveWords, sp: u64, argp: u64, pc: Pc, tell: &mut impl FnMut(Sighting)) {
        // Below the return address stands the caller's frame pointer, if there is a frame.
        let varp = if argp - 8 > sp { argp - 16 } else { argp - 8 };
        let locals = live.locals.iter().map(|&below| varp.saturating_sub(u64::from(below)));
        let arguments = live.arguments.iter().map(|&above| argp.saturating_add(u64::from(above)));
        for word in locals.chain(arguments).filter_map(|at| self.word(at)) {
            tell(Sighting { word, pc: Some(pc), exact: true });
        }
        for &(place, size) in &live.objects {
            let base = if place < 0 { varp } else { argp };
            let from = base.wrapping_add_signed(i64::from(place));
            self.all(from..from.saturating_add(u64::from(size)).min(self.end()), Some(pc), tell);
        }
    }
}

/// What is deferred, from the innermost call on: the list goes through the stack
/// and the heap.
fn defers<M: Memory + ?Sized>(
    memory: &M,
    layout: &Layout,
    first: u64,
    stack: &Bytes<'_>,
    tell: &mut impl FnMut(Sighting),
) -> Result<(), MemoryError> {
    let mut next = first;
    for _ in 0..DEFERS {
        if next == 0 {
            break;
        }
        let word = |at: u64| match stack.word(at) {
            Some(word) => Ok(Some(word)),
            None => {
                let mut bytes = [0; 8];
                match memory.read(Addr(at), &mut bytes) {
                    Ok(()) => Ok(Some(u64::from_le_bytes(bytes))),
                    Err(MemoryError::Unreadable { .. }) => Ok(None),
                    Err(error) => Err(error),
                }
            }
        };
        let func = word(next.wrapping_add(layout.defer.func))?;
        let link = word(next.wrapping_add(layout.defer.link))?;
        for word in [Some(next), func].into_iter().flatten() {
            tell(Sighting { word, pc: None, exact: true });
        }
        next = link.unwrap_or(0);
    }
    Ok(())
}
