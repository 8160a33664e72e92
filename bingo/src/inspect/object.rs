//! One object: its address comes in, what it is and who refers to it goes out, named
//! as the program's source names it as far as its DWARF and its symbols say.

use std::fmt::Write;
use std::sync::Arc;

use super::Subject;
use super::source::Source;
use super::sync::channel_text;
use super::values::Values;
use super::walk::{Walk, type_text};
use crate::binary::debug::{self, Kind, Located, TypeId};
use crate::binary::printed_name;
use crate::goruntime::{Code, FrameOf, Hop, Origin, Place, Places, Slot, Trail};
use crate::memory::{Memory, MemoryError};
use crate::model::{
    Addr, Frame, GoId, HeapPlace, LockKind, Missing, ObjectInspection, ObjectSort, SyncObject, Value, Way,
    WayOrigin,
};

/// Values without a name that variables were initialised with, one after the other.
const UNNAMED: usize = 4;

/// What is at `address`, and who refers to it.
pub(super) fn of<M: Memory, C: Code>(
    subject: &Subject<'_, '_, M, C>,
    places: &Places<'_, M, C>,
    address: Addr,
) -> Result<ObjectInspection, MemoryError> {
    let slot = |address: Addr| places.slot(address).ok().flatten();
    let values = subject.debug.map(|debug| Values::new(subject, debug));
    let mut naming = Naming { subject, places, values, slot: &slot };
    let mut object = ObjectInspection {
        address,
        sort: ObjectSort::Nothing,
        name: None,
        ty: None,
        value: None,
        place: None,
        goroutine: None,
        call: None,
        ways: Vec::new(),
        notes: Vec::new(),
    };
    let sync = subject.snapshot.objects.get(&address).map(AsRef::as_ref);
    if let Some(SyncObject::Lock(lock)) = sync {
        object.ty = type_of_lock(lock.kind).map(Arc::from);
    }
    match places.at(address)? {
        Place::Heap(slot) => in_heap(&mut naming, places, slot, &mut object)?,
        Place::Variable(symbol) => naming.variable(symbol, &mut object),
        Place::Stack { goroutine, in_use } => {
            object.sort = if in_use { ObjectSort::Stack } else { ObjectSort::UnusedStack };
            object.goroutine = Some(goroutine);
            if in_use && let Some(frame) = places.frame(goroutine, address)? {
                naming.on_stack(frame, goroutine, &mut object);
            }
        }
        Place::Goroutine(goroutine) => {
            object.sort = ObjectSort::Goroutine;
            object.goroutine = Some(goroutine);
        }
        Place::Code(function) => {
            object.sort = ObjectSort::Code;
            object.name = Some(function);
        }
        Place::FreePages => object.sort = ObjectSort::Free,
        Place::Foreign if subject.is_constant(address) => {
            object.sort = ObjectSort::Constant;
            object.name = places.type_name(address).map(|name| format!("the runtime type {name}"));
        }
        Place::Foreign => object.sort = ObjectSort::Foreign,
        Place::Unmapped => object.sort = ObjectSort::Nothing,
    }
    Ok(object)
}

fn in_heap<M: Memory, C: Code>(
    naming: &mut Naming<'_, '_, '_, M, C>,
    places: &Places<'_, M, C>,
    slot: Slot,
    object: &mut ObjectInspection,
) -> Result<(), MemoryError> {
    let address = object.address;
    object.place = Some(HeapPlace {
        start: slot.start,
        size: slot.size,
        span: slot.span,
        has_pointers: slot.has_pointers,
        is_shared: slot.is_shared,
    });
    if slot.is_free {
        object.sort = ObjectSort::Free;
        return Ok(());
    }
    let sync = naming.subject.snapshot.objects.get(&address).map(AsRef::as_ref);
    let channel = if address == slot.start { places.channel(address)? } else { None };
    object.sort = match (sync, &channel) {
        (Some(SyncObject::Lock(_)), _) => ObjectSort::Lock,
        (Some(SyncObject::Channel(_)), _) | (None, Some(_)) => ObjectSort::Channel,
        (None, None) => ObjectSort::Heap,
    };
    let found = places.referrers(address)?;
    let wanted = match sync {
        Some(SyncObject::Lock(lock)) => type_of_lock(lock.kind),
        _ => None,
    };
    let mut known: Option<TypeId> = None;
    for way in &found.ways {
        let (way, ty) = naming.way(way, address, wanted);
        // The runtime's own view of a thing says less than the program's.
        let is_own = way.call.as_ref().is_none_or(Frame::is_visible);
        known = known.or(ty.filter(|_| is_own));
        object.ways.push(way);
    }
    let waiting = sync.map(waiters).unwrap_or_default();
    object.ways = telling(std::mem::take(&mut object.ways), &waiting);
    if object.ways.is_empty() && !waiting.is_empty() && found.rootless == 0 && found.cut.is_none() {
        object.notes.push("nothing was found that leads to it but the calls of those who wait there".into());
    }
    if found.rootless > 0 {
        let more = if found.rootless < found.direct { " more" } else { "" };
        object.notes.push(match found.rootless {
            1 => format!("one{more} object refers to it to which no way was found: garbage, perhaps"),
            many => format!("{many}{more} objects refer to it to which no way was found: garbage, perhaps"),
        });
    }
    object.notes.extend(found.cut.map(|why| format!("not all who refer to it are shown: {why}")));
    if let Some((channel, elem)) = channel {
        object.ty = places.type_name(elem).map(|elem| Arc::from(format!("chan {elem}")));
        object.value = Some(Value::Plain(channel_text(&channel)));
    }
    naming.typed(known, &slot, places, object);
    Ok(())
}

/// Those ways that say something, package variables first. What the calls of the runtime
/// and of package sync have for those who wait on the object (`waiting`) goes without
/// saying; words of a frame that are no variable's say less than what is known besides.
fn telling(ways: Vec<Way>, waiting: &[GoId]) -> Vec<Way> {
    let is_machinery =
        |way: &Way| way.call.as_ref().is_some_and(|call| !call.is_visible() || call.is_machinery());
    let is_named = |way: &Way| !is_machinery(way) && !way.path.is_empty() && !way.path.starts_with('(');
    let (mut named, unnamed): (Vec<Way>, Vec<Way>) = ways.into_iter().partition(is_named);
    named.sort_by_key(|way| way.origin != WayOrigin::Variable);
    let has_named = !named.is_empty();
    for way in unnamed {
        let is_known = |id: &GoId| named.iter().any(|other| other.goroutines.contains(id));
        let by_stack = way.origin == WayOrigin::Stack;
        let says_nothing = match () {
            () if is_machinery(&way) => way.goroutines.iter().all(|id| waiting.contains(id) || is_known(id)),
            () if by_stack && way.path.starts_with('(') => has_named,
            () if by_stack => way.goroutines.iter().all(is_known),
            () => false,
        };
        if !says_nothing {
            named.push(way);
        }
    }
    named
}

fn waiters(object: &SyncObject) -> Vec<GoId> {
    match object {
        SyncObject::Channel(channel) => [&*channel.senders, &*channel.receivers].concat(),
        SyncObject::Lock(lock) => lock.waiters.to_vec(),
    }
}

fn type_of_lock(kind: LockKind) -> Option<&'static str> {
    match kind {
        LockKind::Mutex => Some("sync.Mutex"),
        LockKind::RwMutex => Some("sync.RWMutex"),
        LockKind::WaitGroup => Some("sync.WaitGroup"),
        LockKind::Cond => Some("sync.Cond"),
        LockKind::Semaphore => None,
    }
}

impl<M, C> Subject<'_, '_, M, C> {
    /// Whether the program's file has what is at `address`, for good.
    fn is_constant(&self, address: Addr) -> bool {
        let address = self.bias.to_static(address).0;
        self.binary.segments().iter().any(|segment| {
            (segment.address.0..segment.address.0.saturating_add(segment.memory_size)).contains(&address)
        })
    }
}

/// What names are found with.
struct Naming<'s, 'a, 'd, M: Memory, C> {
    subject: &'s Subject<'a, 'd, M, C>,
    places: &'s Places<'s, M, C>,
    values: Option<Values<'a, 'd, M>>,
    slot: &'s dyn Fn(Addr) -> Option<Slot>,
}

/// A variable of a frame, of which a pointer is a part.
struct Local {
    name: String,
    call: Option<Frame>,
    ty: TypeId,
    /// Where it begins, or would if all of it were in one place.
    base: Addr,
    /// Whether what stands in the frame is a pointer to the variable.
    is_elsewhere: bool,
}

impl<M: Memory, C: Code> Naming<'_, '_, '_, M, C> {
    /// A package variable, and the part of it that is asked for.
    fn variable(&mut self, symbol: Option<(String, Addr)>, object: &mut ObjectInspection) {
        object.sort = ObjectSort::Variable;
        let sync = self.subject.snapshot.objects.get(&object.address).map(AsRef::as_ref);
        let wanted = match sync {
            Some(SyncObject::Lock(lock)) => type_of_lock(lock.kind),
            _ => None,
        };
        let Some((name, start)) = symbol else {
            let Some((name, start, hops)) = self.unnamed(object.address) else {
                object.notes.push("the program has no symbol for it".into());
                return;
            };
            let Some(values) = &mut self.values else { return };
            let Some(global) = values.debug.global(&name) else { return };
            let mut walk = Walk::at(values, self.slot, &name, (global.ty, start));
            hops.iter().for_each(|&hop| walk.along(hop));
            let (path, ty) = walk.end(object.address, wanted);
            object.name = Some(path);
            object.ty = ty.and_then(|ty| type_text(values, ty)).or(object.ty.take());
            object.value = ty.map(|ty| values.whole(ty, &Source::Memory(object.address)));
            return;
        };
        let offset = object.address.0.saturating_sub(start.0);
        let plain = if offset == 0 { name.clone() } else { format!("{name}+{offset:#x}") };
        object.name = Some(plain);
        let Some(values) = &mut self.values else { return };
        let Some(global) = values.debug.global(&name) else { return };
        let walk = Walk::at(values, self.slot, &name, (global.ty, start));
        let (path, ty) = walk.end(object.address, wanted);
        if let Some(ty) = ty {
            object.name = Some(path);
            object.ty = type_text(values, ty);
            object.value = Some(values.whole(ty, &Source::Memory(object.address)));
        }
    }

    /// The variable by which what lies at `address` among variables, without a name of
    /// its own, is reached: its name, its start, and the pointers from there on.
    fn unnamed(&mut self, address: Addr) -> Option<(String, Addr, Vec<Hop>)> {
        let (places, subject, slot) = (self.places, self.subject, self.slot);
        let values = self.values.as_mut()?;
        let mut hops: Vec<Hop> = Vec::new();
        let mut open = address;
        for _ in 0..UNNAMED {
            let hop = places.pointer_before(open)?;
            let place = hop.place?;
            hops.insert(0, hop);
            if let Some((name, start)) = subject.code.variable_at(place) {
                let global = values.debug.global(&name)?;
                let mut walk = Walk::at(values, slot, &name, (global.ty, start));
                hops.iter().for_each(|&hop| walk.along(hop));
                return walk.covers(address).then_some((name, start, hops));
            }
            open = place;
        }
        None
    }

    /// The variable of a frame that is asked for.
    fn on_stack(&mut self, frame: FrameOf, goroutine: GoId, object: &mut ObjectInspection) {
        let shown = self.subject.code.frames(frame.pc);
        object.call = shown.iter().find(|call| call.is_visible()).or(shown.first()).cloned();
        object.goroutine = Some(goroutine);
        let slot = self.slot;
        let Some(local) = self.local(frame, object.address, &shown) else { return };
        object.call = local.call.or(object.call.take());
        let Some(values) = &mut self.values else { return };
        if local.is_elsewhere || local.name.is_empty() {
            object.name = Some(local.name).filter(|name| !name.is_empty());
            return;
        }
        let walk = Walk::at(values, slot, &local.name, (local.ty, local.base));
        let (path, ty) = walk.end(object.address, None);
        object.name = Some(path);
        object.ty = ty.and_then(|ty| type_text(values, ty));
    }

    /// Type and value of an object whose type is `known`, or noted by the allocator.
    fn typed(
        &mut self,
        known: Option<TypeId>,
        slot: &Slot,
        places: &Places<'_, M, C>,
        object: &mut ObjectInspection,
    ) {
        let noted = slot.ty.filter(|_| object.address == slot.start);
        let Some(values) = &mut self.values else {
            let name = noted.and_then(|ty| places.type_name(ty));
            object.ty = object.ty.take().or(name.map(Arc::from));
            return;
        };
        let by_allocator = || {
            let ty = values.runtime_type_at(values.bias.to_static(noted?))?;
            // More than one of them make an array.
            let size = values.size(ty).ok().filter(|&size| size > 0)?;
            (slot.size < size.saturating_mul(2)).then_some(ty)
        };
        let is_chan =
            |ty: &TypeId| matches!(values.type_of(*ty).map(|ty| ty.kind.clone()), Ok(Kind::Chan(_)));
        let is_channel = object.sort == ObjectSort::Channel;
        let known = known.or_else(by_allocator).filter(|ty| !is_channel || is_chan(ty));
        let Some(ty) = known else { return };
        object.ty = type_text(values, ty).or(object.ty.take());
        let is_itself = values
            .type_of(ty)
            .is_ok_and(|shape| !matches!(shape.kind, Kind::Map(..) | Kind::Chan(_) | Kind::Func));
        if is_itself {
            let value = values.whole(ty, &Source::Memory(object.address));
            let shown = !matches!(value, Value::Missing(Missing::Unreadable(_)));
            object.value = object.value.take().or(shown.then_some(value));
        }
    }

    /// One way, named.
    fn way(&mut self, trail: &Trail, target: Addr, wanted: Option<&str>) -> (Way, Option<TypeId>) {
        let hops = &trail.hops;
        let first = hops.first().copied();
        let place = first.and_then(|hop| hop.place);
        let word = first.map_or(Addr(0), |hop| hop.word);
        let mut way = Way {
            origin: origin(trail.origin),
            path: String::new(),
            ty: None,
            call: None,
            goroutines: trail.goroutines.clone(),
            count: trail.count,
        };
        let mut before = Vec::new();
        let symbol = match (trail.origin, place) {
            (Origin::Variable, Some(place)) => {
                let found = self.subject.code.variable_at(place).or_else(|| {
                    let (name, start, hops) = self.unnamed(place)?;
                    before = hops;
                    Some((name, start))
                });
                Some(found.unwrap_or_else(|| (format!("a variable at {place}"), place)))
            }
            _ => None,
        };
        let local = match (trail.origin, place) {
            (Origin::Stack(_, Some(frame)), Some(place)) => {
                let shown = self.subject.code.frames(frame.pc);
                way.call = shown.iter().find(|call| call.is_visible()).or(shown.first()).cloned();
                self.local(frame, place, &shown)
            }
            _ => None,
        };
        if let Some(call) = local.as_ref().and_then(|local| local.call.clone()) {
            way.call = Some(call);
        }
        let behind = hops.get(1..).unwrap_or_default();
        let slot = self.slot;
        let Some(values) = &mut self.values else {
            let mut path = symbol.map_or_else(String::new, |(name, start)| {
                let offset = place.map_or(0, |place| place.0 - start.0);
                if offset == 0 { name } else { format!("{name}+{offset:#x}") }
            });
            for place in behind.iter().filter_map(|hop| hop.place) {
                if let Some(slot) = slot(place) {
                    let offset = place.0.saturating_sub(slot.start.0);
                    let _ = write!(path, " → ({} bytes at {})+{offset:#x}", slot.size, slot.start);
                }
            }
            way.path = path.trim_start_matches(" → ").to_owned();
            return (way, None);
        };
        let (mut walk, hops) = match (symbol, local) {
            (Some((name, start)), _) => match values.debug.global(&name) {
                Some(global) => (Walk::at(values, slot, &name, (global.ty, start)), hops.as_slice()),
                None => (Walk::unknown(values, slot, &name), behind),
            },
            (None, Some(local)) if local.is_elsewhere => {
                (Walk::at(values, slot, &local.name, (local.ty, word)), behind)
            }
            (None, Some(local)) => {
                (Walk::at(values, slot, &local.name, (local.ty, local.base)), hops.as_slice())
            }
            (None, None) if trail.origin.is_deferred() => (Walk::closure(values, slot, "", word), behind),
            (None, None) => (Walk::unknown(values, slot, ""), behind),
        };
        before.iter().chain(hops).for_each(|&hop| walk.along(hop));
        let (path, ty) = walk.end(target, wanted);
        way.path = path.trim_start_matches(" → ").to_owned();
        way.ty = ty.and_then(|ty| type_text(values, ty));
        (way, ty)
    }

    /// The variable of `frame` that has a part at `place`.
    fn local(&mut self, frame: FrameOf, place: Addr, shown: &[Frame]) -> Option<Local> {
        let values = self.values.as_mut()?;
        let own = debug::Frame { cfa: frame.end?, registers: None, argument: None, bias: self.subject.bias };
        let address = self.subject.bias.to_static(frame.pc.lookup());
        let calls = values.debug.calls_at(address, &own).ok()?;
        let minor = self.subject.binary.build_info().go_version.minor.max(20);
        for call in calls.iter().rev() {
            for variable in &call.variables {
                let (Located::Listed(pieces) | Located::Throughout(pieces)) = &variable.located else {
                    continue;
                };
                let Some(ty) = variable.ty.map(|ty| values.actual(ty)) else { continue };
                let Ok(size) = values.size(ty) else { continue };
                let parts = values.parts(ty).unwrap_or_default();
                let mut at = 0;
                for (number, piece) in pieces.iter().enumerate() {
                    let len = piece.size.unwrap_or(size);
                    let from =
                        parts.get(number).filter(|_| parts.len() == pieces.len()).map_or(at, |part| part.0);
                    at = from.saturating_add(len);
                    let debug::Place::Memory(start) = piece.place else { continue };
                    if !(start..start.saturating_add(len)).contains(&place.0) || &*variable.name == ".dict" {
                        continue;
                    }
                    let name = printed_name(&call.name, minor);
                    let call = shown.iter().find(|frame| *frame.function == *name).cloned();
                    let is_named = !variable.name.starts_with(['.', '~']);
                    let escaped = variable.name.strip_prefix('&');
                    let target = escaped.and_then(|_| match values.type_of(ty).ok()?.kind {
                        Kind::Pointer(Some(elem)) => Some(values.actual(elem)),
                        _ => None,
                    });
                    return Some(Local {
                        name: match is_named {
                            true => escaped.unwrap_or(&variable.name).to_owned(),
                            false => String::new(),
                        },
                        call,
                        ty: target.unwrap_or(ty),
                        base: Addr(start.wrapping_sub(from)),
                        is_elsewhere: target.is_some(),
                    });
                }
            }
        }
        None
    }
}

fn origin(origin: Origin) -> WayOrigin {
    match origin {
        Origin::Variable => WayOrigin::Variable,
        Origin::Stack(..) => WayOrigin::Stack,
        Origin::Goroutine(_) => WayOrigin::Goroutine,
        Origin::Deferred(_) => WayOrigin::Deferred,
        Origin::Finalizer => WayOrigin::Finalizer,
        Origin::Timer => WayOrigin::Timer,
    }
}
