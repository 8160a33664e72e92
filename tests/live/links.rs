//! How goroutines of running programs hang together: who can reach what they wait
//! on, and who holds their locks, on programs of the corpus whose answer is known.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::Context;
use bingo::goruntime::ProcessSource;
use bingo::model::{
    Access, Certainty, GoId, Links, Object, ObjectIndex, ObjectKind, Operation, Snapshot, Time,
};
use bingo_tests::{Child, Fixture, GoRelease, Mode, release_or_skip, wait_until};

const PATIENCE: Duration = Duration::from_secs(20);

macro_rules! releases {
    ($($test:ident: $minor:literal;)*) => {
        $(#[test]
        fn $test() -> anyhow::Result<()> {
            let Some(release) = release_or_skip(concat!("links::", stringify!($test)), $minor) else {
                return Ok(());
            };
            check(&release)
        })*
    };
}

releases! {
    go_1_22: 22;
    go_1_23: 23;
    go_1_24: 24;
    go_1_25: 25;
    go_1_26: 26;
    go_1_27: 27;
}

/// A program of the corpus, and what must be so of its links.
type Case = (&'static str, fn(&Snapshot, &Links) -> Result<(), String>);

const CASES: &[Case] = &[
    ("resource/abba_transfer/bug", |_, links| cycle(links, 2, false)),
    ("resource/abba_rwmutex/bug", |_, links| cycle(links, 2, true)),
    // The slot that has one lock is the other's, later.
    ("resource/abba_ring/bug", |_, links| ring(links, 12)),
    ("resource/double_lock/bug", |_, links| cycle(links, 1, false)),
    ("resource/once_recursion/bug", |_, links| cycle(links, 1, false)),
    ("mixed/send_under_lock/bug", |_, links| holder(links)),
    ("leak/first_answer/bug", |snapshot, links| parked(snapshot, links, "main.ask")),
    ("clean/worker_pool_idle", |_, links| nothing_closed(links)),
    ("clean/context_tree", |_, links| nothing_closed(links)),
    ("clean/tickers", |_, links| nothing_closed(links)),
    ("clean/rwmutex_cache", |_, links| nothing_closed(links)),
];

/// What the code alone does not say: it is asked of stripped programs only.
const BY_MEMORY: &[Case] = &[
    // Taken in a loop, given back by deferred calls.
    ("resource/abba_keys/bug", |_, links| cycle(links, 2, false)),
    // Taken through an interface; two others wait for it, too.
    ("resource/double_lock_embedded/bug", |_, links| cycle(links, 3, false)),
    // Who waits to read is counted, and has no lock: two wait for the third.
    ("resource/rw_upgrade/bug", |_, links| cycle(links, 3, true)),
];

fn check(release: &GoRelease) -> anyhow::Result<()> {
    let each = |cases: &'static [Case], mode| cases.iter().map(move |case| (case, mode));
    let all = each(CASES, Mode::Normal).chain(each(CASES, Mode::Stripped));
    for (&(program, check), mode) in all.chain(each(BY_MEMORY, Mode::Stripped)) {
        let fixture = Fixture::build(program, release, mode)?;
        let child = Child::start(&fixture, &[])?;
        let mut source = ProcessSource::open(child.pid())?;
        let mut last = Err("no look was taken".to_owned());
        // Two looks with a pause between them, until the program has come to its bug.
        let settled = wait_until(PATIENCE, program, || {
            last = looks(&mut source).and_then(|(snapshot, links)| check(&snapshot, &links));
            last.is_ok().then_some(())
        });
        settled.with_context(|| format!("{program} {mode:?} go{}: {last:?}", release.version))?;
    }
    Ok(())
}

fn looks(source: &mut ProcessSource) -> Result<(Snapshot, Links), String> {
    source.close_snapshot(Time(1)).map_err(|error| error.to_string())?;
    std::thread::sleep(Duration::from_millis(100));
    let snapshot = source.close_snapshot(Time(2)).map_err(|error| error.to_string())?;
    let links = snapshot.links.clone().ok_or("no links")?;
    Ok((snapshot, Links::clone(&links)))
}

/// As many goroutines wait for a lock of which one of them surely is the only holder.
fn cycle(links: &Links, count: usize, shared: bool) -> Result<(), String> {
    let steps = steps(links, shared);
    let holds_on = |id: GoId| steps.iter().any(|(waiter, _)| *waiter == id);
    let round = steps.iter().filter(|(_, holder)| holds_on(*holder)).count();
    if round == count { Ok(()) } else { Err(format!("{steps:?} of {:?}", links.holds)) }
}

/// So many, and each waits for another one alone.
fn ring(links: &Links, count: usize) -> Result<(), String> {
    cycle(links, count, false)?;
    let steps = steps(links, false);
    let holders: HashSet<GoId> = steps.iter().map(|(_, holder)| *holder).collect();
    let itself = steps.iter().any(|(waiter, holder)| waiter == holder);
    if holders.len() == count && !itself { Ok(()) } else { Err(format!("{steps:?}")) }
}

/// Who waits for a lock, and who surely holds it.
fn steps(links: &Links, shared: bool) -> HashSet<(GoId, GoId)> {
    let mut steps: HashSet<(GoId, GoId)> = HashSet::new();
    for (waiter, waits) in links.waits.iter() {
        for wait in waits.iter().filter(|wait| matches!(wait.operation, Operation::Lock | Operation::RLock)) {
            let holds = links.holds.iter().filter(|hold| hold.object == wait.object && hold.shared == shared);
            let sure = holds.filter(|hold| hold.certainty == Certainty::Sure);
            steps.extend(sure.map(|hold| (waiter, hold.goroutine)));
        }
    }
    steps
}

/// A lock that one waits for is held by one that waits for something else.
fn holder(links: &Links) -> Result<(), String> {
    let waits_for_locks = |id: &GoId| {
        let waits = links.waits.get(*id).unwrap_or_default();
        waits.iter().any(|wait| wait.operation == Operation::Lock)
    };
    let found = links.holds.iter().any(|hold| {
        hold.certainty == Certainty::Sure
            && !waits_for_locks(&hold.goroutine)
            && hold.taken_at.as_ref().is_some_and(|(file, line)| file.ends_with("bug.go") && *line > 0)
    });
    if found { Ok(()) } else { Err(format!("{:?}", links.holds)) }
}

/// All that wait in `function` wait on what nobody can reach; nobody else does.
fn parked(snapshot: &Snapshot, links: &Links, function: &str) -> Result<(), String> {
    let mut found = 0;
    for goroutine in &snapshot.goroutines {
        let waits = links.waits.get(goroutine.id).unwrap_or_default();
        let closed = waits.iter().any(|wait| links.object(wait.object).is_some_and(is_closed));
        let inside = goroutine.stack.site().is_some_and(|site| &*site.function == function);
        if closed != (inside && !waits.is_empty()) {
            return Err(format!("goroutine {}: {waits:?}, closed: {closed}", goroutine.id.0));
        }
        found += usize::from(closed);
    }
    if found > 1 { Ok(()) } else { Err("nobody waits there".to_owned()) }
}

fn nothing_closed(links: &Links) -> Result<(), String> {
    let closed: Vec<&Object> = links.objects.iter().filter(|object| is_closed(object)).collect();
    match closed.as_slice() {
        [] if links.objects.is_empty() => Err("nobody waits".to_owned()),
        [] => Ok(()),
        some => Err(format!("{some:?}")),
    }
}

fn is_closed(object: &Object) -> bool {
    object.access == Access::Closed && object.kind != ObjectKind::Semaphore
}

#[test]
fn what_moves_about_is_never_out_of_reach() -> anyhow::Result<()> {
    for minor in [22, 27] {
        let Some(release) = release_or_skip("links::what_moves_about_is_never_out_of_reach", minor) else {
            continue;
        };
        let fixture = Fixture::build("moves", &release, Mode::Normal)?;
        let mut child = Child::start(&fixture, &[])?;
        child.line(PATIENCE)?;
        let mut source = ProcessSource::open(child.pid())?;
        let until = Instant::now() + Duration::from_secs(6);
        let (mut looks, mut most) = (0, 0);
        while Instant::now() < until {
            looks += 1;
            let links = source.close_snapshot(Time(looks))?.links.context("no links")?;
            let closed: Vec<(usize, &Object)> =
                links.objects.iter().enumerate().filter(|(_, object)| is_closed(object)).collect();
            let waiters = |index: usize| {
                let index = u32::try_from(index).map(ObjectIndex);
                let waits =
                    links.waits.iter().filter(|(_, waits)| waits.iter().any(|wait| Ok(wait.object) == index));
                waits.map(|(id, _)| id.0).collect::<Vec<_>>()
            };
            if let Some((index, object)) = closed.first() {
                anyhow::bail!("go1.{minor}, look {looks}: {object:?} of {:?}", waiters(*index));
            }
            most = most.max(links.waits.len());
        }
        anyhow::ensure!(looks > 3 && most >= 150, "{looks} looks, at most {most} waited");
    }
    Ok(())
}
