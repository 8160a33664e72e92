//! An input from its beginning to its end, for who wants each thing that it
//! yields. In come a source and the wish to stop; out goes one observation after
//! the other, and for a snapshot the events that say the same.

use std::io;

use super::live_loop::LoopError;
use crate::model::{Observation, Source, Time};
use crate::world::World;

/// Hands what `source` yields to `each`, until its end or until `stop`.
///
/// # Errors
/// When the source cannot go on, behind all that it yielded until then, or `each`
/// cannot write.
pub fn play(
    source: &mut dyn Source,
    mut stop: impl FnMut() -> bool,
    mut each: impl FnMut(&Observation) -> io::Result<()>,
) -> Result<(), LoopError> {
    let mut observed = Vec::new();
    let mut seen = World::default();
    let mut more = Ok(true);
    while matches!(more, Ok(true)) && !stop() {
        more = source.observe(Time::default(), &mut observed);
        for observation in observed.drain(..) {
            let Observation::Snapshot(snapshot) = &observation else {
                each(&observation).map_err(LoopError::Output)?;
                continue;
            };
            let events = seen.apply(&observation).into_iter().map(Observation::Event);
            let problems = snapshot.problems.iter().cloned().map(Observation::Problem);
            events.chain(problems).try_for_each(|told| each(&told)).map_err(LoopError::Output)?;
        }
    }
    more.map(drop).map_err(LoopError::Source)
}
