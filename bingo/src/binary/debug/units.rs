//! The compile units: where each begins, what addresses it has, and the unit
//! itself once it is asked for.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use gimli::{
    Abbreviations, Attribute, AttributeValue, DebugInfoOffset, Dwarf, Unit, UnitHeader, UnitOffset, UnitType,
    constants,
};

use super::{DebugError, Slice};
use crate::binary::dwarf::Tables;

/// Units that are looked at; a large program has some thousands.
const UNITS: usize = 64 << 10;
/// Ranges of addresses that are looked at, of all units together.
const RANGES: usize = 1 << 20;

/// All units of a program.
pub(super) struct Units<'a> {
    /// By offset.
    headers: Vec<(usize, UnitHeader<Slice<'a>>, Arc<Abbreviations>)>,
    /// First address, the address behind, and whose: by first address.
    ranges: Vec<(u64, u64, usize)>,
    parsed: RefCell<HashMap<usize, Rc<Unit<Slice<'a>>>>>,
}

impl<'a> Units<'a> {
    /// Reads all headers, and of each unit which addresses it has.
    pub(super) fn read(dwarf: &Dwarf<Slice<'a>>, abbrev: &'a [u8]) -> Result<Units<'a>, DebugError> {
        let mut units = Units { headers: Vec::new(), ranges: Vec::new(), parsed: RefCell::default() };
        let mut tables = Tables::new(abbrev);
        let mut iter = dwarf.units();
        let mut at = 0;
        for _ in 0..UNITS {
            let Some(header) = iter.next().map_err(|source| DebugError::Malformed { at, source })? else {
                break;
            };
            let Some(DebugInfoOffset(offset)) = header.debug_info_offset() else { continue };
            at = offset;
            // A unit without a table is not Go's, whose units share one.
            let Some(table) = tables.of(&header) else { continue };
            let unit = unit(dwarf, header, Arc::clone(&table));
            if let Ok(unit) = unit {
                units.note_ranges(dwarf, &unit, offset);
            }
            units.headers.push((offset, header, table));
        }
        units.ranges.sort_unstable();
        Ok(units)
    }

    /// Notes the addresses of `unit`; one whose ranges are damaged has none.
    fn note_ranges(&mut self, dwarf: &Dwarf<Slice<'a>>, unit: &Unit<Slice<'a>>, offset: usize) {
        let Ok(root) = unit.header.entry(&unit.abbreviations, unit.header.root_offset()) else { return };
        let ranges = &mut self.ranges;
        let _ = each_range(dwarf, unit, root.attrs(), |low, high| {
            if ranges.len() < RANGES {
                ranges.push((low, high, offset));
            }
            false
        });
    }

    /// The offsets of the units that may have code at `address`.
    pub(super) fn at_address(&self, address: u64) -> impl Iterator<Item = usize> {
        // Ranges hardly ever overlap: those that begin last come first.
        let end = self.ranges.partition_point(|range| range.0 <= address);
        let before = self.ranges.get(..end).unwrap_or_default();
        before.iter().rev().take(64).filter(move |range| address < range.1).map(|range| range.2)
    }

    /// The unit that begins at `offset`.
    pub(super) fn at(
        &self,
        dwarf: &Dwarf<Slice<'a>>,
        offset: usize,
    ) -> Result<Rc<Unit<Slice<'a>>>, DebugError> {
        if let Some(unit) = self.parsed.borrow().get(&offset) {
            return Ok(Rc::clone(unit));
        }
        let found = self.headers.binary_search_by_key(&offset, |unit| unit.0).ok();
        let (_, header, table) =
            found.and_then(|found| self.headers.get(found)).ok_or(DebugError::Dangling { at: offset })?;
        let unit = unit(dwarf, *header, Arc::clone(table))
            .map_err(|source| DebugError::Malformed { at: offset, source })?;
        let unit = Rc::new(unit);
        self.parsed.borrow_mut().insert(offset, Rc::clone(&unit));
        Ok(unit)
    }

    /// The unit that has the entry at `at` of `.debug_info`, and the entry's place in it.
    pub(super) fn of_entry(
        &self,
        dwarf: &Dwarf<Slice<'a>>,
        at: usize,
    ) -> Result<(Rc<Unit<Slice<'a>>>, UnitOffset), DebugError> {
        let behind = self.headers.partition_point(|unit| unit.0 <= at);
        let found = behind.checked_sub(1).and_then(|index| self.headers.get(index));
        let &(offset, ..) = found.ok_or(DebugError::Dangling { at })?;
        let unit = self.at(dwarf, offset)?;
        let place = DebugInfoOffset(at).to_unit_offset(&unit.header).ok_or(DebugError::Dangling { at })?;
        Ok((unit, place))
    }

    /// The offsets of all units.
    pub(super) fn offsets(&self) -> impl Iterator<Item = usize> {
        self.headers.iter().map(|unit| unit.0)
    }
}

/// The unit of `header`, without its line table, which is not read here.
fn unit<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    header: UnitHeader<Slice<'a>>,
    abbreviations: Arc<Abbreviations>,
) -> gimli::Result<Unit<Slice<'a>>> {
    let root = header.entry(&abbreviations, header.root_offset())?;
    let file_type = dwarf.file_type;
    let encoding = header.encoding();
    let mut unit = Unit {
        abbreviations,
        name: None,
        comp_dir: None,
        low_pc: 0,
        str_offsets_base: gimli::DebugStrOffsetsBase::default_for_encoding_and_file(encoding, file_type),
        addr_base: gimli::DebugAddrBase(0),
        loclists_base: gimli::DebugLocListsBase::default_for_encoding_and_file(encoding, file_type),
        rnglists_base: gimli::DebugRngListsBase::default_for_encoding_and_file(encoding, file_type),
        line_program: None,
        dwo_id: match header.type_() {
            UnitType::Skeleton(id) | UnitType::SplitCompilation(id) => Some(id),
            _ => None,
        },
        header,
    };
    let value = |name| root.attr_value(name);
    if let Some(AttributeValue::DebugStrOffsetsBase(base)) = value(constants::DW_AT_str_offsets_base) {
        unit.str_offsets_base = base;
    }
    if let Some(AttributeValue::DebugAddrBase(base)) = value(constants::DW_AT_addr_base) {
        unit.addr_base = base;
    }
    if let Some(AttributeValue::DebugLocListsBase(base)) = value(constants::DW_AT_loclists_base) {
        unit.loclists_base = base;
    }
    if let Some(AttributeValue::DebugRngListsBase(base)) = value(constants::DW_AT_rnglists_base) {
        unit.rnglists_base = base;
    }
    if let Some(name) = value(constants::DW_AT_name) {
        unit.name = dwarf.attr_string(&unit, name).ok();
    }
    if let Some(low) = value(constants::DW_AT_low_pc) {
        unit.low_pc = dwarf.attr_address(&unit, low)?.unwrap_or(0);
    }
    Ok(unit)
}

/// Tells `visit` of the ranges of addresses that an entry with these attributes
/// has, until it has seen enough; whether it had.
pub(super) fn each_range<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    unit: &Unit<Slice<'a>>,
    attributes: &[Attribute<Slice<'a>>],
    mut visit: impl FnMut(u64, u64) -> bool,
) -> gimli::Result<bool> {
    let value = |name| attributes.iter().find(|attribute| attribute.name() == name).map(Attribute::value);
    if let Some(ranges) = value(constants::DW_AT_ranges) {
        let Some(mut ranges) = dwarf.attr_ranges(unit, ranges)? else { return Ok(false) };
        for _ in 0..RANGES {
            let Some(range) = ranges.next()? else { break };
            if visit(range.begin, range.end) {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let Some(low) = value(constants::DW_AT_low_pc) else { return Ok(false) };
    let Some(low) = dwarf.attr_address(unit, low)? else { return Ok(false) };
    let high = match value(constants::DW_AT_high_pc) {
        None => return Ok(false),
        Some(high) => match (high.udata_value(), dwarf.attr_address(unit, high)?) {
            (_, Some(address)) => address,
            (Some(size), None) => low.saturating_add(size),
            (None, None) => return Ok(false),
        },
    };
    Ok(visit(low, high))
}
