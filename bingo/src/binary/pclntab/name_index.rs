//! Functions by name: a hash of the name and the function's place, 16 bytes a
//! function. The names themselves stay in the file.

use super::PclnTab;
use crate::binary::bytes;
use crate::binary::name_hash::name_hash;

/// Hashes of names and places in the index of functions, by hash.
pub(super) struct NameIndex {
    sorted: Vec<(u64, u32)>,
}

impl NameIndex {
    /// Reads all names once. Functions whose name is damaged are left out.
    pub(super) fn build(table: &PclnTab) -> NameIndex {
        let range = &table.header.names;
        let start = table.at(range.start);
        let names = start.and_then(|start| table.image.read(start, range.end - range.start).ok());
        let names = names.unwrap_or_default();
        let hash_of = |index: usize| {
            let entry = table.index.get(index)?;
            // go: runtime._func.nameOff (1.18-1.27)
            let field = table.record_address(entry)?.0.checked_add(4)?;
            let mut offset = [0; 4];
            table.image.read_into(crate::model::StaticAddr(field), &mut offset).ok()?;
            let offset = usize::try_from(u32::from_le_bytes(offset)).ok()?;
            let name = bytes::until_nul(names.get(offset..)?)?;
            Some((name_hash(name), u32::try_from(index).ok()?))
        };
        let mut sorted: Vec<(u64, u32)> = (0..table.index.len()).filter_map(hash_of).collect();
        sorted.sort_unstable();
        NameIndex { sorted }
    }

    /// The functions that may have this name.
    pub(super) fn candidates(&self, name: &str) -> impl Iterator<Item = usize> {
        let wanted = name_hash(name.as_bytes());
        let first = self.sorted.partition_point(|&(hash, _)| hash < wanted);
        let rest = self.sorted.get(first..).unwrap_or_default().iter();
        rest.take_while(move |&&(hash, _)| hash == wanted)
            .filter_map(|&(_, index)| usize::try_from(index).ok())
    }
}
