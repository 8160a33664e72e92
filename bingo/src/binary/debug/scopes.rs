//! The calls that execute at an address, and the variables of each that are in
//! scope there.
//!
//! ```text
//!   subprogram main.serve             ◀ a call
//!   ├── formal_parameter
//!   ├── lexical_block  pc in it?
//!   │   └── variable
//!   └── inlined_subroutine  pc in it? ◀ a call, innermost last
//!       └── variable ─▶ abstract origin: name, type, line
//! ```

use std::collections::HashMap;
use std::rc::Rc;

use gimli::{Attribute, AttributeValue, Unit, UnitOffset, constants};

use super::arguments::AtEntry;
use super::location::{Frame, Piece, Place};
use super::types::reference;
use super::units::each_range;
use super::{Debug, DebugError, Slice, TypeId};
use crate::model::StaticAddr;

/// Entries of one function that are looked at.
const ENTRIES: usize = 1 << 20;
/// Entries of a location list that are looked at.
const LIST: usize = 1 << 16;
/// Functions of one unit.
const FUNCTIONS: usize = 1 << 20;
/// Variables of one function.
const VARIABLES: usize = 1 << 14;
/// Go's own attribute: bytes from the start of a closure (Go 1.23 on).
const GO_CLOSURE_OFFSET: constants::DwAt = constants::DwAt(0x2907);

/// A call that executes.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function's full name, type arguments and all.
    pub name: Rc<str>,
    /// Whether it was inlined into the call before it.
    pub inlined: bool,
    /// Its variables that are in scope, in the order of the source as far as known.
    pub variables: Vec<Variable>,
}

/// A variable in scope.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name as the compiler has it: `&x` for a variable that escaped.
    pub name: Rc<str>,
    /// Its type.
    pub ty: Option<TypeId>,
    /// What it is to its function.
    pub role: Role,
    /// The line of its declaration; 0 where it is not known.
    pub line: u64,
    /// Where a closure keeps it.
    pub captured: Option<Captured>,
    /// Where it is.
    pub located: Located,
}

/// Bytes from the start of the closure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Captured(pub u64);

/// What a variable is to its function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// An argument.
    Argument,
    /// A result.
    Result,
    /// A local variable.
    Local,
}

/// Where a variable is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Located {
    /// In these pieces, as a list of locations says for this instruction, so that
    /// it has a value there.
    Listed(Vec<Piece>),
    /// In these pieces as long as the function runs, from before it has a value on.
    Throughout(Vec<Piece>),
    /// Where another variable, of that name, is at another time.
    Shared(Rc<str>),
    /// Nowhere at this instruction.
    Lost,
}

/// A scope on the way down to an entry, and whether the address is in it.
struct Open {
    depth: isize,
    active: bool,
    /// The call that its variables are of.
    call: usize,
}

/// An entry of a function.
struct ScopeEntry<'e, 'a> {
    /// Where its unit begins.
    at: usize,
    /// How deep in the function it stands.
    depth: isize,
    tag: constants::DwTag,
    attributes: &'e Attributes<'a>,
}

/// A function's addresses, and its entry.
pub(super) struct Function {
    low: u64,
    high: u64,
    entry: UnitOffset,
}

type Attributes<'a> = Vec<Attribute<Slice<'a>>>;

impl<'a> Debug<'a> {
    /// The calls that execute at `address` of the file, outermost first, with
    /// their variables as `frame` has them; none where nothing is known of it.
    ///
    /// # Errors
    /// Where the function's entries are damaged.
    pub fn calls_at(&self, address: StaticAddr, frame: &Frame<'_>) -> Result<Vec<Call>, DebugError> {
        for at in self.units.at_address(address.0) {
            let unit = self.units.at(&self.dwarf, at)?;
            let calls = self.calls_in(&unit, at, address.0, frame)?;
            if !calls.is_empty() {
                return Ok(calls);
            }
        }
        Ok(Vec::new())
    }

    fn calls_in(
        &self,
        unit: &Unit<Slice<'a>>,
        at: usize,
        address: u64,
        frame: &Frame<'_>,
    ) -> Result<Vec<Call>, DebugError> {
        let malformed = |source| DebugError::Malformed { at, source };
        let functions = self.functions_of(unit, at)?;
        let holds = |function: &&Function| function.low <= address && address < function.high;
        let Some(function) = functions.iter().find(holds) else { return Ok(Vec::new()) };
        let first = Some(function.entry);
        let mut entries = unit.header.entries_raw(&unit.abbreviations, first).map_err(malformed)?;
        let mut attributes: Attributes<'a> = Vec::new();
        let mut found = Found::of(function.low);
        for seen in 0.. {
            let depth = entries.next_depth();
            if entries.is_empty() || (seen > 0 && depth <= 0) {
                break;
            }
            if seen > ENTRIES {
                return Err(DebugError::Excessive { at, what: "entries of one function" });
            }
            let Some(abbreviation) = entries.read_abbreviation().map_err(malformed)? else { continue };
            attributes.clear();
            entries.read_attributes(abbreviation.attributes(), &mut attributes).map_err(malformed)?;
            let entry = ScopeEntry { at, depth, tag: abbreviation.tag(), attributes: &attributes };
            self.visit(unit, &entry, address, frame, &mut found)?;
        }
        found.share();
        found.lose_parts();
        Ok(found.calls)
    }

    /// The functions of a unit: read once, since a deep stack is in few of them.
    fn functions_of(&self, unit: &Unit<Slice<'a>>, at: usize) -> Result<Rc<Vec<Function>>, DebugError> {
        if let Some(known) = self.functions.borrow().get(&at) {
            return Ok(Rc::clone(known));
        }
        let malformed = |source| DebugError::Malformed { at, source };
        let mut entries = unit.header.entries_raw(&unit.abbreviations, None).map_err(malformed)?;
        let mut attributes: Attributes<'a> = Vec::new();
        let mut functions = Vec::new();
        while !entries.is_empty() {
            let (depth, entry) = (entries.next_depth(), entries.next_offset());
            let Some(abbreviation) = entries.read_abbreviation().map_err(malformed)? else { continue };
            let specs = abbreviation.attributes();
            if depth != 1 || abbreviation.tag() != constants::DW_TAG_subprogram {
                entries.skip_attributes(specs).map_err(malformed)?;
                continue;
            }
            attributes.clear();
            entries.read_attributes(specs, &mut attributes).map_err(malformed)?;
            let note = |low, high| {
                functions.push(Function { low, high, entry });
                functions.len() >= FUNCTIONS
            };
            each_range(&self.dwarf, unit, &attributes, note).map_err(malformed)?;
        }
        let functions = Rc::new(functions);
        self.functions.borrow_mut().insert(at, Rc::clone(&functions));
        Ok(functions)
    }

    /// Takes up one entry of a function.
    fn visit(
        &self,
        unit: &Unit<Slice<'a>>,
        entry: &ScopeEntry<'_, 'a>,
        address: u64,
        frame: &Frame<'_>,
        found: &mut Found,
    ) -> Result<(), DebugError> {
        let malformed = |source| DebugError::Malformed { at: entry.at, source };
        found.open.retain(|open| open.depth < entry.depth);
        let (outer, call) = found.open.last().map_or((true, 0), |open| (open.active, open.call));
        match entry.tag {
            constants::DW_TAG_subprogram
            | constants::DW_TAG_lexical_block
            | constants::DW_TAG_inlined_subroutine => {
                let holds = |low, high| low <= address && address < high;
                let active =
                    outer && each_range(&self.dwarf, unit, entry.attributes, holds).map_err(malformed)?;
                let is_call = entry.tag != constants::DW_TAG_lexical_block;
                if is_call && active {
                    let origin = self.origin(unit, entry.attributes)?;
                    let name = origin.name.unwrap_or_else(|| Rc::from("?"));
                    let inlined = entry.tag == constants::DW_TAG_inlined_subroutine;
                    found.calls.push(Call { name, inlined, variables: Vec::new() });
                }
                let call = if is_call && active { found.calls.len().saturating_sub(1) } else { call };
                found.open.push(Open { depth: entry.depth, active, call });
            }
            constants::DW_TAG_formal_parameter | constants::DW_TAG_variable => {
                let variable = self.variable(unit, entry, address, frame)?;
                let location = value(entry.attributes, constants::DW_AT_location);
                let at_entry = match location.filter(|_| outer) {
                    Some(location) => self.at_entry(unit, location, found.low).map_err(malformed)?,
                    None => None,
                };
                found.add(variable, at_entry, outer, call);
            }
            _ => {}
        }
        Ok(())
    }

    fn variable(
        &self,
        unit: &Unit<Slice<'a>>,
        entry: &ScopeEntry<'_, 'a>,
        address: u64,
        frame: &Frame<'_>,
    ) -> Result<Variable, DebugError> {
        let &ScopeEntry { at, tag, attributes, .. } = entry;
        let origin = self.origin(unit, attributes)?;
        let role = match (tag, origin.is_result) {
            (constants::DW_TAG_formal_parameter, true) => Role::Result,
            (constants::DW_TAG_formal_parameter, false) => Role::Argument,
            _ => Role::Local,
        };
        let located = match value(attributes, constants::DW_AT_location) {
            None => Located::Lost,
            Some(location) => self
                .locate(unit, location, address, frame)
                .map_err(|source| DebugError::Malformed { at, source })?,
        };
        Ok(Variable {
            name: origin.name.unwrap_or_else(|| Rc::from("?")),
            ty: origin.ty,
            role,
            line: origin.line,
            captured: origin.captured,
            located,
        })
    }

    fn locate(
        &self,
        unit: &Unit<Slice<'a>>,
        location: AttributeValue<Slice<'a>>,
        address: u64,
        frame: &Frame<'_>,
    ) -> gimli::Result<Located> {
        if let AttributeValue::Exprloc(expression) = location {
            return Ok(self.pieces(unit, expression, frame)?.map_or(Located::Lost, Located::Throughout));
        }
        if let AttributeValue::Block(block) = location {
            let pieces = self.pieces(unit, gimli::Expression(block), frame)?;
            return Ok(pieces.map_or(Located::Lost, Located::Throughout));
        }
        let Some(mut list) = self.dwarf.attr_locations(unit, location)? else { return Ok(Located::Lost) };
        let (mut found, mut has_pieces) = (None, false);
        for _ in 0..LIST {
            let Some(entry) = list.next()? else { break };
            if entry.range.begin <= address && address < entry.range.end && found.is_none() {
                found = self.pieces(unit, entry.data, frame)?;
            } else {
                has_pieces |= is_in_pieces(unit, entry.data)?;
            }
        }
        Ok(match found {
            None => Located::Lost,
            // In pieces in the registers that it came in, then whole on the stack: so it
            // is in code that is not optimised (`BuildFuncDebugNoOptimized` in
            // cmd/compile/internal/ssa/debug.go, Go 1.19 to 1.27).
            Some(pieces) if has_pieces && matches!(pieces.as_slice(), [Piece { size: None, .. }]) => {
                Located::Throughout(pieces)
            }
            Some(pieces) => Located::Listed(pieces),
        })
    }

    /// Where a list of locations has a variable at its function's first instruction, `low`.
    fn at_entry(
        &self,
        unit: &Unit<Slice<'a>>,
        location: AttributeValue<Slice<'a>>,
        low: u64,
    ) -> gimli::Result<Option<AtEntry>> {
        let Some(mut list) = self.dwarf.attr_locations(unit, location)? else { return Ok(None) };
        for _ in 0..LIST {
            let Some(entry) = list.next()? else { break };
            if entry.range.begin == low {
                return AtEntry::of(unit, entry.data);
            }
        }
        Ok(None)
    }

    /// What the entry says of itself, or the abstract one that it stems from.
    fn origin(&self, unit: &Unit<Slice<'a>>, attributes: &Attributes<'a>) -> Result<Origin, DebugError> {
        let mut origin = Origin::default();
        self.take_in(unit, attributes, &mut origin);
        let from = value(attributes, constants::DW_AT_abstract_origin).and_then(|at| reference(unit, &at));
        if let Some(at) = from {
            let (unit, offset) = self.units.of_entry(&self.dwarf, at)?;
            let entry = unit
                .header
                .entry(&unit.abbreviations, offset)
                .map_err(|source| DebugError::Malformed { at, source })?;
            self.take_in(&unit, entry.attrs(), &mut origin);
        }
        Ok(origin)
    }

    fn take_in(&self, unit: &Unit<Slice<'a>>, attributes: &[Attribute<Slice<'a>>], into: &mut Origin) {
        for attribute in attributes {
            let value = attribute.value();
            match attribute.name() {
                constants::DW_AT_name => into.name = into.name.take().or_else(|| self.text(unit, &value)),
                constants::DW_AT_type => into.ty = into.ty.or(reference(unit, &value).map(TypeId)),
                constants::DW_AT_decl_line if into.line == 0 => {
                    into.line = value.udata_value().unwrap_or(0);
                }
                constants::DW_AT_variable_parameter => {
                    into.is_result |= matches!(value, AttributeValue::Flag(true));
                }
                GO_CLOSURE_OFFSET => into.captured = into.captured.or(value.udata_value().map(Captured)),
                _ => {}
            }
        }
    }
}

/// Whether an expression tells of pieces.
fn is_in_pieces(unit: &Unit<Slice<'_>>, expression: gimli::Expression<Slice<'_>>) -> gimli::Result<bool> {
    let mut operations = expression.operations(unit.header.encoding());
    while let Some(operation) = operations.next()? {
        if matches!(operation, gimli::Operation::Piece { .. }) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn value<'a>(attributes: &Attributes<'a>, name: constants::DwAt) -> Option<AttributeValue<Slice<'a>>> {
    attributes.iter().find(|attribute| attribute.name() == name).map(Attribute::value)
}

#[derive(Default)]
struct Origin {
    name: Option<Rc<str>>,
    ty: Option<TypeId>,
    line: u64,
    is_result: bool,
    captured: Option<Captured>,
}

/// What a walk over one function has found.
struct Found {
    calls: Vec<Call>,
    open: Vec<Open>,
    /// The variables with a place of their own for as long as the function runs,
    /// in scope or not: where, and which.
    slots: HashMap<Vec<Piece>, Vec<Rc<str>>>,
    variables: usize,
    /// The function's first instruction.
    low: u64,
    /// Where its arguments are there.
    arguments: Vec<AtEntry>,
    /// Other variables that have a place there: which call's, the how manieth of it, and where.
    early: Vec<(usize, usize, AtEntry)>,
}

impl Found {
    fn of(low: u64) -> Found {
        Found {
            calls: Vec::new(),
            open: Vec::new(),
            slots: HashMap::new(),
            variables: 0,
            low,
            arguments: Vec::new(),
            early: Vec::new(),
        }
    }

    fn add(&mut self, variable: Variable, at_entry: Option<AtEntry>, active: bool, call: usize) {
        self.variables += 1;
        if self.variables > VARIABLES {
            return;
        }
        if let Located::Throughout(pieces) = &variable.located
            && pieces.iter().any(|piece| piece.place != Place::Lost)
        {
            self.slots.entry(pieces.clone()).or_default().push(Rc::clone(&variable.name));
        }
        // Names with a dot are the compiler's parts of a variable: `err.itab`.
        let is_whole = !variable.name.contains('.') || matches!(&*variable.name, ".dict" | ".closureptr");
        let Some(into) = self.calls.get_mut(call).filter(|_| active && is_whole) else { return };
        // Those with a dot are given like an argument.
        let is_given = !into.inlined && (variable.role == Role::Argument || variable.name.starts_with('.'));
        match at_entry {
            Some(at_entry) if is_given => self.arguments.push(at_entry),
            Some(at_entry) => self.early.push((call, into.variables.len(), at_entry)),
            None => {}
        }
        into.variables.push(variable);
    }

    /// What is said to be where arguments are when the function begins, and is none of
    /// them, is nowhere.
    fn lose_parts(&mut self) {
        for (call, place, at_entry) in &self.early {
            let variable = self.calls.get_mut(*call).and_then(|call| call.variables.get_mut(*place));
            if let Some(variable) = variable
                && !self.arguments.iter().any(|argument| at_entry.is_of(argument))
            {
                variable.located = Located::Lost;
            }
        }
    }

    /// Since Go 1.23 variables that are not needed at the same time may share
    /// their place: what is there may be the other one's value.
    fn share(&mut self) {
        for variable in self.calls.iter_mut().flat_map(|call| &mut call.variables) {
            let Located::Throughout(pieces) = &variable.located else { continue };
            let Some(sharing) = self.slots.get(pieces).filter(|sharing| sharing.len() > 1) else { continue };
            let other = sharing.iter().find(|name| **name != variable.name).unwrap_or(&variable.name);
            variable.located = Located::Shared(Rc::clone(other));
        }
    }
}
