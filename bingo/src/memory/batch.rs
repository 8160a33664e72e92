//! Many reads in one: the pieces asked for go in, merged into as few runs as
//! their addresses allow; each piece's bytes come out.
//!
//! ```text
//!   pieces   [g 1]  [g 2]      [g 3]                     [stack]
//!   runs     [--------------------]                      [-----]
//! ```
//!
//! A piece costs the kernel far more than a few hundred bytes do, and the
//! runtime's structures lie side by side in spans of 8 KiB and more.

use crate::model::Addr;

/// Gaps up to this many bytes are read along. Less than a page: so a run touches
/// no page that none of its pieces touches, and fails only where one of them would.
pub(crate) const GAP: u64 = 2048;

/// Pieces are cut off here: nothing that is read needs more at once.
const PIECE_MAX: usize = 1 << 26;

/// Reads to be done, and afterwards their bytes. Meant to be used again: it
/// keeps its buffers.
#[derive(Default, Debug)]
pub struct Batch {
    pieces: Vec<Piece>,
    bytes: Vec<u8>,
    order: Vec<u32>,
    runs: Vec<Run>,
}

/// Names one piece of one [`Batch`], until it is cleared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PieceId(u32);

#[derive(Clone, Copy, Debug)]
struct Piece {
    addr: Addr,
    len: usize,
    /// Where its bytes are, once planned.
    at: usize,
    read: bool,
}

/// Neighbouring pieces, read as one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) addr: Addr,
    pub(super) len: usize,
    /// Where its bytes are.
    pub(super) at: usize,
    first: usize,
    end: usize,
}

/// One piece, for a memory that reads them singly.
pub(super) struct Wanted {
    pub(super) index: usize,
    pub(super) addr: Addr,
    pub(super) at: usize,
    pub(super) len: usize,
}

impl Batch {
    /// Forgets all pieces and bytes.
    pub fn clear(&mut self) {
        self.pieces.clear();
        self.runs.clear();
        self.order.clear();
    }

    /// Asks for `len` bytes at `addr`.
    pub fn push(&mut self, addr: Addr, len: usize) -> PieceId {
        let id = u32::try_from(self.pieces.len()).expect("fewer than 2^32 pieces in a batch");
        self.pieces.push(Piece { addr, len: len.min(PIECE_MAX), at: 0, read: false });
        PieceId(id)
    }

    /// The bytes of a piece, all of them; `None` where they could not be read.
    #[must_use]
    pub fn bytes(&self, piece: PieceId) -> Option<&[u8]> {
        let piece = self.pieces.get(piece.0 as usize).filter(|piece| piece.read)?;
        self.bytes.get(piece.at..piece.at.checked_add(piece.len)?)
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Merges the pieces into runs and makes room for their bytes.
    pub(super) fn plan(&mut self) {
        self.order.clear();
        self.order.extend(0..u32::try_from(self.pieces.len()).expect("bounded by push"));
        let pieces = &mut self.pieces;
        self.order.sort_unstable_by_key(|&i| pieces.get(i as usize).map(|piece| piece.addr));
        self.runs.clear();
        let mut at = 0;
        for (position, &index) in self.order.iter().enumerate() {
            let Some(piece) = pieces.get_mut(index as usize) else { continue };
            piece.read = false;
            let fits = self.runs.last().is_some_and(|run| {
                piece.addr.0 - run.addr.0 <= (run.len as u64).saturating_add(GAP)
                    && piece.addr.0 - run.addr.0 + piece.len as u64 <= PIECE_MAX as u64
            });
            if !fits {
                let run = Run { addr: piece.addr, len: 0, at, first: position, end: position };
                self.runs.push(run);
            }
            if let Some(run) = self.runs.last_mut() {
                let delta = usize::try_from(piece.addr.0 - run.addr.0).unwrap_or(usize::MAX);
                piece.at = run.at + delta;
                run.len = run.len.max(delta + piece.len);
                run.end = position + 1;
                at = run.at + run.len;
            }
        }
        if self.bytes.len() < at {
            // Not resized: what was in it is of no use, and the allocator has
            // zeroes that nobody need write. The old room goes before there is new.
            let room = at.max(self.bytes.len() / 4 * 5);
            self.bytes = Vec::new();
            self.bytes = vec![0; room];
        }
    }

    /// The runs of the plan, by address, and the buffer for their bytes, in
    /// which each run follows the one before.
    pub(super) fn runs(&mut self) -> (&[Run], &mut [u8]) {
        (&self.runs, &mut self.bytes)
    }

    /// The pieces of a run, for a second try one by one.
    pub(super) fn pieces_of(&self, run: usize) -> Vec<Wanted> {
        let order = self.runs.get(run).and_then(|run| self.order.get(run.first..run.end)).unwrap_or(&[]);
        let wanted = |&index: &u32| {
            let index = index as usize;
            let piece = self.pieces.get(index)?;
            Some(Wanted { index, addr: piece.addr, at: piece.at, len: piece.len })
        };
        order.iter().filter_map(wanted).collect()
    }

    /// Notes that all of a run was read.
    pub(super) fn mark_run(&mut self, run: usize) {
        let Some(run) = self.runs.get(run) else { return };
        for &index in self.order.get(run.first..run.end).unwrap_or(&[]) {
            if let Some(piece) = self.pieces.get_mut(index as usize) {
                piece.read = true;
            }
        }
    }

    /// Notes that a piece was read.
    pub(super) fn mark_piece(&mut self, index: usize) {
        if let Some(piece) = self.pieces.get_mut(index) {
            piece.read = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[(u64, usize)], runs: &[(u64, usize)]) {
        let mut batch = Batch::default();
        for &(addr, len) in pieces {
            batch.push(Addr(addr), len);
        }
        batch.plan();
        let found: Vec<_> = batch.runs().0.iter().map(|run| (run.addr.0, run.len)).collect();
        assert_eq!(found, runs);
    }

    #[test]
    fn neighbours_become_one_run() {
        check(&[(0x1000, 8), (0x1010, 8)], &[(0x1000, 0x18)]);
        check(&[(0x3000, 8), (0x1000, 8)], &[(0x1000, 8), (0x3000, 8)]);
        check(&[(0x1000, 64), (0x1008, 8), (0x1030, 32)], &[(0x1000, 0x50)]);
        check(&[(0x1000, 8), (0x1808, 8), (0x2010 + 1, 8)], &[(0x1000, 0x810), (0x2011, 8)]);
        check(&[(u64::MAX - 4, 8), (0, 8)], &[(0, 8), (u64::MAX - 4, 8)]);
    }
}
