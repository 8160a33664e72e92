//! What the compiler and the linker tell of variables in DWARF 4 and 5: an
//! address of code comes in, the calls that execute there come out, inlined ones
//! too, with the variables of each, where they are, and of what type.
//!
//! ```text
//!   address ─▶ units ─▶ scopes: calls ─▶ variables ─▶ location: pieces, arguments
//!                                           └───────▶ types
//!   runtime type (of an interface) ─▶ runtime_types ─┘
//! ```
//!
//! Units are parsed when they are asked for. Whatever is damaged is an error with
//! its place; nothing here follows a reference without a bound.

mod arguments;
mod error;
mod globals;
mod location;
mod runtime_types;
mod scopes;
mod types;
mod units;

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use gimli::{Dwarf, EndianSlice, LittleEndian};

use super::{Binary, BinaryError};

pub use error::DebugError;
pub use globals::Global;
pub use location::{Frame, Piece, Place, Registers};
pub use scopes::{Call, Captured, Located, Role, Variable};
pub use types::{Field, GoType, Kind, TypeId};

use units::Units;

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// The sections that are read, decompressed; empty where the file lacks one.
#[derive(Clone, Debug, Default)]
pub struct DebugSections {
    /// `.debug_info`
    pub info: Vec<u8>,
    /// `.debug_abbrev`
    pub abbrev: Vec<u8>,
    /// `.debug_str`
    pub str: Vec<u8>,
    /// `.debug_line_str`
    pub line_str: Vec<u8>,
    /// `.debug_str_offsets`
    pub str_offsets: Vec<u8>,
    /// `.debug_addr`
    pub addr: Vec<u8>,
    /// `.debug_loc`
    pub loc: Vec<u8>,
    /// `.debug_loclists`
    pub loclists: Vec<u8>,
    /// `.debug_ranges`
    pub ranges: Vec<u8>,
    /// `.debug_rnglists`
    pub rnglists: Vec<u8>,
}

impl DebugSections {
    /// The sections of `binary`; `None` where it has no DWARF.
    ///
    /// # Errors
    /// Where one is cut off, or its compression is damaged.
    pub fn of(binary: &Binary) -> Result<Option<DebugSections>, BinaryError> {
        let section = |name: &str| binary.elf().debug_section(name);
        let sections = DebugSections {
            info: section("info")?,
            abbrev: section("abbrev")?,
            str: section("str")?,
            line_str: section("line_str")?,
            str_offsets: section("str_offsets")?,
            addr: section("addr")?,
            loc: section("loc")?,
            loclists: section("loclists")?,
            ranges: section("ranges")?,
            rnglists: section("rnglists")?,
        };
        Ok((!sections.info.is_empty()).then_some(sections))
    }
}

/// The DWARF of one program.
pub struct Debug<'a> {
    dwarf: Dwarf<Slice<'a>>,
    units: Units<'a>,
    functions: RefCell<HashMap<usize, Rc<Vec<scopes::Function>>>>,
    types: RefCell<HashMap<TypeId, Rc<GoType>>>,
    runtime_types: OnceCell<HashMap<u64, TypeId>>,
}

impl<'a> Debug<'a> {
    /// Reads the headers of all units.
    ///
    /// # Errors
    /// Where they cannot be followed.
    pub fn new(sections: &'a DebugSections) -> Result<Debug<'a>, DebugError> {
        let slice = |bytes: &'a [u8]| EndianSlice::new(bytes, LittleEndian);
        let dwarf = Dwarf {
            debug_info: gimli::DebugInfo::new(&sections.info, LittleEndian),
            debug_abbrev: gimli::DebugAbbrev::new(&sections.abbrev, LittleEndian),
            debug_str: gimli::DebugStr::new(&sections.str, LittleEndian),
            debug_line_str: gimli::DebugLineStr::from(slice(&sections.line_str)),
            debug_str_offsets: gimli::DebugStrOffsets::from(slice(&sections.str_offsets)),
            debug_addr: gimli::DebugAddr::from(slice(&sections.addr)),
            locations: gimli::LocationLists::new(
                gimli::DebugLoc::new(&sections.loc, LittleEndian),
                gimli::DebugLocLists::new(&sections.loclists, LittleEndian),
            ),
            ranges: gimli::RangeLists::new(
                gimli::DebugRanges::new(&sections.ranges, LittleEndian),
                gimli::DebugRngLists::new(&sections.rnglists, LittleEndian),
            ),
            ..Dwarf::default()
        };
        let units = Units::read(&dwarf, &sections.abbrev)?;
        Ok(Debug {
            dwarf,
            units,
            functions: RefCell::default(),
            types: RefCell::default(),
            runtime_types: OnceCell::new(),
        })
    }
}
