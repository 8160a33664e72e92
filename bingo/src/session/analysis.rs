//! An input read to its end, and what is found in it. In come a source and the
//! wish to stop; out comes an [`Analysis`], of what was gathered until then.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::code;
use crate::detect::{self, Finding};
use crate::model::{Problem, Sink, Source, SourceError, Texts, Time};
use crate::world::{Keep, World};

/// Transitions kept of each goroutine.
const TRANSITIONS: usize = 16;

/// What is found in one input, or in several together.
#[derive(Debug, Default)]
pub struct Analysis {
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
    /// Goroutines that were seen.
    pub goroutines: u64,
    /// Events that were made and not received.
    pub lost_events: u64,
    /// What is missing of the input, or is not to be trusted.
    pub problems: Vec<Problem>,
}

/// A World that keeps as much of the past as detectors ask for.
pub(super) fn world(min_block: Duration) -> World {
    World::keeping(Keep { transitions: TRANSITIONS, long: min_block })
}

impl Analysis {
    /// Reads `source` to its end, or until `stop`; from `min_block` on a wait is long.
    /// Where the source cannot go on, what was before is analysed, that place is
    /// among the problems, and comes as an error, too. `texts` has the program's source.
    pub fn as_far_as(
        source: &mut dyn Source,
        texts: &dyn Texts,
        min_block: Duration,
        mut stop: impl FnMut() -> bool,
    ) -> (Analysis, Option<SourceError>) {
        let mut world = world(min_block);
        let mut more = Ok(true);
        while matches!(more, Ok(true)) && !stop() {
            more = source.observe(Time::default(), &mut world);
        }
        let broken = more.err();
        let what = match &broken {
            Some(error) => Some(error.to_string()),
            None => stop().then(|| "interrupted: what comes behind was not read".to_owned()),
        };
        if let Some(what) = what {
            world.problem(Problem { goroutine: None, what });
        }
        (Analysis::of_world(&world, texts, min_block), broken)
    }

    /// What is found in what is known, which keeps the past.
    pub(super) fn of_world(world: &World, texts: &dyn Texts, min_block: Duration) -> Analysis {
        // What was seen by addresses is better than what the source says.
        let links = world.links().cloned().unwrap_or_else(|| Arc::new(code::links(world, texts)));
        let problems = world.source_problems().iter().chain(world.problems().iter());
        Analysis {
            findings: detect::findings(world, &links, min_block),
            goroutines: world.totals().goroutines,
            lost_events: world.totals().lost.total(),
            problems: problems.cloned().collect(),
        }
    }

    /// Adds what was found in another input. What both have is one finding.
    pub fn add(&mut self, other: Analysis) {
        let mut known: HashMap<String, &mut Finding> =
            self.findings.iter_mut().map(|finding| (finding.id.clone(), finding)).collect();
        let mut new = Vec::new();
        for finding in other.findings {
            let Some(known) = known.get_mut(&finding.id) else {
                new.push(finding);
                continue;
            };
            known.evidence.push(format!("found in another input too: {}", finding.title));
            known.confidence = known.confidence.max(finding.confidence);
            known.blocked_for = known.blocked_for.max(finding.blocked_for);
            known.count += finding.count;
        }
        self.findings.extend(new);
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.confidence));
        self.goroutines += other.goroutines;
        self.lost_events = self.lost_events.saturating_add(other.lost_events);
        self.problems.extend(other.problems);
    }
}
