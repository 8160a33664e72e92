//! `dump --format pprof`: a goroutine profile, with the state, the reason and the
//! goroutine's own labels on each sample.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use super::filter::Selection;
use super::groups::{Group, groups};
use crate::model::GoState;
use crate::profile::{About, Sample, Tables};
use crate::session::View;

/// Writes the profile, compressed.
///
/// # Errors
/// Those of `out`.
pub fn pprof(view: &View, selection: &Selection, out: impl Write) -> io::Result<()> {
    let mut tables = Tables::new();
    let goroutines = tables.value_type("goroutine", "count");
    let blocked = tables.value_type("blocked", "nanoseconds");
    let sample = groups(view, selection)
        .iter()
        .flat_map(|group| samples(&mut tables, view, selection, group))
        .collect();
    let about = About {
        header: &view.header,
        time: view.snapshot.0,
        duration: Duration::ZERO,
        values: vec![blocked, goroutines.clone()],
        period: goroutines,
    };
    tables.write(about, sample, out)
}

/// One sample for those of a group that have the same labels.
fn samples(tables: &mut Tables, view: &View, selection: &Selection, group: &Group<'_>) -> Vec<Sample> {
    let location_id = tables.stack(selection.frames(group.stack));
    let mut condition = vec![tables.label("state", group.state.as_str())];
    condition.extend(group.reason.map(|reason| tables.label("reason", &reason.to_string())));
    let mut by_labels: HashMap<_, [i64; 2]> = HashMap::new();
    for goroutine in &group.members {
        let blocked = goroutine.state == GoState::Blocked;
        let lasting = view.lasting(goroutine).filter(|_| blocked).unwrap_or_default();
        let [time, number] = by_labels.entry(&goroutine.labels).or_default();
        *time = time.saturating_add(i64::try_from(lasting.as_nanos()).unwrap_or(i64::MAX));
        *number += 1;
    }
    let mut by_labels: Vec<_> = by_labels.into_iter().collect();
    by_labels.sort();
    by_labels
        .into_iter()
        .map(|(labels, value)| {
            let mut label = condition.clone();
            label.extend(labels.iter().map(|(key, value)| tables.label(key, value)));
            Sample { location_id: location_id.clone(), value: value.to_vec(), label }
        })
        .collect()
}
