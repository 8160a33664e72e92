//! The place of the heap that an address is in: its bounds, what the allocator knows
//! of its type, and whether anything is there.

use super::{Heap, Span};
use crate::binary::layout::Layout;
use crate::goruntime::fields::{Fields, length};
use crate::memory::{Memory, MemoryError};
use crate::model::Addr;

/// What shares a block without pointers has this many bytes together.
// go: runtime._TinySize (1.19-1.27)
const TINY_BLOCK: u64 = 16;
/// Objects with pointers that are larger have their type before them.
// go: runtime.minSizeForMallocHeader (1.22-1.27)
const WITHOUT_HEADER: u64 = 512;
// go: runtime.mallocHeaderSize (1.22-1.27)
const HEADER: u64 = 8;

/// The place of one object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Where what the program made begins.
    pub start: Addr,
    /// Bytes from there on.
    pub size: u64,
    /// The span: where it begins, and its bytes.
    pub span: (Addr, u64),
    /// Whether it may hold pointers.
    pub has_pointers: bool,
    /// Whether small objects share it.
    pub is_shared: bool,
    /// Whether nothing is there: it was freed, or never used.
    pub is_free: bool,
    /// The runtime type that the allocator noted: of the object, or of its elements.
    pub ty: Option<Addr>,
}

impl Heap {
    /// The place of the heap that holds the byte at `address`.
    pub(in crate::goruntime) fn slot<M: Memory + ?Sized>(
        &self,
        memory: &M,
        layout: &Layout,
        address: Addr,
    ) -> Result<Option<Slot>, MemoryError> {
        let Some(id) = self.find(address.0) else { return Ok(None) };
        let Some(span) = self.span(id.span) else { return Ok(None) };
        let mut record = vec![0; length(layout.mspan.size)];
        memory.read(span.record, &mut record)?;
        let at = Fields(&record);
        let (start, size) = if span.is_tiny() {
            (address.0 & !(TINY_BLOCK - 1), TINY_BLOCK)
        } else {
            (span.address_of(id.object), span.element())
        };
        let index = (start - span.start) / size.max(1);
        let large = layout.mspan.large_type.filter(|_| !span.is_noscan() && span.is_large());
        let has_header = layout.mspan.large_type.is_some()
            && !span.is_noscan()
            && !span.is_large()
            && size > WITHOUT_HEADER;
        let mut header = [0; 8];
        let ty = match large {
            Some(offset) => at.u64(offset),
            None if has_header => {
                memory.read(Addr(start), &mut header)?;
                Some(u64::from_le_bytes(header))
            }
            None => None,
        };
        let before = if has_header { HEADER } else { 0 };
        Ok(Some(Slot {
            start: Addr(start + before),
            size: size - before,
            span: (Addr(span.start), span.bytes()),
            has_pointers: !span.is_noscan(),
            is_shared: span.is_tiny(),
            is_free: is_free(memory, layout, at, index)?,
            ty: ty.filter(|&ty| ty != 0).map(Addr),
        }))
    }
}

/// Whether a span, of which `at` is a copy, has nothing in its place `index`: no
/// object was made there since the last collection found none.
// go: runtime.mspan.isFree (1.19-1.27)
fn is_free<M: Memory + ?Sized>(
    memory: &M,
    layout: &Layout,
    at: Fields<'_>,
    index: u64,
) -> Result<bool, MemoryError> {
    let freeindex = at.u64(layout.mspan.freeindex).unwrap_or(0);
    // 16 bits behind which other fields stand.
    if index < freeindex & 0xffff {
        return Ok(false);
    }
    let Some(bits) = at.pointer(layout.mspan.alloc_bits).filter(|bits| !bits.is_nil()) else {
        return Ok(false);
    };
    let mut byte = [0];
    match memory.read(bits.offset(index / 8), &mut byte) {
        Ok(()) => Ok(byte.first().is_some_and(|byte| byte >> (index % 8) & 1 == 0)),
        Err(MemoryError::Unreadable { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

impl Span {
    /// Whether it is there for one object that is larger than any class.
    // go: runtime.spanClass.sizeclass (1.19-1.27): 0
    fn is_large(&self) -> bool {
        self.size_class() == 0
    }
}
