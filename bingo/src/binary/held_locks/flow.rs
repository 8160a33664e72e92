//! From what each instruction does with locks to what is held at one of them: a
//! small forward flow over the instructions of a function, in sets of 64 bits.

use std::collections::HashMap;

use iced_x86::{Code, FlowControl, Instruction, Register};

use super::HeldLock;
use super::deeds::{Act, Deed};
use super::values::{Value, Values, jumps};
use crate::binary::code::Listing;
use crate::model::StaticAddr;

/// More takings than there are bits are left out.
const MOST: usize = 64;

/// What is held where: a bit for each taking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct State {
    /// By the last try, which may have failed if it was the fast one.
    fresh: u64,
    /// Since before that.
    old: u64,
    /// On every way.
    always: u64,
    /// The slots that were written on every way.
    written: u64,
    /// What was taken by what has become another one since.
    stale: u64,
}

/// One place that takes a lock: a call, inlined or not.
struct Taking {
    at: u64,
    shared: bool,
    inlined: Option<u32>,
    value: Option<Value>,
}

/// What is held at each instruction of a function.
pub(super) struct Flow<'a> {
    listing: &'a Listing,
    deeds: &'a HashMap<u64, Deed>,
    values: &'a Values,
    takings: Vec<Taking>,
    places: HashMap<u64, usize>,
    states: Vec<Option<State>>,
}

impl<'a> Flow<'a> {
    /// Follows `listing`.
    pub(super) fn of(listing: &'a Listing, deeds: &'a HashMap<u64, Deed>, values: &'a Values) -> Flow<'a> {
        let takings = takings(listing, deeds, values);
        let code = &listing.instructions;
        let places: HashMap<u64, usize> = code.iter().enumerate().map(|(place, i)| (i.ip(), place)).collect();
        let mut made: HashMap<u64, u64> = HashMap::new();
        for (number, taking) in takings.iter().enumerate() {
            let by = taking.value.map(|value| values.made_by(value)).unwrap_or_default();
            by.into_iter().for_each(|by| *made.entry(by).or_default() |= bit(number));
        }
        let mut states: Vec<Option<State>> = vec![None; code.len()];
        let mut work = vec![(0, State { fresh: 0, old: 0, always: 0, written: 0, stale: 0 })];
        let mut tables: Vec<State> = Vec::new();
        loop {
            while let Some((place, state)) = work.pop() {
                let (Some(i), Some(before)) = (code.get(place), states.get_mut(place)) else { continue };
                let Some(state) = joined(before, state) else { continue };
                let mut after = match deeds.get(&i.ip()) {
                    Some(deed) => done(state, i, deed, &takings, values),
                    None => state,
                };
                after.written |= values.stored_by(i.ip()).map_or(0, bit);
                after.stale |= made.get(&i.ip()).copied().unwrap_or(0);
                if falls_through(i) {
                    work.push((place + 1, after));
                }
                if jumps(i) {
                    work.extend(places.get(&i.near_branch64()).map(|&target| (target, after)));
                }
                if i.flow_control() == FlowControl::IndirectBranch {
                    tables.push(after);
                }
            }
            // A jump through a table leads to what nothing else leads to.
            let begins = |place: usize| {
                place
                    .checked_sub(1)
                    .and_then(|before| code.get(before))
                    .is_some_and(|before| !falls_through(before))
            };
            let unseen = states.iter().enumerate().find(|(place, state)| state.is_none() && begins(*place));
            match (unseen, tables.is_empty()) {
                (Some((place, _)), false) => {
                    work.extend(
                        tables.iter().map(|&state| (place, State { always: 0, written: 0, ..state })),
                    );
                }
                _ => break,
            }
        }
        Flow { listing, deeds, values, takings, places, states }
    }

    fn state(&self, at: u64) -> Option<State> {
        self.states.get(*self.places.get(&at)?).copied().flatten()
    }

    /// The slots that are written on every way to the instruction at `at`.
    pub(super) fn written_at(&self, at: u64) -> Option<u64> {
        Some(self.state(at)?.written)
    }

    /// The locks held when the instruction at `wanted` executes.
    pub(super) fn held_at(&self, wanted: u64) -> Vec<HeldLock> {
        let Some(state) = self.state(wanted) else { return Vec::new() };
        let deed = self.deeds.get(&wanted);
        let taken = deed.filter(|deed| matches!(deed.act, Act::Take { .. }));
        let again = taken.and_then(|deed| number(&self.takings, wanted, deed)).map_or(0, bit);
        // A slow try is made because the fast one has failed.
        let slow = deed.is_some_and(|deed| matches!(deed.act, Act::Take { slow: true, .. }));
        let failed = if slow { again } else { 0 };
        // Calls of what was deferred may have given it back.
        let code = &self.listing.instructions;
        let deferred = self.places.get(&wanted).is_some_and(|&place| calls_deferred(code, place));
        let held = |number: usize| (state.fresh & !failed | state.old) & bit(number) != 0;
        (0..)
            .zip(&self.takings)
            .filter(|(number, _)| held(*number))
            .map(|(number, taking): (usize, &Taking)| HeldLock {
                taken: StaticAddr(taking.at),
                shared: taking.shared,
                always: !deferred && state.always & !failed & bit(number) != 0,
                // One that is about to be taken again was taken from what slots held before.
                place: taking
                    .value
                    .filter(|value| again & bit(number) == 0 || self.values.is_fixed(*value))
                    .filter(|_| state.stale & bit(number) == 0)
                    .and_then(|value| self.values.place(value, state.written)),
            })
            .collect()
    }

    /// The one lock that the function has taken whatever way it returns, and bytes
    /// from its receiver to it.
    pub(super) fn kept(&self) -> Option<(Act, i64)> {
        let [taking] = self.takings.as_slice() else { return None };
        let behind = self.values.behind_receiver(taking.value?)?;
        let leaves = |i: &&Instruction| {
            i.flow_control() == FlowControl::Return
                || (jumps(i) && !self.places.contains_key(&i.near_branch64()))
        };
        let mut ends = self.listing.instructions.iter().filter(leaves).peekable();
        ends.peek()?;
        let keeps = ends.all(|i| {
            let takes = self.deeds.get(&i.ip()).is_some_and(|deed| matches!(deed.act, Act::Take { .. }));
            takes || self.state(i.ip()).is_none_or(|state| state.always & bit(0) != 0)
        });
        keeps.then_some((Act::Take { shared: taking.shared, slow: false }, behind))
    }
}

fn takings(listing: &Listing, deeds: &HashMap<u64, Deed>, values: &Values) -> Vec<Taking> {
    let mut takings: Vec<Taking> = Vec::new();
    for i in &listing.instructions {
        let Some(deed) = deeds.get(&i.ip()) else { continue };
        let Act::Take { shared, .. } = deed.act else { continue };
        let value = values.operand(i.ip()).map(|value| value.before(deed.into));
        match number(&takings, i.ip(), deed) {
            Some(known) => {
                if let Some(taking) = takings.get_mut(known) {
                    taking.value = taking.value.or(value);
                }
            }
            None if takings.len() < MOST => {
                takings.push(Taking { at: i.ip(), shared, inlined: deed.inlined, value });
            }
            None => {}
        }
    }
    takings
}

/// The taking that a deed belongs to: the fast and the slow try of an inlined
/// call are one.
fn number(takings: &[Taking], at: u64, deed: &Deed) -> Option<usize> {
    takings.iter().position(|taking| match (taking.inlined, deed.inlined) {
        (Some(one), Some(other)) => one == other,
        (None, None) => taking.at == at,
        _ => false,
    })
}

fn done(state: State, i: &Instruction, deed: &Deed, takings: &[Taking], values: &Values) -> State {
    match deed.act {
        Act::Take { slow, .. } => {
            let Some(bit) = number(takings, i.ip(), deed).map(bit) else { return state };
            let held = if slow { 0 } else { state.fresh & bit };
            State {
                fresh: state.fresh | bit,
                old: state.old | held,
                always: state.always | bit,
                stale: state.stale & !bit,
                ..state
            }
        }
        Act::Give { shared } => {
            let given = values.operand(i.ip()).map(|value| value.before(deed.into));
            let (mut same, mut mask) = (0, 0);
            for (number, taking) in (0..).zip(takings).filter(|(_, taking)| taking.shared == shared) {
                if given.is_some() && taking.value == given {
                    same |= bit(number);
                }
                if may_be_one(taking.value, given, values) {
                    mask |= bit(number);
                }
            }
            // What is one for certain is no other.
            same &= (state.fresh | state.old) & !state.stale;
            let mask = if same == 0 { mask } else { same };
            State {
                fresh: state.fresh & !mask,
                old: state.old & !mask,
                always: state.always & !mask,
                ..state
            }
        }
    }
}

/// Whether two operands may be the same lock.
fn may_be_one(one: Option<Value>, other: Option<Value>, values: &Values) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return true };
    let sure = values.is_stable(one) && values.is_stable(other);
    one == other || (!sure && one.offset() == other.offset())
}

/// Adds `state` to what is known; the sum, if that is more than before.
fn joined(before: &mut Option<State>, state: State) -> Option<State> {
    let sum = match *before {
        None => state,
        Some(known) => State {
            fresh: known.fresh | state.fresh,
            old: known.old | state.old,
            always: known.always & state.always,
            written: known.written & state.written,
            stale: known.stale | state.stale,
        },
    };
    (*before != Some(sum)).then(|| *before.insert(sum))
}

/// Whether the instruction at `place` calls what was deferred: the bit that says
/// so is cleared right before, and its closure comes from the frame.
fn calls_deferred(code: &[Instruction], place: usize) -> bool {
    let calls = code.get(place).is_some_and(|i| i.flow_control() == FlowControl::IndirectCall);
    let before = code.get(place.saturating_sub(4)..place).unwrap_or_default();
    let from_frame = |i: &Instruction| {
        i.code() == Code::Mov_r64_rm64
            && i.op0_register() == Register::RDX
            && i.memory_base() == Register::RSP
    };
    calls
        && before.iter().any(from_frame)
        && before.iter().any(|i| i.code() == Code::Mov_rm8_imm8 && i.memory_base() == Register::RSP)
}

fn falls_through(i: &Instruction) -> bool {
    matches!(
        i.flow_control(),
        FlowControl::Next | FlowControl::ConditionalBranch | FlowControl::Call | FlowControl::IndirectCall
    )
}

fn bit(number: usize) -> u64 {
    u32::try_from(number).ok().and_then(|number| 1_u64.checked_shl(number)).unwrap_or(0)
}
