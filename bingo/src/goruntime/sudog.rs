//! A mirror of `runtime.sudog`: one goroutine in one wait queue.

use super::fields::{Fields, length};
use crate::binary::layout::Layout;
use crate::memory::{Memory, MemoryError, Pages};
use crate::model::Addr;

/// One copy of a `runtime.sudog`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sudog {
    pub(super) addr: Addr,
    pub(super) g: Addr,
    /// The next in the queue of a channel or notify list; in the semaphore
    /// table the right child.
    pub(super) next: Addr,
    /// In the semaphore table the left child.
    pub(super) prev: Addr,
    /// In the semaphore table the semaphore.
    pub(super) elem: Addr,
    /// The next of the same goroutine; in the semaphore table the next that
    /// waits for the same semaphore.
    pub(super) waitlink: Addr,
    /// The channel.
    pub(super) c: Addr,
}

impl Sudog {
    /// Reads the sudog at `addr`.
    pub(super) fn read<M: Memory + ?Sized>(
        layout: &Layout,
        pages: &mut Pages<'_, M>,
        addr: Addr,
    ) -> Result<Option<Sudog>, MemoryError> {
        let mut bytes = [0; 256];
        let Some(bytes) = bytes.get_mut(..length(layout.sudog.size)) else { return Ok(None) };
        let found = pages.read(addr, bytes)?;
        Ok(found.and_then(|()| Sudog::decode(layout, addr, bytes)))
    }

    fn decode(layout: &Layout, addr: Addr, bytes: &[u8]) -> Option<Sudog> {
        let (at, sudog) = (Fields(bytes), &layout.sudog);
        Some(Sudog {
            addr,
            g: at.pointer(sudog.g)?,
            next: at.pointer(sudog.next)?,
            prev: at.pointer(sudog.prev)?,
            elem: at.pointer(sudog.elem)?,
            waitlink: at.pointer(sudog.waitlink)?,
            c: at.pointer(sudog.c)?,
        })
    }
}

/// Follows a list of sudogs from `first` on, each by `link`, and adds them to
/// `found`; at most `limit` of them, since a list that is read while it changes
/// may lead in a circle. `None` where it cannot be read to its end.
pub(super) fn list<M: Memory + ?Sized>(
    layout: &Layout,
    pages: &mut Pages<'_, M>,
    first: Addr,
    link: impl Fn(&Sudog) -> Addr,
    limit: usize,
    found: &mut Vec<Sudog>,
) -> Result<Option<()>, MemoryError> {
    let mut next = first;
    for _ in 0..limit {
        if next.is_nil() {
            return Ok(Some(()));
        }
        let Some(sudog) = Sudog::read(layout, pages, next)? else { return Ok(None) };
        next = link(&sudog);
        found.push(sudog);
    }
    Ok(next.is_nil().then_some(()))
}
