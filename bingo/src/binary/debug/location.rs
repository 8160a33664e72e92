//! DWARF expressions: where a variable, or each piece of it, is at one instruction.

use gimli::{EvaluationResult, Expression, Location, Unit, Value};

use super::{Debug, Slice};
use crate::model::LoadBias;

/// Steps that an expression may take; Go's take a few.
const STEPS: u32 = 1000;
/// Pieces that a location may have.
const PIECES: usize = 1 << 12;
/// The number of rax.
const RAX: u16 = 0;

/// What is known of the frame whose variables are sought.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'r> {
    /// The canonical frame address: the stack pointer behind the return address.
    pub cfa: u64,
    /// The registers, where they are those of this frame.
    pub registers: Option<&'r Registers>,
    /// The first argument of the call that the frame is in, where that is known: it is
    /// in rax when the call is made.
    pub argument: Option<u64>,
    /// What the loader added to the file's addresses.
    pub bias: LoadBias,
}

impl Frame<'_> {
    /// The word in a register, by its number in DWARF.
    fn register(&self, number: u16) -> Option<u64> {
        match self.registers {
            Some(known) => known.general.get(usize::from(number)).copied(),
            None => self.argument.filter(|_| number == RAX),
        }
    }
}

/// The general registers as DWARF numbers them on x86-64: 0 rax, 1 rdx, 2 rcx,
/// 3 rbx, 4 rsi, 5 rdi, 6 rbp, 7 rsp, 8-15 r8-r15.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Registers {
    /// Their words.
    pub general: [u64; 16],
}

/// A piece of a variable.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Piece {
    /// How many bytes; `None` for all of the variable.
    pub size: Option<u64>,
    /// Where they are.
    pub place: Place,
}

/// Where a piece is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    /// In memory of the target.
    Memory(u64),
    /// These bytes are its value.
    Bytes(Vec<u8>),
    /// In a register that nobody saved.
    Unsaved,
    /// Nowhere: optimised out.
    Lost,
}

impl<'a> Debug<'a> {
    /// Where the pieces of what `expression` describes are, in `frame`. `None`
    /// where that takes what is not known.
    pub(super) fn pieces(
        &self,
        unit: &Unit<Slice<'a>>,
        expression: Expression<Slice<'a>>,
        frame: &Frame<'_>,
    ) -> gimli::Result<Option<Vec<Piece>>> {
        if expression.0.is_empty() {
            return Ok(Some(vec![Piece { size: None, place: Place::Lost }]));
        }
        let mut evaluation = expression.evaluation(unit.header.encoding());
        evaluation.set_max_iterations(STEPS);
        let mut state = evaluation.evaluate()?;
        for _ in 0..STEPS {
            state = match state {
                EvaluationResult::Complete => break,
                EvaluationResult::RequiresFrameBase => evaluation.resume_with_frame_base(frame.cfa)?,
                EvaluationResult::RequiresCallFrameCfa => evaluation.resume_with_call_frame_cfa(frame.cfa)?,
                EvaluationResult::RequiresRelocatedAddress(address) => {
                    evaluation.resume_with_relocated_address(address.wrapping_add(frame.bias.0))?
                }
                EvaluationResult::RequiresIndexedAddress { index, relocate } => {
                    let address = self.dwarf.address(unit, index)?;
                    let bias = if relocate { frame.bias.0 } else { 0 };
                    evaluation.resume_with_indexed_address(address.wrapping_add(bias))?
                }
                EvaluationResult::RequiresRegister { register, .. } => {
                    let Some(word) = frame.register(register.0) else { return Ok(None) };
                    evaluation.resume_with_register(Value::Generic(word))?
                }
                _ => return Ok(None),
            };
        }
        if evaluation.as_result().is_empty() || evaluation.as_result().len() > PIECES {
            return Ok(None);
        }
        Ok(Some(evaluation.as_result().iter().map(|piece| place_of(piece, frame)).collect()))
    }
}

fn place_of(piece: &gimli::Piece<Slice<'_>>, frame: &Frame<'_>) -> Piece {
    let size = piece.size_in_bits.map(|bits| bits.div_ceil(8));
    // A part of a byte, or of a register from its middle on: Go has none.
    if piece.bit_offset.is_some_and(|offset| offset != 0) {
        return Piece { size, place: Place::Lost };
    }
    let place = match &piece.location {
        Location::Address { address } => Place::Memory(*address),
        Location::Register { register } => {
            let word = frame.register(register.0);
            word.map_or(Place::Unsaved, |word| Place::Bytes(word.to_le_bytes().to_vec()))
        }
        Location::Value { value } => match value.to_u64(u64::MAX) {
            Ok(word) => Place::Bytes(word.to_le_bytes().to_vec()),
            Err(_) => Place::Lost,
        },
        Location::Bytes { value } => Place::Bytes(value.slice().to_vec()),
        Location::Empty | Location::ImplicitPointer { .. } => Place::Lost,
    };
    Piece { size, place }
}
