//! Values: a type and where one of it is come in, a [`Value`] comes out.
//!
//! How deep, how much and how long is bounded by [`Limits`]; a pointer that leads
//! back to what is being shown is said to.

use std::rc::Rc;
use std::sync::Arc;

use super::source::Source;
use super::{Subject, numbers};
use crate::binary::Binary;
use crate::binary::debug::{Debug, Field, GoType, Kind, TypeId};
use crate::binary::layout::Layout;
use crate::goruntime::Code;
use crate::memory::{Memory, Pages};
use crate::model::{Addr, Entry, Label, LoadBias, Missing, Snapshot, StaticAddr, Value};

/// How much of a value is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Braces in braces.
    pub(super) depth: usize,
    /// Pointers that are followed, one after the other.
    pub(super) pointers: usize,
    /// Elements of a slice, an array or a map.
    pub(super) elements: u64,
    /// Bytes of a text.
    pub(super) text: u64,
    /// Values in a value, all together.
    pub(super) values: usize,
}

/// What is shown of each variable.
pub(super) const BRIEF: Limits = Limits { depth: 4, pointers: 2, elements: 16, text: 200, values: 200 };
/// What is shown of one that is asked for.
pub(super) const LONG: Limits =
    Limits { depth: 12, pointers: 8, elements: 1000, text: 64 << 10, values: 20_000 };

/// No type has more bytes.
const LARGEST: u64 = 1 << 40;
/// Pointers in a type that are looked at, to tell whether it is in use.
const POINTERS: usize = 64;

/// What values are read with.
pub(super) struct Values<'a, 'd, M: Memory> {
    pub(super) debug: &'a Debug<'d>,
    pub(super) binary: &'a Binary,
    pub(super) bias: LoadBias,
    pub(super) layout: &'a Layout,
    pub(super) snapshot: &'a Snapshot,
    pub(super) pages: Pages<'a, M>,
    /// The dictionary of the generic call whose variables are read.
    pub(super) dictionary: Option<u64>,
    pub(super) limits: Limits,
    pub(super) depth: usize,
    left: usize,
    /// The pointers that have been followed to where we are.
    pub(super) followed: Vec<(Addr, TypeId)>,
}

impl<'a, 'd, M: Memory> Values<'a, 'd, M> {
    pub(super) fn new<C>(subject: &Subject<'a, 'd, M, C>, debug: &'a Debug<'d>) -> Values<'a, 'd, M> {
        Values {
            debug,
            binary: subject.binary,
            bias: subject.bias,
            layout: subject.layout,
            snapshot: subject.snapshot,
            pages: Pages::new(subject.memory),
            dictionary: None,
            limits: BRIEF,
            depth: 0,
            left: BRIEF.values,
            followed: Vec::new(),
        }
    }

    /// The value of a whole variable.
    pub(super) fn whole(&mut self, ty: TypeId, source: &Source) -> Value {
        self.within(BRIEF, ty, source)
    }

    /// The value within these limits.
    pub(super) fn within(&mut self, limits: Limits, ty: TypeId, source: &Source) -> Value {
        self.begin(limits);
        self.value(ty, source)
    }

    /// Begins a new value within these limits.
    pub(super) fn begin(&mut self, limits: Limits) {
        self.limits = limits;
        self.left = limits.values;
        self.depth = 0;
        self.followed.clear();
    }

    /// A value within another one.
    pub(super) fn value(&mut self, ty: TypeId, source: &Source) -> Value {
        if self.left == 0 {
            return Value::Missing(Missing::CutOff);
        }
        self.left -= 1;
        self.try_value(ty, source).unwrap_or_else(Value::Missing)
    }

    /// Whether no more values are to be shown.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    fn try_value(&mut self, ty: TypeId, source: &Source) -> Result<Value, Missing> {
        let ty = self.actual(ty);
        let shape = self.type_of(ty)?;
        if let Some(known) = self.known(&shape, source) {
            return known;
        }
        Ok(match &shape.kind {
            Kind::Bool => match source.number(&mut self.pages, 1)? {
                0 => Value::plain("false"),
                1 => Value::plain("true"),
                other => return Err(Missing::Torn(format!("a bool of {other}"))),
            },
            Kind::Int => Value::Plain(self.signed(source, shape.size)?.to_string()),
            Kind::Uint => Value::Plain(source.number(&mut self.pages, shape.size)?.to_string()),
            Kind::Float | Kind::Complex => self.float(&shape, source)?,
            Kind::String => self.text(source)?,
            Kind::Slice(elem) => self.slice(*elem, source)?,
            Kind::Array(elem, len) => self.array(*elem, *len, source)?,
            Kind::Struct(fields) => self.structure(fields, source),
            Kind::Pointer(elem) => self.pointer(*elem, source)?,
            Kind::UnsafePointer => match source.word(&mut self.pages)? {
                0 => Value::plain("nil"),
                word => Value::plain(format!("{word:#x}")),
            },
            Kind::Func => self.function(source)?,
            Kind::Map(key, elem, table) => self.map(*key, *elem, *table, source)?,
            Kind::Chan(_) => self.channel(source)?,
            Kind::Interface(has_methods) => self.interface(*has_methods, source)?,
            Kind::Parameter(_, inner) => self.value(*inner, source),
            Kind::Other => return Err(Missing::Torn(format!("a {}, which is not Go's", shape.name))),
        })
    }

    /// The type itself, or what a type parameter stands for.
    pub(super) fn actual(&self, ty: TypeId) -> TypeId {
        match self.debug.type_at(ty).map(|found| found.kind.clone()) {
            Ok(Kind::Parameter(index, common)) => self.argument(index).unwrap_or(common),
            _ => ty,
        }
    }

    /// The type that the dictionary has at `index`.
    fn argument(&self, index: u64) -> Option<TypeId> {
        let at = self.dictionary?.checked_add(index.checked_mul(8)?)?;
        // Dictionaries are read-only: the file has them.
        let word = self.binary.elf().read_u64(self.bias.to_static(Addr(at))).ok()?;
        // The file's image is as if loaded without a bias.
        self.runtime_type_at(StaticAddr(word))
    }

    /// The type whose runtime type is at `address` of the file.
    pub(super) fn runtime_type_at(&self, address: StaticAddr) -> Option<TypeId> {
        let sections = self.binary.elf().sections();
        let holds = |section: &&crate::binary::Section| {
            section.address.0 != 0
                && address.0.checked_sub(section.address.0).is_some_and(|offset| offset < section.size)
        };
        let section = sections.iter().find(holds)?;
        self.debug.runtime_type(address.0 - section.address.0)
    }

    /// The type of the entry at `ty`.
    pub(super) fn type_of(&self, ty: TypeId) -> Result<Rc<GoType>, Missing> {
        self.debug.type_at(ty).map_err(|error| Missing::Torn(error.to_string()))
    }

    /// How many bytes a value of the type has.
    pub(super) fn size(&self, ty: TypeId) -> Result<u64, Missing> {
        let size = self.type_of(self.actual(ty))?.size;
        if size > LARGEST { Err(Missing::Torn(format!("a type of {size} bytes"))) } else { Ok(size) }
    }

    /// Where the pointers of a value are, bytes from its start: some of them, where
    /// there are many.
    pub(super) fn pointers(&self, ty: TypeId) -> Vec<u64> {
        let mut found = Vec::new();
        let mut open = vec![(ty, 0_u64, 0_usize)];
        while let Some((ty, at, depth)) = open.pop() {
            let Ok(shape) = self.type_of(self.actual(ty)) else { continue };
            if found.len() >= POINTERS || open.len() >= POINTERS * 4 || depth > 16 {
                break;
            }
            match &shape.kind {
                Kind::Pointer(_) | Kind::UnsafePointer | Kind::Func | Kind::Map(..) | Kind::Chan(_) => {
                    found.push(at);
                }
                Kind::String | Kind::Slice(_) => found.push(at),
                // The first word is a type, which is not the heap's.
                Kind::Interface(_) => found.push(at.saturating_add(8)),
                Kind::Struct(fields) => {
                    let inner = |field: &Field| (field.ty, at.saturating_add(field.offset), depth + 1);
                    open.extend(fields.iter().map(inner));
                }
                Kind::Array(elem, len) => {
                    let size = self.size(*elem).unwrap_or(0);
                    let inner =
                        |place: u64| (*elem, at.saturating_add(place.saturating_mul(size)), depth + 1);
                    open.extend((0..(*len).min(POINTERS as u64)).map(inner));
                }
                _ => {}
            }
        }
        found
    }

    /// The parts that the compiler splits a value into, when it keeps it in registers:
    /// bytes from the start and how many. `None` where there are too many for that.
    pub(super) fn parts(&self, ty: TypeId) -> Option<Vec<(u64, u64)>> {
        let mut parts = Vec::new();
        self.add_parts(ty, 0, 0, &mut parts)?;
        Some(parts)
    }

    fn add_parts(&self, ty: TypeId, at: u64, depth: usize, parts: &mut Vec<(u64, u64)>) -> Option<()> {
        let shape = self.type_of(self.actual(ty)).ok()?;
        if parts.len() > POINTERS || depth > 16 {
            return None;
        }
        match &shape.kind {
            Kind::String | Kind::Interface(_) => parts.extend([(at, 8), (at.checked_add(8)?, 8)]),
            Kind::Slice(_) => {
                parts.extend([(at, 8), (at.checked_add(8)?, 8), (at.checked_add(16)?, 8)]);
            }
            Kind::Complex => {
                let half = shape.size / 2;
                parts.extend([(at, half), (at.checked_add(half)?, half)]);
            }
            Kind::Struct(fields) => {
                for field in fields {
                    self.add_parts(field.ty, at.checked_add(field.offset)?, depth + 1, parts)?;
                }
            }
            Kind::Array(_, 0) => {}
            Kind::Array(elem, 1) => self.add_parts(*elem, at, depth + 1, parts)?,
            Kind::Array(..) | Kind::Other => return None,
            _ => parts.push((at, shape.size)),
        }
        Some(())
    }

    /// The type that a pointer of type `ty` points to, and what is there.
    pub(super) fn pointee(
        &mut self,
        ty: TypeId,
        found: Result<Source, Missing>,
    ) -> (Option<TypeId>, Result<Source, Missing>) {
        let elem = match self.type_of(ty).map(|shape| shape.kind.clone()) {
            Ok(Kind::Pointer(Some(elem))) => elem,
            _ => return (Some(ty), found),
        };
        let target = found.and_then(|source| match source.word(&mut self.pages)? {
            // It escapes, but has no place yet.
            0 => Err(Missing::Undeclared),
            word => Ok(Source::Memory(Addr(word))),
        });
        (Some(elem), target)
    }

    /// A signed number of `size` bytes.
    pub(super) fn signed(&mut self, source: &Source, size: u64) -> Result<i64, Missing> {
        let word = source.number(&mut self.pages, size)?;
        let unused = 64 - u32::try_from(size.min(8)).unwrap_or(8) * 8;
        Ok(if unused >= 64 { 0 } else { (word << unused).cast_signed() >> unused })
    }

    fn float(&mut self, shape: &GoType, source: &Source) -> Result<Value, Missing> {
        let torn = || Missing::Torn(format!("a {} of {} bytes", shape.name, shape.size));
        let mut bytes = [0; 16];
        let size = usize::try_from(shape.size).unwrap_or(usize::MAX);
        let bytes = bytes.get_mut(..size).ok_or_else(torn)?;
        source.read(&mut self.pages, bytes)?;
        let text = if shape.kind == Kind::Float { numbers::float(bytes) } else { numbers::complex(bytes) };
        text.map(Value::Plain).ok_or_else(torn)
    }

    /// A string, its header at `source`.
    pub(super) fn text(&mut self, source: &Source) -> Result<Value, Missing> {
        let len = source.at(8).word(&mut self.pages);
        if len == Ok(0) {
            return Ok(Value::plain("\"\""));
        }
        let address = source.word(&mut self.pages)?;
        let len = len.map_err(|_| Missing::Length(Addr(address)))?;
        self.quoted(Addr(address), len)
    }

    /// So many bytes of text.
    pub(super) fn quoted(&mut self, address: Addr, len: u64) -> Result<Value, Missing> {
        if len > LARGEST {
            return Err(Missing::Torn(format!("a text of {len} bytes")));
        }
        let shown = len.min(self.limits.text);
        let mut bytes = vec![0; usize::try_from(shown).unwrap_or(0)];
        Source::Memory(address).read(&mut self.pages, &mut bytes)?;
        let mut text = numbers::quoted(&bytes);
        if shown < len {
            text = format!("{text}… ({len} bytes)");
        }
        Ok(Value::Plain(text))
    }

    fn structure(&mut self, fields: &[Field], source: &Source) -> Value {
        if fields.is_empty() {
            return Value::plain("{}");
        }
        if self.depth >= self.limits.depth {
            return Value::plain("{…}");
        }
        self.depth += 1;
        let mut entries = Vec::new();
        let mut more = 0;
        for field in fields.iter().filter(|field| &*field.name != "_") {
            if self.left == 0 {
                more += 1;
                continue;
            }
            let value = self.value(field.ty, &source.at(field.offset));
            entries.push(Entry { label: Label::Field(Arc::from(short_name(field))), value });
        }
        self.depth -= 1;
        Value::Composite { prefix: String::new(), entries, more, suffix: String::new() }
    }

    fn pointer(&mut self, elem: Option<TypeId>, source: &Source) -> Result<Value, Missing> {
        let word = source.word(&mut self.pages)?;
        let bare = Value::plain(format!("{word:#x}"));
        if word == 0 {
            return Ok(Value::plain("nil"));
        }
        let Some(elem) = elem else { return Ok(bare) };
        let here = (Addr(word), elem);
        if self.followed.contains(&here) {
            return Err(Missing::Cycle(Addr(word)));
        }
        if self.followed.len() >= self.limits.pointers || self.depth >= self.limits.depth {
            return Ok(bare);
        }
        self.followed.push(here);
        let target = self.value(elem, &Source::Memory(Addr(word)));
        self.followed.pop();
        Ok(match target {
            Value::Missing(missing) => Value::Missing(missing),
            // Go has no notation for it: the address, and what is there.
            Value::Plain(text) if !text.starts_with('{') => Value::Plain(format!("&{text}")),
            target => target.prefixed("&"),
        })
    }

    fn function(&mut self, source: &Source) -> Result<Value, Missing> {
        let closure = source.word(&mut self.pages)?;
        if closure == 0 {
            return Ok(Value::plain("nil"));
        }
        let entry = Source::Memory(Addr(closure)).word(&mut self.pages)?;
        let found = self.binary.functions().function_at(self.bias.to_static(Addr(entry)));
        Ok(Value::Plain(found.map_or_else(|| format!("func at {entry:#x}"), |found| found.name())))
    }
}

/// An embedded field goes by its type's last name, which the linker gives with its package.
pub(super) fn short_name(field: &Field) -> &str {
    if field.embedded { field.name.rsplit('.').next().unwrap_or(&field.name) } else { &field.name }
}

/// A word of which no more is known: what it points to, where that is a channel.
pub(super) fn word_text<M: Memory, C: Code>(subject: &Subject<'_, '_, M, C>, word: u64) -> String {
    use crate::model::SyncObject;
    match subject.snapshot.objects.get(&Addr(word)).map(AsRef::as_ref) {
        Some(SyncObject::Channel(channel)) => super::sync::channel_text(channel),
        Some(SyncObject::Lock(lock)) => format!("{word:#x} (a lock, {} wait)", lock.waiters.len()),
        None => format!("{word:#x}"),
    }
}
