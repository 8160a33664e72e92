//! `inspect --object` as text: what is at an address, who waits there and who could
//! end that, and the ways by which the program gets there.

use std::fmt::Write;

use super::each::lasted;
use super::inspection::{held_by, laid_out, pad, program, width, woken_by};
use super::style::{Style, Tone};
use super::words::{count, lock_word, place};
use crate::model::{
    Addr, GoId, Hold, Links, ObjectIndex, ObjectInspection, ObjectKey, ObjectSort, SyncObject, Use, Value,
    Way, WayOrigin,
};
use crate::session::View;

/// Goroutines that are told of one by one.
const WAITING: usize = 12;
/// A way's column is no wider.
const WAY_WIDTH: usize = 60;

/// An object, closely, and what is known of those around it.
pub struct ObjectClosely<'a> {
    /// All goroutines.
    pub view: &'a View,
    /// How they hang together, where that is known.
    pub links: Option<&'a Links>,
    /// The object.
    pub object: &'a ObjectInspection,
}

/// As text.
#[must_use]
pub fn object(closely: &ObjectClosely<'_>, style: Style) -> String {
    let ObjectClosely { view, object, .. } = closely;
    let mut text = format!("{}\n\n", program(view));
    let _ = writeln!(text, "{}", style.paint(Tone::Heading, &title(object)));
    for line in place_lines(object) {
        let _ = writeln!(text, "    {line}");
    }
    if let Some(value) = &object.value {
        let value = match value {
            // A channel's begins with its address, which stands above.
            Value::Plain(text) => text.trim_start_matches(&format!("{} ", object.address)).to_owned(),
            value => laid_out(value, 4, 4),
        };
        let _ = writeln!(text, "    {value}");
    }
    for (address, inside) in closely.waited_on() {
        if address != object.address {
            let offset = address.0.saturating_sub(object.address.0);
            let _ = writeln!(text, "\n  in it, at +{offset:#x}: {} {address}", sync_word(inside));
        }
        closely.around(&mut text, address, inside);
    }
    if !object.ways.is_empty() {
        let _ = writeln!(text, "\nreached by");
        let paths: Vec<String> = object.ways.iter().map(|way| closely.path(way)).collect();
        let column = paths.iter().map(|path| width(path)).filter(|&one| one <= WAY_WIDTH).max().unwrap_or(0);
        for (way, path) in object.ways.iter().zip(paths) {
            let path = if path.is_empty() { path } else { format!("{}  ", pad(&path, column)) };
            let _ = writeln!(text, "    {path}{}", closely.origin(way));
        }
    }
    if !object.notes.is_empty() {
        text.push('\n');
    }
    for note in &object.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

fn title(object: &ObjectInspection) -> String {
    let mut title = object.address.to_string();
    let named = match object.sort {
        ObjectSort::Variable => object.name.as_ref().map(|name| format!(": the package variable {name}")),
        ObjectSort::Code => object.name.as_ref().map(|name| format!(": code of {name}")),
        ObjectSort::Constant => Some(format!(
            ": {}",
            object.name.as_deref().unwrap_or("a constant, or a table, of the program's file")
        )),
        _ => None,
    };
    let what = match (object.sort, object.goroutine) {
        (ObjectSort::Free, _) => ": free memory of the heap",
        (ObjectSort::Stack, Some(_)) => ": on the stack of",
        (ObjectSort::UnusedStack, Some(_)) => ": in the unused part of the stack of",
        (ObjectSort::Goroutine, Some(_)) => ": the runtime's description of",
        (ObjectSort::Variable, _) if named.is_none() => ": a package variable",
        (ObjectSort::Foreign, _) => ": memory that is not Go's",
        (ObjectSort::Nothing, _) => ": no memory is there",
        (ObjectSort::Lock | ObjectSort::Heap, _) if object.ty.is_none() => ": an object of the heap",
        (ObjectSort::Channel, _) if object.ty.is_none() => ": a channel",
        _ => "",
    };
    title.push_str(what);
    if let Some(id) = object.goroutine {
        let _ = write!(title, " goroutine {id}");
    }
    title.push_str(&named.unwrap_or_default());
    if let Some(ty) = &object.ty {
        let _ = write!(title, "  {ty}");
    }
    title
}

fn place_lines(object: &ObjectInspection) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(call) = &object.call {
        let variable = match (&object.name, object.sort) {
            (Some(name), ObjectSort::Stack) => format!("{name}, in "),
            _ => "in ".to_owned(),
        };
        lines.push(format!("{variable}{}", place(call)));
    }
    match object.sort {
        ObjectSort::Free => lines.push("nothing is there: it was freed, or never used".to_owned()),
        ObjectSort::Foreign => lines.push("of it the Go runtime knows nothing: C's, or mapped".to_owned()),
        _ => {}
    }
    if let Some(heap) = &object.place {
        let offset = object.address.0.saturating_sub(heap.start.0);
        let within = match (heap.is_shared, offset) {
            (true, _) => "in a block that small objects share, ".to_owned(),
            (false, 0) => String::new(),
            (false, offset) => format!("byte {} of an object at {}, ", count(offset), heap.start),
        };
        let pointers = if heap.has_pointers { "" } else { ", without pointers" };
        lines.push(format!(
            "in the heap: {within}{} bytes{pointers}, in the span {} of {} bytes",
            count(heap.size),
            heap.span.0,
            count(heap.span.1),
        ));
    }
    lines
}

fn sync_word(object: &SyncObject) -> &'static str {
    match object {
        SyncObject::Channel(_) => "channel",
        SyncObject::Lock(lock) => lock_word(lock.kind),
    }
}

impl ObjectClosely<'_> {
    /// What goroutines wait on at the address, or in the object that begins there.
    pub(super) fn waited_on(&self) -> Vec<(Addr, &SyncObject)> {
        let address = self.object.address;
        let end = match &self.object.place {
            Some(place) if place.start == address => address.0.saturating_add(place.size),
            _ => address.0.saturating_add(1),
        };
        let inside = |at: &&Addr| (address.0..end).contains(&at.0);
        let mut found: Vec<Addr> = self.view.objects.keys().filter(inside).copied().collect();
        found.sort_unstable();
        let object = |at: Addr| self.view.objects.get(&at).map(|object| (at, &**object));
        found.into_iter().filter_map(object).collect()
    }

    /// Who waits on one of those, each with what it does there.
    pub(super) fn waiters(object: &SyncObject) -> Vec<(&'static str, GoId)> {
        let each = |what, ids: &[GoId]| ids.iter().map(|&id| (what, id)).collect::<Vec<_>>();
        match object {
            SyncObject::Channel(channel) => {
                [each("send", &channel.senders), each("receive", &channel.receivers)].concat()
            }
            SyncObject::Lock(lock) => each("wait", &lock.waiters),
        }
    }

    /// Who holds the object at an address, and who could end a wait there.
    pub(super) fn held_and_woken(&self, address: Addr) -> (Vec<&Hold>, Vec<&Use>) {
        let Some(links) = self.links else { return (Vec::new(), Vec::new()) };
        let is_it = |object: &crate::model::Object| object.key == ObjectKey::Address(address);
        let Some(index) = links.objects.iter().position(is_it) else { return (Vec::new(), Vec::new()) };
        let index = ObjectIndex(u32::try_from(index).unwrap_or(u32::MAX));
        let waits = |waited: GoId, operation: crate::model::Operation| {
            let waits = links.waits.get(waited).unwrap_or_default().iter();
            waits.clone().any(|wait| wait.object == index && operation.ends(wait.operation))
        };
        let ends = |one: &&Use| {
            let waiting = || links.waits.ids().filter(|&id| id != one.goroutine);
            one.object == index && waiting().any(|id| waits(id, one.operation))
        };
        let holds = links.holds.iter().filter(|hold| hold.object == index).collect();
        (holds, links.uses.iter().filter(ends).collect())
    }

    fn around(&self, text: &mut String, address: Addr, object: &SyncObject) {
        let waiters = Self::waiters(object);
        for (what, id) in waiters.iter().take(WAITING) {
            let doing = if *what == "wait" { "waits".to_owned() } else { format!("waits to {what}") };
            let _ = writeln!(text, "    goroutine {id} {doing}{}", self.where_it_is(*id));
        }
        if waiters.len() > WAITING {
            let _ = writeln!(text, "    and {} more wait", count(waiters.len() - WAITING));
        }
        let (holds, uses) = self.held_and_woken(address);
        for hold in holds {
            let _ = writeln!(text, "    {}", held_by(hold));
        }
        for line in woken_by(uses.into_iter()) {
            let _ = writeln!(text, "    {line}");
        }
    }

    fn where_it_is(&self, id: GoId) -> String {
        let Some(goroutine) = self.view.goroutine(id) else { return String::new() };
        let lasting = self.view.lasting(goroutine);
        let lasting = lasting.map(|lasting| format!(" {}", lasted(goroutine, lasting)));
        let call = goroutine.stack.visible().find(|frame| !frame.is_machinery());
        let call = call.map(|call| format!(", in {}", place(call)));
        format!("{}{}", lasting.unwrap_or_default(), call.unwrap_or_default())
    }

    fn path(&self, way: &Way) -> String {
        match (way.path.is_empty(), way.origin) {
            (true, WayOrigin::Stack) => "(no variable)".to_owned(),
            _ => way.path.clone(),
        }
    }

    fn origin(&self, way: &Way) -> String {
        let who = match way.goroutines.as_slice() {
            [] => String::new(),
            [one] if way.count <= 1 => format!("goroutine {one}"),
            ids => {
                let named: Vec<String> = ids.iter().take(WAITING).map(ToString::to_string).collect();
                let more = if way.count > named.len() { " …" } else { "" };
                format!("{} goroutines ({}{more})", count(way.count), named.join(" "))
            }
        };
        match way.origin {
            WayOrigin::Variable => "package variable".to_owned(),
            WayOrigin::Finalizer => "a finalizer or a cleanup".to_owned(),
            WayOrigin::Timer => "a timer that runs".to_owned(),
            WayOrigin::Goroutine => format!("what the runtime keeps for {who}"),
            WayOrigin::Deferred => format!("a call that {who} deferred"),
            WayOrigin::Stack => match &way.call {
                Some(call) => format!("{who}, in {}", place(call)),
                None => format!("the stack of {who}"),
            },
        }
    }
}
