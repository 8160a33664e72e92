//! `runtime.allgs`: the addresses of all `g`s, dead ones included. It only
//! grows, and a `g` keeps its place.

use crate::memory::{Memory, MemoryError};
use crate::model::Addr;

/// More than this is no number of goroutines but damage.
const MOST: u64 = 1 << 27;

/// Where the list is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct AllGs {
    /// The variable that points to its first entry.
    // go: runtime.allgptr (1.19-1.27), or the first word of runtime.allgs
    pub(super) first: Addr,
    /// The variable that holds the number of entries.
    // go: runtime.allglen (1.19-1.27), or the second word of runtime.allgs
    pub(super) len: Addr,
}

impl AllGs {
    /// Reads the list behind what is known of it.
    pub(super) fn refresh<M: Memory>(self, memory: &M, known: &mut Vec<Addr>) -> Result<(), MemoryError> {
        let mut word = [0; 8];
        // The runtime stores the pointer first, then the length: read in the
        // other order, the list behind the pointer is at least that long.
        memory.read(self.len, &mut word)?;
        let len = u64::from_le_bytes(word).min(MOST);
        memory.read(self.first, &mut word)?;
        let first = Addr(u64::from_le_bytes(word));
        let from = known.len() as u64;
        if len <= from {
            return Ok(());
        }
        let count = usize::try_from(len - from).expect("bounded by MOST");
        let mut bytes = vec![0; count * 8];
        memory.read(first.offset(from * 8), &mut bytes)?;
        known.extend(super::fields::words(&bytes).map(Addr));
        Ok(())
    }
}
