//! The target's code as stacks need it: the function at an address, how far it
//! is to its caller, its name and lines. In: addresses of the target. Out:
//! answers, remembered by address, since the same few thousand come up in every
//! stack of every tick.

use std::collections::HashMap;
use std::sync::Arc;

pub(super) use crate::binary::Unwind;
use crate::binary::{Binary, Function, GivenLock, HeldLock, InterfaceCall, LiveWords, Symbolizer};
use crate::model::{Addr, Frame, LoadBias, Pc, Stack, StaticAddr};

/// What is known of the target's code. Addresses are the target's.
pub trait Code: Send + Sync {
    /// What is at `pc`, an address as it was found in a frame; `None` where it
    /// is not Go's code.
    fn point(&self, pc: Addr) -> Option<Point>;

    /// The calls that `pc` stands for, inlined ones expanded, innermost first.
    fn frames(&self, pc: Pc) -> Arc<[Frame]>;

    /// The stack that these addresses, innermost first, stand for.
    fn stack(&self, pcs: &[Pc]) -> Stack;

    /// The full name of the function that holds `pc`.
    fn function_name(&self, pc: Addr) -> Option<String>;

    /// The words of the frame of `pc` that hold pointers; `None` where nothing says.
    fn live_words(&self, pc: Pc) -> Option<LiveWords>;

    /// The locks that the function around `pc` holds there, if its calls through
    /// interfaces call what `called` says.
    fn locks_held(&self, pc: Pc, called: &[(StaticAddr, Addr)]) -> Vec<HeldLock>;

    /// The calls through interfaces of the function around `pc` whose target can be
    /// read in a goroutine that is stopped there.
    fn interface_calls(&self, pc: Pc) -> Vec<InterfaceCall>;

    /// The locks that the function at `entry` gives back, a closure.
    fn locks_given(&self, entry: Addr) -> Vec<GivenLock>;

    /// Whether the call or the instruction at `pc` stands in a loop of its function.
    fn is_in_loop(&self, pc: Pc) -> bool;

    /// Whether the function that sends on a channel at `pc` may receive from it next.
    fn receives_behind(&self, pc: Pc) -> bool;

    /// Where an address of the file is in the target.
    fn place(&self, address: StaticAddr) -> Addr;

    /// The name and the first address of the variable that holds `address`;
    /// `None` where no symbol says.
    fn variable_at(&self, address: Addr) -> Option<(String, Addr)>;
}

/// One address of code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Point {
    /// The first address of the function.
    pub entry: Addr,
    /// How to get to the caller.
    pub unwind: Unwind,
    /// Whether a signal made the call of this function (`sigpanic`,
    /// `asyncPreempt`), so that its caller stopped at an instruction.
    pub injected: bool,
}

/// More addresses than this are not remembered.
const REMEMBERED: usize = 1 << 18;

/// A [`Code`] that remembers.
pub(super) struct CodeCache<C> {
    code: Arc<C>,
    points: HashMap<u64, Option<Point>, foldhash::fast::FixedState>,
}

impl<C: Code> CodeCache<C> {
    pub(super) fn new(code: Arc<C>) -> CodeCache<C> {
        CodeCache { code, points: HashMap::default() }
    }

    pub(super) fn point(&mut self, pc: Addr) -> Option<Point> {
        if let Some(&known) = self.points.get(&pc.0) {
            return known;
        }
        if self.points.len() >= REMEMBERED {
            self.points.clear();
        }
        let found = self.code.point(pc);
        self.points.insert(pc.0, found);
        found
    }

    pub(super) fn code(&self) -> &C {
        &self.code
    }
}

/// The code of a process, from its executable.
pub struct BinaryCode {
    symbolizer: Symbolizer,
    bias: LoadBias,
}

impl BinaryCode {
    /// The code of `binary`, loaded with `bias`.
    #[must_use]
    pub fn new(binary: Arc<Binary>, bias: LoadBias) -> BinaryCode {
        BinaryCode { symbolizer: Symbolizer::new(binary, bias), bias }
    }

    fn function_at(&self, pc: Addr) -> Option<Function<'_>> {
        self.symbolizer.binary().functions().function_at(self.bias.to_static(pc))
    }
}

impl Code for BinaryCode {
    fn point(&self, pc: Addr) -> Option<Point> {
        let function = self.function_at(pc)?;
        Some(Point {
            entry: self.bias.to_target(function.entry),
            unwind: function.unwind_at(self.bias.to_static(pc)),
            injected: function.func_id.is_injected(),
        })
    }

    fn frames(&self, pc: Pc) -> Arc<[Frame]> {
        self.symbolizer.frames(pc)
    }

    fn stack(&self, pcs: &[Pc]) -> Stack {
        self.symbolizer.stack(pcs)
    }

    fn function_name(&self, pc: Addr) -> Option<String> {
        Some(self.function_at(pc)?.name())
    }

    fn live_words(&self, pc: Pc) -> Option<LiveWords> {
        let at = pc.lookup();
        self.function_at(at)?.live_words_at(self.bias.to_static(at))
    }

    fn locks_held(&self, pc: Pc, called: &[(StaticAddr, Addr)]) -> Vec<HeldLock> {
        let called: Vec<(StaticAddr, StaticAddr)> =
            called.iter().map(|&(at, target)| (at, self.bias.to_static(target))).collect();
        self.symbolizer.binary().locks_held_at(self.bias.to_static(pc.lookup()), &called)
    }

    fn interface_calls(&self, pc: Pc) -> Vec<InterfaceCall> {
        self.symbolizer.binary().interface_calls_around(self.bias.to_static(pc.lookup()))
    }

    fn locks_given(&self, entry: Addr) -> Vec<GivenLock> {
        self.symbolizer.binary().locks_given_by(self.bias.to_static(entry))
    }

    fn is_in_loop(&self, pc: Pc) -> bool {
        self.symbolizer.binary().is_in_loop(self.bias.to_static(pc.lookup()))
    }

    fn receives_behind(&self, pc: Pc) -> bool {
        self.symbolizer.binary().receives_behind(self.bias.to_static(pc.lookup()))
    }

    fn place(&self, address: StaticAddr) -> Addr {
        self.bias.to_target(address)
    }

    fn variable_at(&self, address: Addr) -> Option<(String, Addr)> {
        let found = self.symbolizer.binary().variable_symbol_at(self.bias.to_static(address));
        found.map(|(name, start)| (name, self.bias.to_target(start)))
    }
}
