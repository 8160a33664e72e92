//! Leaks proven from outside beside those that Go's own `goroutineleak` profile finds
//! inside: whatever it tells of has to be proven, and nobody who waits as he should. And
//! those whose channels still stand on the stack of one that often runs, where nobody
//! uses them any more.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::Context;
use bingo::goruntime::ProcessSource;
use bingo::model::{Access, GoId, Links, Time};
use bingo_tests::{Child, Fixture, Mode, release_or_skip};

use crate::agreement::PATIENCE;

/// The first release that has the profile.
const WITH_PROFILE: u32 = 27;
const LEAKED: usize = 240;
/// Those that `bursts` leaves behind.
const BURSTS: usize = 24;

#[test]
fn all_that_go_itself_calls_leaked_is_proven() -> anyhow::Result<()> {
    let test = "leaks::all_that_go_itself_calls_leaked_is_proven";
    let Some(release) = release_or_skip(test, WITH_PROFILE) else { return Ok(()) };
    let fixture = Fixture::build("bench/heap", &release, Mode::Normal)?;
    let leaked = LEAKED.to_string();
    let arguments =
        ["-mb", "24", "-goroutines", "1500", "-leaked", &leaked, "-rate", "5000", "-interval", "100ms"];
    let mut child = Child::start(&fixture, &arguments)?;
    child.lines_until(PATIENCE, |line| line == "ready")?;
    let mut source = ProcessSource::open(child.pid())?;
    source.close_snapshot(Time(1))?;
    std::thread::sleep(Duration::from_millis(300));
    let snapshot = source.close_snapshot(Time(2))?;
    let links = snapshot.links.context("no links")?;
    let proven = proven(&links);
    child.send("leaks")?;
    let lines = child.lines_until(PATIENCE, |line| line.starts_with("leaked="))?;
    let ids = lines.last().and_then(|line| line.strip_prefix("leaked=")?.split(' ').next());
    let known: HashSet<GoId> =
        ids.context("no answer")?.split(',').map(|id| id.parse().map(GoId)).collect::<Result<_, _>>()?;
    // A lone mutex shares its block with others, which hide it from the profile.
    anyhow::ensure!(known.len() > LEAKED / 2, "the profile knows of {}", known.len());
    let missed: Vec<&GoId> = known.difference(&proven).collect();
    let missed: Vec<String> = missed.into_iter().map(|id| whereby(&links, *id)).collect();
    anyhow::ensure!(missed.is_empty(), "not proven, of {} leaked: {missed:?}", known.len());
    anyhow::ensure!(proven.len() == LEAKED, "{} proven, {LEAKED} were left", proven.len());
    Ok(())
}

#[test]
fn what_is_left_on_the_stack_of_one_that_runs_does_not_hide_leaks() -> anyhow::Result<()> {
    let test = "leaks::what_is_left_on_the_stack_of_one_that_runs_does_not_hide_leaks";
    let Some(release) = release_or_skip(test, 22) else { return Ok(()) };
    let fixture = Fixture::build("bursts", &release, Mode::Normal)?;
    let mut child = Child::start(&fixture, &[])?;
    child.lines_until(PATIENCE, |line| line == "ready")?;
    // It runs a fifth of the time, and of a busy machine's time all of it now and then.
    let until = Instant::now() + PATIENCE;
    loop {
        let mut source = ProcessSource::open(child.pid())?;
        source.close_snapshot(Time(1))?;
        let links = source.close_snapshot(Time(2))?.links.context("no links")?;
        if proven(&links).len() == BURSTS {
            return Ok(());
        }
        let waiting = links.waits.iter().filter(|(_, waits)| !waits.is_empty());
        let waiting: Vec<String> = waiting.map(|(id, _)| whereby(&links, id)).collect();
        anyhow::ensure!(Instant::now() < until, "not proven of {waiting:?}");
    }
}

/// A goroutine, and how what it waits on is reached.
fn whereby(links: &Links, id: GoId) -> String {
    let waits = links.waits.get(id).unwrap_or_default();
    let access: Vec<_> = waits.iter().map(|wait| links.object(wait.object).map(|one| &one.access)).collect();
    format!("{id}: {access:?}")
}

/// Those who wait on what nobody can reach, and on nothing else.
fn proven(links: &Links) -> HashSet<GoId> {
    let closed = |wait: &bingo::model::WaitFor| {
        links.object(wait.object).is_some_and(|object| object.access == Access::Closed)
    };
    let waits = links.waits.iter().filter(|(_, waits)| !waits.is_empty() && waits.iter().all(closed));
    waits.map(|(id, _)| id).collect()
}
