//! Types: the entry of one comes in, its Go kind with its parts comes out. Parts
//! are named by their entries and read when they are asked for, so that types
//! which contain each other are no loop here.

use std::rc::Rc;

use gimli::{Attribute, AttributeValue, DebugInfoOffset, Unit, UnitOffset, constants};

use super::{Debug, DebugError, Slice};

/// Typedefs of typedefs that are followed.
const TYPEDEF_DEPTH: usize = 16;
/// Entries below a type that are looked at.
const ENTRIES: usize = 1 << 16;
/// A name is cut off behind so many bytes: the types of generated code have long ones.
const NAME: usize = 4 << 10;

// Go's own attributes (cmd/internal/dwarf, Go 1.19 to 1.27).
const GO_KIND: constants::DwAt = constants::DwAt(0x2900);
const GO_KEY: constants::DwAt = constants::DwAt(0x2901);
const GO_ELEM: constants::DwAt = constants::DwAt(0x2902);
const GO_EMBEDDED: constants::DwAt = constants::DwAt(0x2903);
pub(super) const GO_RUNTIME_TYPE: constants::DwAt = constants::DwAt(0x2904);
const GO_DICT_INDEX: constants::DwAt = constants::DwAt(0x2906);

/// A type, by its place in `.debug_info`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TypeId(pub usize);

/// A type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GoType {
    /// Its name as Go writes it: `map[string]int`, `main.T`.
    pub name: Rc<str>,
    /// How many bytes a value has.
    pub size: u64,
    /// What it is.
    pub kind: Kind,
}

/// What a type is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `bool`.
    Bool,
    /// A signed integer.
    Int,
    /// An unsigned integer.
    Uint,
    /// `float32`, `float64`.
    Float,
    /// `complex64`, `complex128`.
    Complex,
    /// `string`.
    String,
    /// A slice.
    Slice(TypeId),
    /// An array and its length.
    Array(TypeId, u64),
    /// A struct.
    Struct(Vec<Field>),
    /// A pointer; to nothing that is known where it is C's `void *`.
    Pointer(Option<TypeId>),
    /// `unsafe.Pointer`.
    UnsafePointer,
    /// A function.
    Func,
    /// A map: key, value, and the runtime's struct that it points to.
    Map(TypeId, TypeId, TypeId),
    /// A channel of such elements.
    Chan(TypeId),
    /// An interface, and whether it has methods (`iface`) or none (`eface`).
    Interface(bool),
    /// A type parameter: its place in the dictionary, and the type that all have
    /// in common for which this code was made.
    Parameter(u64, TypeId),
    /// Something that Go does not have.
    Other,
}

/// A field of a struct.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name.
    pub name: Rc<str>,
    /// Bytes from the struct's start.
    pub offset: u64,
    /// Its type.
    pub ty: TypeId,
    /// Whether it is embedded.
    pub embedded: bool,
}

impl GoType {
    /// The fields of a struct.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        match &self.kind {
            Kind::Struct(fields) => fields,
            _ => &[],
        }
    }

    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields().iter().find(|field| &*field.name == name)
    }
}

/// What is read of one entry.
struct Entry<'a> {
    tag: constants::DwTag,
    attributes: Vec<Attribute<Slice<'a>>>,
    has_children: bool,
}

impl<'a> Entry<'a> {
    fn value(&self, name: constants::DwAt) -> Option<AttributeValue<Slice<'a>>> {
        self.attributes.iter().find(|attribute| attribute.name() == name).map(Attribute::value)
    }

    fn number(&self, name: constants::DwAt) -> Option<u64> {
        self.value(name)?.udata_value()
    }
}

impl<'a> Debug<'a> {
    /// The type at `id`.
    ///
    /// # Errors
    /// Where there is none, or it is damaged.
    pub fn type_at(&self, id: TypeId) -> Result<Rc<GoType>, DebugError> {
        if let Some(known) = self.types.borrow().get(&id) {
            return Ok(Rc::clone(known));
        }
        let found = Rc::new(self.read_type(id)?);
        self.types.borrow_mut().insert(id, Rc::clone(&found));
        Ok(found)
    }

    fn read_type(&self, id: TypeId) -> Result<GoType, DebugError> {
        let mut at = id;
        let mut name = None;
        for _ in 0..TYPEDEF_DEPTH {
            let (unit, offset) = self.units.of_entry(&self.dwarf, at.0)?;
            let malformed = |source| DebugError::Malformed { at: at.0, source };
            let entry = self.entry(&unit, offset).map_err(malformed)?;
            let own = entry.value(constants::DW_AT_name).and_then(|name| self.text(&unit, &name));
            let name_of = |name: Option<Rc<str>>| name.or(own.clone()).unwrap_or_else(|| Rc::from("?"));
            let refers = |attribute| entry.value(attribute).and_then(|ty| reference(&unit, &ty)).map(TypeId);
            let target = refers(constants::DW_AT_type);
            if let Some((index, shape)) = entry.number(GO_DICT_INDEX).zip(target) {
                let size = self.type_at_depth(shape)?;
                return Ok(GoType { name: name_of(name), size, kind: Kind::Parameter(index, shape) });
            }
            let is_alias = matches!(
                entry.tag,
                constants::DW_TAG_typedef | constants::DW_TAG_const_type | constants::DW_TAG_volatile_type
            );
            if is_alias && entry.number(GO_KIND).is_none() {
                let Some(target) = target else { break };
                name = name.or(own);
                at = target;
                continue;
            }
            let kind = self.kind_of(&unit, offset, &entry, target).map_err(malformed)?;
            let size = match kind {
                Kind::Pointer(_) | Kind::UnsafePointer | Kind::Func | Kind::Map(..) | Kind::Chan(_) => 8,
                Kind::Interface(_) => 16,
                _ => entry.number(constants::DW_AT_byte_size).unwrap_or(0),
            };
            return Ok(GoType { name: name_of(name), size, kind });
        }
        Err(DebugError::Excessive { at: id.0, what: "names of names of a type" })
    }

    /// The size of a type behind a type parameter, which is no parameter itself.
    fn type_at_depth(&self, shape: TypeId) -> Result<u64, DebugError> {
        let (unit, offset) = self.units.of_entry(&self.dwarf, shape.0)?;
        let entry =
            self.entry(&unit, offset).map_err(|source| DebugError::Malformed { at: shape.0, source })?;
        if entry.number(GO_DICT_INDEX).is_some() {
            return Err(DebugError::Excessive { at: shape.0, what: "type parameters of type parameters" });
        }
        Ok(self.type_at(shape)?.size)
    }

    /// What the entry at `offset` is; `target` is what its `DW_AT_type` refers to.
    fn kind_of(
        &self,
        unit: &Unit<Slice<'a>>,
        offset: UnitOffset,
        entry: &Entry<'a>,
        target: Option<TypeId>,
    ) -> gimli::Result<Kind> {
        let refers = |attribute| entry.value(attribute).and_then(|ty| reference(unit, &ty)).map(TypeId);
        let elem = refers(GO_ELEM);
        // go: internal/abi.Kind (1.19-1.27)
        let kind = match entry.number(GO_KIND) {
            Some(18) => elem.map(Kind::Chan),
            Some(19) => Some(Kind::Func),
            Some(20) => Some(Kind::Interface(self.has_methods(target))),
            Some(21) => match (refers(GO_KEY), elem, target) {
                (Some(key), Some(elem), Some(table)) => Some(Kind::Map(key, elem, table)),
                _ => None,
            },
            Some(23) => elem.map(Kind::Slice),
            Some(24) => Some(Kind::String),
            Some(26) => Some(Kind::UnsafePointer),
            _ => None,
        };
        if let Some(kind) = kind {
            return Ok(kind);
        }
        Ok(match entry.tag {
            constants::DW_TAG_base_type => match entry.value(constants::DW_AT_encoding) {
                Some(AttributeValue::Encoding(encoding)) => base_kind(encoding),
                _ => Kind::Other,
            },
            constants::DW_TAG_structure_type => Kind::Struct(self.fields_of(unit, offset, entry)?),
            constants::DW_TAG_pointer_type => Kind::Pointer(target),
            constants::DW_TAG_subroutine_type => Kind::Func,
            constants::DW_TAG_array_type => match target {
                Some(elem) => Kind::Array(elem, self.length_of(unit, offset, entry)?),
                None => Kind::Other,
            },
            _ => Kind::Other,
        })
    }

    /// Whether an interface whose representation is `target` has methods.
    fn has_methods(&self, target: Option<TypeId>) -> bool {
        let Some(TypeId(mut at)) = target else { return true };
        for _ in 0..TYPEDEF_DEPTH {
            let Ok((unit, offset)) = self.units.of_entry(&self.dwarf, at) else { return true };
            let Ok(entry) = self.entry(&unit, offset) else { return true };
            let name = entry.value(constants::DW_AT_name).and_then(|name| self.text(&unit, &name));
            match name.as_deref() {
                Some("runtime.eface") => return false,
                Some("runtime.iface") => return true,
                _ => {}
            }
            match entry.value(constants::DW_AT_type).and_then(|ty| reference(&unit, &ty)) {
                Some(next) => at = next,
                None => return true,
            }
        }
        true
    }

    fn fields_of(
        &self,
        unit: &Unit<Slice<'a>>,
        offset: UnitOffset,
        entry: &Entry<'a>,
    ) -> gimli::Result<Vec<Field>> {
        let mut fields = Vec::new();
        self.each_child(unit, offset, entry, |child| {
            if child.tag != constants::DW_TAG_member {
                return;
            }
            let name = child.value(constants::DW_AT_name).and_then(|name| self.text(unit, &name));
            let place = child.value(constants::DW_AT_data_member_location);
            let place = place.and_then(|place| constant(unit, &place)).unwrap_or(0);
            let ty = child.value(constants::DW_AT_type).and_then(|ty| reference(unit, &ty));
            if let (Some(name), Some(ty)) = (name, ty) {
                let embedded = match child.value(GO_EMBEDDED) {
                    Some(AttributeValue::Flag(flag)) => flag,
                    _ => false,
                };
                fields.push(Field { name, offset: place, ty: TypeId(ty), embedded });
            }
        })?;
        Ok(fields)
    }

    fn length_of(&self, unit: &Unit<Slice<'a>>, offset: UnitOffset, entry: &Entry<'a>) -> gimli::Result<u64> {
        let mut length = 0;
        self.each_child(unit, offset, entry, |child| {
            if child.tag == constants::DW_TAG_subrange_type {
                let upper = || child.number(constants::DW_AT_upper_bound).map(|last| last.saturating_add(1));
                length = child.number(constants::DW_AT_count).or_else(upper).unwrap_or(0);
            }
        })?;
        Ok(length)
    }

    fn each_child(
        &self,
        unit: &Unit<Slice<'a>>,
        offset: UnitOffset,
        entry: &Entry<'a>,
        mut visit: impl FnMut(&Entry<'a>),
    ) -> gimli::Result<()> {
        if !entry.has_children {
            return Ok(());
        }
        let mut entries = unit.header.entries_raw(&unit.abbreviations, Some(offset))?;
        let mut first = true;
        for _ in 0..ENTRIES {
            if entries.is_empty() || (!first && entries.next_depth() < 1) {
                break;
            }
            let depth = entries.next_depth();
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            if first || depth != 1 {
                first = false;
                entries.skip_attributes(abbreviation.attributes())?;
                continue;
            }
            let mut child = Entry {
                tag: abbreviation.tag(),
                attributes: Vec::new(),
                has_children: abbreviation.has_children(),
            };
            entries.read_attributes(abbreviation.attributes(), &mut child.attributes)?;
            visit(&child);
        }
        Ok(())
    }

    fn entry(&self, unit: &Unit<Slice<'a>>, offset: UnitOffset) -> gimli::Result<Entry<'a>> {
        let mut entries = unit.header.entries_raw(&unit.abbreviations, Some(offset))?;
        let nothing = gimli::Error::NoEntryAtGivenOffset(offset.0 as u64);
        let abbreviation = entries.read_abbreviation()?.ok_or(nothing)?;
        let mut entry = Entry {
            tag: abbreviation.tag(),
            attributes: Vec::new(),
            has_children: abbreviation.has_children(),
        };
        entries.read_attributes(abbreviation.attributes(), &mut entry.attributes)?;
        Ok(entry)
    }

    /// A string attribute.
    pub(super) fn text(&self, unit: &Unit<Slice<'a>>, value: &AttributeValue<Slice<'a>>) -> Option<Rc<str>> {
        let text = self.dwarf.attr_string(unit, *value).ok()?;
        let bytes = text.slice();
        Some(String::from_utf8_lossy(bytes.get(..NAME).unwrap_or(bytes)).into())
    }
}

/// Where in `.debug_info` a reference leads.
pub(super) fn reference(unit: &Unit<Slice<'_>>, value: &AttributeValue<Slice<'_>>) -> Option<usize> {
    match value {
        AttributeValue::UnitRef(offset) => offset.to_debug_info_offset(&unit.header).map(|offset| offset.0),
        AttributeValue::DebugInfoRef(DebugInfoOffset(offset)) => Some(*offset),
        _ => None,
    }
}

/// A member's place: a constant, or (old style) an expression that adds one.
fn constant(unit: &Unit<Slice<'_>>, value: &AttributeValue<Slice<'_>>) -> Option<u64> {
    if let AttributeValue::Exprloc(expression) = value {
        return match expression.operations(unit.header.encoding()).next().ok()?? {
            gimli::Operation::PlusConstant { value } | gimli::Operation::UnsignedConstant { value } => {
                Some(value)
            }
            _ => None,
        };
    }
    value.udata_value()
}

fn base_kind(encoding: constants::DwAte) -> Kind {
    match encoding {
        constants::DW_ATE_boolean => Kind::Bool,
        constants::DW_ATE_signed | constants::DW_ATE_signed_char => Kind::Int,
        constants::DW_ATE_unsigned | constants::DW_ATE_unsigned_char => Kind::Uint,
        constants::DW_ATE_float => Kind::Float,
        constants::DW_ATE_complex_float => Kind::Complex,
        _ => Kind::Other,
    }
}
