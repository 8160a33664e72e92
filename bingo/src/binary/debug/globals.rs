//! Package variables: a name comes in, its type and its address go out.

use std::rc::Rc;

use gimli::{Attribute, AttributeValue, Unit, UnitOffset, constants};

use super::location::{Frame, Place};
use super::types::reference;
use super::{Debug, Slice, TypeId};
use crate::model::{LoadBias, StaticAddr};

/// Entries of one unit that are looked at.
const ENTRIES: usize = 1 << 24;

/// A package variable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Global {
    /// Its name with its package's path: `main.server`.
    pub name: Rc<str>,
    /// Its type.
    pub ty: TypeId,
    /// Where the file has it.
    pub address: StaticAddr,
}

impl<'a> Debug<'a> {
    /// The package variable of this name, as the linker writes it: `main.server`,
    /// `gopkg.in/yaml%2ev3.tags`. Units are named by packages; nothing where one is
    /// damaged.
    #[must_use]
    pub fn global(&self, name: &str) -> Option<Global> {
        let folder = name.rfind('/').map_or(0, |at| at + 1);
        let dot = name.get(folder..)?.find('.')?;
        let package = name.get(..folder + dot)?;
        let plain = package.replace("%2e", ".");
        self.units.offsets().find_map(|at| {
            let unit = self.units.at(&self.dwarf, at).ok()?;
            let own = unit.name.as_ref().map(gimli::EndianSlice::slice);
            if own != Some(package.as_bytes()) && own != Some(plain.as_bytes()) {
                return None;
            }
            self.global_in(&unit, name)
        })
    }

    fn global_in(&self, unit: &Unit<Slice<'a>>, name: &str) -> Option<Global> {
        let mut entries = unit.header.entries_raw(&unit.abbreviations, None::<UnitOffset>).ok()?;
        let mut attributes: Vec<Attribute<Slice<'a>>> = Vec::new();
        for _ in 0..ENTRIES {
            if entries.is_empty() {
                break;
            }
            let depth = entries.next_depth();
            let Some(abbreviation) = entries.read_abbreviation().ok()? else { continue };
            let specs = abbreviation.attributes();
            if depth != 1 || abbreviation.tag() != constants::DW_TAG_variable {
                entries.skip_attributes(specs).ok()?;
                continue;
            }
            attributes.clear();
            entries.read_attributes(specs, &mut attributes).ok()?;
            let value = |name: constants::DwAt| {
                attributes.iter().find(|attribute| attribute.name() == name).map(Attribute::value)
            };
            let own = value(constants::DW_AT_name).and_then(|own| self.text(unit, &own));
            let Some(own) = own.filter(|own| **own == *name) else { continue };
            let ty = value(constants::DW_AT_type).and_then(|ty| reference(unit, &ty)).map(TypeId)?;
            let AttributeValue::Exprloc(place) = value(constants::DW_AT_location)? else { return None };
            // As the file has it.
            let frame = Frame { cfa: 0, registers: None, argument: None, bias: LoadBias(0) };
            let pieces = self.pieces(unit, place, &frame).ok()??;
            let [piece] = pieces.as_slice() else { return None };
            let Place::Memory(address) = piece.place else { return None };
            return Some(Global { name: own, ty, address: StaticAddr(address) });
        }
        None
    }
}
