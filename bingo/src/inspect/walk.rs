//! The name of what lies at the end of some pointers: each pointer's place and target
//! come in, one after the other, with the type of what the first stands in; out comes
//! what Go would write to get there, and the type of what is there.
//!
//! ```text
//!   main.server  *Server ─▶ .pool  Pool ─▶ .conns  []*conn ─▶ [3]  *conn ─▶ .done
//! ```
//!
//! Where a type is not known, or a pointer leads into the middle of something larger,
//! the address is named in place of it, and the walk goes on from there.

use std::fmt::Write;
use std::sync::Arc;

use super::maps::Slot as MapSlot;
use super::source::Source;
use super::values::{Values, short_name};
use crate::binary::debug::{Frame, Kind, TypeId};
use crate::goruntime::{Hop, Slot};
use crate::memory::Memory;
use crate::model::Addr;

/// Structs and arrays in each other.
const NESTED: usize = 32;

/// A walk over pointers.
pub(super) struct Walk<'w, 'a, 'd, M: Memory> {
    values: &'w mut Values<'a, 'd, M>,
    /// The place of the heap that an address is in.
    slot: &'w dyn Fn(Addr) -> Option<Slot>,
    text: String,
    state: State,
    /// The type of the last pointer that was gone along.
    pointer: Option<TypeId>,
}

/// Where the walk is.
enum State {
    /// At so many of this type, side by side.
    At { ty: TypeId, base: Addr, count: u64 },
    /// In a map.
    Map { slots: Vec<MapSlot>, key: TypeId, elem: TypeId },
    /// At a channel.
    Channel { elem: TypeId, at: Addr },
    /// At a function with what it captured.
    Closure(Addr),
    /// At something of which no type is known.
    Unknown,
}

/// What stands before a pointer that is gone along.
struct Leaf {
    ty: TypeId,
    at: Source,
}

impl<'w, 'a, 'd, M: Memory> Walk<'w, 'a, 'd, M> {
    /// One that begins at a value of the type `ty` at `base` that goes by `name`.
    pub(super) fn at(
        values: &'w mut Values<'a, 'd, M>,
        slot: &'w dyn Fn(Addr) -> Option<Slot>,
        name: &str,
        (ty, base): (TypeId, Addr),
    ) -> Walk<'w, 'a, 'd, M> {
        Walk { values, slot, text: name.to_owned(), state: State::At { ty, base, count: 1 }, pointer: None }
    }

    /// One that begins at something of which no more is known than its `name`.
    pub(super) fn unknown(
        values: &'w mut Values<'a, 'd, M>,
        slot: &'w dyn Fn(Addr) -> Option<Slot>,
        name: &str,
    ) -> Walk<'w, 'a, 'd, M> {
        Walk { values, slot, text: name.to_owned(), state: State::Unknown, pointer: None }
    }

    /// One that begins at a closure.
    pub(super) fn closure(
        values: &'w mut Values<'a, 'd, M>,
        slot: &'w dyn Fn(Addr) -> Option<Slot>,
        name: &str,
        address: Addr,
    ) -> Walk<'w, 'a, 'd, M> {
        Walk { values, slot, text: name.to_owned(), state: State::Closure(address), pointer: None }
    }

    /// Goes along a pointer.
    pub(super) fn along(&mut self, hop: Hop) {
        let Some(place) = hop.place else { return };
        let state = std::mem::replace(&mut self.state, State::Unknown);
        let leaf = match state {
            State::At { ty, base, count } => self.descend(ty, base, count, place, None),
            State::Map { slots, key, elem } => {
                let Some(slot) = slots.iter().find(|slot| slot.elem.has(place) || slot.key.has(place)) else {
                    // Still in what the map is made of.
                    self.state = State::Map { slots, key, elem };
                    return;
                };
                let (part, ty) = if slot.elem.has(place) { (slot.elem, elem) } else { (slot.key, key) };
                let shown = match slot.key.is_elsewhere {
                    true => "…".to_owned(),
                    false => self.values.whole(key, &Source::Memory(slot.key.at)).to_string(),
                };
                let _ = match slot.elem.has(place) {
                    true => write!(self.text, "[{shown}]"),
                    false => write!(self.text, "'s key {shown}"),
                };
                if part.is_elsewhere {
                    self.state = State::At { ty, base: hop.word, count: 1 };
                    return;
                }
                self.descend(ty, part.at, 1, place, None)
            }
            State::Channel { elem, at } => {
                let buffer = at.offset(self.values.layout.hchan.buf);
                if place == buffer {
                    self.text.push_str("'s buffer");
                    let cap = Source::Memory(at.offset(self.values.layout.hchan.dataqsiz));
                    let count = cap.word(&mut self.values.pages).unwrap_or(0);
                    self.state = State::At { ty: elem, base: hop.word, count };
                    return;
                }
                None
            }
            State::Closure(at) => self.captured(at, place),
            State::Unknown => None,
        };
        match leaf.or_else(|| self.by_allocator(place)) {
            Some(leaf) => self.follow(&leaf, hop.word),
            None => self.name_place(place),
        }
    }

    /// Whether `address` is in what the last pointer leads to, by its type.
    pub(super) fn covers(&self, address: Addr) -> bool {
        let &State::At { ty, base, count } = &self.state else { return false };
        let size = self.values.size(ty).unwrap_or(0).saturating_mul(count.max(1));
        (base.0..base.0.saturating_add(size)).contains(&address.0)
    }

    /// What is at `target`, to which the last pointer led; of the types that begin
    /// there `wanted` is preferred.
    pub(super) fn end(mut self, target: Addr, wanted: Option<&str>) -> (String, Option<TypeId>) {
        let ty = match self.state {
            State::At { ty, base, count } => {
                let before = self.text.clone();
                match self.descend(ty, base, count, target, Some(wanted.unwrap_or_default())) {
                    Some(leaf) => Some(leaf.ty),
                    None => {
                        self.text = before;
                        None
                    }
                }
            }
            State::Unknown => None,
            // The pointer's own type says what is there.
            State::Map { .. } | State::Channel { .. } | State::Closure(_) => self.pointer,
        };
        (self.text, ty)
    }

    /// Goes down to the pointer at `place` in a value of `ty` at `base`. With `end` to
    /// the first value that begins there, or to the one whose type has that name.
    fn descend(
        &mut self,
        ty: TypeId,
        base: Addr,
        count: u64,
        place: Addr,
        end: Option<&str>,
    ) -> Option<Leaf> {
        let mut offset = place.0.checked_sub(base.0)?;
        let mut ty = self.values.actual(ty);
        let mut text = String::new();
        let size = self.values.size(ty).ok()?;
        if offset > 0 && offset >= size.saturating_mul(count.max(1)) {
            return None;
        }
        if count != 1 && size > 0 {
            let _ = write!(text, "[{}]", offset / size);
            offset %= size;
        }
        for _ in 0..NESTED {
            let shape = self.values.type_of(ty).ok()?;
            if let Some(wanted) = end
                && offset == 0
                && (wanted.is_empty() || &*shape.name == wanted || !self.begins_with(ty, wanted))
            {
                self.text.push_str(&text);
                return Some(Leaf { ty, at: Source::Memory(place) });
            }
            match &shape.kind {
                Kind::Struct(_) if shape.name.starts_with("sync/atomic.Pointer[") => {
                    // Its first field is an array of none of what it points to.
                    let inner = shape.fields().iter().find_map(|field| {
                        match self.values.type_of(field.ty).ok()?.kind {
                            Kind::Array(elem, 0) => Some(elem),
                            _ => None,
                        }
                    });
                    ty = self.values.actual(inner?);
                    self.text.push_str(&text);
                    let _ = write!(self.text, ".Load()");
                    return Some(Leaf { ty, at: Source::Memory(place) });
                }
                Kind::Struct(fields) => {
                    let holds = |field: &&crate::binary::debug::Field| {
                        let size = self.values.size(field.ty).unwrap_or(0);
                        (field.offset..field.offset.saturating_add(size)).contains(&offset)
                    };
                    let field = fields.iter().find(holds)?;
                    let _ = write!(text, ".{}", short_name(field));
                    offset -= field.offset;
                    ty = self.values.actual(field.ty);
                }
                Kind::Array(elem, _) => {
                    let size = self.values.size(*elem).ok().filter(|&size| size > 0)?;
                    let _ = write!(text, "[{}]", offset / size);
                    offset %= size;
                    ty = self.values.actual(*elem);
                }
                Kind::Interface(_) if offset == 8 => break,
                _ if offset == 0 => break,
                _ => return None,
            }
        }
        self.text.push_str(&text);
        Some(Leaf { ty, at: Source::Memory(place) })
    }

    /// Whether what a value of `ty` begins with is of the type called `wanted`.
    fn begins_with(&self, ty: TypeId, wanted: &str) -> bool {
        let mut ty = ty;
        for _ in 0..NESTED {
            let Ok(shape) = self.values.type_of(self.values.actual(ty)) else { return false };
            if &*shape.name == wanted {
                return true;
            }
            let first = match &shape.kind {
                Kind::Struct(fields) => fields.iter().find(|field| field.offset == 0).map(|field| field.ty),
                Kind::Array(elem, 1..) => Some(*elem),
                _ => None,
            };
            let Some(first) = first else { return false };
            ty = first;
        }
        false
    }

    /// Goes along the pointer that a value of this type is.
    fn follow(&mut self, leaf: &Leaf, word: Addr) {
        let Ok(shape) = self.values.type_of(leaf.ty) else { return };
        self.pointer = Some(leaf.ty);
        self.state = match &shape.kind {
            Kind::Pointer(Some(elem)) => {
                let elem = self.values.actual(*elem);
                let is_struct =
                    self.values.type_of(elem).is_ok_and(|elem| matches!(elem.kind, Kind::Struct(_)));
                if !is_struct {
                    self.text = format!("(*{})", self.text);
                }
                State::At { ty: elem, base: word, count: 1 }
            }
            Kind::Slice(elem) => {
                let count = leaf.at.at(16).word(&mut self.values.pages).unwrap_or(0);
                // One of one is still an element.
                let count = if count == 1 { 0 } else { count };
                State::At { ty: self.values.actual(*elem), base: word, count }
            }
            Kind::Map(key, elem, table) => State::Map {
                slots: self.values.slots_in((*key, *elem), *table, word),
                key: *key,
                elem: *elem,
            },
            Kind::Chan(elem) => State::Channel { elem: *elem, at: word },
            Kind::Func => State::Closure(word),
            Kind::Interface(has_methods) => {
                let first = match &leaf.at {
                    Source::Memory(at) => Source::Memory(Addr(at.0.wrapping_sub(8))),
                    other => other.clone(),
                };
                let held = self.values.held(*has_methods, &first).ok().flatten();
                let Some(ty) = held.and_then(|(ty, _)| ty) else { return };
                let Ok(dynamic) = self.values.type_of(ty) else { return };
                let _ = write!(self.text, ".({})", dynamic.name);
                if self.values.is_direct(&dynamic, 0)
                    && !matches!(dynamic.kind, Kind::Struct(_) | Kind::Array(..))
                {
                    let leaf = Leaf { ty, at: leaf.at.clone() };
                    return self.follow_held(&leaf, word);
                }
                if self.values.is_direct(&dynamic, 0) {
                    State::Unknown
                } else {
                    State::At { ty, base: word, count: 1 }
                }
            }
            _ => State::Unknown,
        };
    }

    /// The same for what an interface holds, which is no interface itself.
    fn follow_held(&mut self, leaf: &Leaf, word: Addr) {
        let is_interface =
            self.values.type_of(leaf.ty).is_ok_and(|shape| matches!(shape.kind, Kind::Interface(_)));
        if !is_interface {
            self.follow(leaf, word);
        }
    }

    /// The variable that the closure at `at` has at `place`.
    fn captured(&mut self, at: Addr, place: Addr) -> Option<Leaf> {
        let offset = place.0.checked_sub(at.0)?;
        let entry = Source::Memory(at).word(&mut self.values.pages).ok()?;
        let address = self.values.bias.to_static(Addr(entry));
        let function = self.values.binary.functions().function_at(address)?.name();
        let _ = write!(self.text, " → {function}");
        let frame = Frame { cfa: 0, registers: None, argument: None, bias: self.values.bias };
        let calls = self.values.debug.calls_at(address, &frame).ok()?;
        let variables = calls.first()?.variables.iter();
        let of_closure = |variable: &&crate::binary::debug::Variable| {
            variable.captured.is_some_and(|captured| captured.0 == offset)
        };
        let variable = variables.clone().find(of_closure)?;
        let name = variable.name.strip_prefix('&');
        let _ = write!(self.text, "'s {}", name.unwrap_or(&variable.name));
        let mut ty = self.values.actual(variable.ty?);
        if name.is_some()
            && let Kind::Pointer(Some(elem)) = self.values.type_of(ty).ok()?.kind
        {
            // What is captured is the variable itself.
            let target = Source::Memory(place).word(&mut self.values.pages).ok()?;
            ty = self.values.actual(elem);
            self.state = State::At { ty, base: Addr(target), count: 1 };
            return None;
        }
        Some(Leaf { ty, at: Source::Memory(place) })
    }

    /// The pointer at `place` by the type that the allocator has noted.
    fn by_allocator(&mut self, place: Addr) -> Option<Leaf> {
        if !matches!(self.state, State::Unknown) {
            return None;
        }
        let slot = (self.slot)(place)?;
        let ty = self.values.runtime_type_at(self.values.bias.to_static(slot.ty?))?;
        let name = self.values.type_of(ty).ok()?.name.to_string();
        let size = self.values.size(ty).ok().filter(|&size| size > 0)?;
        let count = slot.size / size;
        let before = self.text.clone();
        let _ = write!(self.text, " → ({name} at {})", slot.start);
        let leaf = self.descend(ty, slot.start, count, place, None);
        if leaf.is_none() {
            self.text = before;
        }
        leaf
    }

    /// Names a pointer's place by its address.
    fn name_place(&mut self, place: Addr) {
        if let (State::Unknown, Some(slot)) = (&self.state, (self.slot)(place)) {
            let offset = place.0.saturating_sub(slot.start.0);
            let _ = write!(self.text, " → ({} bytes at {})+{offset:#x}", slot.size, slot.start);
        }
    }
}

/// The name of a type, as Go writes it.
pub(super) fn type_text<M: Memory>(values: &Values<'_, '_, M>, ty: TypeId) -> Option<Arc<str>> {
    values.type_of(values.actual(ty)).ok().map(|shape| Arc::from(&*shape.name))
}
