//! The relocations of a position-independent executable: pointers that are
//! right in memory only after the loader wrote them.
//!
//! Go's linker writes `R_X86_64_RELATIVE` alone; an external linker (cgo) also
//! leaves the place zero in the file, so that a reader has to apply them. DT_RELR
//! relocations need nothing: their pointers stand in the file already.

use object::elf;

use super::elf::Elf;
use super::{BinaryError, bytes};
use crate::model::StaticAddr;

/// Size of an `Elf64_Rela`: offset u64, info u64, addend i64.
const ENTRY: u64 = 24;
/// How many entries are read at a time.
const BATCH: u64 = 4096;

/// Places and the pointers that belong there, by place.
#[derive(Default)]
pub(crate) struct Relocations {
    sorted: Vec<(u64, u64)>,
}

impl Relocations {
    /// Reads the table that `dynamic` (address, size in bytes) names.
    pub(crate) fn read(image: &Elf, dynamic: Option<(u64, u64)>) -> Result<Relocations, BinaryError> {
        let Some((address, size)) = dynamic else { return Ok(Relocations::default()) };
        let entries = image.read(StaticAddr(address), size)?;
        let (mut table, mut table_size) = (None, 0);
        for entry in entries.chunks_exact(16) {
            let tag = bytes::u64_at(entry, 0).unwrap_or_default();
            let value = bytes::u64_at(entry, 8).unwrap_or_default();
            match tag {
                0 => break,
                7 => table = Some(value), // DT_RELA
                8 => table_size = value,  // DT_RELASZ
                _ => {}
            }
        }
        let Some(table) = table else { return Ok(Relocations::default()) };
        if table_size > image.file_bytes_from(StaticAddr(table)) {
            return Err(BinaryError::Malformed { what: "relocation table", at: table });
        }
        let mut sorted = Vec::new();
        let count = table_size / ENTRY;
        let mut next = 0;
        while next < count {
            let batch = BATCH.min(count - next);
            let bytes = image.read(StaticAddr(table.saturating_add(next * ENTRY)), batch * ENTRY)?;
            sorted.extend(bytes.chunks_exact(24).filter_map(relative));
            next += batch;
        }
        if !sorted.is_sorted() {
            sorted.sort_unstable();
        }
        Ok(Relocations { sorted })
    }

    /// Writes the pointers that belong into `bytes`, which start at `address`.
    pub(crate) fn apply(&self, address: StaticAddr, bytes: &mut [u8]) {
        let end = address.0.saturating_add(bytes.len() as u64);
        let first = self.sorted.partition_point(|&(place, _)| place.saturating_add(8) <= address.0);
        for &(place, pointer) in self.sorted.get(first..).unwrap_or_default() {
            if place >= end {
                break;
            }
            for (byte, at) in pointer.to_le_bytes().into_iter().zip(place..) {
                let index = at.checked_sub(address.0).and_then(|index| usize::try_from(index).ok());
                if let Some(slot) = index.and_then(|index| bytes.get_mut(index)) {
                    *slot = byte;
                }
            }
        }
    }

    /// The places whose pointer is `pointer`.
    pub(crate) fn places_of(&self, pointer: StaticAddr) -> impl Iterator<Item = StaticAddr> {
        let points = move |&&(_, to): &&(u64, u64)| to == pointer.0;
        self.sorted.iter().filter(points).map(|&(place, _)| StaticAddr(place))
    }
}

/// The place and the pointer of a relative relocation.
fn relative(entry: &[u8]) -> Option<(u64, u64)> {
    let kind = bytes::u32_at(entry, 8)?;
    if kind != elf::R_X86_64_RELATIVE.0 {
        return None;
    }
    Some((bytes::u64_at(entry, 0)?, bytes::u64_at(entry, 16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_written_where_they_overlap() {
        let relocations = Relocations { sorted: vec![(100, 0x0807_0605_0403_0201), (112, u64::MAX)] };
        let check = |address, len: usize, expect: &[u8]| {
            let mut bytes = vec![0; len];
            relocations.apply(StaticAddr(address), &mut bytes);
            assert_eq!(bytes, expect, "{address} {len}");
        };
        check(100, 8, &[1, 2, 3, 4, 5, 6, 7, 8]);
        check(98, 4, &[0, 0, 1, 2]);
        check(106, 7, &[7, 8, 0, 0, 0, 0, 0xff]);
        check(108, 4, &[0; 4]);
        check(u64::MAX, 1, &[0]);
    }
}
