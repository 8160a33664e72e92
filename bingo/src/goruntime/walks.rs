//! Many stacks walked at once: the first KiB of each is read in one batch, and
//! more for those alone that need it.

use super::code::{Code, CodeCache};
use super::fields::words;
use super::g::G;
use super::unwind::{End, Progress, Walk};
use crate::memory::{Batch, Memory, MemoryError, PieceId};
use crate::model::{Addr, Pc};

/// How much of a stack is read at the first, the second … time. Few stacks need more than the first.
const WINDOWS: [u64; 4] = [1 << 10, 1 << 13, 1 << 16, 1 << 20];

/// How many words of a stack are kept where what is waited on is sought there:
/// the frames that park are smaller.
const WORDS: usize = 128;

/// A stopped goroutine and its stack.
#[derive(Debug)]
pub(super) struct Stopped {
    /// Its place in `allgs`.
    pub(super) index: usize,
    pub(super) g: G,
    /// Whether the first words of the stack are to be kept.
    pub(super) wants_words: bool,
    pub(super) words: Box<[u64]>,
    walk: Option<Walk>,
    end: End,
}

impl Stopped {
    /// The goroutine `g` at `index` of `allgs`, its stack not walked yet.
    pub(super) fn new(index: usize, g: G, wants_words: bool) -> Stopped {
        let walk = g.position().map(|position| Walk::new(position, g.stack_lo, g.stack_hi));
        Stopped { index, g, wants_words, words: Box::default(), walk, end: End::Outermost }
    }

    /// Whether it has a stack to be walked.
    pub(super) fn has_stack(&self) -> bool {
        self.walk.is_some()
    }

    /// The calls found, innermost first, and how the stack ended.
    pub(super) fn calls(&self) -> (&[Pc], End) {
        (self.walk.as_ref().map_or(&[], Walk::pcs), self.end)
    }
}

/// Walks all of `stopped`.
pub(super) fn walk<M: Memory, C: Code>(
    memory: &M,
    batch: &mut Batch,
    code: &mut CodeCache<C>,
    stopped: &mut [Stopped],
) -> Result<(), MemoryError> {
    let mut windows = WINDOWS.into_iter();
    let mut window = 0;
    let mut active: Vec<(usize, Addr)> = Vec::with_capacity(stopped.len());
    for (position, one) in stopped.iter_mut().enumerate() {
        match one.walk.as_ref().map(Walk::start) {
            Some(Progress::Needs(addr)) => active.push((position, addr)),
            Some(Progress::Ended(end)) => one.end = end,
            None => {}
        }
    }
    while !active.is_empty() {
        window = windows.next().unwrap_or(window);
        batch.clear();
        let asked: Vec<(usize, Addr, PieceId)> = active
            .iter()
            .map(|&(position, addr)| {
                let walk = stopped.get(position).and_then(|one| one.walk.as_ref());
                let len = walk.map_or(0, |walk| walk.bytes_from(addr)).min(window);
                (position, addr, batch.push(addr, super::fields::length(len)))
            })
            .collect();
        memory.read_batch(batch)?;
        active.clear();
        for (position, addr, piece) in asked {
            let Some(one) = stopped.get_mut(position) else { continue };
            let Some(walk) = one.walk.as_mut() else { continue };
            let Some(bytes) = batch.bytes(piece) else {
                one.end = End::Unreadable(addr);
                continue;
            };
            if one.wants_words && one.words.is_empty() {
                one.words = words(bytes).take(WORDS).collect();
            }
            match walk.advance(addr, bytes, code) {
                Progress::Needs(next) => active.push((position, next)),
                Progress::Ended(end) => one.end = end,
            }
        }
    }
    Ok(())
}
