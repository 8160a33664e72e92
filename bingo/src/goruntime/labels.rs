//! `g.labels`: pprof labels, in the two forms that releases have.

use std::collections::BTreeMap;

use super::fields::{Fields, length};
use crate::binary::layout::{Hmap, Labels, Layout};
use crate::memory::{Memory, MemoryError, Pages};
use crate::model::Addr;

/// More labels than this, or longer ones, are no labels.
const COUNT: u64 = 4096;
const LONGEST: u64 = 1 << 16;

/// Bytes of a bucket of `map[string]string`; `Labels::Map` draws it.
const BUCKET: usize = 272;
const KEYS: u64 = 8;
const VALUES: u64 = 136;
const OVERFLOW: u64 = 264;
/// A slot whose hash byte is under this is empty, or was moved.
// go: runtime.minTopHash (1.19-1.23)
const FIRST_IN_USE: u8 = 5;

/// The labels that `address` (not nil) stands for; `None` where they cannot be read.
pub(super) fn read<M: Memory + ?Sized>(
    layout: &Layout,
    pages: &mut Pages<'_, M>,
    address: Addr,
) -> Result<Option<BTreeMap<String, String>>, MemoryError> {
    let mut labels = BTreeMap::new();
    let whole = match layout.labels {
        Labels::List => list(pages, address, &mut labels)?,
        Labels::Map(ref hmap) => map(hmap, pages, address, &mut labels)?,
    };
    Ok(whole.map(|()| labels))
}

fn list<M: Memory + ?Sized>(
    pages: &mut Pages<'_, M>,
    address: Addr,
    labels: &mut BTreeMap<String, String>,
) -> Result<Option<()>, MemoryError> {
    let (Some(first), Some(count)) = (pages.word(address)?, pages.word(address.offset(8))?) else {
        return Ok(None);
    };
    if count > COUNT {
        return Ok(None);
    }
    for index in 0..count {
        let pair = Addr(first).offset(index * 32);
        let (Some(key), Some(value)) = (string(pages, pair)?, string(pages, pair.offset(16))?) else {
            return Ok(None);
        };
        labels.insert(key, value);
    }
    Ok(Some(()))
}

fn map<M: Memory + ?Sized>(
    hmap: &Hmap,
    pages: &mut Pages<'_, M>,
    address: Addr,
    labels: &mut BTreeMap<String, String>,
) -> Result<Option<()>, MemoryError> {
    let Some(address) = pages.word(address)?.map(Addr) else { return Ok(None) };
    if address.is_nil() {
        return Ok(Some(()));
    }
    let mut bytes = [0; 128];
    let Some(bytes) = bytes.get_mut(..length(hmap.size)) else { return Ok(None) };
    if pages.read(address, bytes)?.is_none() {
        return Ok(None);
    }
    let at = Fields(bytes);
    let (Some(count), Some(log2), Some(buckets), Some(old)) = (
        at.u64(hmap.count),
        at.byte(hmap.log2_buckets),
        at.pointer(hmap.buckets),
        at.pointer(hmap.oldbuckets),
    ) else {
        return Ok(None);
    };
    if count > COUNT || log2 > 12 {
        return Ok(None);
    }
    // While it grows, what has not been moved is in half as many old buckets.
    for (first, many) in [(buckets, 1_u64 << log2), (old, (1_u64 << log2) / 2)] {
        if first.is_nil() {
            continue;
        }
        for index in 0..many {
            if bucket_chain(pages, first.offset(index * BUCKET as u64), labels)?.is_none() {
                return Ok(None);
            }
        }
    }
    Ok((labels.len() as u64 == count).then_some(()))
}

fn bucket_chain<M: Memory + ?Sized>(
    pages: &mut Pages<'_, M>,
    first: Addr,
    labels: &mut BTreeMap<String, String>,
) -> Result<Option<()>, MemoryError> {
    let mut bucket = first;
    for _ in 0..COUNT {
        let mut hashes = [0; 8];
        if pages.read(bucket, &mut hashes)?.is_none() {
            return Ok(None);
        }
        for (slot, hash) in (0_u64..).zip(hashes) {
            if hash < FIRST_IN_USE {
                continue;
            }
            let key = string(pages, bucket.offset(KEYS + slot * 16))?;
            let value = string(pages, bucket.offset(VALUES + slot * 16))?;
            let (Some(key), Some(value)) = (key, value) else { return Ok(None) };
            labels.insert(key, value);
        }
        match pages.word(bucket.offset(OVERFLOW))? {
            Some(0) => return Ok(Some(())),
            Some(next) => bucket = Addr(next),
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// The Go string whose header is at `address`.
fn string<M: Memory + ?Sized>(
    pages: &mut Pages<'_, M>,
    address: Addr,
) -> Result<Option<String>, MemoryError> {
    let (Some(text), Some(len)) = (pages.word(address)?, pages.word(address.offset(8))?) else {
        return Ok(None);
    };
    if len > LONGEST {
        return Ok(None);
    }
    let mut bytes = vec![0; length(len)];
    let found = pages.read(Addr(text), &mut bytes)?;
    Ok(found.map(|()| String::from_utf8_lossy(&bytes).into_owned()))
}
