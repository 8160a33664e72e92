//! What the linker tells of the runtime's types in DWARF.
//!
//! In: the `.debug_*` sections (DWARF 4 and 5), already decompressed. Out: sizes
//! and member offsets of the types that were asked for, no more: Go's linker
//! puts every type of the program into the compile unit of package `runtime`
//! (one of those of that name; the others are its assembly's), so the units of
//! that name alone are walked, until all is found.

use std::collections::HashMap;
use std::sync::Arc;

use gimli::{
    Abbreviations, AttributeValue, DebugAbbrev, DebugAbbrevOffset, DebugInfo, DebugInfoOffset, DebugLineStr,
    DebugStr, EndianSlice, LittleEndian, Operation, UnitHeader, UnitOffset, constants,
};

use super::layout::{Members, Mheap, TypeSpec};
use super::{Binary, BinaryError};

/// Typedefs of typedefs that are followed before a chain counts as damaged.
const TYPEDEF_DEPTH: usize = 8;
/// Entries below a struct that are looked at; the largest of the runtime has about 100.
const STRUCT_ENTRIES: usize = 4096;
/// The longest abbreviation table, in bytes; Go's has about 1,000.
const TABLE: usize = 8 << 10;
/// Abbreviation tables that are read. Go's units share one; C's, behind them, have
/// one each, and are no more than this before they are not worth the time.
const TABLES: usize = 4096;
/// Compile units that are looked at; a large program has some thousands.
const UNITS: usize = 64 << 10;
/// The largest type that is believed, in bytes; the largest of those that are
/// many has 16,000.
const LARGEST: u64 = 64 << 10;
/// The same for the heap, of which there is one; it has 100,000.
const LARGEST_HEAP: u64 = 1 << 20;

/// The answers: sizes and offsets by Go name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RuntimeDwarf {
    sizes: HashMap<&'static str, u64>,
    offsets: HashMap<(&'static str, &'static str), u64>,
}

/// The sections that are read, decompressed. Empty where the file lacks one.
#[derive(Clone, Copy, Debug, Default)]
pub struct DwarfSections<'a> {
    /// `.debug_info`
    pub info: &'a [u8],
    /// `.debug_abbrev`
    pub abbrev: &'a [u8],
    /// `.debug_str`
    pub str: &'a [u8],
    /// `.debug_line_str`
    pub line_str: &'a [u8],
}

/// What can be wrong with DWARF.
#[derive(Debug, thiserror::Error)]
pub enum DwarfError {
    /// A section cannot be read.
    #[error(transparent)]
    Unreadable(#[from] BinaryError),
    /// gimli could not go on.
    #[error("damaged DWARF in the unit at .debug_info+{unit:#x}: {source}")]
    Malformed {
        /// Offset of the compile unit in `.debug_info`.
        unit: usize,
        /// What was wrong.
        source: gimli::Error,
    },
    /// A type is larger than any of the runtime's, or does not hold its member.
    #[error("damaged DWARF: {ty} cannot be of {size} bytes with a member at {member}")]
    Impossible {
        /// The Go type.
        ty: &'static str,
        /// Its size in bytes.
        size: u64,
        /// The offset of its last member.
        member: u64,
    },
}

impl RuntimeDwarf {
    /// Looks `types` up in the DWARF of `binary`. Nothing is found where it has none.
    ///
    /// # Errors
    /// Where a section is cut off, and those of [`RuntimeDwarf::read`].
    pub fn of(binary: &Binary, types: &[TypeSpec]) -> Result<RuntimeDwarf, DwarfError> {
        let section = |name: &str| binary.elf().debug_section(name);
        let (info, abbrev) = (section("info")?, section("abbrev")?);
        let (str, line_str) = (section("str")?, section("line_str")?);
        let sections = DwarfSections { info: &info, abbrev: &abbrev, str: &str, line_str: &line_str };
        RuntimeDwarf::read(sections, types)
    }

    /// Looks `types` up. What is not there is absent from the answer; a file
    /// without a runtime unit has nothing.
    ///
    /// # Errors
    /// [`DwarfError::Malformed`] where the unit headers or the runtime's unit
    /// cannot be followed, [`DwarfError::Impossible`] where they lead to what no
    /// type can be: reads of the target are as long as is said here.
    pub fn read(sections: DwarfSections<'_>, types: &[TypeSpec]) -> Result<RuntimeDwarf, DwarfError> {
        let reader = Reader {
            info: DebugInfo::new(sections.info, LittleEndian),
            str: DebugStr::new(sections.str, LittleEndian),
            line_str: DebugLineStr::from(EndianSlice::new(sections.line_str, LittleEndian)),
        };
        let mut search = Search {
            types: types.iter().map(|spec| (spec.name.as_bytes(), spec)).collect(),
            found: RuntimeDwarf::default(),
        };
        let mut headers = reader.info.units();
        let mut tables = Tables::new(sections.abbrev);
        for _ in 0..UNITS {
            let next = headers.next();
            let at = sections.info.len();
            let Some(header) = next.map_err(|source| DwarfError::Malformed { unit: at, source })? else {
                break;
            };
            // A unit that is not Go's may be anything.
            let Some(abbreviations) = tables.of(&header) else { continue };
            let unit = Unit { header, abbreviations, reader: &reader };
            if unit.is_runtime().unwrap_or(false) {
                let at = header.debug_info_offset().map_or(0, |offset| offset.0);
                unit.look_up(&mut search).map_err(|source| DwarfError::Malformed { unit: at, source })?;
            }
            if search.is_over() {
                break;
            }
        }
        search.found.is_possible()?;
        Ok(search.found)
    }

    fn is_possible(&self) -> Result<(), DwarfError> {
        let last = |ty| self.offsets.iter().filter(|(member, _)| member.0 == ty).map(|(_, at)| *at).max();
        for (&ty, &size) in &self.sizes {
            let member = last(ty).unwrap_or(0);
            let largest = if ty == Mheap::GO_NAME { LARGEST_HEAP } else { LARGEST };
            if size > largest || (member > 0 && member >= size) {
                return Err(DwarfError::Impossible { ty, size, member });
            }
        }
        Ok(())
    }
}

impl Members for RuntimeDwarf {
    fn size(&self, ty: &str) -> Option<u64> {
        self.sizes.get(ty).copied()
    }

    fn offset(&self, ty: &str, path: &str) -> Option<u64> {
        self.offsets.get(&(ty, path)).copied()
    }
}

/// What is still looked for, by name, and what has been found.
struct Search<'s> {
    types: HashMap<&'s [u8], &'s TypeSpec>,
    found: RuntimeDwarf,
}

impl Search<'_> {
    fn is_over(&self) -> bool {
        self.types.is_empty()
    }
}

type Slice<'a> = EndianSlice<'a, LittleEndian>;

struct Reader<'a> {
    info: DebugInfo<Slice<'a>>,
    str: DebugStr<Slice<'a>>,
    line_str: DebugLineStr<Slice<'a>>,
}

/// The abbreviation tables: the last one is kept, which Go's units share.
pub(super) struct Tables<'a> {
    section: &'a [u8],
    last: Option<(usize, Arc<Abbreviations>)>,
    left: usize,
}

impl<'a> Tables<'a> {
    pub(super) fn new(section: &'a [u8]) -> Tables<'a> {
        Tables { section, last: None, left: TABLES }
    }

    pub(super) fn of(&mut self, header: &UnitHeader<Slice<'_>>) -> Option<Arc<Abbreviations>> {
        let offset = header.debug_abbrev_offset().0;
        if let Some((at, table)) = &self.last
            && *at == offset
        {
            return Some(Arc::clone(table));
        }
        self.left = self.left.checked_sub(1)?;
        let table = self.section.get(offset..)?;
        let table = table.get(..TABLE).unwrap_or(table);
        let parsed = DebugAbbrev::new(table, LittleEndian).abbreviations(DebugAbbrevOffset(0)).ok()?;
        let parsed = Arc::new(parsed);
        self.last = Some((offset, Arc::clone(&parsed)));
        Some(parsed)
    }
}

struct Unit<'r, 'a> {
    header: UnitHeader<Slice<'a>>,
    abbreviations: Arc<Abbreviations>,
    reader: &'r Reader<'a>,
}

struct Struct<'a> {
    size: Option<u64>,
    members: Vec<Member<'a>>,
}

struct Member<'a> {
    name: &'a [u8],
    offset: u64,
    ty: Option<UnitOffset>,
}

impl<'a> Unit<'_, 'a> {
    /// Whether this is Go's unit of package `runtime`.
    fn is_runtime(&self) -> gimli::Result<bool> {
        let entry = self.header.entry(&self.abbreviations, self.header.root_offset())?;
        let is_go = entry.attr_value(constants::DW_AT_language)
            == Some(AttributeValue::Language(constants::DW_LANG_Go));
        Ok(is_go
            && entry
                .attr_value(constants::DW_AT_name)
                .is_some_and(|name| self.string(&name) == Some(b"runtime".as_slice())))
    }

    fn look_up(&self, search: &mut Search<'_>) -> gimli::Result<()> {
        let mut entries = self.header.entries_raw(&self.abbreviations, None)?;
        while !entries.is_empty() && !search.is_over() {
            let depth = entries.next_depth();
            let offset = entries.next_offset();
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            if depth != 1 || abbreviation.tag() != constants::DW_TAG_structure_type {
                entries.skip_attributes(abbreviation.attributes())?;
                continue;
            }
            let mut name = None;
            for spec in abbreviation.attributes() {
                let attribute = entries.read_attribute(*spec)?;
                if spec.name() == constants::DW_AT_name {
                    name = self.string(&attribute.value());
                }
            }
            if let Some(spec) = name.and_then(|name| search.types.remove(name)) {
                self.measure(spec, offset, &mut search.found)?;
            }
        }
        Ok(())
    }

    /// Records the size of the struct at `offset` and its members that `spec` names.
    fn measure(&self, spec: &TypeSpec, offset: UnitOffset, found: &mut RuntimeDwarf) -> gimli::Result<()> {
        let root = self.structure(offset)?;
        // A mere declaration says nothing of members.
        let Some(size) = root.size else { return Ok(()) };
        found.sizes.insert(spec.name, size);
        for path in spec.paths {
            if let Some(offset) = self.path_offset(&root, path)? {
                found.offsets.insert((spec.name, path), offset);
            }
        }
        Ok(())
    }

    fn path_offset(&self, root: &Struct<'a>, path: &str) -> gimli::Result<Option<u64>> {
        let mut total = 0_u64;
        let mut inner;
        let mut within = root;
        let mut steps = path.split('.').peekable();
        while let Some(step) = steps.next() {
            let Some(member) = within.members.iter().find(|member| member.name == step.as_bytes()) else {
                return Ok(None);
            };
            total = total.saturating_add(member.offset);
            if steps.peek().is_some() {
                let Some(ty) = member.ty else { return Ok(None) };
                inner = self.structure(ty)?;
                within = &inner;
            }
        }
        Ok(Some(total))
    }

    /// The struct at `offset`, through typedefs; one without members for any other type.
    fn structure(&self, mut offset: UnitOffset) -> gimli::Result<Struct<'a>> {
        let mut result = Struct { size: None, members: Vec::new() };
        for _ in 0..TYPEDEF_DEPTH {
            let entry = self.header.entry(&self.abbreviations, offset)?;
            match entry.tag() {
                constants::DW_TAG_typedef => match entry.attr_value(constants::DW_AT_type) {
                    Some(ty) => match self.unit_offset(&ty) {
                        Some(target) => offset = target,
                        None => return Ok(result),
                    },
                    None => return Ok(result),
                },
                constants::DW_TAG_structure_type => break,
                _ => return Ok(result),
            }
        }
        let mut entries = self.header.entries_raw(&self.abbreviations, Some(offset))?;
        let mut attributes = Vec::new();
        let mut first = true;
        for _ in 0..STRUCT_ENTRIES {
            if entries.is_empty() {
                break;
            }
            let depth = entries.next_depth();
            if !first && depth < 1 {
                break;
            }
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            if !first && (depth != 1 || abbreviation.tag() != constants::DW_TAG_member) {
                entries.skip_attributes(abbreviation.attributes())?;
                continue;
            }
            entries.read_attributes(abbreviation.attributes(), &mut attributes)?;
            let value = |name| attributes.iter().find(|a| a.name() == name).map(gimli::Attribute::value);
            if first {
                first = false;
                result.size = value(constants::DW_AT_byte_size).and_then(|v| v.udata_value());
                if !abbreviation.has_children() {
                    break;
                }
            } else if let Some(name) = value(constants::DW_AT_name).and_then(|v| self.string(&v)) {
                let offset = value(constants::DW_AT_data_member_location).and_then(|v| self.constant(&v));
                let ty = value(constants::DW_AT_type).and_then(|v| self.unit_offset(&v));
                result.members.extend(offset.map(|offset| Member { name, offset, ty }));
            }
        }
        Ok(result)
    }

    fn string(&self, value: &AttributeValue<Slice<'a>>) -> Option<&'a [u8]> {
        match value {
            AttributeValue::String(text) => Some(text.slice()),
            AttributeValue::DebugStrRef(offset) => self.reader.str.get_str(*offset).ok().map(|s| s.slice()),
            AttributeValue::DebugLineStrRef(offset) => {
                self.reader.line_str.get_str(*offset).ok().map(|s| s.slice())
            }
            _ => None,
        }
    }

    fn unit_offset(&self, value: &AttributeValue<Slice<'a>>) -> Option<UnitOffset> {
        match value {
            AttributeValue::UnitRef(offset) => Some(*offset),
            AttributeValue::DebugInfoRef(DebugInfoOffset(offset)) => {
                DebugInfoOffset(*offset).to_unit_offset(&self.header)
            }
            _ => None,
        }
    }

    /// A member's location: a constant, or (old style) an expression that adds one.
    fn constant(&self, value: &AttributeValue<Slice<'a>>) -> Option<u64> {
        if let AttributeValue::Exprloc(expression) = value {
            return match expression.operations(self.header.encoding()).next().ok()?? {
                Operation::PlusConstant { value } => Some(value),
                Operation::UnsignedConstant { value } => Some(value),
                _ => None,
            };
        }
        value.udata_value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 unit (name, language), 2 struct (name, size), 3 member (name, location,
    /// type), 4 typedef (name, type): tag, children, attributes and their forms.
    const ABBREVIATIONS: &[u8] = &[
        1, 0x11, 1, 0x03, 0x08, 0x13, 0x0b, 0, 0, //
        2, 0x13, 1, 0x03, 0x08, 0x0b, 0x0f, 0, 0, //
        3, 0x0d, 0, 0x03, 0x08, 0x38, 0x0f, 0x49, 0x10, 0, 0, //
        4, 0x16, 0, 0x03, 0x08, 0x49, 0x10, 0, 0, //
        0,
    ];
    const LANG_GO: u8 = 0x16;
    const TYPES: &[TypeSpec] =
        &[TypeSpec { name: "runtime.g", paths: &["stack.hi", "goid", "lost", "loop.x"] }];

    fn unit(version: u16, name: &str, entries: &[u8]) -> Vec<u8> {
        let mut body = version.to_le_bytes().to_vec();
        match version {
            4 => body.extend([0, 0, 0, 0, 8]),
            _ => body.extend([1, 8, 0, 0, 0, 0]),
        }
        body.push(1);
        body.extend(text(name));
        body.push(LANG_GO);
        body.extend(entries);
        body.push(0);
        let mut whole = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
        whole.extend(body);
        whole
    }

    fn text(name: &str) -> Vec<u8> {
        [name.as_bytes(), &[0]].concat()
    }

    fn structure(name: &str, size: u8, members: &[(&str, u8, u32)]) -> Vec<u8> {
        let mut bytes = [&[2], text(name).as_slice(), &[size]].concat();
        for (name, offset, ty) in members {
            bytes.extend([&[3], text(name).as_slice(), &[*offset], &ty.to_le_bytes()].concat());
        }
        bytes.push(0);
        bytes
    }

    fn typedef(name: &str, ty: u32) -> Vec<u8> {
        [&[4], text(name).as_slice(), &ty.to_le_bytes()].concat()
    }

    /// Three units, two of the name `runtime`: the first as assembly's is, the
    /// last has the types.
    fn info(version: u16) -> Vec<u8> {
        let others = [unit(version, "runtime", &[]), unit(version, "main", &[])].concat();
        let header = if version == 4 { 11 } else { 12 };
        let start = u32::try_from(others.len() + header + 1 + "runtime\0".len() + 1).unwrap();
        let stack = structure("runtime.stack", 16, &[("lo", 0, 0), ("hi", 8, 0)]);
        let alias = start + u32::try_from(stack.len()).unwrap();
        let to_stack = typedef("runtime.stack", start);
        let cycle = alias + u32::try_from(to_stack.len()).unwrap();
        let to_itself = typedef("runtime.loop", cycle);
        let g = structure("runtime.g", 40, &[("stack", 16, alias), ("goid", 32, 0), ("loop", 33, cycle)]);
        let entries = [stack, to_stack, to_itself, g].concat();
        [others, unit(version, "runtime", &entries)].concat()
    }

    fn read(info: &[u8]) -> Result<RuntimeDwarf, DwarfError> {
        RuntimeDwarf::read(DwarfSections { info, abbrev: ABBREVIATIONS, ..DwarfSections::default() }, TYPES)
    }

    #[test]
    fn members_are_found_through_typedefs_and_units() {
        for version in [4, 5] {
            let found = read(&info(version)).unwrap();
            assert_eq!(found.size("runtime.g"), Some(40), "DWARF {version}");
            assert_eq!(found.offset("runtime.g", "stack.hi"), Some(24), "DWARF {version}");
            assert_eq!(found.offset("runtime.g", "goid"), Some(32), "DWARF {version}");
            assert_eq!(found.offset("runtime.g", "lost"), None, "DWARF {version}");
            assert_eq!(found.offset("runtime.g", "loop.x"), None, "DWARF {version}");
        }
        assert_eq!(read(&[]).unwrap(), RuntimeDwarf::default());
    }

    #[test]
    fn no_type_is_huge_or_smaller_than_its_members() {
        let g = |size, at| unit(5, "runtime", &structure("runtime.g", size, &[("goid", at, 0)]));
        assert!(read(&g(40, 39)).is_ok());
        let error = read(&g(40, 40)).unwrap_err().to_string();
        assert_eq!(error, "damaged DWARF: runtime.g cannot be of 40 bytes with a member at 40");
        // 40 becomes 65,537, as ULEB128.
        let mut huge = g(40, 32);
        let size = huge.iter().position(|&byte| byte == 40).unwrap();
        huge.splice(size..=size, [0x81, 0x80, 0x04]);
        huge[0] += 2;
        let error = read(&huge).unwrap_err().to_string();
        assert_eq!(error, "damaged DWARF: runtime.g cannot be of 65537 bytes with a member at 32");
    }

    /// Without the bound, tables of their own would take hostile units a minute.
    #[test]
    fn units_with_tables_of_their_own_are_read_up_to_a_bound() {
        let abbrev = [ABBREVIATIONS, ABBREVIATIONS].concat();
        let one = unit(4, "main", &[]);
        let mut other = one.clone();
        other[6] = u8::try_from(ABBREVIATIONS.len()).unwrap();
        let finds = |before: &[u8]| {
            let info = [before, &unit(4, "runtime", &structure("runtime.g", 40, &[]))].concat();
            let sections = DwarfSections { info: &info, abbrev: &abbrev, ..DwarfSections::default() };
            RuntimeDwarf::read(sections, TYPES).unwrap().size("runtime.g").is_some()
        };
        assert!(finds(&one.repeat(2 * TABLES)));
        assert!(finds(&[one.clone(), other.clone()].concat().repeat(TABLES / 2 - 1)));
        assert!(!finds(&[one, other].concat().repeat(TABLES / 2)));
    }

    #[test]
    fn damage_is_an_error_or_less_found() {
        let whole = info(4);
        let sound = read(&whole).unwrap();
        for end in 0..whole.len() {
            if let Ok(found) = read(&whole[..end]) {
                assert!(found.sizes.len() <= sound.sizes.len());
            }
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                // It must come back, and not crash.
                let _ = read(&bytes);
            }
        }
    }
}
