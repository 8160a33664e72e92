//! Where the bytes of a value come from: the target's memory, or the pieces of a
//! variable that is partly in registers and partly nowhere.

use std::ops::Range;
use std::rc::Rc;

use crate::binary::debug::{Piece, Place};
use crate::memory::{Memory, Pages};
use crate::model::{Addr, Missing};

/// A variable in pieces is no larger than this: the compiler splits small ones alone.
const LARGEST: u64 = 4096;

/// Where a value is.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// In memory.
    Memory(Addr),
    /// So many bytes behind the start of what was put together.
    Pieces(Rc<Pieces>, u64),
}

/// A variable put together of its pieces.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    bytes: Vec<u8>,
    missing: Vec<(Range<u64>, Missing)>,
}

impl Source {
    /// What lies `offset` bytes further on.
    pub(super) fn at(&self, offset: u64) -> Source {
        match self {
            Source::Memory(addr) => Source::Memory(addr.offset(offset)),
            Source::Pieces(pieces, at) => Source::Pieces(Rc::clone(pieces), at.saturating_add(offset)),
        }
    }

    /// The address, if it has one.
    pub(super) fn address(&self) -> Option<Addr> {
        match self {
            Source::Memory(addr) => Some(*addr),
            Source::Pieces(..) => None,
        }
    }

    /// Fills `bytes` with the value's first ones.
    pub(super) fn read<M: Memory>(&self, pages: &mut Pages<'_, M>, bytes: &mut [u8]) -> Result<(), Missing> {
        match self {
            Source::Memory(addr) => match pages.read(*addr, bytes) {
                Ok(Some(())) => Ok(()),
                Ok(None) | Err(_) => Err(Missing::Unreadable(*addr)),
            },
            Source::Pieces(pieces, at) => {
                let end = at.saturating_add(bytes.len() as u64);
                let lost = pieces.missing.iter().find(|(range, _)| range.start < end && *at < range.end);
                if let Some((_, missing)) = lost {
                    return Err(missing.clone());
                }
                let range = usize::try_from(*at).ok().zip(usize::try_from(end).ok());
                let found = range.and_then(|(start, end)| pieces.bytes.get(start..end));
                bytes.copy_from_slice(found.ok_or(Missing::OptimisedOut)?);
                Ok(())
            }
        }
    }

    /// Its first eight bytes.
    pub(super) fn word<M: Memory>(&self, pages: &mut Pages<'_, M>) -> Result<u64, Missing> {
        let mut word = [0; 8];
        self.read(pages, &mut word)?;
        Ok(u64::from_le_bytes(word))
    }

    /// A number of `size` bytes, 8 at most.
    pub(super) fn number<M: Memory>(&self, pages: &mut Pages<'_, M>, size: u64) -> Result<u64, Missing> {
        let mut word = [0; 8];
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let bytes = word.get_mut(..size).ok_or_else(|| Missing::Torn("a number of a strange size".into()))?;
        self.read(pages, bytes)?;
        Ok(u64::from_le_bytes(word))
    }
}

/// Where a variable of `size` bytes is whose pieces are these, and which the compiler
/// splits into `parts`; `None` where it lies in one place as long as its function
/// runs. One place that a list names for something of several parts is that of one
/// of them: the compiler forgets to say which where the others are gone. `is_used` says of a
/// place on the stack whether what it holds is in use.
pub(super) fn of_pieces<M: Memory>(
    pieces: &[Piece],
    size: u64,
    parts: Option<&[(u64, u64)]>,
    pages: &mut Pages<'_, M>,
    is_used: impl Fn(u64, u64, u64) -> bool,
) -> Result<Source, Missing> {
    if let [Piece { size: whole, place: Place::Memory(addr) }] = pieces
        && whole.is_none_or(|whole| whole >= size)
        && parts.is_none_or(|parts| parts.len() < 2)
    {
        return if is_used(*addr, 0, size) { Ok(Source::Memory(Addr(*addr))) } else { Err(Missing::Unused) };
    }
    if size > LARGEST {
        return Err(Missing::OptimisedOut);
    }
    let placed = placed(pieces, size, parts)?;
    let whole = usize::try_from(size).unwrap_or(0);
    let mut made = Pieces { bytes: vec![0; whole], missing: Vec::new() };
    for (piece, at, len) in placed {
        let range = usize::try_from(at).ok().zip(usize::try_from(at.saturating_add(len)).ok());
        let bytes = range.and_then(|(start, end)| made.bytes.get_mut(start..end));
        let Some(bytes) = bytes else { return Err(Missing::OptimisedOut) };
        let missing = match &piece.place {
            Place::Memory(addr) if !is_used(*addr, at, len) => Some(Missing::Unused),
            Place::Memory(addr) => Source::Memory(Addr(*addr)).read(pages, bytes).err(),
            Place::Bytes(found) => match found.get(..bytes.len()) {
                Some(found) => {
                    bytes.copy_from_slice(found);
                    None
                }
                None => Some(Missing::OptimisedOut),
            },
            Place::Unsaved => Some(Missing::Unsaved),
            Place::Lost => Some(Missing::OptimisedOut),
        };
        made.missing.extend(missing.map(|missing| (at..at.saturating_add(len), missing)));
    }
    // All of it for one reason is that reason.
    if let Some((_, missing)) = made.missing.first()
        && made.missing.iter().map(|(range, _)| range.end - range.start).sum::<u64>() >= size
        && size > 0
    {
        return Err(missing.clone());
    }
    Ok(Source::Pieces(Rc::new(made), 0))
}

/// The pieces with their places in the variable: where each begins, and its length.
///
/// The compiler writes a piece for each part and none for the padding between them
/// (`cmd/compile/internal/ssa/debug.go`, Go 1.19 to 1.27); until 1.22 it wrote some
/// of them twice. Pieces that make no whole are not believed.
fn placed<'p>(
    pieces: &'p [Piece],
    size: u64,
    parts: Option<&[(u64, u64)]>,
) -> Result<Vec<(&'p Piece, u64, u64)>, Missing> {
    if let [piece] = pieces
        && piece.size.is_none_or(|own| own >= size)
    {
        let is_whole = piece.place == Place::Lost || parts.is_none_or(|parts| parts.len() < 2);
        return if is_whole { Ok(vec![(piece, 0, size)]) } else { Err(Missing::OptimisedOut) };
    }
    let fits = |pieces: &[&'p Piece]| -> Option<Vec<(&'p Piece, u64, u64)>> {
        let parts = parts?;
        let same = |(piece, part): (&&Piece, &(u64, u64))| piece.size == Some(part.1);
        (pieces.len() == parts.len() && pieces.iter().zip(parts).all(same))
            .then(|| pieces.iter().zip(parts).map(|(piece, &(at, len))| (*piece, at, len)).collect())
    };
    let all: Vec<&Piece> = pieces.iter().collect();
    if let Some(placed) = fits(&all) {
        return Ok(placed);
    }
    let mut once = all.clone();
    once.dedup_by(|next, last| next == last && next.place != Place::Lost);
    if let Some(placed) = fits(&once) {
        return Ok(placed);
    }
    // Split in another way: one behind the other, if there is no padding.
    let padded = parts.is_none_or(|parts| parts.iter().map(|part| part.1).sum::<u64>() != size);
    let mut at = 0_u64;
    let mut placed = Vec::new();
    for piece in all {
        let len = piece.size.ok_or(Missing::OptimisedOut)?;
        placed.push((piece, at, len));
        at = at.saturating_add(len);
    }
    if padded || at != size { Err(Missing::OptimisedOut) } else { Ok(placed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Image;

    /// A slice (24 bytes) in pieces of 8 at these addresses of the stack.
    fn check(addresses: &[u64], expect: Option<[u64; 3]>) {
        let mut image = Image::default();
        image.map(Addr(0x1000), 0x1000);
        for word in 0..8 {
            image.write_word(Addr(0x1000 + word * 8), word);
        }
        let piece = |&at: &u64| Piece { size: Some(8), place: Place::Memory(at) };
        let pieces: Vec<Piece> = addresses.iter().map(piece).collect();
        let parts = [(0, 8), (8, 8), (16, 8)];
        let mut pages = Pages::new(&image);
        let found = of_pieces(&pieces, 24, Some(&parts), &mut pages, |_, _, _| true);
        let words = found.ok().map(|found| [0, 8, 16].map(|at| found.at(at).word(&mut pages).unwrap()));
        assert_eq!(words, expect, "{addresses:x?}");
    }

    #[test]
    fn pieces_that_make_no_whole_are_not_believed() {
        check(&[0x1008, 0x1010, 0x1020], Some([1, 2, 4]));
        // As Go 1.21 writes some: the first part twice.
        check(&[0x1008, 0x1008, 0x1010, 0x1020], Some([1, 2, 4]));
        check(&[0x1008, 0x1010, 0x1018, 0x1020], None);
        check(&[0x1008, 0x1010], None);
    }

    #[test]
    fn padding_has_no_piece() {
        let bytes =
            |bytes: &[u8]| Piece { size: Some(bytes.len() as u64), place: Place::Bytes(bytes.to_vec()) };
        let pieces = [bytes(&[1, 0, 0, 0]), bytes(&[2, 0, 0, 0, 0, 0, 0, 0])];
        let parts = [(0, 4), (8, 8)];
        let image = Image::default();
        let mut own = Pages::new(&image);
        let found = of_pieces(&pieces, 16, Some(&parts), &mut own, |_, _, _| true).unwrap();
        assert_eq!(found.at(8).word(&mut own).unwrap(), 2);
        assert_eq!(found.number(&mut own, 4).unwrap(), 1);
    }
}
