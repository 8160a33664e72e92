//! Slices and arrays.

use super::source::Source;
use super::values::Values;
use crate::binary::debug::{Kind, TypeId};
use crate::memory::Memory;
use crate::model::{Addr, Entry, Label, Missing, Value};

/// No slice has more elements.
const MOST: u64 = 1 << 40;

impl<M: Memory> Values<'_, '_, M> {
    /// A slice, its header at `source`.
    pub(super) fn slice(&mut self, elem: TypeId, source: &Source) -> Result<Value, Missing> {
        let address = source.word(&mut self.pages)?;
        let len = source.at(8).word(&mut self.pages);
        if address == 0 && !matches!(len, Ok(1..)) {
            return Ok(Value::plain("nil"));
        }
        let Ok(len) = len else {
            return Err(Missing::Length(Addr(address)));
        };
        if len > MOST {
            return Err(Missing::Torn(format!("a slice of {len} elements")));
        }
        let shape = self.type_of(self.actual(elem))?;
        if shape.kind == Kind::Uint
            && shape.size == 1
            && len > 0
            && let Some(text) = self.readable(Addr(address), len)
        {
            return Ok(Value::Plain(text));
        }
        Ok(self.elements(elem, 0, len, &Source::Memory(Addr(address))))
    }

    /// An array.
    pub(super) fn array(&mut self, elem: TypeId, len: u64, source: &Source) -> Result<Value, Missing> {
        if len > MOST {
            return Err(Missing::Torn(format!("an array of {len} elements")));
        }
        Ok(self.elements(elem, 0, len, source))
    }

    /// The elements from `first` up to `end`, those before `first` left out.
    pub(super) fn elements(&mut self, elem: TypeId, first: u64, end: u64, source: &Source) -> Value {
        if self.depth >= self.limits.depth && first < end {
            return Value::plain(format!("{{… {} elements}}", end - first));
        }
        let size = self.size(elem).unwrap_or(0);
        self.depth += 1;
        let mut entries = Vec::new();
        let mut at = first;
        let most = first.saturating_add(self.limits.elements);
        while at < end.min(most) && !self.is_spent() {
            let value = self.value(elem, &source.at(at.saturating_mul(size)));
            entries.push(Entry { label: Label::None, value });
            at += 1;
        }
        self.depth -= 1;
        Value::Composite {
            prefix: String::new(),
            entries,
            more: end.saturating_sub(at),
            suffix: String::new(),
        }
    }

    /// Bytes as a text, where that is what they are.
    fn readable(&mut self, address: Addr, len: u64) -> Option<String> {
        let shown = len.min(self.limits.text);
        let mut bytes = vec![0; usize::try_from(shown).ok()?];
        Source::Memory(address).read(&mut self.pages, &mut bytes).ok()?;
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            // A character may be cut at the end.
            Err(error) if shown < len && error.error_len().is_none() => {
                std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?
            }
            Err(_) => return None,
        };
        if text.chars().any(|character| character.is_control() && !"\n\r\t".contains(character)) {
            return None;
        }
        match self.quoted(address, len) {
            Ok(Value::Plain(text)) => Some(text),
            _ => None,
        }
    }
}
