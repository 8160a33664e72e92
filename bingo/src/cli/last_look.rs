//! What is seen of a test binary that stands on its way out: all its goroutines, and
//! how they hang together by addresses.

use super::live_vars;
use super::outside::monotonic;
use super::run::LastLook;
use crate::goruntime::ProcessSource;
use crate::model::Source;

/// Looks at the process `pid`, which is held; why that cannot be, where it cannot.
pub(super) fn at(pid: u32) -> Result<LastLook, String> {
    let mut source = ProcessSource::open(pid).map_err(|error| error.to_string())?;
    // What nobody gets at is told where two looks have it so; the second is that.
    source.close_snapshot(monotonic()).map_err(|error| error.to_string())?;
    let snapshot = source.close_snapshot(monotonic()).map_err(|error| error.to_string())?;
    let live_vars = live_vars::of_waiting(&source, &snapshot);
    Ok(LastLook { header: source.header().clone(), snapshot: Box::new(snapshot), live_vars })
}
