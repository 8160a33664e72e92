//! `--to pprof`: a block profile, as Go's own (`/debug/pprof/block`): how often
//! and how long goroutines were blocked by stack, with the reason on each sample.

use std::io::{self, Write};

use super::blocked::Picture;
use crate::profile::{About, Sample, Tables};

/// Writes the profile, compressed.
///
/// # Errors
/// Those of `out`.
pub fn pprof(picture: &Picture<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut tables = Tables::new();
    let contentions = tables.value_type("contentions", "count");
    let delay = tables.value_type("delay", "nanoseconds");
    let samples = picture.waits.iter().map(|wait| {
        let label = wait.reason.map(|reason| tables.label("reason", &reason.to_string()));
        let count = i64::try_from(wait.count).unwrap_or(i64::MAX);
        let blocked = i64::try_from(wait.blocked.as_nanos()).unwrap_or(i64::MAX);
        Sample {
            location_id: tables.stack(picture.frames(&wait.stack)),
            value: vec![count, blocked],
            label: label.into_iter().collect(),
        }
    });
    let samples = samples.collect();
    let about = About {
        header: picture.header,
        time: picture.header.start_monotonic,
        duration: picture.span,
        values: vec![contentions.clone(), delay],
        period: contentions,
    };
    tables.write(about, samples, out)
}
