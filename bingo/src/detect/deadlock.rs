//! Deadlocks: goroutines that wait for each other, one that waits for itself, and
//! a whole program that stands. What holds them together comes from the
//! [`WaitGraphs`]: a cycle there is of goroutines that all are stuck, so that none
//! of the things they wait for comes from anywhere else.
//!
//! ```text
//!   goroutine 7 ──waits for──▶ lock A ──held by──▶ goroutine 9
//!        ▲                                             │
//!        └──held by── lock B ◀──waits for──────────────┘
//! ```
//!
//! Known limits: without links (a trace whose source is not there) no lock has a
//! holder, and a cycle is told as goroutines that are parked for good.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::finding::{Class, Finding, NAMED, Step};
use super::surety::together;
use super::waiting::{SHORTEST, is_for_another_test, lasted, test_of, waits_of_itself};
use super::words;
use crate::model::{GoId, GoState, ObjectKey, Operation, Stack, Time};
use crate::world::{Cycle, Edge, Goroutine, Standing, WaitGraphs, World};

const CYCLE: &str = "Each of them waits for what only the next one could do, so that none of them ever goes on. \
     Whoever comes for one of these locks or channels later waits for ever, too.";
const ITSELF: &str = "It waits for what only it could do itself, so that it never goes on. Go's locks are not \
     reentrant: who holds one and asks for it again waits for itself.";
const WHOLE: &str = "No goroutine of the program can go on: each waits, and nobody is left to end a wait.";

/// What is found, and who is part of it.
pub(super) fn findings(world: &World, graph: &WaitGraphs<'_>) -> (Vec<Finding>, BTreeSet<GoId>) {
    let own = |id| world.glance(id).is_some_and(|goroutine| waits_of_itself(goroutine.stack()));
    let cycles = graph.cycles(&own);
    if let Some(members) = whole_program(world, graph) {
        let finding = of_whole(world, graph, &members, &cycles);
        return (finding.into_iter().collect(), members.into_iter().collect());
    }
    let mut part = BTreeSet::new();
    let mut patterns: BTreeMap<String, Vec<&Cycle<'_>>> = BTreeMap::new();
    for cycle in &cycles {
        part.extend(cycle.members.iter().copied());
        patterns.entry(pattern(world, &cycle.members)).or_default().push(cycle);
    }
    let found = patterns.values().filter_map(|cycles| of_cycles(world, graph, cycles)).collect();
    (found, part)
}

/// What the same cycle of other goroutines has in common: where they wait.
fn pattern(world: &World, members: &[GoId]) -> String {
    let mut sites: Vec<String> = members.iter().filter_map(|id| site(world, *id)).collect();
    sites.sort();
    sites.dedup();
    sites.join(" ")
}

fn site(world: &World, id: GoId) -> Option<String> {
    let goroutine = world.glance(id)?;
    goroutine.stack().site().map(|site| format!("{} {}:{}", site.function, site.file, site.line))
}

/// All goroutines of a program in which none goes on; `None` where one does, but for
/// one that was made when all others stood already, and no other one has been since.
fn whole_program(world: &World, graph: &WaitGraphs<'_>) -> Option<Vec<GoId>> {
    let stuck = |id| graph.standing(id).is_some_and(|standing| standing >= Standing::Stuck);
    // Of tests it is told who hangs, and not that the others wait for that one.
    let tests = world.goroutine(GoId::MAIN).is_some_and(|main| is_for_another_test(&main.stack));
    if tests || !stuck(GoId::MAIN) {
        return None;
    }
    let (mut members, mut last, mut ends) = (Vec::new(), Time::default(), None);
    for goroutine in world.glances() {
        if goroutine.is_system() || is_runtimes(goroutine.stack()) {
            continue;
        }
        if goroutine.state() == GoState::Blocked && stuck(goroutine.id()) {
            members.push(goroutine.id());
            last = last.max(goroutine.since().time());
            continue;
        }
        // What ends the recording is made at its very end, by a timer for instance.
        let young = |made: &Time| world.latest().since(*made) < SHORTEST;
        let made = goroutine.created().filter(|made| goroutine.state() != GoState::Blocked || young(made));
        ends = Some(made.filter(|_| ends.is_none())?);
    }
    if ends.is_some_and(|ends| ends < last) {
        return None;
    }
    members.sort_unstable();
    Some(members)
}

/// Whether it is the runtime's own, or takes the trace: a trace does not say so.
fn is_runtimes(stack: &Stack) -> bool {
    let own = |function: &str| function.starts_with("runtime.") || function.starts_with("runtime/trace.");
    !stack.frames().is_empty() && stack.frames().iter().all(|frame| own(&frame.function))
}

fn of_whole(
    world: &World,
    graph: &WaitGraphs<'_>,
    members: &[GoId],
    cycles: &[Cycle<'_>],
) -> Option<Finding> {
    let way = cycles.first().map(|cycle| cycle.way.as_slice()).unwrap_or_default();
    let mut finding = of(world, graph, members, way)?;
    finding.title = match finding.count {
        1 => "the only goroutine waits for what nobody is left to do".to_owned(),
        count => format!("all {count} goroutines wait, and nobody is left to wake them"),
    };
    finding.explanation = WHOLE;
    finding.evidence.push("no goroutine of the program can go on".to_owned());
    Some(finding)
}

fn of_cycles(world: &World, graph: &WaitGraphs<'_>, cycles: &[&Cycle<'_>]) -> Option<Finding> {
    let first = cycles.first()?;
    let mut members: Vec<GoId> = cycles.iter().flat_map(|cycle| cycle.members.iter().copied()).collect();
    members.sort_unstable();
    let mut finding = of(world, graph, &members, &first.way)?;
    let objects: BTreeSet<&str> = first.way.iter().map(|edge| edge.object.kind.as_str()).collect();
    let objects = objects.into_iter().collect::<Vec<_>>().join(" and ");
    finding.title = match (first.members.len(), cycles.len()) {
        (1, 1) => format!("1 goroutine waits for itself ({objects})"),
        (1, count) => format!("{count} goroutines wait, each for itself ({objects})"),
        (size, 1) => format!("{size} goroutines wait for each other ({objects})"),
        (size, count) => {
            format!(
                "{} goroutines wait for each other ({objects}), {size} at a time: {count} cycles",
                members.len()
            )
        }
    };
    if first.members.len() == 1 {
        finding.explanation = ITSELF;
    }
    Some(finding)
}

/// A finding of these goroutines, one way around of whom is `way`.
fn of(world: &World, graph: &WaitGraphs<'_>, members: &[GoId], way: &[Edge<'_>]) -> Option<Finding> {
    let lives: Vec<&Arc<Goroutine>> = members.iter().filter_map(|id| world.goroutine(*id)).collect();
    let lasted = |one: &Goroutine| lasted(world, one.since.time());
    // Where a person would begin to read: who waits for a lock, else the first.
    let at_lock = way.iter().find(|edge| matches!(edge.operation, Operation::Lock | Operation::RLock));
    let first =
        at_lock.or(way.first()).and_then(|edge| world.goroutine(edge.from)).or(lives.first().copied())?;
    let (confidence, doubt) = together(world, graph, members)?;
    let briefest = lives.iter().map(|one| lasted(one)).min().unwrap_or_default();
    let cycle: Vec<Step> = way.iter().filter_map(|edge| step(world, edge)).collect();
    let mut evidence: Vec<String> = way.iter().map(|edge| words::edge(world, edge)).collect();
    let blocked_for = lives.iter().map(|one| lasted(one)).max().unwrap_or_default();
    if !briefest.is_zero() {
        evidence.push(format!("none of them has gone on for {:.3} s", briefest.as_secs_f64()));
    }
    evidence.extend(doubt.map(|doubt| doubt.said(confidence)));
    for one in &lives {
        if let Some(test) = test_of(&one.stack) {
            evidence.push(format!("goroutine {} runs the test {test}", one.id.0));
        }
    }
    let named = way.iter().any(|edge| matches!(edge.object.key, ObjectKey::Name(_)));
    if named {
        evidence.push("the locks and channels are told apart by their names in the source".to_owned());
    }
    Some(Finding {
        id: Class::Deadlock.id(first.reason, &first.stack),
        class: Class::Deadlock,
        confidence,
        title: String::new(),
        goroutines: members.iter().copied().take(NAMED).collect(),
        count: members.len(),
        reason: first.reason,
        wait: first.wait.clone(),
        blocked_for,
        stack: first.stack.clone(),
        created_by: first.created_by.clone(),
        cycle,
        related: Vec::new(),
        evidence,
        explanation: CYCLE,
    })
}

fn step(world: &World, edge: &Edge<'_>) -> Option<Step> {
    Some(Step {
        goroutine: edge.from,
        stack: world.goroutine(edge.from)?.stack.clone(),
        waits_for: edge.to,
        on: edge.object.clone(),
        because: edge.because.clone(),
    })
}
