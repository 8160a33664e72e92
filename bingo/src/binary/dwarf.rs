//! What the linker tells of the runtime's types in DWARF.
//!
//! In: the `.debug_*` sections (DWARF 4 and 5), already decompressed. Out: sizes
//! and member offsets of the types that were asked for, no more: Go's linker puts every type of the program into the compile unit of
//! package `runtime` (one of the two of that name; the other is its assembly's),
//! so the units of that name alone are walked, until all is found.

use std::collections::HashMap;

use gimli::{
    Abbreviations, AttributeValue, DebugAbbrev, DebugInfo, DebugInfoOffset, DebugLineStr, DebugStr,
    EndianSlice, LittleEndian, Operation, UnitHeader, UnitOffset, constants,
};

use super::layout::{Members, TYPES, TypeSpec};
use super::{Binary, BinaryError};

/// Typedefs of typedefs that are followed before a chain counts as damaged.
const TYPEDEF_DEPTH: usize = 8;
/// Members that a struct may have; the largest of the runtime has about 100.
const MAX_MEMBERS: usize = 4096;

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
}

impl RuntimeDwarf {
    /// Looks every type up that Bingo reads, in the DWARF of `binary`. Nothing is
    /// found where it has none.
    ///
    /// # Errors
    /// Where a section is cut off, and those of [`RuntimeDwarf::read`].
    pub fn of(binary: &Binary) -> Result<RuntimeDwarf, DwarfError> {
        let elf = binary.elf();
        let section = |name: &str| {
            let dotted = elf.section(&format!(".debug_{name}"));
            match dotted.or_else(|| elf.section(&format!(".zdebug_{name}"))) {
                Some(section) => elf.section_bytes(section),
                None => Ok(Vec::new()),
            }
        };
        let (info, abbrev) = (section("info")?, section("abbrev")?);
        let (str, line_str) = (section("str")?, section("line_str")?);
        let sections = DwarfSections { info: &info, abbrev: &abbrev, str: &str, line_str: &line_str };
        RuntimeDwarf::read(sections, TYPES)
    }

    /// Looks `types` up. What is not there is absent from the answer; a file
    /// without a runtime unit has nothing.
    ///
    /// # Errors
    /// [`DwarfError::Malformed`] where the unit headers or the runtime's unit
    /// cannot be followed.
    pub fn read(sections: DwarfSections<'_>, types: &[TypeSpec]) -> Result<RuntimeDwarf, DwarfError> {
        let reader = Reader {
            info: DebugInfo::new(sections.info, LittleEndian),
            str: DebugStr::new(sections.str, LittleEndian),
            line_str: DebugLineStr::from(EndianSlice::new(sections.line_str, LittleEndian)),
        };
        let debug_abbrev = DebugAbbrev::new(sections.abbrev, LittleEndian);
        let mut search = Search {
            types: types.iter().map(|spec| (spec.name.as_bytes(), spec)).collect(),
            found: RuntimeDwarf::default(),
        };
        let mut units = reader.info.units();
        while let Some(header) =
            units.next().map_err(|source| DwarfError::Malformed { unit: sections.info.len(), source })?
        {
            let at = header.debug_info_offset().map_or(0, |offset| offset.0);
            let mut walk = || {
                let abbreviations = header.abbreviations(&debug_abbrev)?;
                let unit = Unit { header, abbreviations, reader: &reader };
                if unit.is_runtime()? { unit.look_up(&mut search) } else { Ok(()) }
            };
            walk().map_err(|source| DwarfError::Malformed { unit: at, source })?;
            if search.is_over() {
                break;
            }
        }
        Ok(search.found)
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

struct Unit<'r, 'a> {
    header: UnitHeader<Slice<'a>>,
    abbreviations: Abbreviations,
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
        if let Some(size) = root.size {
            found.sizes.insert(spec.name, size);
        }
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
        while !entries.is_empty() && result.members.len() < MAX_MEMBERS {
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
