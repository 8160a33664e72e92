//! An input read to its end, and what is found in it. In come a source and the
//! wish to stop; out comes an [`Analysis`], of what was gathered until then.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::runs::{Run, Runs};
use crate::code::{self, BySource, LeftOut};
use crate::detect::{self, Finding};
use crate::model::{GoId, LiveVars, Problem, Races, Sink, Source, SourceError, Texts, Time};
use crate::world::{Keep, World};

/// Transitions kept of each goroutine.
const TRANSITIONS: usize = 16;
/// How long the source is read at most. What is followed of one of the largest
/// packages, `net/http` with its tests, takes three seconds.
const SOURCE: Duration = Duration::from_secs(30);
/// The same where who waits for it has ended what was before: he wants to know what
/// that was, and soon.
const SOURCE_AT_THE_END: Duration = Duration::from_secs(2);

/// What is found in one input, or in several together.
#[derive(Debug, Default)]
pub struct Analysis {
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
    /// Goroutines that were seen.
    pub goroutines: u64,
    /// Events that were made and not received.
    pub lost_events: u64,
    /// How long the program was stopped to be looked at.
    pub stopped_for: Duration,
    /// What is missing of the input, or is not to be trusted.
    pub problems: Vec<Problem>,
    /// What is wrong and known to be: it is not to be told.
    pub suppressed: Vec<Suppressed>,
    /// Which inputs these are.
    pub runs: Runs,
    /// What one of the goroutines of a finding has at hand, by the finding's id.
    pub live_vars: HashMap<String, LiveVars>,
}

/// A finding that is not to be told.
#[derive(Clone, Debug)]
pub struct Suppressed {
    /// It,
    pub finding: Finding,
    /// and why not.
    pub by: Suppression,
}

/// Why a finding is not to be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Suppression {
    /// It is in the baseline.
    Baseline,
    /// A comment in the source says so.
    Comment {
        /// What for.
        reason: String,
        /// Where it stands,
        file: Arc<str>,
        /// from 1 on.
        line: u32,
    },
}

/// A World that keeps as much of the past as detectors ask for.
pub(super) fn world(min_block: Duration) -> World {
    World::keeping(Keep { transitions: TRANSITIONS, long: min_block })
}

impl Analysis {
    /// Reads `source` to its end, or until `stop`; from `min_block` on a wait is long.
    /// Where the source cannot go on, what was before is analysed, that place is
    /// among the problems, and comes as an error, too. `texts` has the program's source;
    /// of a program where that takes long, or until `stop`, nothing is told by it, and
    /// that is a problem, too.
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
        (Analysis::of_world(&world, texts, min_block, &mut stop), broken)
    }

    /// What is found in what is known, which keeps the past.
    pub(super) fn of_world(
        world: &World,
        texts: &dyn Texts,
        min_block: Duration,
        stop: &mut dyn FnMut() -> bool,
    ) -> Analysis {
        let (begun, ended) = (Instant::now(), stop());
        let most = if ended { SOURCE_AT_THE_END } else { SOURCE };
        let BySource { links: by_source, left_out } =
            code::links(world, texts, &mut || !ended && stop() || begun.elapsed() >= most);
        let left_out = left_out.map(|why| {
            let why = match why {
                LeftOut::Stopped if stop() => "interrupted".to_owned(),
                LeftOut::Stopped => format!("it takes over {} s to read", most.as_secs()),
                why => why.to_string(),
            };
            let what = format!("what the program's source says of who waits for whom was left out: {why}");
            Problem { goroutine: None, what }
        });
        let by_addresses = world.links().map(|links| &**links);
        let links: Vec<_> = by_addresses.into_iter().chain([&by_source]).collect();
        let problems = world.source_problems().iter().chain(world.problems().iter()).chain(&left_out);
        Analysis {
            findings: detect::findings(world, &links, min_block),
            goroutines: world.totals().goroutines,
            lost_events: world.totals().lost.total(),
            stopped_for: world.totals().stopped_for,
            problems: problems.cloned().collect(),
            ..Analysis::default()
        }
    }

    /// What is found in what the race detector saw.
    #[must_use]
    pub fn of_races(races: &Races) -> Analysis {
        let findings = detect::races(races);
        let mut problems = Vec::new();
        if races.left_out() > 0 {
            let what = format!("{} more reports of races, at other places, were left out", races.left_out());
            problems.push(Problem { goroutine: None, what });
        }
        Analysis { findings, problems, ..Analysis::default() }
    }

    /// The same, found in `run`.
    #[must_use]
    pub fn found_in(mut self, run: Run) -> Analysis {
        self.runs = Runs::one(run, self.findings.iter().map(|finding| &*finding.id));
        self
    }

    /// Takes the findings out that `why` gives a reason for.
    pub fn suppress(&mut self, mut why: impl FnMut(&Finding) -> Option<Suppression>) {
        for finding in std::mem::take(&mut self.findings) {
            match why(&finding) {
                Some(by) => self.suppressed.push(Suppressed { finding, by }),
                None => self.findings.push(finding),
            }
        }
    }

    /// Takes up what goroutines had at hand: of each finding that of the first of them
    /// that is known and is where the finding says.
    pub fn take_live_vars(&mut self, known: &HashMap<GoId, LiveVars>) {
        for finding in &self.findings {
            let is_there = |vars: &&LiveVars| {
                finding
                    .stack
                    .site()
                    .is_some_and(|site| (&site.function, site.line) == (&vars.call.function, vars.call.line))
            };
            if let Some(vars) = finding.goroutines.iter().filter_map(|id| known.get(id)).find(is_there) {
                self.live_vars.insert(finding.id.clone(), vars.clone());
            }
        }
    }

    /// Adds what was found in another input. What both have is one finding, told by
    /// the one that is surer, or has more of it.
    pub fn add(&mut self, other: Analysis) {
        let mut known: HashMap<String, usize> =
            self.findings.iter().enumerate().map(|(at, finding)| (finding.id.clone(), at)).collect();
        for finding in other.findings {
            let place = known.get(&finding.id).copied();
            match place.and_then(|place| self.findings.get_mut(place)) {
                Some(known) => {
                    let longest = known.blocked_for.max(finding.blocked_for);
                    if (finding.confidence, finding.count) > (known.confidence, known.count) {
                        *known = finding;
                    }
                    known.blocked_for = longest;
                }
                None => {
                    known.insert(finding.id.clone(), self.findings.len());
                    self.findings.push(finding);
                }
            }
        }
        detect::drop_hints(&mut self.findings);
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.confidence));
        for (id, vars) in other.live_vars {
            self.live_vars.entry(id).or_insert(vars);
        }
        self.suppressed.extend(other.suppressed);
        self.runs.add(other.runs);
        self.goroutines += other.goroutines;
        self.lost_events = self.lost_events.saturating_add(other.lost_events);
        self.stopped_for += other.stopped_for;
        self.problems.extend(other.problems);
    }
}
