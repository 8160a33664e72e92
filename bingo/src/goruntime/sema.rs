//! `runtime.semtable`: who waits for which semaphore.
//!
//! A table of roots, each a tree of the semaphores that hash to it; a node is
//! the sudog of the first waiter, the others hang on it:
//!
//! ```text
//!   root ──treap──▶ (elem 0xc0..28) ──waitlink──▶ 2nd waiter ──▶ 3rd
//!                    ╱ prev   ╲ next
//!       (elem 0xc0..08)     (elem 0xc0..60)
//! ```

use super::fields::Fields;
use super::sudog::{self, Sudog};
use crate::binary::layout::Layout;
use crate::memory::{Memory, MemoryError, Pages};
use crate::model::Addr;

/// A semaphore that goroutines wait for, and their `g`s, first come first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Semaphore {
    pub(super) address: Addr,
    pub(super) waiters: Vec<Addr>,
}

/// What the table holds, and how many of its branches could not be followed.
#[derive(Default, Debug)]
pub(super) struct SemTable {
    pub(super) semaphores: Vec<Semaphore>,
    /// The sudogs of all that wait.
    pub(super) sudogs: Vec<Addr>,
    pub(super) broken: usize,
}

impl SemTable {
    /// Reads the table at `address`. `limit`: no more waiters than this exist.
    pub(super) fn read<M: Memory + ?Sized>(
        layout: &Layout,
        pages: &mut Pages<'_, M>,
        address: Addr,
        limit: usize,
    ) -> Result<SemTable, MemoryError> {
        let mut table = SemTable::default();
        let mut nodes = Vec::new();
        for root in 0..Layout::SEMTABLE_ROOTS {
            let root = address.offset(root * Layout::SEMTABLE_STRIDE);
            match pages.word(root.offset(layout.sema_root.treap))? {
                Some(treap) => nodes.push(Addr(treap)),
                None => table.broken += 1,
            }
        }
        nodes.retain(|node| !node.is_nil());
        let mut seen = 0;
        while !nodes.is_empty() {
            // Level by level, so that each level is one batch of reads.
            let length = super::fields::length(layout.sudog.size);
            pages.prefetch(nodes.iter().map(|&node| (node, length)))?;
            let mut below = Vec::new();
            for node in nodes {
                seen += 1;
                let head = Sudog::read(layout, pages, node)?;
                let Some(head) = head.filter(|head| seen <= limit && is_node(head)) else {
                    table.broken += 1;
                    continue;
                };
                below.extend([head.prev, head.next].into_iter().filter(|child| !child.is_nil()));
                let mut chain = Vec::new();
                match sudog::list(layout, pages, node, |sudog| sudog.waitlink, limit, &mut chain)? {
                    Some(()) => {
                        table.sudogs.extend(chain.iter().map(|sudog| sudog.addr));
                        table.semaphores.push(semaphore(&head, &chain));
                    }
                    None => table.broken += 1,
                }
            }
            nodes = below;
        }
        Ok(table)
    }
}

/// A node that was taken out meanwhile is a free sudog, or a channel's.
fn is_node(sudog: &Sudog) -> bool {
    !sudog.elem.is_nil() && !sudog.g.is_nil() && sudog.c.is_nil()
}

fn semaphore(head: &Sudog, chain: &[Sudog]) -> Semaphore {
    let same = chain.iter().filter(|sudog| sudog.elem == head.elem);
    Semaphore { address: head.elem, waiters: same.map(|sudog| sudog.g).collect() }
}

/// The waiters in the notify list of a `sync.Cond` at `address`, first come
/// first; empty where there is no such list.
pub(super) fn notify_list<M: Memory + ?Sized>(
    layout: &Layout,
    pages: &mut Pages<'_, M>,
    address: Addr,
    limit: usize,
) -> Result<Vec<Addr>, MemoryError> {
    let mut bytes = [0; 64];
    let length = super::fields::length(layout.notify_list.size);
    let Some(bytes) = bytes.get_mut(..length) else { return Ok(Vec::new()) };
    if pages.read(address, bytes)?.is_none() {
        return Ok(Vec::new());
    }
    let at = Fields(bytes);
    let ends = at.pointer(layout.notify_list.head).zip(at.pointer(layout.notify_list.tail));
    let Some((head, tail)) = ends.filter(|(head, tail)| !head.is_nil() && !tail.is_nil()) else {
        return Ok(Vec::new());
    };
    // Anything can look like a pair of pointers: only a list that leads from
    // its head to its tail is one.
    let mut chain = Vec::new();
    let whole = sudog::list(layout, pages, head, |sudog| sudog.next, limit, &mut chain)?;
    match chain.last() {
        Some(last) if whole.is_some() && last.addr == tail => {
            Ok(chain.into_iter().map(|sudog| sudog.g).collect())
        }
        _ => Ok(Vec::new()),
    }
}
