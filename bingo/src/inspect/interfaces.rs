//! Interfaces: their dynamic type by the runtime's type, and its value. Errors and
//! contexts are interfaces that people know better by what they say.

use super::source::Source;
use super::values::{BRIEF, Values};
use crate::binary::debug::{GoType, Kind, TypeId};
use crate::memory::Memory;
use crate::model::{Addr, Missing, Value};

/// Contexts around contexts that are followed.
const CONTEXTS: usize = 32;
/// Structs of one field that are looked into, to tell how an interface holds one.
const NESTED: usize = 8;

impl<M: Memory> Values<'_, '_, M> {
    /// An interface: with methods its first word is an itab, else a type.
    pub(super) fn interface(&mut self, has_methods: bool, source: &Source) -> Result<Value, Missing> {
        let Some((ty, held)) = self.held(has_methods, source)? else { return Ok(Value::plain("nil")) };
        let Some(ty) = ty else {
            return Ok(Value::plain(format!(
                "a value of a type that the program's DWARF has not, at {held}"
            )));
        };
        let shape = self.type_of(ty)?;
        let place = if self.is_direct(&shape, 0) { source.at(8) } else { Source::Memory(held) };
        if let Some(text) = self.context(&shape, &place, 0) {
            return Ok(text);
        }
        let value = self.value(ty, &place);
        Ok(named(&shape, value))
    }

    /// The type of what the interface holds, and its second word; nothing of a nil one.
    pub(super) fn held(
        &mut self,
        has_methods: bool,
        source: &Source,
    ) -> Result<Option<(Option<TypeId>, Addr)>, Missing> {
        let first = source.word(&mut self.pages)?;
        if first == 0 {
            return Ok(None);
        }
        // go: internal/abi.ITab (1.19-1.27): inter, _type
        let ty = if has_methods { Source::Memory(Addr(first)).at(8).word(&mut self.pages)? } else { first };
        let held = source.at(8).word(&mut self.pages)?;
        Ok(Some((self.runtime_type_at(self.bias.to_static(Addr(ty))), Addr(held))))
    }

    /// Whether an interface holds a value of this type itself: one pointer.
    pub(super) fn is_direct(&self, shape: &GoType, depth: usize) -> bool {
        let only = |ty: TypeId| {
            depth < NESTED && self.type_of(ty).is_ok_and(|inner| self.is_direct(&inner, depth + 1))
        };
        match &shape.kind {
            Kind::Pointer(_) | Kind::UnsafePointer | Kind::Func | Kind::Map(..) | Kind::Chan(_) => true,
            Kind::Struct(fields) => match fields.as_slice() {
                [field] => only(field.ty),
                _ => false,
            },
            Kind::Array(elem, 1) => only(*elem),
            _ => false,
        }
    }

    /// A context of package context: `Background → WithValue(…) → WithCancel`.
    fn context(&mut self, shape: &GoType, place: &Source, depth: usize) -> Option<Value> {
        let name = shape.name.strip_prefix('*').unwrap_or(&shape.name).strip_prefix("context.")?;
        let here = match &shape.kind {
            Kind::Pointer(Some(elem)) => {
                let word = place.word(&mut self.pages).ok()?;
                (self.type_of(*elem).ok()?, Source::Memory(Addr(word)))
            }
            _ => (self.type_of_same(shape), place.clone()),
        };
        let (inner, at) = here;
        let text = match name {
            "backgroundCtx" => "context.Background".to_owned(),
            "todoCtx" => "context.TODO".to_owned(),
            // Until Go 1.20 both are an int of their own.
            "emptyCtx" => "context.Background or TODO".to_owned(),
            "cancelCtx" => {
                format!("{} → WithCancel{}", self.parent(&inner, &at, depth), self.cancelled(&inner, &at))
            }
            "timerCtx" => {
                let cancel = inner.field("cancelCtx")?;
                let cancel_shape = self.pointee_or_self(cancel.ty)?;
                let mut cancel_at = at.at(cancel.offset);
                // A pointer until Go 1.20.
                if matches!(self.type_of(cancel.ty).ok()?.kind, Kind::Pointer(_)) {
                    cancel_at = Source::Memory(Addr(cancel_at.word(&mut self.pages).ok()?));
                }
                let deadline = inner.field("deadline")?;
                let deadline = self.value(deadline.ty, &at.at(deadline.offset));
                let parent = self.parent(&cancel_shape, &cancel_at, depth);
                let state = self.cancelled(&cancel_shape, &cancel_at);
                format!("{parent} → WithDeadline({deadline}){state}")
            }
            "valueCtx" => {
                let part = |values: &mut Self, field: &str| {
                    let field = inner.field(field)?.clone();
                    Some(values.value(field.ty, &at.at(field.offset)))
                };
                let key = part(self, "key")?;
                // All that a server has may be behind it.
                let limits = self.limits;
                self.limits.pointers = limits.pointers.saturating_sub(BRIEF.pointers);
                let value = part(self, "val");
                self.limits = limits;
                let value = value?;
                format!("{} → WithValue({key}, {value})", self.parent(&inner, &at, depth))
            }
            "withoutCancelCtx" => {
                let field = inner.field("c")?.clone();
                format!("{} → WithoutCancel", self.outer(field.ty, &at.at(field.offset), depth))
            }
            _ => return None,
        };
        Some(Value::Plain(text))
    }

    fn type_of_same(&self, shape: &GoType) -> std::rc::Rc<GoType> {
        std::rc::Rc::new(shape.clone())
    }

    fn pointee_or_self(&self, ty: TypeId) -> Option<std::rc::Rc<GoType>> {
        let shape = self.type_of(ty).ok()?;
        match shape.kind {
            Kind::Pointer(Some(elem)) => self.type_of(elem).ok(),
            _ => Some(shape),
        }
    }

    /// The context that this one was made of: its embedded field.
    fn parent(&mut self, shape: &GoType, at: &Source, depth: usize) -> String {
        match shape.field("Context").or_else(|| shape.field("context.Context")) {
            Some(field) => self.outer(field.ty, &at.at(field.offset), depth),
            None => "?".to_owned(),
        }
    }

    fn outer(&mut self, _ty: TypeId, at: &Source, depth: usize) -> String {
        if depth >= CONTEXTS {
            return "…".to_owned();
        }
        let held = match self.held(true, at) {
            Ok(Some((Some(ty), held))) => (ty, held),
            Ok(None) => return "nil".to_owned(),
            _ => return "?".to_owned(),
        };
        let Ok(shape) = self.type_of(held.0) else { return "?".to_owned() };
        let place = if self.is_direct(&shape, 0) { at.at(8) } else { Source::Memory(held.1) };
        match self.context(&shape, &place, depth + 1) {
            Some(text) => text.to_string(),
            None => shape.name.to_string(),
        }
    }

    /// Whether a `cancelCtx` is cancelled: its error is set (an `atomic.Value` since Go 1.25).
    fn cancelled(&mut self, shape: &GoType, at: &Source) -> String {
        let Some(field) = shape.field("err") else { return String::new() };
        match at.at(field.offset).word(&mut self.pages) {
            Ok(0) | Err(_) => String::new(),
            Ok(_) => " (cancelled)".to_owned(),
        }
    }
}

/// The value with its type before it, as Go needs it to tell which one it is.
fn named(shape: &GoType, value: Value) -> Value {
    let name = &*shape.name;
    match (&shape.kind, value) {
        (_, Value::Missing(missing)) => Value::Missing(missing),
        (_, Value::Plain(text)) if matches!(name, "int" | "string" | "bool" | "float64") => {
            Value::Plain(text)
        }
        (Kind::Pointer(_), Value::Plain(text)) if text.starts_with("&{") => {
            let target = name.strip_prefix('*').unwrap_or(name);
            Value::Plain(format!("&{target}{}", text.trim_start_matches('&')))
        }
        (Kind::Pointer(_), Value::Plain(text)) => Value::Plain(format!("({name})({text})")),
        (Kind::Pointer(_), Value::Composite { prefix, entries, more, suffix }) => {
            let target = name.strip_prefix('*').unwrap_or(name);
            let prefix = format!("&{target}{}", prefix.trim_start_matches('&'));
            Value::Composite { prefix, entries, more, suffix }
        }
        (_, Value::Plain(text)) if text.starts_with('{') => Value::Plain(format!("{name}{text}")),
        (_, Value::Plain(text)) => Value::Plain(format!("{name}({text})")),
        (_, Value::Composite { prefix, entries, more, suffix }) => {
            Value::Composite { prefix: format!("{name}{prefix}"), entries, more, suffix }
        }
    }
}
