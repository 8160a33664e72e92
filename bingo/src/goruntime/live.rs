//! Which words of a frame are in use, by the compiler's stack maps: a pointer that
//! is not may lead to memory that holds something else by now.

use std::collections::HashSet;

use super::code::Code;
use super::stop::FrameOf;
use crate::model::Pc;

/// The words in use of one frame.
pub struct Live {
    /// Where each begins; `None` where no map says.
    words: Option<HashSet<u64>>,
    /// Variables whose address is taken, of which no map says: from, to.
    objects: Vec<(u64, u64)>,
    /// The frame and the arguments that it was called with.
    stack: (u64, u64),
}

/// Arguments that a frame may have behind its end, in bytes.
const ARGUMENTS: u64 = 1 << 20;
/// A frame is no larger, in bytes.
const FRAME: u64 = 1 << 30;

impl Live {
    /// The words in use of `frame`.
    #[must_use]
    pub fn of(frame: FrameOf, code: &impl Code) -> Live {
        let end = frame.end.unwrap_or(0);
        let stack = (end.saturating_sub(FRAME), end.saturating_add(ARGUMENTS));
        // Where a signal stopped it the collector looks at every word.
        let map = match frame.pc {
            Pc::Return(_) if end != 0 => code.live_words(frame.pc),
            _ => None,
        };
        let Some(map) = map else { return Live { words: None, objects: Vec::new(), stack } };
        // Behind the locals are the saved frame pointer and the return address.
        let varp = end.wrapping_sub(16);
        let from = |base: u64, offset: i64| base.wrapping_add_signed(offset);
        let locals = map.locals.iter().map(|&below| varp.wrapping_sub(u64::from(below)));
        let arguments = map.arguments.iter().map(|&above| end.wrapping_add(u64::from(above)));
        let objects = map.objects.iter().map(|&(place, size)| {
            let start = from(if place < 0 { varp } else { end }, i64::from(place));
            (start, start.wrapping_add(u64::from(size)))
        });
        Live { words: Some(locals.chain(arguments).collect()), objects: objects.collect(), stack }
    }

    /// Whether a value at `address` is in use, whose words at `pointers` (bytes from
    /// there) are pointers. One without pointers is taken to be.
    #[must_use]
    pub fn uses(&self, address: u64, pointers: &[u64]) -> bool {
        let Some(words) = &self.words else { return true };
        let (low, high) = self.stack;
        if pointers.is_empty() || !(low..high).contains(&address) {
            return true;
        }
        if self.objects.iter().any(|&(start, end)| start <= address && address < end) {
            return true;
        }
        pointers.iter().any(|&at| words.contains(&address.wrapping_add(at)))
    }

    /// Whether the word at `address`, of this frame or of the arguments behind it, is in
    /// use; `None` where no map says.
    #[must_use]
    pub fn has(&self, address: u64) -> Option<bool> {
        let words = self.words.as_ref()?;
        let in_object = self.objects.iter().any(|&(start, end)| start <= address && address < end);
        Some(in_object || words.contains(&address))
    }
}
