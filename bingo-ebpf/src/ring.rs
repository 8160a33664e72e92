//! The maps, and the one way of a record into the ring.

use core::{arch::asm, slice};

use aya_ebpf::{
    bindings::{BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP},
    helpers::{bpf_get_current_pid_tgid, bpf_ktime_get_ns},
    macros::map,
    maps::{Array, HashMap, PerCpuArray, RingBuf},
};
use bingo_common::{COUNTER_SLOTS, Config, Counter, Kind, MAX_DEPTH, Record, counter_slot, record_size};

/// Bytes of the ring, unless the loader asks for another size.
const RING_BYTES: u32 = 16 << 20;

#[map]
static CONFIG: Array<Config> = Array::with_max_entries(1, 0);
#[map]
static COUNTERS: PerCpuArray<u64> = PerCpuArray::with_max_entries(COUNTER_SLOTS, 0);
#[map]
static WANTED: HashMap<u64, u8> = HashMap::with_max_entries(4096, 0);
#[map]
static EVENTS: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

/// The configuration.
#[inline(always)]
pub(crate) fn config() -> Option<&'static Config> {
    // The map's only entry, which always exists.
    CONFIG.get(0)
}

/// Adds one to a count.
#[inline(always)]
pub(crate) fn count(kind: Kind, counter: Counter) {
    if let Some(slot) = COUNTERS.get_ptr_mut(counter_slot(kind, counter)) {
        // SAFETY: the verifier has seen that the pointer is not null; it points
        // to eight aligned bytes of this CPU's values. (BPF has no compare and
        // swap in its base set, so `core` has no `fetch_add` for it.)
        unsafe { asm!("lock *(u64 *)({0} + 0) += {1}", in(reg) slot, in(reg) 1u64) };
    }
}

/// Whether the goroutine is one that the user asked for.
#[inline(always)]
pub(crate) fn wanted(config: &Config, goid: u64) -> bool {
    // SAFETY: the value is not kept beyond the call.
    config.only_wanted == 0 || unsafe { WANTED.get(&goid) }.is_some()
}

/// Sends what `record` holds, or counts it as dropped.
#[inline(always)]
pub(crate) fn send(config: &Config, kind: Kind, record: &Record) {
    let size = record_size((record.depth as usize).min(MAX_DEPTH));
    // The reader looks at the ring by the clock; it is woken only when more
    // waits there than it expects, since waking costs the target time.
    let flags = if EVENTS.query(BPF_RB_AVAIL_DATA.into()) < config.wake_bytes {
        BPF_RB_NO_WAKEUP
    } else {
        BPF_RB_FORCE_WAKEUP
    };
    // SAFETY: a record is plain words without padding; `size` is at most its length.
    let bytes = unsafe { slice::from_raw_parts((&raw const *record).cast::<u8>(), size) };
    if EVENTS.output::<[u8]>(bytes, flags.into()).is_err() {
        count(kind, Counter::Dropped);
    }
}

/// Does what [`send`] does, without anything reaching the reader.
#[inline(always)]
pub(crate) fn discard(record: &Record) {
    if let Some(mut entry) = EVENTS.reserve::<Record>(0) {
        entry.write(*record);
        entry.discard(BPF_RB_NO_WAKEUP.into());
    }
}

/// A record of now, on this thread, with no stack yet.
#[inline(always)]
pub(crate) fn record(kind: Kind, goid: u64, other: u64) -> Record {
    Record {
        // SAFETY: a plain call.
        time: unsafe { bpf_ktime_get_ns() },
        goid,
        other,
        // The low half is the thread's id, the high one the process's.
        tid: bpf_get_current_pid_tgid() as u32,
        kind: kind as u8,
        reason: 0,
        depth: 0,
        zero: 0,
        pcs: [0; MAX_DEPTH],
    }
}
