//! From a runtime type, as interfaces and dictionaries point to it, to its entry.
//!
//! The linker notes at each type's entry where its runtime type is, as an offset
//! from the start of the section that has it (`DW_CLS_GO_TYPEREF`,
//! `cmd/internal/dwarf`, Go 1.19 to 1.27).

use std::collections::HashMap;

use gimli::{Attribute, constants};

use super::types::GO_RUNTIME_TYPE;
use super::{Debug, TypeId};

/// Types that are noted; a large program has some 100,000.
const TYPES: usize = 4 << 20;

impl Debug<'_> {
    /// The type whose runtime type is `offset` bytes behind the start of its section.
    #[must_use]
    pub fn runtime_type(&self, offset: u64) -> Option<TypeId> {
        self.runtime_types.get_or_init(|| self.find_runtime_types()).get(&offset).copied()
    }

    /// All of the unit that Go's linker puts types into. Where entries are damaged
    /// those before them count.
    fn find_runtime_types(&self) -> HashMap<u64, TypeId> {
        let mut found = HashMap::new();
        for at in self.units.offsets() {
            let Ok(unit) = self.units.at(&self.dwarf, at) else { continue };
            if unit.name.is_none_or(|name| name.slice() != b"runtime") {
                continue;
            }
            let _ = self.note_runtime_types(at, &mut found);
        }
        found
    }

    fn note_runtime_types(&self, at: usize, found: &mut HashMap<u64, TypeId>) -> Option<()> {
        let unit = self.units.at(&self.dwarf, at).ok()?;
        let mut entries = unit.header.entries_raw(&unit.abbreviations, None).ok()?;
        let mut attributes = Vec::new();
        while !entries.is_empty() && found.len() < TYPES {
            let depth = entries.next_depth();
            let offset = entries.next_offset();
            let Some(abbreviation) = entries.read_abbreviation().ok()? else { continue };
            let specs = abbreviation.attributes();
            if depth != 1 || specs.iter().all(|spec| spec.name() != GO_RUNTIME_TYPE) {
                entries.skip_attributes(specs).ok()?;
                continue;
            }
            entries.read_attributes(specs, &mut attributes).ok()?;
            let value = |name: constants::DwAt| {
                attributes.iter().find(|attribute| attribute.name() == name).map(Attribute::value)
            };
            let place =
                value(GO_RUNTIME_TYPE).and_then(|place| self.dwarf.attr_address(&unit, place).ok()?);
            if let Some(place) = place.filter(|&place| place != 0)
                && let Some(entry) = offset.to_debug_info_offset(&unit.header)
            {
                found.entry(place).or_insert(TypeId(entry.0));
            }
        }
        Some(())
    }
}
