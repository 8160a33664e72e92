//! What is wrong: pure functions of the World. In: a World that keeps the past
//! (`World::keeping`). Out: [`Finding`]s, one for each pattern, with what they
//! rest on and a confidence that follows from it.
//!
//! `confidence.rs` has the rules of that in one table, which the pages of
//! `docs/findings` print.

mod confidence;
mod daemons;
mod deadlock;
mod finding;
mod growth;
mod leak;
mod lock_order;
mod long_block;
mod race;
mod race_hint;
mod starvation;
mod surety;
mod waiting;
mod words;

#[cfg(test)]
mod graph_tests;
#[cfg(test)]
mod starvation_tests;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::model::Links;
use crate::world::{WaitGraphs, World};

pub use confidence::{DOUBT, Rule};
pub use finding::{Class, Confidence, Finding, Related, Step};
pub use race::races;
pub use race_hint::drop_hints;

/// All that is found, worst first. `links` are by addresses or by the source, or both,
/// the better first; `min_block` is from how long on a wait is long.
#[must_use]
pub fn findings(world: &World, links: &[&Links], min_block: Duration) -> Vec<Finding> {
    let graph = WaitGraphs::new(world, links);
    let (mut found, deadlocked) = deadlock::findings(world, &graph);
    found.extend(leak::findings(world, &graph, &deadlocked, min_block));
    let told = found.iter().filter(|finding| finding.confidence > Confidence::Low);
    let told = told.flat_map(|finding| finding.goroutines.iter().copied()).collect();
    let growing = growth::findings(world, &told);
    // Of what may idle it says more that they become ever more.
    found.retain(|known| known.confidence > Confidence::Low || growing.iter().all(|one| one.id != known.id));
    found.extend(growing);
    found.extend(long_block::findings(world, &graph, &told, min_block));
    for links in links {
        for order in lock_order::findings(world, links, &deadlocked) {
            if found.iter().all(|known| known.id != order.id) {
                found.push(order);
            }
        }
    }
    found.extend(starvation::findings(world));
    found.extend(links.iter().flat_map(|links| race_hint::findings(world, links)));
    let lost = world.totals().lost.total();
    let broken = world.source_problems().iter().chain(world.problems().iter()).next();
    for finding in &mut found {
        if matches!(finding.class, Class::Deadlock | Class::GoroutineLeak | Class::LongBlock) {
            let before = waiting::waited_before(world, &finding.goroutines, finding.blocked_for);
            finding.evidence.extend(before);
        }
        if lost > 0 {
            finding.doubt(format!("{lost} events were lost: a wake-up may be among them"));
        } else if let Some(problem) = broken {
            finding.doubt(format!("the input is not whole: {}", problem.what));
        }
    }
    found.sort_by(|a, b| (b.confidence, b.count, &a.id).cmp(&(a.confidence, a.count, &b.id)));
    found
}
