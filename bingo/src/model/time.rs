//! The one clock behind the sources.

use std::time::Duration;

/// Nanoseconds of the kernel's monotonic clock (`CLOCK_MONOTONIC`), which Go's
/// `nanotime` and eBPF's `bpf_ktime_get_ns` read too. A source that has another
/// clock aligns it before it yields anything.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub u64);

impl Time {
    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
