//! The counters that the programs keep, summed over the CPUs.

use aya::maps::{MapData, PerCpuArray};
use bingo_common::{Counter, Kind, counter_slot};

use super::{LiveError, Probe};

/// The map of counters.
pub(super) struct Counts {
    map: PerCpuArray<MapData, u64>,
}

/// The counts of one probe, since it was first set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Count {
    /// Times that it fired.
    pub hits: u64,
    /// Hits that a filter kept back.
    pub filtered: u64,
    /// Records that were made and could not be sent: the ring was full, or the
    /// goroutine could not be read.
    pub lost: u64,
}

impl Counts {
    pub(super) fn new(map: PerCpuArray<MapData, u64>) -> Counts {
        Counts { map }
    }

    /// The counts of every probe, by index.
    pub(super) fn read(&self) -> Result<[Count; 4], LiveError> {
        let mut counts = [Count::default(); 4];
        for (count, probe) in counts.iter_mut().zip(Probe::ALL) {
            // Records first: what is counted as lost is then among the hits.
            count.lost =
                self.sum(probe.kind(), Counter::Dropped)? + self.sum(probe.kind(), Counter::Unreadable)?;
            count.filtered = self.sum(probe.kind(), Counter::Filtered)?;
            count.hits = self.sum(probe.kind(), Counter::Hits)?;
        }
        Ok(counts)
    }

    /// Hits of every probe, by index.
    pub(super) fn hits(&self) -> Result<[u64; 4], LiveError> {
        let mut hits = [0; 4];
        for (hits, probe) in hits.iter_mut().zip(Probe::ALL) {
            *hits = self.sum(probe.kind(), Counter::Hits)?;
        }
        Ok(hits)
    }

    /// Times that the program on a function of ours has run.
    pub(super) fn calibrated(&self) -> Result<u64, LiveError> {
        self.sum(Kind::Calibrate, Counter::Hits)
    }

    fn sum(&self, kind: Kind, counter: Counter) -> Result<u64, LiveError> {
        let values = self
            .map
            .get(&counter_slot(kind, counter), 0)
            .map_err(|error| LiveError::Object(format!("counters: {error}")))?;
        Ok(values.iter().sum())
    }
}
