//! `inspect --object --format json`: an object and who refers to it (`bingo_inspect` 1).

use std::io::{self, Write};

use serde::Serialize;

use super::inspection_json::{Head, Other};
use super::object::ObjectClosely;
use super::words::lock_word;
use crate::model::{SyncObject, Way};
use crate::recording::wire::{Hex, Number, WirePlace};

#[derive(Serialize)]
struct WireInspection<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    object: WireObject<'a>,
    waited_on: Vec<WireWaited<'a>>,
    referrers: Vec<WireWay<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct WireObject<'a> {
    address: Hex,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    ty: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heap: Option<WireHeap>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goroutine: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<WirePlace<'a>>,
}

#[derive(Serialize)]
struct WireHeap {
    start: Hex,
    size: Number,
    span: Hex,
    span_size: Number,
    pointers: bool,
    shared: bool,
}

/// Something that goroutines wait on, at the address or in the object.
#[derive(Serialize)]
struct WireWaited<'a> {
    address: Hex,
    kind: &'static str,
    waiters: Vec<Waiter>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    holders: Vec<Other<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wakers: Vec<Other<'a>>,
}

#[derive(Serialize)]
struct Waiter {
    goroutine: Number,
    to: &'static str,
}

#[derive(Serialize)]
struct WireWay<'a> {
    root: &'static str,
    path: &'a str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    ty: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    goroutines: Vec<Number>,
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<WirePlace<'a>>,
}

/// Writes the object in one line.
///
/// # Errors
/// Those of `out`.
pub fn object_json(closely: &ObjectClosely<'_>, mut out: impl Write) -> io::Result<()> {
    let ObjectClosely { view, object, .. } = closely;
    let wire = WireInspection {
        head: Head::of(view),
        object: WireObject {
            address: Hex(object.address),
            kind: object.sort.as_str(),
            name: object.name.as_deref(),
            ty: object.ty.as_deref(),
            value: object.value.as_ref().map(ToString::to_string),
            heap: object.place.map(|place| WireHeap {
                start: Hex(place.start),
                size: Number(place.size),
                span: Hex(place.span.0),
                span_size: Number(place.span.1),
                pointers: place.has_pointers,
                shared: place.is_shared,
            }),
            goroutine: object.goroutine.map(|id| Number(id.0)),
            location: object.call.as_ref().map(WirePlace::of),
        },
        waited_on: waited_on(closely),
        referrers: object.ways.iter().map(way).collect(),
        notes: &object.notes,
    };
    serde_json::to_writer(&mut out, &wire)?;
    out.write_all(b"\n")
}

fn waited_on<'a>(closely: &'a ObjectClosely<'_>) -> Vec<WireWaited<'a>> {
    let one = |(address, object): (_, &SyncObject)| {
        let (holds, uses) = closely.held_and_woken(address);
        let waiter = |(to, id): (_, crate::model::GoId)| Waiter { goroutine: Number(id.0), to };
        WireWaited {
            address: Hex(address),
            kind: match object {
                SyncObject::Channel(_) => "channel",
                SyncObject::Lock(lock) => lock_word(lock.kind),
            },
            waiters: ObjectClosely::waiters(object).into_iter().map(waiter).collect(),
            holders: holds.into_iter().map(Other::holds).collect(),
            wakers: uses.into_iter().map(Other::uses).collect(),
        }
    };
    closely.waited_on().into_iter().map(one).collect()
}

fn way(way: &Way) -> WireWay<'_> {
    WireWay {
        root: way.origin.as_str(),
        path: &way.path,
        ty: way.ty.as_deref(),
        goroutines: way.goroutines.iter().map(|id| Number(id.0)).collect(),
        count: way.count,
        location: way.call.as_ref().map(WirePlace::of),
    }
}
