//! A mirror of `runtime.hchan`: a channel and who is queued at its ends.

use super::fields::{Fields, length};
use super::sudog::{self, Sudog};
use crate::binary::layout::Layout;
use crate::memory::{Memory, MemoryError, Pages};
use crate::model::Addr;

/// One copy of a channel.
#[derive(Clone, Debug)]
pub(super) struct Hchan {
    pub(super) len: u64,
    pub(super) cap: u64,
    pub(super) closed: bool,
    pub(super) receivers: Vec<Sudog>,
    pub(super) senders: Vec<Sudog>,
}

impl Hchan {
    /// Reads the channel at `addr` with its queues, each of at most `limit`
    /// entries; `None` where one of them cannot be read to its end.
    pub(super) fn read<M: Memory + ?Sized>(
        layout: &Layout,
        pages: &mut Pages<'_, M>,
        addr: Addr,
        limit: usize,
    ) -> Result<Option<Hchan>, MemoryError> {
        let mut bytes = [0; 256];
        let Some(bytes) = bytes.get_mut(..length(layout.hchan.size)) else { return Ok(None) };
        if pages.read(addr, bytes)?.is_none() {
            return Ok(None);
        }
        let (at, hchan) = (Fields(bytes), &layout.hchan);
        let (Some(len), Some(cap), Some(closed), Some(recvq), Some(sendq)) = (
            at.u64(hchan.qcount),
            at.u64(hchan.dataqsiz),
            at.u32(hchan.closed),
            at.pointer(hchan.recvq_first),
            at.pointer(hchan.sendq_first),
        ) else {
            return Ok(None);
        };
        let mut queue = |first, found: &mut Vec<Sudog>| {
            let whole = sudog::list(layout, pages, first, |sudog| sudog.next, limit, found)?;
            // What is not this channel's was put in while the list was read.
            found.retain(|sudog| sudog.c == addr);
            Ok(whole)
        };
        let (mut receivers, mut senders) = (Vec::new(), Vec::new());
        let whole = queue(recvq, &mut receivers)?.and(queue(sendq, &mut senders)?);
        Ok(whole.map(|()| Hchan { len, cap, closed: closed != 0, receivers, senders }))
    }
}
