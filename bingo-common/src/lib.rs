//! The contract between Bingo's eBPF programs and its user side: the records
//! of the ring buffer, the configuration that the programs read, the counters
//! that they keep.
//!
//! Both sides compile this file, so neither can disagree about a layout; both
//! run on the same machine, so everything is in its byte order.
#![no_std]

mod config;
mod counters;
mod record;

pub use config::{CONFIG_WORDS, Config, Register};
pub use counters::{COUNTER_SLOTS, Counter, counter_slot};
pub use record::{Kind, MAX_DEPTH, RECORD_HEAD, Record, record_size};

/// Names of the maps, as the object spells them.
pub mod maps {
    /// Array of one [`crate::Config`].
    pub const CONFIG: &str = "CONFIG";
    /// Per-CPU array of `u64`, indexed by [`crate::counter_slot`].
    pub const COUNTERS: &str = "COUNTERS";
    /// Hash of goroutine ids, read where [`crate::Config::only_wanted`] is set.
    pub const WANTED: &str = "WANTED";
    /// Ring buffer of [`crate::Record`]s.
    pub const EVENTS: &str = "EVENTS";
}
