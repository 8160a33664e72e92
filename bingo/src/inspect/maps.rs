//! Maps: the buckets of Go until 1.23, the Swiss tables since 1.24. The fields are
//! those that the linker's DWARF gives each map's struct.
//!
//! ```text
//!   hash<K,V>                           map<K,V>
//!   buckets ─▶ 1<<B × bucket            dirPtr ─▶ dirLen × *table ─▶ groups.data
//!     tophash [8]u8                       (dirLen 0: the one group itself)
//!     keys, values [8]                        group: ctrl [8]u8, slots [8]{key, elem}
//!     overflow ─▶ bucket …
//! ```

use super::source::Source;
use super::values::Values;
use crate::binary::debug::{GoType, Kind, TypeId};
use crate::memory::Memory;
use crate::model::{Addr, Entry, Label, Missing, Value};

/// Buckets, or groups, that are looked at.
const LOOKED_AT: u64 = 1 << 16;
/// Buckets that overflow one another.
const OVERFLOW: usize = 1 << 12;
/// Entries of a bucket, or of a group (`abi.MapGroupSlots`, Go 1.19 to 1.27).
const SLOTS: u64 = 8;
/// A tophash below this marks a slot without an entry (`minTopHash`, Go 1.19 to 1.23).
const MIN_TOP_HASH: u8 = 5;

/// A key or an element that is larger is kept elsewhere (`abi.MapMaxKeyBytes`,
/// `MapMaxElemBytes`, Go 1.19 to 1.27).
const IN_PLACE: u64 = 128;

/// The entries that have been found: where their keys and values are.
struct Found {
    entries: Vec<(Source, Source)>,
    most: u64,
    key_size: u64,
    elem_size: u64,
}

/// Where a map has an entry.
pub(super) struct Slot {
    pub(super) key: Part,
    pub(super) elem: Part,
}

/// A key or an element.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) at: Addr,
    /// Its bytes in the map.
    pub(super) size: u64,
    /// Whether those are a pointer to it.
    pub(super) is_elsewhere: bool,
}

impl Part {
    /// Whether `address` is in it.
    pub(super) fn has(&self, address: Addr) -> bool {
        (self.at.0..self.at.0.saturating_add(self.size)).contains(&address.0)
    }
}

impl Found {
    fn is_full(&self) -> bool {
        self.entries.len() as u64 >= self.most
    }
}

impl<M: Memory> Values<'_, '_, M> {
    /// The map that the pointer at `source` points to, by the struct `table`.
    pub(super) fn map(
        &mut self,
        key: TypeId,
        elem: TypeId,
        table: TypeId,
        source: &Source,
    ) -> Result<Value, Missing> {
        let address = source.word(&mut self.pages)?;
        if address == 0 {
            return Ok(Value::plain("nil"));
        }
        let most = if self.depth >= self.limits.depth { 0 } else { self.limits.elements };
        let (len, found) = self.entries_of((key, elem), table, Addr(address), most)?;
        if most == 0 && len > 0 {
            return Ok(Value::plain(format!("{{… {len} entries}}")));
        }
        self.depth += 1;
        let mut entries = Vec::new();
        for (key_at, elem_at) in &found.entries {
            if self.is_spent() {
                break;
            }
            let key = self.kept(key, found.key_size, key_at);
            let value = self.kept(elem, found.elem_size, elem_at);
            entries.push(Entry { label: Label::Key(Box::new(key)), value });
        }
        self.depth -= 1;
        sort(&mut entries);
        let more = len.saturating_sub(entries.len() as u64);
        Ok(Value::Composite { prefix: String::new(), entries, more, suffix: String::new() })
    }

    /// The entries of the map at `address`, `most` of them, and how many it has.
    fn entries_of(
        &mut self,
        (key, elem): (TypeId, TypeId),
        table: TypeId,
        address: Addr,
        most: u64,
    ) -> Result<(u64, Found), Missing> {
        let map = Source::Memory(address);
        let shape = self.pointed_to(table)?;
        let is_swiss = shape.field("dirPtr").is_some();
        let len = self.field(&shape, if is_swiss { "used" } else { "count" }, &map)?;
        if len > 1 << 40 {
            return Err(Missing::Torn(format!("a map of {len} entries")));
        }
        let (key_size, elem_size) = (self.size(key)?, self.size(elem)?);
        let most = most.min(len);
        let mut found = Found { entries: Vec::new(), most, key_size, elem_size };
        // An empty one may have no memory yet.
        if most > 0 && is_swiss {
            self.groups_of(&shape, &map, &mut found)?;
        } else if most > 0 {
            self.buckets_of(&shape, &map, &mut found)?;
        }
        Ok((len, found))
    }

    /// The parts of the map at `address`, as far as it is looked through.
    pub(super) fn slots_in(&mut self, types: (TypeId, TypeId), table: TypeId, address: Addr) -> Vec<Slot> {
        let Ok((_, found)) = self.entries_of(types, table, address, LOOKED_AT) else { return Vec::new() };
        let slot = |(key, elem): (Source, Source)| {
            let part = |at: Source, size: u64| Part {
                at: at.address().unwrap_or_default(),
                size: in_map(size),
                is_elsewhere: size > IN_PLACE,
            };
            Slot { key: part(key, found.key_size), elem: part(elem, found.elem_size) }
        };
        found.entries.into_iter().map(slot).collect()
    }

    /// A key or an element. A large one is kept elsewhere: in the map is a pointer.
    fn kept(&mut self, ty: TypeId, size: u64, at: &Source) -> Value {
        if size <= IN_PLACE {
            return self.value(ty, at);
        }
        match at.word(&mut self.pages) {
            Ok(word) => self.value(ty, &Source::Memory(Addr(word))),
            Err(missing) => Value::Missing(missing),
        }
    }

    fn groups_of(&mut self, shape: &GoType, map: &Source, found: &mut Found) -> Result<(), Missing> {
        let tables = self.field(shape, "dirLen", map)?;
        let directory = self.field(shape, "dirPtr", map)?;
        let table = self.pointed_to(self.field_type(shape, "dirPtr")?)?;
        let Kind::Pointer(Some(table)) = table.kind else { return Err(strange("dirPtr")) };
        let table = self.type_of(table)?;
        let groups = self.type_of(self.field_type(&table, "groups")?)?;
        let group = self.pointed_to(self.field_type(&groups, "data")?)?;
        if tables == 0 {
            return self.slots_of(&group, &Source::Memory(Addr(directory)), found);
        }
        let mut left = LOOKED_AT;
        let mut last = 0;
        for index in 0..tables {
            if found.is_full() || left == 0 {
                break;
            }
            left -= 1;
            let entry = Source::Memory(Addr(directory.wrapping_add(index.wrapping_mul(8))));
            let address = entry.word(&mut self.pages)?;
            // A table that has not been split yet stands in several places, in a row.
            if address == last {
                continue;
            }
            last = address;
            let at = Source::Memory(Addr(address)).at(self.offset(&table, "groups")?);
            let mask = self.field(&groups, "lengthMask", &at)?;
            let first = self.field(&groups, "data", &at)?;
            for place in 0..mask.saturating_add(1).min(left) {
                if found.is_full() {
                    break;
                }
                left -= 1;
                let offset = place.wrapping_mul(group.size);
                self.slots_of(&group, &Source::Memory(Addr(first.wrapping_add(offset))), found)?;
            }
        }
        Ok(())
    }

    /// The entries of one group; bit 7 of a control byte marks a slot without.
    fn slots_of(&mut self, group: &GoType, at: &Source, found: &mut Found) -> Result<(), Missing> {
        let control = self.field(group, "ctrl", at)?.to_le_bytes();
        // go: internal/runtime/maps.group (1.24-1.27): slots [8]struct{key, elem}, or
        // arrays of keys and of elems (GOEXPERIMENT mapsplitgroup)
        if let (Some(keys), Some(elems)) = (group.field("keys"), group.field("elems")) {
            let (key, elem) = (in_map(found.key_size), in_map(found.elem_size));
            for (slot, _) in (0_u64..).zip(control).filter(|(_, control)| control & 0x80 == 0) {
                let place = |start: u64, size: u64| at.at(start.saturating_add(slot.wrapping_mul(size)));
                found.entries.push((place(keys.offset, key), place(elems.offset, elem)));
            }
            return Ok(());
        }
        let slots = group.field("slots").ok_or_else(|| strange("slots"))?;
        let shape = self.type_of(slots.ty)?;
        let Kind::Array(slot, _) = shape.kind else { return Err(strange("slots")) };
        let slot = self.type_of(slot)?;
        let (key, elem) = (self.offset(&slot, "key")?, self.offset(&slot, "elem")?);
        for (place, control) in (0_u64..).zip(control) {
            if control & 0x80 == 0 && !found.is_full() {
                let at = at.at(slots.offset.saturating_add(place.wrapping_mul(slot.size)));
                found.entries.push((at.at(key), at.at(elem)));
            }
        }
        Ok(())
    }

    fn buckets_of(&mut self, shape: &GoType, map: &Source, found: &mut Found) -> Result<(), Missing> {
        let bucket = self.pointed_to(self.field_type(shape, "buckets")?)?;
        let log = self.field(shape, "B", map)? & 0xff;
        let buckets = self.field(shape, "buckets", map)?;
        let old = self.field(shape, "oldbuckets", map)?;
        let count = 1_u64.checked_shl(u32::try_from(log).unwrap_or(64)).filter(|&count| count <= 1 << 40);
        let count = count.ok_or_else(|| Missing::Torn(format!("a map of 1<<{log} buckets")))?;
        // While it grows, what has not been moved yet is in the old ones (a moved
        // slot's tophash is below MIN_TOP_HASH).
        let same_size = self.field(shape, "flags", map)? & 8 != 0;
        let old_count = if same_size { count } else { count / 2 };
        let parts =
            [(old, if old == 0 { 0 } else { old_count }), (buckets, if buckets == 0 { 0 } else { count })];
        let mut left = LOOKED_AT;
        for (first, count) in parts {
            for place in 0..count.min(left) {
                if found.is_full() {
                    return Ok(());
                }
                left -= 1;
                let mut at = first.wrapping_add(place.wrapping_mul(bucket.size));
                for _ in 0..OVERFLOW {
                    let source = Source::Memory(Addr(at));
                    self.bucket(&bucket, &source, found)?;
                    at = self.field(&bucket, "overflow", &source)?;
                    if at == 0 || found.is_full() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn bucket(&mut self, bucket: &GoType, at: &Source, found: &mut Found) -> Result<(), Missing> {
        let hashes = at.at(self.offset(bucket, "tophash")?).word(&mut self.pages)?.to_le_bytes();
        let keys = bucket.field("keys").ok_or_else(|| strange("keys"))?;
        let elems = bucket.field("values").ok_or_else(|| strange("values"))?;
        let (key, elem) = (in_map(found.key_size), in_map(found.elem_size));
        for (slot, hash) in (0..SLOTS).zip(hashes) {
            if hash < MIN_TOP_HASH || found.is_full() {
                continue;
            }
            let place = |start: u64, size: u64| at.at(start.saturating_add(slot.wrapping_mul(size)));
            found.entries.push((place(keys.offset, key), place(elems.offset, elem)));
        }
        Ok(())
    }

    /// The type that the pointer type `ty` points to.
    pub(super) fn pointed_to(&self, ty: TypeId) -> Result<std::rc::Rc<GoType>, Missing> {
        match self.type_of(ty)?.kind {
            Kind::Pointer(Some(elem)) => self.type_of(elem),
            _ => Err(strange("a pointer")),
        }
    }

    /// A number of a struct.
    pub(super) fn field(&mut self, shape: &GoType, name: &str, at: &Source) -> Result<u64, Missing> {
        let field = shape.field(name).ok_or_else(|| strange(name))?;
        let size = match self.size(field.ty)? {
            size @ 1..=8 => size,
            _ => 8,
        };
        at.at(field.offset).number(&mut self.pages, size)
    }

    /// Where a struct has a field.
    pub(super) fn offset(&self, shape: &GoType, name: &str) -> Result<u64, Missing> {
        shape.field(name).map(|field| field.offset).ok_or_else(|| strange(name))
    }

    pub(super) fn field_type(&self, shape: &GoType, name: &str) -> Result<TypeId, Missing> {
        shape.field(name).map(|field| field.ty).ok_or_else(|| strange(name))
    }
}

/// How many bytes of the map a key or an element of `size` takes.
fn in_map(size: u64) -> u64 {
    if size > IN_PLACE { 8 } else { size }
}

fn strange(name: &str) -> Missing {
    Missing::Torn(format!("no {name} where every release has it"))
}

/// By key: numbers by size, all else by text.
fn sort(entries: &mut [Entry]) {
    let number = |entry: &Entry| match &entry.label {
        Label::Key(key) => match &**key {
            Value::Plain(text) => text.parse::<i128>().ok(),
            _ => None,
        },
        _ => None,
    };
    entries.sort_by_cached_key(|entry| (number(entry), entry.label.to_string()));
}
