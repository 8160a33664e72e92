//! The parts of a program's memory: an address comes in, what is there comes out. In
//! particular its heap, its variables, and its goroutines' stacks, as they were when
//! the last snapshot was read.

use std::cell::OnceCell;

use super::code::Code;
use super::fields::{Fields, length};
use super::g::G;
use super::hchan::Hchan;
use super::heap::{Heap, Slot};
use super::reach::Variables;
use super::reader::SnapshotReader;
use super::referrers::Hop;
use super::sudog::Sudog;
use super::type_name;
use crate::memory::{Batch, Memory, MemoryError, Pages};
use crate::model::{Addr, Channel, GoId};

/// `g`s that are copied in one go.
const COPIED: usize = 4096;

/// The parts of a program's memory.
pub struct Places<'a, M, C> {
    pub(super) reader: &'a SnapshotReader<M, C>,
    pub(super) heap: Heap,
    pub(super) variables: Variables,
    /// All goroutines of which something is known.
    pub(super) gs: Vec<G>,
    /// The pointers from variables to variables, by what they point to.
    between: OnceCell<Vec<(Addr, Addr)>>,
}

/// What is at an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// A place of the heap.
    Heap(Slot),
    /// The runtime's own description of a goroutine.
    Goroutine(GoId),
    /// The stack of a goroutine.
    Stack {
        /// Whose.
        goroutine: GoId,
        /// Whether it lies in what the stack's calls use.
        in_use: bool,
    },
    /// A package variable, by its symbol: its name and where it begins.
    Variable(Option<(String, Addr)>),
    /// Code of this function.
    Code(String),
    /// Between the heap's objects: what was there is freed, or it is a stack's.
    FreePages,
    /// Memory of which the Go runtime knows nothing.
    Foreign,
    /// No memory that can be read.
    Unmapped,
}

impl<'a, M: Memory, C: Code> Places<'a, M, C> {
    /// Reads where everything is; `None` where the heap is not found.
    ///
    /// # Errors
    /// As [`Memory::read_batch`].
    pub fn read(reader: &'a SnapshotReader<M, C>) -> Result<Option<Places<'a, M, C>>, MemoryError> {
        let (memory, runtime) = (reader.memory(), reader.runtime());
        let (Some(mheap), Some(module)) = (runtime.mheap, runtime.module) else { return Ok(None) };
        let mut heap = Heap::default();
        heap.refresh(memory, &runtime.layout, mheap)?;
        let variables = Variables::read(memory, &runtime.layout, module)?.unwrap_or_default();
        let gs = copies(reader)?;
        Ok(Some(Places { reader, heap, variables, gs, between: OnceCell::new() }))
    }

    /// What is at `address`.
    ///
    /// # Errors
    /// As [`Memory::read_batch`].
    pub fn at(&self, address: Addr) -> Result<Place, MemoryError> {
        let (memory, layout) = (self.reader.memory(), &self.reader.runtime().layout);
        let is_in_g = |g: &G| (g.addr.0..g.addr.0.saturating_add(layout.g.size)).contains(&address.0);
        if let Some(g) = self.gs.iter().find(|g| is_in_g(g)) {
            return Ok(Place::Goroutine(GoId(g.goid)));
        }
        if let Some(slot) = self.heap.slot(memory, layout, address)? {
            return Ok(Place::Heap(slot));
        }
        if let Some(g) = self.gs.iter().find(|g| (g.stack_lo..g.stack_hi).contains(&address.0)) {
            let in_use = g.position().is_none_or(|position| position.sp <= address.0);
            return Ok(Place::Stack { goroutine: GoId(g.goid), in_use });
        }
        let code = self.reader.code();
        if self.variables.contains(address.0) {
            return Ok(Place::Variable(code.variable_at(address)));
        }
        if let Some(function) = code.function_name(address) {
            return Ok(Place::Code(function));
        }
        let (low, high) = self.heap.range();
        match memory.read(address, &mut [0]) {
            Ok(()) if (low..high).contains(&address.0) => Ok(Place::FreePages),
            Ok(()) => Ok(Place::Foreign),
            Err(MemoryError::Unreadable { .. }) => Ok(Place::Unmapped),
            Err(error) => Err(error),
        }
    }

    /// The channel at `address` and its elements' runtime type: `None` where the words
    /// there are not those that every channel has.
    ///
    /// # Errors
    /// As [`Memory::read_batch`].
    pub fn channel(&self, address: Addr) -> Result<Option<(Channel, Addr)>, MemoryError> {
        let (memory, runtime) = (self.reader.memory(), self.reader.runtime());
        let (layout, hchan) = (&runtime.layout, &runtime.layout.hchan);
        let mut pages = Pages::new(memory);
        let ids = self.reader.slots().ids();
        let Some(found) = Hchan::read(layout, &mut pages, address, ids.limit())? else { return Ok(None) };
        let mut bytes = vec![0; length(hchan.size)];
        if pages.read(address, &mut bytes)?.is_none() {
            return Ok(None);
        }
        let at = Fields(&bytes);
        let word = |offset| at.u64(offset).unwrap_or(0);
        let (elem, buf) = (Addr(word(hchan.elemtype)), Addr(word(hchan.buf)));
        let size = runtime.module.and_then(|module| type_name::size(memory, layout, module, elem));
        let places = found.cap.max(1);
        // go: runtime.makechan (1.19-1.27): a buffer of nothing is the field itself
        let has_buffer = buf == address.offset(hchan.buf)
            || buf == address.offset(hchan.size.next_multiple_of(8))
            || self.heap.find(buf.0).is_some();
        let is_one = size.is_some_and(|size| size == word(hchan.elemsize) & 0xffff)
            && found.len <= found.cap
            && word(hchan.sendx) < places
            && word(hchan.recvx) < places
            && at.u32(hchan.closed).is_some_and(|closed| closed <= 1)
            && has_buffer;
        let queue = |queue: &[Sudog]| queue.iter().filter_map(|one| ids.of(one.g)).collect();
        let channel = Channel {
            address,
            cap: found.cap,
            len: found.len,
            closed: found.closed,
            receivers: queue(&found.receivers),
            senders: queue(&found.senders),
        };
        Ok(is_one.then_some((channel, elem)))
    }

    /// The pointer that a variable has to the nearest place among variables that is not
    /// behind `address`: what a variable was initialised with has no name of its own.
    #[must_use]
    pub fn pointer_before(&self, address: Addr) -> Option<Hop> {
        let between = self.between.get_or_init(|| {
            let mut between = Vec::new();
            let mut note = |place: u64, word: u64| {
                if self.variables.contains(word) {
                    between.push((Addr(word), Addr(place)));
                }
            };
            let scanned = self.variables.scan(self.reader.memory(), &mut Batch::default(), &mut note);
            between.sort_unstable();
            scanned.map_or_else(|_| Vec::new(), |_| between)
        });
        let behind = between.partition_point(|&(word, _)| word <= address);
        let &(word, place) = between.get(behind.checked_sub(1)?)?;
        Some(Hop { place: Some(place), word })
    }

    /// The place of the heap that `address` is in.
    ///
    /// # Errors
    /// As [`Memory::read_batch`].
    pub fn slot(&self, address: Addr) -> Result<Option<Slot>, MemoryError> {
        self.heap.slot(self.reader.memory(), &self.reader.runtime().layout, address)
    }

    /// The name of the runtime type at `address`, as Go prints it.
    #[must_use]
    pub fn type_name(&self, address: Addr) -> Option<String> {
        let runtime = self.reader.runtime();
        type_name::of(self.reader.memory(), &runtime.layout, runtime.module?, address)
    }
}

/// Copies of all `g`s that the reader knows to be goroutines.
fn copies<M: Memory, C: Code>(reader: &SnapshotReader<M, C>) -> Result<Vec<G>, MemoryError> {
    let layout = &reader.runtime().layout;
    let size = length(layout.g.size);
    let known = (0..).zip(reader.gs()).filter(|&(index, _)| reader.slots().is_known(index));
    let known: Vec<Addr> = known.map(|(_, &addr)| addr).collect();
    let mut batch = Batch::default();
    let mut copies = Vec::with_capacity(known.len());
    for chunk in known.chunks(COPIED) {
        batch.clear();
        let pieces: Vec<_> = chunk.iter().map(|&addr| (addr, batch.push(addr, size))).collect();
        reader.memory().read_batch(&mut batch)?;
        let decoded =
            pieces.into_iter().filter_map(|(addr, piece)| G::decode(layout, addr, batch.bytes(piece)?));
        copies.extend(decoded.filter(|g| g.goid != 0));
    }
    copies.iter_mut().for_each(|g| reader.running().complete(g));
    Ok(copies)
}
