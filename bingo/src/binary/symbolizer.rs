//! Code addresses of a process to the calls they stand for: a [`Pc`] comes in,
//! frames go out, innermost first, as Go's own traceback prints them
//! (`traceback2` in `runtime/traceback.go`, Go 1.21 to 1.27; `gentraceback` before).
//!
//! Each address is worked out once. Names are shared between frames, frames
//! between stacks, and equal stacks are one [`Stack`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pclntab::Call;
use super::printed_name::printed_name;
use super::{Binary, FuncId, Function, Unwind};
use crate::model::{Addr, Frame, LoadBias, Pc, Stack, StaticAddr};

/// At most so many addresses are remembered; torn stacks could bring any number.
const MOST_SITES: usize = 1 << 18;
/// At most so many stacks are remembered.
const MOST_STACKS: usize = 1 << 16;

/// Names the code addresses of one process.
pub struct Symbolizer {
    binary: Arc<Binary>,
    bias: LoadBias,
    known: Mutex<Known>,
}

/// What is known of one code address.
#[derive(Clone, Debug)]
pub struct Site {
    /// The calls that it stands for, innermost first, without the wrappers that
    /// Go does not show; none where it is in such a wrapper alone.
    pub frames: Arc<[Frame]>,
    /// How to get to the caller's frame.
    pub unwind: Unwind,
    /// What the runtime takes the function for, inlined calls aside.
    pub func_id: FuncId,
    /// The innermost call, where it is a wrapper: shown if what it called panicked.
    wrapper: Option<Frame>,
}

#[derive(Default)]
struct Known {
    sites: HashMap<Pc, Arc<Site>>,
    stacks: HashMap<Box<[Pc]>, Stack>,
    functions: HashMap<u32, Arc<str>>,
    files: HashMap<u32, Arc<str>>,
    /// The text of what is not known.
    empty: Arc<str>,
}

impl Symbolizer {
    /// Names the addresses of a process that runs `binary`, loaded with `bias`.
    #[must_use]
    pub fn new(binary: Arc<Binary>, bias: LoadBias) -> Symbolizer {
        Symbolizer { binary, bias, known: Mutex::default() }
    }

    /// The executable.
    #[must_use]
    pub fn binary(&self) -> &Arc<Binary> {
        &self.binary
    }

    /// The calls that `pc` stands for, innermost first. An address outside the
    /// executable's code has one frame with no function.
    #[must_use]
    pub fn frames(&self, pc: Pc) -> Arc<[Frame]> {
        Arc::clone(&self.site(pc).frames)
    }

    /// All that is known of `pc`.
    #[must_use]
    pub fn site(&self, pc: Pc) -> Arc<Site> {
        self.lock().site(self, pc)
    }

    /// The stack whose addresses are `pcs`, innermost first. Equal addresses
    /// give the same stack.
    #[must_use]
    pub fn stack(&self, pcs: &[Pc]) -> Stack {
        let mut known = self.lock();
        if let Some(stack) = known.stacks.get(pcs) {
            return stack.clone();
        }
        let mut frames = Vec::with_capacity(pcs.len() * 2);
        let mut callee = FuncId::Normal;
        for &pc in pcs {
            let site = known.site(self, pc);
            frames.extend(site.wrapper.iter().filter(|_| callee.shows_calling_wrapper()).cloned());
            frames.extend(site.frames.iter().cloned());
            callee = site.func_id;
        }
        let stack = Stack::new(frames);
        if known.stacks.len() >= MOST_STACKS {
            known.stacks.clear();
        }
        known.stacks.insert(pcs.into(), stack.clone());
        stack
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // A panic elsewhere leaves at worst an entry missing.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The function that executes at `pc`, and the address to ask its tables
    /// for. Like the runtime, this takes a return address that is a function's
    /// entry for an instruction: the frame of a goroutine that never ran.
    fn find(&self, pc: Pc) -> Option<(Function<'_>, StaticAddr)> {
        let found = self.bias.to_static(pc.addr());
        let functions = self.binary.functions();
        match (pc, functions.function_at(found)) {
            (Pc::Return(_), Some(function)) if found > function.entry => {
                Some((function, StaticAddr(found.0 - 1)))
            }
            (_, Some(function)) => Some((function, found)),
            (Pc::Return(_), None) => {
                // The call was the last instruction of the text.
                let call = self.bias.to_static(pc.lookup());
                functions.function_at(call).map(|function| (function, call))
            }
            (Pc::Instruction(_), None) => None,
        }
    }
}

impl Known {
    fn site(&mut self, symbolizer: &Symbolizer, pc: Pc) -> Arc<Site> {
        if let Some(site) = self.sites.get(&pc) {
            return Arc::clone(site);
        }
        let site = Arc::new(match symbolizer.find(pc) {
            Some((function, address)) => self.go_site(symbolizer, pc, function, address),
            None => self.foreign_site(symbolizer, pc),
        });
        if self.sites.len() >= MOST_SITES {
            self.sites.clear();
        }
        self.sites.insert(pc, Arc::clone(&site));
        site
    }

    fn go_site(
        &mut self,
        symbolizer: &Symbolizer,
        pc: Pc,
        function: Function<'_>,
        address: StaticAddr,
    ) -> Site {
        let calls = function.calls_at(address);
        let mut frames = Vec::with_capacity(calls.len());
        let mut wrapper = None;
        let mut callee = None;
        for call in &calls {
            let hidden = call.func_id == FuncId::Wrapper
                && !callee.is_some_and(|callee: FuncId| callee.shows_calling_wrapper());
            let frame = self.frame(symbolizer, pc.addr(), call);
            match (hidden, callee) {
                (false, _) => frames.push(frame),
                (true, None) => wrapper = Some(frame),
                (true, Some(_)) => {}
            }
            callee = Some(call.func_id);
        }
        Site {
            frames: frames.into(),
            unwind: function.unwind_at(symbolizer.bias.to_static(pc.addr())),
            func_id: function.func_id,
            wrapper,
        }
    }

    fn frame(&mut self, symbolizer: &Symbolizer, pc: Addr, call: &Call) -> Frame {
        let table = symbolizer.binary.functions();
        let minor = symbolizer.binary.build_info().go_version.minor;
        let function = self.functions.entry(call.name).or_insert_with(|| {
            let name = table.name(call.name).unwrap_or_default();
            printed_name(&name, minor).as_ref().into()
        });
        let function = Arc::clone(function);
        let (file, line) = match call.line {
            Some((file, line)) => {
                let name = self
                    .files
                    .entry(file)
                    .or_insert_with(|| table.file_name(file).unwrap_or_default().into());
                (Arc::clone(name), line)
            }
            None => (Arc::clone(&self.empty), 0),
        };
        Frame { function, file, line, pc, inlined: call.inlined }
    }

    /// Code that is not Go's: a C function of the executable, or of a library.
    fn foreign_site(&self, symbolizer: &Symbolizer, pc: Pc) -> Site {
        let address = symbolizer.bias.to_static(pc.lookup());
        let name = symbolizer.binary.function_symbol_at(address);
        let function = name.map_or_else(|| Arc::clone(&self.empty), Into::into);
        let file = Arc::clone(&self.empty);
        let frame = Frame { function, file, line: 0, pc: pc.addr(), inlined: false };
        Site { frames: Arc::new([frame]), unwind: Unwind::Unknown, func_id: FuncId::Normal, wrapper: None }
    }
}
