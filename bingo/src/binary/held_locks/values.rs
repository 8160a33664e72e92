//! What the registers of one function hold, as far as its code says: where a lock
//! that it takes lies. In: decoded instructions. Out: for each operand a
//! [`Value`], that is the same for the same pointer.
//!
//! The compiler keeps a value that outlives a call in a slot of the frame; by where
//! that is written values are told apart, and by the slot they are read in a stopped
//! goroutine. A slot may serve two values, one after the other: what it holds is
//! followed as what a register holds is.

use std::collections::{BTreeMap, HashMap, HashSet};

use iced_x86::{Code, FlowControl, Instruction, InstructionInfoFactory, OpKind, Register};

use super::{LockIndex, LockPlace, LockStart};
use crate::binary::code::Listing;
use crate::model::StaticAddr;

/// A pointer: something known, and bytes from there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Value {
    node: u32,
    offset: i64,
}

/// What a value starts from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Node {
    /// What a register held when the function began.
    Entry(Register),
    /// What a slot of the frame holds that is written with one value, by its distance
    /// from the caller's frame.
    Slot(i64),
    /// What is not known but by the instruction that stores it in a slot,
    Stored(u64),
    /// or, where a slot may hold this or that, by the one that loads it.
    Loaded(u64),
    /// What is stored at another value.
    Load(Value),
    /// The sum of a node, if there is one, and another that is multiplied: an element.
    Indexed { base: Option<u32>, index: u32, scale: i64 },
    /// What is not known but by the instruction that computes it.
    Computed(u64),
    /// An address of the program.
    Fixed(u64),
}

/// What is known at an instruction.
#[derive(Clone, PartialEq, Debug, Default)]
struct Known {
    registers: [Option<Value>; 16],
    slots: BTreeMap<i64, Value>,
}

/// More steps than this lead nowhere.
const DEEPEST: usize = 8;

/// The values of one function.
#[derive(Default)]
pub(super) struct Values {
    nodes: Vec<Node>,
    known: HashMap<Node, u32>,
    /// What is stored in each slot; `None` among them where that is not known.
    slots: HashMap<i64, HashSet<Option<Value>>>,
    /// The same, as it was found the first time,
    settled: HashMap<i64, HashSet<Option<Value>>>,
    /// and what registers held where code jumps back.
    jumped_back: HashMap<u64, Known>,
    /// The slots that hold one value, and their numbers,
    numbers: HashMap<i64, usize>,
    /// and the instructions that store it.
    stores: HashMap<u64, i64>,
    /// The memory operand of each instruction that was asked for, or its `RAX`,
    operands: HashMap<u64, Value>,
    /// and of those that call a register, what that holds.
    targets: HashMap<u64, Value>,
    /// What slots hold where the goroutine is.
    here: BTreeMap<i64, Value>,
}

impl Values {
    /// Follows `listing`; the goroutine is `at` an instruction, `size` says how large the
    /// frame is at one, `keeps` which calls leave registers alone, and `wanted` which
    /// operands are of interest.
    pub(super) fn of(
        listing: &Listing,
        at: u64,
        size: impl Fn(u64) -> Option<u32>,
        keeps: impl Fn(&Instruction) -> bool,
        wanted: impl Fn(&Instruction) -> bool,
    ) -> Values {
        let mut values = Values::default();
        values.follow(listing, at, &size, &keeps, &wanted);
        // Once more, now that it is known what slots hold: a value that is in a
        // register on one way and in a slot on the other is one.
        values.settled = std::mem::take(&mut values.slots);
        values.operands.clear();
        values.targets.clear();
        values.stores.clear();
        values.follow(listing, at, &size, &keeps, &wanted);
        let mut single: Vec<i64> =
            values.stores.values().copied().filter(|slot| values.only(*slot).is_some()).collect();
        single.sort_unstable();
        single.dedup();
        values.numbers = single.into_iter().zip(0..).collect();
        values
    }

    fn follow(
        &mut self,
        listing: &Listing,
        at: u64,
        size: &impl Fn(u64) -> Option<u32>,
        keeps: &impl Fn(&Instruction) -> bool,
        wanted: &impl Fn(&Instruction) -> bool,
    ) {
        let values = self;
        let code = &listing.instructions;
        let mut back = HashSet::new();
        for i in code.iter().filter(|i| jumps(i) && i.near_branch64() <= i.ip()) {
            back.insert(i.near_branch64());
        }
        // The jump to the entry is that of a stack that had to grow.
        back.remove(&listing.entry.0);
        let (mut coming, mut behind): (HashMap<u64, Known>, HashMap<u64, Known>) = Default::default();
        let mut factory = InstructionInfoFactory::new();
        let mut now = Some(values.entry());
        for i in code {
            let arriving = coming.remove(&i.ip());
            let arriving = match values.jumped_back.get(&i.ip()) {
                _ if !back.contains(&i.ip()) => arriving,
                // The first time nothing is known of what comes from behind.
                None => Some(Known::default()),
                Some(behind) => Some(match arriving {
                    Some(other) => values.merged(behind, &other),
                    None => behind.clone(),
                }),
            };
            let mut known = match (now, arriving) {
                (Some(one), Some(other)) => values.merged(&one, &other),
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => Known::default(),
            };
            if i.ip() == at {
                values.here = known.slots.clone();
            }
            if wanted(i) {
                let operand = match i.flow_control() {
                    FlowControl::Next => values.memory(i, &known),
                    _ => known.register(Register::RAX),
                };
                if i.flow_control() == FlowControl::IndirectCall {
                    let target = known.register(i.op0_register());
                    values.targets.extend(target.map(|target| (i.ip(), target)));
                }
                values.operands.extend(operand.map(|operand| (i.ip(), operand)));
            }
            if keeps(i) {
                known.set(Register::R11, None);
            } else {
                values.step(i, &mut known, size, &mut factory);
            }
            if jumps(i) && back.contains(&i.near_branch64()) && i.near_branch64() <= i.ip() {
                let target = i.near_branch64();
                let merged =
                    behind.get(&target).map_or_else(|| known.clone(), |other| values.merged(&known, other));
                behind.insert(target, merged);
            } else if jumps(i) {
                let target = i.near_branch64();
                let merged =
                    coming.get(&target).map_or_else(|| known.clone(), |other| values.merged(&known, other));
                coming.insert(target, merged);
            }
            now = matches!(
                i.flow_control(),
                FlowControl::Next
                    | FlowControl::ConditionalBranch
                    | FlowControl::Call
                    | FlowControl::IndirectCall
            )
            .then_some(known);
        }
        values.jumped_back = behind;
    }

    /// The number of the slot that the instruction at `ip` writes, of those that
    /// hold one value.
    pub(super) fn stored_by(&self, ip: u64) -> Option<usize> {
        self.numbers.get(self.stores.get(&ip)?).copied()
    }

    /// The value that a slot holds, where it holds one all the time.
    fn only(&self, slot: i64) -> Option<Value> {
        let stores = self.slots.get(&slot).filter(|stores| stores.len() == 1)?;
        stores.iter().next().copied().flatten()
    }

    /// What is known of one of two ways, whichever was taken.
    fn merged(&self, one: &Known, other: &Known) -> Known {
        let settled = |value: Value| match self.node(value) {
            Some(Node::Slot(slot)) => {
                let stores = self.settled.get(&slot).filter(|stores| stores.len() == 1);
                let only = stores.and_then(|stores| stores.iter().next().copied().flatten());
                only.map_or(value, |only| Value { offset: only.offset.wrapping_add(value.offset), ..only })
            }
            _ => value,
        };
        let mut both = Known { registers: one.registers, slots: BTreeMap::new() };
        for (value, other) in both.registers.iter_mut().zip(other.registers) {
            *value = value.map(settled).filter(|value| Some(*value) == other.map(settled));
        }
        for (slot, value) in &one.slots {
            let same = other.slots.get(slot).filter(|other| settled(**other) == settled(*value));
            both.slots.extend(same.map(|_| (*slot, settled(*value))));
        }
        both
    }

    /// The operand of the instruction at `ip`, in its plainest form.
    pub(super) fn operand(&self, ip: u64) -> Option<Value> {
        self.operands.get(&ip).map(|&value| self.plain(value))
    }

    /// Whether it is one and the same wherever it is named so.
    pub(super) fn is_stable(&self, mut value: Value) -> bool {
        loop {
            return match self.node(value) {
                Some(Node::Load(from)) => {
                    value = from;
                    continue;
                }
                Some(Node::Entry(_) | Node::Fixed(_) | Node::Stored(_)) => true,
                Some(Node::Slot(slot)) => self.slots.get(&slot).is_some_and(|stores| stores.len() == 1),
                // Two indexes that differ by name may be one.
                Some(Node::Loaded(_) | Node::Indexed { .. } | Node::Computed(_)) | None => false,
            };
        }
    }

    /// What the register holds that the instruction at `ip` calls.
    pub(super) fn target(&self, ip: u64) -> Option<Value> {
        self.targets.get(&ip).map(|&value| self.plain(value))
    }

    /// Whether it is the same in every round of a loop: what the function was called with,
    /// a variable, or what is stored there.
    pub(super) fn is_fixed(&self, value: Value) -> bool {
        self.origins(value).iter().all(|origin| matches!(origin, Some(Node::Entry(_) | Node::Fixed(_))))
    }

    /// The instructions that make it another one whenever they are come to again.
    pub(super) fn made_by(&self, value: Value) -> Vec<u64> {
        let made = |origin| match origin {
            Some(Node::Stored(ip) | Node::Loaded(ip) | Node::Computed(ip)) => Some(ip),
            _ => None,
        };
        self.origins(value).into_iter().filter_map(made).collect()
    }

    /// What a value comes from in the end, through loads and sums. Each comes once: a sum
    /// of a sum and itself, and so on, has more ways to them than can be gone.
    fn origins(&self, value: Value) -> Vec<Option<Node>> {
        let (mut found, mut seen, mut next) = (Vec::new(), HashSet::new(), vec![value]);
        while let Some(value) = next.pop() {
            let value = self.plain(value);
            if !seen.insert(value.node) {
                continue;
            }
            match self.node(value) {
                Some(Node::Load(from)) => next.push(from),
                Some(Node::Indexed { base, index, .. }) => {
                    next.extend(base.into_iter().chain([index]).map(Value::at));
                }
                origin => found.push(origin),
            }
        }
        found
    }

    /// Where a stopped goroutine has it, that has written those of the slots whose
    /// bit is set in `written`.
    pub(super) fn place(&self, value: Value, written: u64) -> Option<LockPlace> {
        self.way_to(value, DEEPEST, &|number, node| {
            let kept = self.numbers.iter().filter_map(|(&slot, &place)| {
                let only = self.plain(self.only(slot)?);
                let bit = u32::try_from(place).ok().and_then(|place| 1_u64.checked_shl(place))?;
                (only.node == number && written & bit != 0).then_some((slot, only.offset))
            });
            let here = self.here.iter().filter_map(|(&slot, &value)| {
                let value = self.plain(value);
                (value.node == number).then_some((slot, value.offset))
            });
            match (node, kept.chain(here).min()) {
                (Node::Fixed(address), _) => Some((LockStart::Variable(StaticAddr(address)), 0)),
                // What the caller has put there.
                (Node::Slot(slot), None) if !self.slots.contains_key(&slot) => {
                    Some((LockStart::Slot(slot), 0))
                }
                // What is in the slot is so many bytes further on than the node.
                (_, Some((slot, offset))) => Some((LockStart::Slot(slot), offset)),
                _ => None,
            }
        })
    }

    /// Where it is when the function is called, if it is a closure that has it.
    pub(super) fn place_in_closure(&self, value: Value) -> Option<LockPlace> {
        self.way_to(value, DEEPEST, &|_, node| match node {
            // go: cmd/compile/abi-internal.md, "Closures" (1.19-1.27)
            Node::Entry(Register::RDX) => Some((LockStart::Closure, 0)),
            Node::Fixed(address) => Some((LockStart::Variable(StaticAddr(address)), 0)),
            _ => None,
        })
    }

    /// Bytes from the function's receiver to it, if it is a part of that.
    pub(super) fn behind_receiver(&self, value: Value) -> Option<i64> {
        let value = self.plain(value);
        (self.node(value)? == Node::Entry(Register::RAX)).then_some(value.offset)
    }

    /// The way to a value, of at most `steps`, from one of which `start` says where it
    /// is, and how many bytes further on that is.
    fn way_to(
        &self,
        value: Value,
        steps: usize,
        start: &dyn Fn(u32, Node) -> Option<(LockStart, i64)>,
    ) -> Option<LockPlace> {
        let (mut loads, mut indexes) = (Vec::new(), Vec::new());
        let mut value = value;
        for left in (0..steps).rev() {
            let node = self.node(value)?;
            let found = match node {
                // A multiple of a word alone: it starts from nothing.
                Node::Indexed { base: None, .. } => None,
                _ => start(value.node, node),
            };
            if let Some((start, held)) = found {
                let mut place = LockPlace::from(start);
                place.steps.push(value.offset.wrapping_sub(held));
                place.steps.extend(loads.iter().rev());
                let counted = |(loads_before, index): (usize, LockIndex)| LockIndex {
                    step: loads.len().saturating_sub(loads_before),
                    ..index
                };
                place.indexes.extend(indexes.into_iter().map(counted));
                return Some(place);
            }
            match node {
                Node::Load(from) => {
                    loads.push(value.offset);
                    value = self.plain(from);
                }
                Node::Indexed { base: Some(base), index, scale } => {
                    let (word, times) = self.multiple(index);
                    let word = self.way_to(word, left, start)?;
                    indexes
                        .push((loads.len(), LockIndex { step: 0, word, scale: scale.wrapping_mul(times) }));
                    let base = self.plain(Value::at(base));
                    value = Value { offset: base.offset.wrapping_add(value.offset), ..base };
                }
                _ => return None,
            }
        }
        None
    }

    /// A node as a multiple of another one.
    fn multiple(&self, node: u32) -> (Value, i64) {
        let value = self.plain(Value::at(node));
        match self.node(value) {
            Some(Node::Indexed { base: None, index, scale }) => (self.plain(Value::at(index)), scale),
            Some(Node::Indexed { base: Some(base), index, scale }) if base == index => {
                (self.plain(Value::at(index)), scale.wrapping_add(1))
            }
            _ => (value, 1),
        }
    }

    /// Through slots that are written once.
    fn plain(&self, value: Value) -> Value {
        let mut value = value;
        for _ in 0..DEEPEST {
            let Some(Node::Slot(slot)) = self.node(value) else { break };
            let Some(stored) = self.only(slot) else { break };
            if stored.node == value.node {
                break;
            }
            value = Value { node: stored.node, offset: stored.offset.wrapping_add(value.offset) };
        }
        value
    }

    fn node(&self, value: Value) -> Option<Node> {
        self.nodes.get(usize::try_from(value.node).ok()?).copied()
    }

    fn value(&mut self, node: Node) -> Option<Value> {
        let next = u32::try_from(self.nodes.len()).ok()?;
        let number = *self.known.entry(node).or_insert(next);
        if number == next {
            self.nodes.push(node);
        }
        Some(Value { node: number, offset: 0 })
    }

    fn entry(&mut self) -> Known {
        use Register as R;
        let mut known = Known::default();
        for register in [R::RAX, R::RBX, R::RCX, R::RDX, R::RDI, R::RSI, R::R8, R::R9, R::R10, R::R11] {
            let value = self.value(Node::Entry(register));
            known.set(register, value);
        }
        known
    }

    /// The address of a memory operand that is not on the stack.
    fn memory(&mut self, i: &Instruction, known: &Known) -> Option<Value> {
        if i.is_ip_rel_memory_operand() {
            return self.value(Node::Fixed(i.ip_rel_memory_address()));
        }
        if i.memory_base() == Register::RSP {
            return None;
        }
        let base = known.register(i.memory_base());
        let base = match i.memory_index() {
            Register::None => base?,
            _ if base.is_none() && i.memory_base() != Register::None => return None,
            index => self.indexed(base, known.register(index)?, i.memory_index_scale().into())?,
        };
        Some(Value { offset: base.offset.wrapping_add(i.memory_displacement64().cast_signed()), ..base })
    }

    /// `base` and so many times `index`.
    fn indexed(&mut self, base: Option<Value>, index: Value, scale: i64) -> Option<Value> {
        let (base, offset) = (base.map(|base| base.node), base.map_or(0, |base| base.offset));
        let sum = self.value(Node::Indexed { base, index: index.node, scale })?;
        Some(Value { offset: offset.wrapping_add(index.offset.wrapping_mul(scale)), ..sum })
    }

    /// What an instruction computes from what registers hold, if that is an address or
    /// the way to one; else it is known by the instruction.
    fn computed(&mut self, i: &Instruction, known: &Known) -> Option<Value> {
        let first = known.register(i.op0_register());
        let value = match i.code() {
            Code::Add_r64_rm64 | Code::Add_rm64_r64 if i.op1_kind() == OpKind::Register => {
                let second = known.register(i.op1_register());
                first.zip(second).and_then(|(first, second)| self.indexed(Some(first), second, 1))
            }
            Code::Shl_rm64_imm8 => {
                let scale = 1_i64.checked_shl(i.immediate8().into());
                first.zip(scale).and_then(|(first, scale)| self.indexed(None, first, scale))
            }
            Code::Imul_r64_rm64_imm8 | Code::Imul_r64_rm64_imm32 if i.op1_kind() == OpKind::Register => {
                let second = known.register(i.op1_register());
                second.and_then(|second| self.indexed(None, second, i.immediate(2).cast_signed()))
            }
            _ => None,
        };
        value.or_else(|| self.value(Node::Computed(i.ip())))
    }

    fn step(
        &mut self,
        i: &Instruction,
        known: &mut Known,
        size: &impl Fn(u64) -> Option<u32>,
        factory: &mut InstructionInfoFactory,
    ) {
        let slot = |i: &Instruction| {
            let on_stack = i.memory_base() == Register::RSP && i.memory_index() == Register::None;
            let at = i.memory_displacement64().cast_signed();
            on_stack.then(|| size(i.ip())).flatten().map(|size| at - i64::from(size))
        };
        let result = match i.code() {
            Code::Mov_r64_rm64 | Code::Mov_rm64_r64 if i.op1_kind() == OpKind::Register => {
                let value = known.register(i.op1_register());
                if i.op0_kind() == OpKind::Memory {
                    if let Some(slot) = slot(i) {
                        // What is not known is from here on what the slot holds.
                        let value = value
                            .filter(|value| !matches!(self.node(*value), Some(Node::Computed(_))))
                            .or_else(|| self.value(Node::Stored(i.ip())));
                        known.set(i.op1_register(), value);
                        self.slots.entry(slot).or_default().insert(value);
                        self.stores.insert(i.ip(), slot);
                        known.hold(slot, value);
                    }
                    return;
                }
                value
            }
            Code::Mov_r64_rm64 => match slot(i) {
                Some(slot) => self.loaded(slot, i.ip(), known),
                None => self.memory(i, known).and_then(|from| self.value(Node::Load(from))),
            },
            Code::Lea_r64_m => self.memory(i, known),
            _ => {
                if matches!(i.flow_control(), FlowControl::Call | FlowControl::IndirectCall) {
                    known.registers = [None; 16];
                    return;
                }
                // What is stored in other ways is not followed.
                if i.op0_kind() == OpKind::Memory
                    && let Some(slot) = slot(i)
                    && factory.info(i).used_memory().iter().any(|used| writes(used.access()))
                {
                    self.slots.entry(slot).or_default().insert(None);
                    known.hold(slot, None);
                }
                let result = match i.op0_kind() {
                    OpKind::Register if i.op0_register().is_gpr64() => self.computed(i, known),
                    _ => None,
                };
                for used in factory.info(i).used_registers() {
                    if writes(used.access()) {
                        let register = used.register().full_register();
                        known.set(register, result.filter(|_| used.register() == i.op0_register()));
                    }
                }
                return;
            }
        };
        known.set(i.op0_register(), result);
    }

    /// What the instruction at `ip` loads from a slot.
    fn loaded(&mut self, slot: i64, ip: u64, known: &mut Known) -> Option<Value> {
        if let Some(held) = known.slots.get(&slot) {
            return Some(*held);
        }
        let several = self.settled.get(&slot).is_some_and(|stores| stores.len() > 1);
        let value = self.value(if several { Node::Loaded(ip) } else { Node::Slot(slot) });
        known.hold(slot, value);
        value
    }
}

impl Known {
    fn register(&self, register: Register) -> Option<Value> {
        self.registers.get(number(register)?).copied().flatten()
    }

    fn set(&mut self, register: Register, value: Option<Value>) {
        if let Some(place) = number(register).and_then(|number| self.registers.get_mut(number)) {
            *place = value;
        }
    }

    fn hold(&mut self, slot: i64, value: Option<Value>) {
        self.slots.remove(&slot);
        self.slots.extend(value.map(|value| (slot, value)));
    }
}

fn writes(access: iced_x86::OpAccess) -> bool {
    use iced_x86::OpAccess as A;
    matches!(access, A::Write | A::CondWrite | A::ReadWrite | A::ReadCondWrite)
}

/// Whether it may go on where it names, and not behind itself.
pub(super) fn jumps(i: &Instruction) -> bool {
    matches!(i.flow_control(), FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch)
}

fn number(register: Register) -> Option<usize> {
    (register.is_gpr64()).then(|| register.number())
}

impl Value {
    /// The node itself.
    fn at(node: u32) -> Value {
        Value { node, offset: 0 }
    }

    /// The same, `bytes` before.
    pub(super) fn before(self, bytes: i64) -> Value {
        Value { offset: self.offset.wrapping_sub(bytes), ..self }
    }

    /// Bytes from what it starts from.
    pub(super) fn offset(self) -> i64 {
        self.offset
    }
}
