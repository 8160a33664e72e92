//! Calls that the compiler inlined: an address in, the functions that it stands
//! for out, innermost first.
//!
//! `runtime.inlinedCall` (the index of a call in the tree comes from pcdata):
//!
//! ```text
//!  Go 1.18, 1.19:   0 parent i16   2 funcID   4 file   8 line   12 name   16 parent's pc
//!  Go 1.20 to 1.27: 0 funcID                  4 name   8 parent's pc   12 start line
//! ```

use super::PclnTab;
use super::func_id::FuncId;
use super::function::Function;
use super::header::Form;
use crate::binary::bytes;
use crate::model::StaticAddr;

/// No compiler inlines so deep: a tree that does is a circle.
const DEEPEST: usize = 1000;

/// A call at an address: one that was inlined, or the function itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// Where the name of the function called is in the table.
    pub(crate) name: u32,
    /// What the runtime takes it for.
    pub func_id: FuncId,
    /// The offset of the file's name in the table, and the line.
    pub(crate) line: Option<(u32, u32)>,
    /// Whether it was inlined into the next one.
    pub inlined: bool,
    /// Its place in the inline tree.
    pub(crate) index: Option<u32>,
}

/// An entry of the inline tree.
struct InlinedCall {
    func_id: u8,
    name: u32,
    parent_offset: u32,
}

/// The calls that `address` of `function` stands for, innermost first; the last
/// one is the function itself. Follows `inlineUnwinder` of
/// `runtime/symtabinl.go` (Go 1.21 to 1.27) and `gentraceback` before it.
pub(crate) fn calls_at(function: &Function<'_>, table: &PclnTab, address: StaticAddr) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut address = address;
    if let Some(tree) = function.inline_tree() {
        while calls.len() < DEEPEST
            && let Some(index) = function.inline_index_at(address)
            && let Some(call) = InlinedCall::read(table, tree, index)
        {
            calls.push(Call {
                name: call.name,
                func_id: FuncId::new(call.func_id, table.minor()),
                line: function.file_and_line_at(address),
                inlined: true,
                index: Some(index),
            });
            address = StaticAddr(function.entry.0.saturating_add(u64::from(call.parent_offset)));
        }
    }
    calls.push(Call {
        name: function.name_offset(),
        func_id: function.func_id,
        line: function.file_and_line_at(address),
        inlined: false,
        index: None,
    });
    calls
}

impl InlinedCall {
    /// go: runtime.inlinedCall (1.18-1.27)
    fn read(table: &PclnTab, tree: StaticAddr, index: u32) -> Option<InlinedCall> {
        let (size, func_id, name, parent) = match table.header().form {
            Form::Go118 => (20, 2, 12, 16),
            Form::Go120 => (16, 0, 4, 8),
        };
        let address = tree.0.checked_add(u64::from(index) * size)?;
        let raw = table.image().read(StaticAddr(address), size).ok()?;
        Some(InlinedCall {
            func_id: bytes::u8_at(&raw, func_id)?,
            name: bytes::u32_at(&raw, name)?,
            parent_offset: bytes::u32_at(&raw, parent)?,
        })
    }
}
