//! Starvation: goroutines that could go on and have no turn, again and again,
//! because others use up their time slices (10 ms, `forcePreemptNS` in
//! `runtime/proc.go`, Go 1.19 to 1.27) one after the other.
//!
//! ```text
//!   hogs    ██████████░░░░░░░░░░░░░░░░░░░░██████████
//!   victim  ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░█░░░░░░░░░     █ runs   ░ is runnable
//! ```
//!
//! Who uses its slices up itself has its share, however long the round takes. On a
//! machine that other programs keep busy threads have no turn, and everything takes
//! long: but who waits or ends soon is then seldom cut off, and few take no long round
//! by Go's own slices. From a trace the turns are exact; live they are as fine as
//! snapshots are.
//!
//! Known limits: of each goroutine the last turns alone are known by their length.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::finding::{Class, Confidence, Finding, NAMED, Related};
use super::words;
use crate::model::GoState;
use crate::world::{Glance, Goroutine, World};

/// So long a turn of one's own is waited for on average, or it is none of this.
const ROUND: Duration = Duration::from_millis(100);
/// Who runs so long at a time uses its slices up.
const SLICE: Duration = Duration::from_millis(5);
/// So long is a slice at the most: the runtime looks every 10 ms for who has had his 10
/// (`sysmon`, `retake` in `runtime/proc.go`, Go 1.19 to 1.27).
const LONGEST_SLICE: Duration = Duration::from_millis(20);
/// One part in so many of the time of those turns was spent on run queues.
const PART: u32 = 4;
/// A single wait for a turn is something from here on.
const ALONE: Duration = Duration::from_millis(250);

const EXPLANATION: &str = "It could go on and has to wait until every goroutine before it has used its time slice \
     up. Goroutines that compute, or spin, without ever waiting make everybody else slow: what they spin \
     for belongs into a channel, a Cond or a timer, and work for many goroutines into a pool as large as \
     GOMAXPROCS.";

/// How a goroutine came to its turns.
#[derive(Default)]
struct Turns {
    waited: Duration,
    longest: Duration,
    waits: u32,
    ran: Duration,
    runs: u32,
    /// Runs after which it could go on.
    cut_off: u32,
    /// From the first of the turns that are known to the end.
    known: Duration,
}

pub(super) fn findings(world: &World) -> Vec<Finding> {
    let mut patterns: BTreeMap<String, Vec<(&Arc<Goroutine>, Turns)>> = BTreeMap::new();
    let mut hogs: BTreeMap<String, Vec<&Arc<Goroutine>>> = BTreeMap::new();
    for glance in world.glances().filter(|goroutine| !goroutine.is_system()) {
        let Some(turns) = turns(world, glance) else { continue };
        if turns.uses_slices_up() {
            hogs.entry(site(glance.whole())).or_default().push(glance.whole());
        } else if turns.starves() {
            patterns.entry(site(glance.whole())).or_default().push((glance.whole(), turns));
        }
    }
    patterns.remove("");
    let round = hogs.values().flatten().fold(Duration::ZERO, |round, _| round + LONGEST_SLICE);
    if round < ROUND {
        // So few of them are through sooner: it is the threads that have no turn.
        return Vec::new();
    }
    let hogs = hogs.into_values().max_by_key(Vec::len).unwrap_or_default();
    patterns.into_values().filter_map(|members| pattern(world, members, &hogs)).collect()
}

/// Where it left the processor, else where it was made: of what is preempted in a
/// loop without calls the trace may have no stack.
fn site(goroutine: &Goroutine) -> String {
    let site = goroutine.stack.site().map(|site| (&site.function, &site.file, site.line));
    let made = || goroutine.created_by.as_ref().map(|made| (&made.function, &made.file, made.line));
    site.or_else(made).map_or(String::new(), |(function, file, line)| format!("{function} {file}:{line}"))
}

fn turns(world: &World, goroutine: Glance<'_>) -> Option<Turns> {
    let transitions = goroutine.transitions();
    let known = world.latest().since(transitions.clone().next()?.time);
    let mut turns = Turns { known, ..Turns::default() };
    let next = transitions.clone().skip(1).map(|next| (next.time, next.state));
    for (transition, (end, then)) in transitions.zip(next.chain([(world.latest(), goroutine.state())])) {
        let lasted = end.since(transition.time);
        match transition.state {
            GoState::Runnable => {
                turns.waited += lasted;
                turns.longest = turns.longest.max(lasted);
                turns.waits += 1;
            }
            GoState::Running => {
                turns.ran += lasted;
                turns.runs += 1;
                turns.cut_off += u32::from(matches!(then, GoState::Runnable | GoState::Running));
            }
            GoState::Blocked | GoState::Syscall | GoState::Dead => {}
        }
    }
    Some(turns)
}

impl Turns {
    fn uses_slices_up(&self) -> bool {
        self.runs > 0 && self.ran / self.runs >= SLICE && self.cut_off > self.runs / 2
    }

    fn starves(&self) -> bool {
        (self.waits > 1 || self.longest >= ALONE)
            && self.waited / self.waits >= ROUND
            && self.waited >= self.known / PART
    }
}

fn pattern(
    world: &World,
    mut members: Vec<(&Arc<Goroutine>, Turns)>,
    hogs: &[&Arc<Goroutine>],
) -> Option<Finding> {
    members.sort_by_key(|(member, _)| member.id);
    let (first, _) = members.first()?;
    let longest = members.iter().map(|(_, turns)| turns.longest).max()?;
    let waits: u32 = members.iter().map(|(_, turns)| turns.waits).sum();
    let waited: Duration = members.iter().map(|(_, turns)| turns.waited).sum();
    let unsure = members.iter().any(|(member, _)| world.is_uncertain(member.id));
    let count = members.len();
    let mut evidence = vec![format!(
        "a turn was waited for {:.3} s on average, {:.3} s at the most, in the last {waits} times",
        (waited / waits.max(1)).as_secs_f64(),
        longest.as_secs_f64()
    )];
    let mut related = Vec::new();
    if let Some(hog) = hogs.first() {
        let number = hogs.len();
        let made = hog.created_by.as_ref();
        let made = made.map_or(String::new(), |made| {
            format!(", made at {}:{}", words::file_name(&made.file), made.line)
        });
        let what = format!("{number} goroutines use their time slices up: goroutine {} is one{made}", hog.id);
        evidence.push(format!("{what}{}", words::at(&hog.stack)));
        related.push(Related { what, stack: hog.stack.clone() });
    }
    let confidence = if unsure { Confidence::Low } else { Confidence::Medium };
    let goroutines =
        if count == 1 { "1 goroutine waits".to_owned() } else { format!("{count} goroutines wait") };
    Some(Finding {
        id: Class::Starvation.id(None, &first.stack),
        class: Class::Starvation,
        confidence,
        title: format!("{goroutines} up to {:.3} s for a turn, and could go on", longest.as_secs_f64()),
        goroutines: members.iter().map(|(member, _)| member.id).take(NAMED).collect(),
        count,
        reason: None,
        wait: None,
        blocked_for: longest,
        stack: first.stack.clone(),
        created_by: first.created_by.clone(),
        cycle: Vec::new(),
        related,
        evidence,
        explanation: EXPLANATION,
    })
}
