//! Which file descriptor a goroutine in `IO wait` waits for.
//!
//! The goroutine does not say: the network poller's `pollDesc` points to it. The
//! address of that record is on its stack, in the frames that parked it; of the
//! words there, one is believed only if `rg` or `wg` at that place points back.

use super::fields::{Fields, length};
use crate::binary::layout::Layout;
use crate::memory::{Memory, MemoryError, Pages};
use crate::model::{Addr, IoDirection};

/// `rg` and `wg` hold a state up to this, or a `g`.
// go: runtime.pdWait (1.19-1.27)
const LAST_STATE: u64 = 2;

/// What the `pollDesc` at `address` says of the goroutine `g`; `None` where it
/// says nothing, or is none.
pub(super) fn wait_of<M: Memory + ?Sized>(
    layout: &Layout,
    pages: &mut Pages<'_, M>,
    address: Addr,
    g: Addr,
) -> Result<Option<(i32, IoDirection)>, MemoryError> {
    let mut bytes = [0; 512];
    let Some(bytes) = bytes.get_mut(..length(layout.poll_desc.size)) else { return Ok(None) };
    if pages.read(address, bytes)?.is_none() {
        return Ok(None);
    }
    let (at, desc) = (Fields(bytes), &layout.poll_desc);
    let (Some(fd), Some(rg), Some(wg)) = (at.u64(desc.fd), at.u64(desc.rg), at.u64(desc.wg)) else {
        return Ok(None);
    };
    let Ok(fd) = i32::try_from(fd) else { return Ok(None) };
    let other = |word: u64| word <= LAST_STATE || word.is_multiple_of(8);
    Ok(match () {
        () if rg == g.0 && other(wg) => Some((fd, IoDirection::Read)),
        () if wg == g.0 && other(rg) => Some((fd, IoDirection::Write)),
        () => None,
    })
}
