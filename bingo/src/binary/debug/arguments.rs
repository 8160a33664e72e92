//! What a function is called with, by where it is at the function's first
//! instruction: the location of another variable comes in, whether that variable can
//! have an argument's value goes out.
//!
//! A variable of an inlined call is often an argument of the function around it, and
//! then has its place from the first instruction on. So has, in Go's DWARF, one that
//! has no place at all: a rewrite frees the value that the variable has (`applyRewrite`
//! in cmd/compile/internal/ssa/rewrite.go), its name stays, and `expand calls`
//! (ssa/expand_calls.go) takes what was freed for a part of an argument, such as the
//! pointer or the length of a string (Go 1.17, which passes them in registers, to 1.27).
//! An argument of one part keeps its own value. So what is told from parts of an
//! argument has to be made like that argument.

use gimli::{Expression, Operation, Unit};

use super::Slice;

/// Parts of a variable.
const PARTS: usize = 64;
/// The size of a part where a location tells of no pieces.
const WHOLE: u64 = u64::MAX;

/// Where something is at the first instruction of its function, part by part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct AtEntry(Vec<Part>);

/// A part of a variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Part {
    /// Bytes from the variable's start.
    at: u64,
    size: u64,
    slot: Slot,
}

/// Where arguments are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Slot {
    /// In the register of this number in DWARF.
    Register(u16),
    /// Bytes from the frame's base.
    Frame(i64),
}

impl AtEntry {
    /// The parts that `expression` tells of; `None` where it tells of none, or of
    /// more than a place: what is to be followed is no argument's own.
    pub(super) fn of(
        unit: &Unit<Slice<'_>>,
        expression: Expression<Slice<'_>>,
    ) -> gimli::Result<Option<AtEntry>> {
        let mut operations = expression.operations(unit.header.encoding());
        let (mut parts, mut slot, mut at) = (Vec::new(), None, 0_u64);
        while let Some(operation) = operations.next()? {
            slot = match operation {
                Operation::Register { register } if slot.is_none() => Some(Slot::Register(register.0)),
                Operation::FrameOffset { offset } if slot.is_none() => Some(Slot::Frame(offset)),
                Operation::CallFrameCFA if slot.is_none() => Some(Slot::Frame(0)),
                Operation::Piece { size_in_bits, .. } if parts.len() < PARTS => {
                    let size = size_in_bits.div_ceil(8);
                    parts.extend(slot.map(|slot| Part { at, size, slot }));
                    at = at.saturating_add(size);
                    None
                }
                _ => return Ok(None),
            };
        }
        parts.extend(slot.map(|slot| Part { at: 0, size: WHOLE, slot }));
        Ok((!parts.is_empty()).then_some(AtEntry(parts)))
    }

    /// Whether a variable that is here can have the value of `argument`: each of its
    /// parts is the same part of that.
    pub(super) fn is_of(&self, argument: &AtEntry) -> bool {
        self.0.iter().all(|part| argument.0.contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::{AtEntry, Part, Slot, WHOLE};

    const RBX: Slot = Slot::Register(3);
    const RCX: Slot = Slot::Register(2);

    fn word(at: u64, slot: Slot) -> Part {
        Part { at, size: 8, slot }
    }

    fn check(variable: &[Part], argument: &[Part], expect: bool) {
        let [variable, argument] = [variable, argument].map(|parts| AtEntry(parts.to_vec()));
        assert_eq!(variable.is_of(&argument), expect, "{variable:?} of {argument:?}");
    }

    #[test]
    fn a_variable_is_an_argument_part_by_part() {
        let whole = Part { at: 0, size: WHOLE, slot: RBX };
        let text = [word(0, RBX), word(8, RCX)];
        check(&[whole], &[whole], true);
        check(&text, &text, true);
        // Its length is lost.
        check(&[word(0, RBX)], &text, true);
    }

    #[test]
    fn a_part_of_an_argument_is_no_variable() {
        let text = [word(0, RBX), word(8, RCX)];
        for slot in [RBX, RCX] {
            check(&[Part { at: 0, size: WHOLE, slot }], &text, false);
        }
        check(&[word(0, RCX)], &text, false);
        check(&[word(0, RBX), word(8, Slot::Frame(8))], &text, false);
    }
}
