//! The processors and their timers. In: the slice of all `p`s. Out: the `p`s, through
//! which no search goes, since they keep what is long over (caches, the buffer of the
//! write barrier); and of what they do keep alive, the timers that run.

use crate::binary::layout::Layout;
use crate::goruntime::fields::{Fields, length};
use crate::memory::{Batch, Memory, MemoryError, Pages};
use crate::model::Addr;

/// No machine has more processors,
const MOST_PROCESSORS: u64 = 1 << 14;
/// and of more timers no processor is believed.
const MOST_TIMERS: u64 = 1 << 24;
/// Timers that are read in one go.
const CHUNK: usize = 512;
// go: runtime.timerDeleted, timerRemoving, timerRemoved (1.19-1.22)
const OVER: std::ops::RangeInclusive<u32> = 3..=5;

/// A timer that has still to fire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::goruntime) struct Timer {
    pub(in crate::goruntime) address: Addr,
    /// What its function gets: a channel, a closure.
    pub(in crate::goruntime) argument: Addr,
}

/// The addresses of all `p`s.
pub(in crate::goruntime) fn processors<M: Memory + ?Sized>(
    pages: &mut Pages<'_, M>,
    allp: Addr,
) -> Result<Vec<Addr>, MemoryError> {
    let (Some(first), Some(count)) = (pages.word(allp)?, pages.word(allp.offset(8))?) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for number in 0..count.min(MOST_PROCESSORS) {
        let word = pages.word(Addr(first.wrapping_add(number * 8)))?;
        found.extend(word.filter(|&word| word != 0).map(Addr));
    }
    Ok(found)
}

/// The timers that run of those of `processors`; `None` where not all can be read.
pub(in crate::goruntime) fn running<M: Memory + ?Sized>(
    pages: &mut Pages<'_, M>,
    layout: &Layout,
    processors: &[Addr],
) -> Result<Option<Vec<Timer>>, MemoryError> {
    // go: runtime.timerWhen (1.23-1.27): *timer and when; before, timers alone
    let stride = if layout.timer.state.is_some() { 16 } else { 8 };
    let mut batch = Batch::default();
    let mut found = Vec::new();
    for p in processors {
        let at = p.offset(layout.p.timers);
        let (Some(first), Some(count)) = (pages.word(at)?, pages.word(at.offset(8))?) else {
            return Ok(None);
        };
        if count > MOST_TIMERS {
            return Ok(None);
        }
        pages.prefetch(std::iter::once((Addr(first), length(count * stride))))?;
        let mut timers = Vec::new();
        for number in 0..count {
            let timer = pages.word(Addr(first.wrapping_add(number * stride)))?;
            timers.extend(timer.filter(|&timer| timer != 0).map(Addr));
        }
        let size = length(layout.timer.size);
        for chunk in timers.chunks(CHUNK) {
            batch.clear();
            let pieces: Vec<_> = chunk.iter().map(|&timer| (timer, batch.push(timer, size))).collect();
            pages.memory().read_batch(&mut batch)?;
            for (address, piece) in pieces {
                let Some(at) = batch.bytes(piece).map(Fields) else { continue };
                let over = match layout.timer.status {
                    Some(status) => at.u32(status).is_some_and(|status| OVER.contains(&status)),
                    // go: runtime.timer.when (1.23-1.27): 0 where it is stopped
                    None => at.u64(layout.timer.when) == Some(0),
                };
                if !over {
                    let argument = at.pointer(layout.timer.arg.saturating_add(8)).unwrap_or_default();
                    found.push(Timer { address, argument });
                }
            }
        }
    }
    Ok(Some(found))
}
