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
/// Who runs so long at a time, and is cut off then, uses its slices up: they are shorter
/// where the collector stops the world meanwhile.
const SLICE: Duration = Duration::from_millis(2);
/// So long is a slice at the most: the runtime looks every 10 ms for who has had his 10
/// (`sysmon`, `retake` in `runtime/proc.go`, Go 1.19 to 1.27).
const LONGEST_SLICE: Duration = Duration::from_millis(20);
/// So often has one to be seen at its turn, or it was by chance.
const SEEN: u32 = 3;
/// One part in so many of the time of those turns was spent on run queues.
const PART: u32 = 4;
/// Less of waiting says nothing.
const ALONE: Duration = Duration::from_millis(250);

const EXPLANATION: &str = "It could go on and has to wait until every goroutine before it has used its time slice \
     up. Goroutines that compute, or spin, without ever waiting make everybody else slow: what they spin \
     for belongs into a channel, a Cond or a timer, and work for many goroutines into a pool as large as \
     GOMAXPROCS.";

/// How goroutines came to their turns.
#[derive(Clone, Copy, Default)]
struct Turns {
    waited: Duration,
    longest: Duration,
    waits: u32,
    ran: Duration,
    runs: u32,
    /// Runs after which it could go on.
    cut_off: u32,
    /// How often it was seen at its turn.
    seen: u32,
    /// From the first of the turns that are known to the end.
    known: Duration,
}

/// Those that are alike, and how they came to their turns.
type Like<'w> = Vec<(Glance<'w>, Turns)>;

/// What goroutines have in common that are alike: where they were made, and the function
/// they are at, if that is known.
type Kind<'w> = (Option<(&'w str, u32)>, Option<&'w str>);

/// How many are alike, and how they came to their turns together.
#[derive(Clone, Copy, Default)]
struct Pattern {
    count: usize,
    all: Turns,
}

pub(super) fn findings(world: &World) -> Vec<Finding> {
    let sampled = world.glances().any(|goroutine| goroutine.sampled().is_some());
    let known = || {
        let turns = move |glance| if sampled { sampled_turns(glance) } else { turns(world, glance) };
        let own = world.glances().filter(|goroutine| !goroutine.is_system());
        own.filter_map(move |glance| Some((glance, turns(glance)?)))
    };
    let mut patterns: BTreeMap<Kind<'_>, Pattern> = BTreeMap::new();
    let mut at_once = 0.0;
    for (glance, turns) in known() {
        if !turns.known.is_zero() {
            at_once += turns.ran.div_duration_f64(turns.known);
        }
        if let Some(kind) = kind(glance) {
            patterns.entry(kind).or_default().add(1, &turns);
        }
    }
    let joined = join_those_without_a_stack(&mut patterns);
    let mut hogs: Vec<(&Kind<'_>, &Pattern)> =
        patterns.iter().filter(|(_, pattern)| pattern.all.uses_slices_up()).collect();
    hogs.sort_by_key(|(_, pattern)| std::cmp::Reverse(pattern.count));
    let hogging: usize = hogs.iter().map(|(_, pattern)| pattern.count).sum();
    let round = LONGEST_SLICE.saturating_mul(u32::try_from(hogging).unwrap_or(u32::MAX));
    if round.div_f64(f64::max(at_once, 1.0)) < ROUND {
        // So few of them are through sooner: it is the threads that have no turn.
        return Vec::new();
    }
    let mut hog: Option<(Glance<'_>, Turns)> = None;
    let mut others: BTreeMap<Kind<'_>, Like<'_>> = BTreeMap::new();
    for (glance, turns) in known() {
        let Some(kind) = kind(glance) else { continue };
        let kind = joined.get(&kind).copied().unwrap_or(kind);
        if hogs.iter().all(|(hog, _)| **hog != kind) {
            if turns.starves() {
                others.entry(kind).or_default().push((glance, turns));
            }
        } else if hogs.first().is_some_and(|(first, _)| **first == kind)
            && hog.is_none_or(|(_, most)| most.seen <= turns.seen)
        {
            hog = Some((glance, turns));
        }
    }
    let hog = hog.map(|(hog, _)| (hogging, hog.whole()));
    others.into_values().filter_map(|members| pattern(world, members, hog)).collect()
}

/// `None` where nothing is known of one, as of the runtime's own in a trace.
fn kind(goroutine: Glance<'_>) -> Option<Kind<'_>> {
    let made = goroutine.created_by().map(|made| (&*made.file, made.line));
    let function = goroutine.stack().site().map(|site| &*site.function);
    (made.is_some() || function.is_some()).then_some((made, function))
}

/// Of what is cut off in a loop without calls a trace may have no stack: it is like those
/// that were made at the same place. The answer is which kind of these each such kind is.
fn join_those_without_a_stack<'w>(
    patterns: &mut BTreeMap<Kind<'w>, Pattern>,
) -> BTreeMap<Kind<'w>, Kind<'w>> {
    let bare: Vec<Kind<'w>> = patterns.keys().filter(|(_, function)| function.is_none()).copied().collect();
    let mut joined = BTreeMap::new();
    for bare in bare {
        let alike = patterns.iter().filter(|(kind, _)| **kind != bare && kind.0 == bare.0);
        let Some(largest) = alike.max_by_key(|(_, pattern)| pattern.count).map(|(kind, _)| *kind) else {
            continue;
        };
        let joining = patterns.remove(&bare).unwrap_or_default();
        patterns.entry(largest).or_default().add(joining.count, &joining.all);
        joined.insert(bare, largest);
    }
    joined
}

/// By what was seen at snapshots.
fn sampled_turns(goroutine: Glance<'_>) -> Option<Turns> {
    let sampled = goroutine.sampled()?;
    let parks = u32::try_from(goroutine.blocks()).unwrap_or(u32::MAX);
    // One wait at least, which goes on.
    let waits = sampled.turns.max(1);
    Some(Turns {
        waited: sampled.runnable,
        longest: sampled.longest.max(sampled.runnable / waits),
        waits,
        ran: sampled.running,
        runs: sampled.turns.max(u32::from(sampled.seen > 0)),
        cut_off: sampled.turns.saturating_sub(parks).max(u32::from(parks == 0)),
        seen: sampled.seen,
        known: sampled.known,
    })
}

/// By what happened.
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
    turns.seen = turns.runs.saturating_mul(SEEN);
    Some(turns)
}

impl Pattern {
    fn add(&mut self, count: usize, turns: &Turns) {
        self.count += count;
        self.all = self.all.and(turns);
    }
}

impl Turns {
    fn and(self, more: &Turns) -> Turns {
        Turns {
            waited: self.waited + more.waited,
            longest: self.longest.max(more.longest),
            waits: self.waits.saturating_add(more.waits),
            ran: self.ran + more.ran,
            runs: self.runs.saturating_add(more.runs),
            cut_off: self.cut_off.saturating_add(more.cut_off),
            seen: self.seen.saturating_add(more.seen),
            known: self.known + more.known,
        }
    }

    fn uses_slices_up(&self) -> bool {
        self.runs > 0
            && self.seen >= SEEN
            && self.ran / self.runs >= SLICE
            && self.cut_off > self.runs / 2
            && self.ran + self.waited >= self.known / 2
    }

    fn starves(&self) -> bool {
        self.longest.max(self.waited) >= ALONE
            && self.waits > 0
            && self.waited / self.waits >= ROUND
            && self.waited >= self.known / PART
    }
}

fn pattern(world: &World, mut members: Like<'_>, hog: Option<(usize, &Arc<Goroutine>)>) -> Option<Finding> {
    members.sort_by_key(|(member, _)| member.id());
    let seen = members.iter().find(|(member, _)| !member.stack().frames().is_empty());
    let first = seen.or(members.first())?.0.whole();
    let longest = members.iter().map(|(_, turns)| turns.longest).max()?;
    let waits: u32 = members.iter().map(|(_, turns)| turns.waits).sum();
    let waited: Duration = members.iter().map(|(_, turns)| turns.waited).sum();
    let unsure = members.iter().any(|(member, _)| world.is_uncertain(member.id()));
    let count = members.len();
    let mut evidence = vec![format!(
        "a turn was waited for {:.3} s on average, {:.3} s at the most, in the last {waits} times",
        (waited / waits.max(1)).as_secs_f64(),
        longest.as_secs_f64()
    )];
    let mut related = Vec::new();
    if let Some((number, hog)) = hog {
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
        goroutines: members.iter().map(|(member, _)| member.id()).take(NAMED).collect(),
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
