//! Goroutines that are parked for good: stuck, as the [`WaitGraphs`] has it, since
//! nobody is left who could end their wait; or, where it is not known who could,
//! blocked at the end, for a good part of what was seen, at a place where nobody was
//! ever woken.
//!
//! Known limits: without addresses an idle worker that nobody has fed yet looks
//! like one that nobody ever will; it is `low`. So is one at a `select {}`, which is
//! written to stay, but where such are left behind by ever others; who waits for what
//! it will never do is stuck, and told as that. The main goroutine is none of
//! these but where it waits for a lock: a program that only serves waits in it. By
//! addresses it is told, as `low`, where it waits to be given what nobody else has.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::daemons::who_wait_for_the_end;
use super::finding::{Class, Confidence, Finding, NAMED};
use super::surety::{Doubt, sureties};
use super::waiting::{SHORTEST, Waiting, is_one_picture, lasted, runs_a_test, waits_of_itself};
use super::words;
use crate::model::{GoId, GoState, Stack, Time, WaitReason};
use crate::world::{Glance, Hope, Standing, WaitGraphs, World};

/// Less than one part in so many of what was seen says nothing of the end.
const PART: u32 = 10;
/// A wait so many times as long as any that ended there is another matter.
const UNLIKE_OTHERS: u32 = 10;
/// Makers that are gone from which on a place makes goroutines that stay.
const MAKERS: usize = 3;

const IDLE: &str = "it waits in a loop for more, and the function that started it has not returned: a worker \
     without work";

const WORKERS_LIVE: &str = "others that go on have the WaitGroup at hand, and never come to their Done: main keeps the \
     program going with that, as it may be meant to";

const OTHERS_LIVE: &str = "main alone has what it waits to be given, and others go on: it keeps the program going with \
     that, as it may be meant to";

const WAITS_FOR_THE_END: &str = "what it waits for comes with the end of others that go on, in a loop that has \
     none: it may be meant to last as long as they do";

const RUNS_A_TEST: &str = "it runs a test, which has not returned";

const EXPLANATION: &str = "A goroutine that waits for what never comes stays, with its stack and all that it \
     refers to, until the program ends. Where they are made again and again, memory grows.";

/// What is found but for those in `deadlocked`, which are told as such.
pub(super) fn findings(
    world: &World,
    graph: &WaitGraphs<'_>,
    deadlocked: &BTreeSet<GoId>,
    min_block: Duration,
) -> Vec<Finding> {
    let end = world.latest();
    let begin = world.began().unwrap_or(end);
    let ended = ended_waits(world);
    let mut parked: HashMap<_, Vec<Glance<'_>>> = HashMap::new();
    let mut stuck: HashMap<_, Vec<Glance<'_>>> = HashMap::new();
    let mut idle: HashMap<(Site<'_>, &str), Vec<Glance<'_>>> = HashMap::new();
    let mut sites = Sites::default();
    let meant = who_wait_for_the_end(world, graph);
    for goroutine in world.glances().filter(|goroutine| goroutine.state() == GoState::Blocked) {
        let Some(site) = sites.of(goroutine) else { continue };
        if goroutine.is_system() || deadlocked.contains(&goroutine.id()) {
            continue;
        }
        let (waiting, ..) = site;
        // Of these the runtime itself says so, whatever the source could mean.
        let standing = graph.standing(goroutine.id()).filter(|_| !waiting.is_for_ever());
        if standing.is_some_and(|standing| standing > Standing::GoesOn) {
            // Main and a test wait for others; what keeps those is what is wrong.
            let waits_for_others = || !graph.waits_for(goroutine.id()).is_empty();
            let root = goroutine.id() == GoId::MAIN || runs_a_test(goroutine.stack());
            // So does main while it idles and keeps a lock: what could end that is at hand.
            let idles_under_lock = goroutine.id() == GoId::MAIN
                && standing == Some(Standing::StuckUnderLock)
                && waiting != Waiting::Lock;
            let is_meant = meant.contains(&goroutine.id()) && !runs_a_test(goroutine.stack());
            let why = is_meant.then_some(WAITS_FOR_THE_END);
            if let Some(why) = why.or_else(|| idles(world, graph, goroutine, waiting)) {
                idle.entry((site, why)).or_default().push(goroutine);
            } else if !(idles_under_lock || root && waits_for_others()) {
                stuck.entry(site).or_default().push(goroutine);
            }
            continue;
        }
        let lasted = lasted(world, goroutine.since().time());
        let enough = lasted >= SHORTEST.max(end.since(begin) / PART);
        // Who was to receive may well be gone, however short the time.
        let orphan = goroutine.parent().is_some_and(|parent| world.glance(parent).is_none());
        let enough = enough || waiting == Waiting::NilChannel || (orphan && waiting == Waiting::Send);
        // The main goroutine idles as it likes, but no lock is for that.
        let idles = goroutine.id() == GoId::MAIN && waiting != Waiting::Lock;
        let cared_for = !waiting.is_for_ever() && is_cared_for(graph, goroutine.id());
        if enough && !idles && !cared_for {
            parked.entry(site).or_default().push(goroutine);
        }
    }
    // Who waits where others are stuck, for as long, is one of them: something seems to
    // get at what it waits for, a word that is left on a stack for instance.
    for (site, stuck) in &mut stuck {
        let shortest =
            stuck.iter().map(|member| lasted(world, member.since().time())).min().unwrap_or_default();
        let others = parked.remove(site).unwrap_or_default();
        stuck.extend(others.into_iter().filter(|other| lasted(world, other.since().time()) >= shortest));
    }
    let here = |site: Site<'_>| (site.0, ended.get(&site).copied());
    let stuck = stuck.into_iter().filter_map(|(site, members)| of_stuck(world, graph, here(site), members));
    let idle = idle.into_iter().filter_map(|((site, why), members)| {
        let mut finding = of_stuck(world, graph, here(site), members)?;
        finding.confidence = Confidence::Low;
        finding.evidence.push(why.to_owned());
        Some(finding)
    });
    let parked = parked
        .into_iter()
        .filter_map(|(site, members)| pattern(world, graph, here(site), members, (begin, end, min_block)));
    stuck.chain(idle).chain(parked).collect()
}

/// Why one that is stuck may be meant to wait there, if so it is.
fn idles(
    world: &World,
    graph: &WaitGraphs<'_>,
    goroutine: Glance<'_>,
    waiting: Waiting,
) -> Option<&'static str> {
    if is_worker_of_one_that_lives(world, graph, goroutine, waiting) {
        return Some(IDLE);
    }
    // By the source they never come to their Done, as they loop for ever. Where nobody
    // has the group any more, one has gone without it.
    let main_keeps_going = goroutine.id() == GoId::MAIN
        && waiting == Waiting::Group
        && graph.could_end(GoId::MAIN).into_iter().any(|id| world.glance(id).is_some());
    if main_keeps_going {
        return Some(WORKERS_LIVE);
    }
    is_parked_main(world, graph, goroutine, waiting).then_some(OTHERS_LIVE)
}

/// Whether it is main that waits to be given what nobody else has, while others go on:
/// the way to write a program that ends when it is told to. By the source, who was to give
/// it may have gone without that.
fn is_parked_main(world: &World, graph: &WaitGraphs<'_>, goroutine: Glance<'_>, waiting: Waiting) -> bool {
    let id = goroutine.id();
    let takes = matches!(waiting, Waiting::Receive | Waiting::Select);
    let is_own = takes && id == GoId::MAIN && !graph.is_named(id) && graph.waits_for(id).is_empty();
    let goes_on = |one: Glance<'_>| {
        let stuck = graph.standing(one.id()).is_some_and(|standing| standing > Standing::GoesOn);
        let foreign = one.is_system() || one.stack().visible().next().is_none();
        one.id() != id && one.state() != GoState::Dead && !stuck && !foreign
    };
    is_own && world.glances().any(goes_on)
}

/// Whether it is a worker without work: it waits in a loop for more, and the function
/// that started it has not returned. Its work is over, or the source there still has
/// what it waits on though the compiled code is done with that; it goes when they do.
fn is_worker_of_one_that_lives(
    world: &World,
    graph: &WaitGraphs<'_>,
    goroutine: Glance<'_>,
    waiting: Waiting,
) -> bool {
    let takes_work = matches!(waiting, Waiting::Receive | Waiting::Select);
    // By the source it is known what the function does yet that started it.
    if !takes_work || !graph.is_looping(goroutine.id()) || graph.is_named(goroutine.id()) {
        return false;
    }
    let maker = goroutine.parent().and_then(|parent| world.glance(parent));
    let maker =
        maker.filter(|maker| graph.standing(maker.id()).unwrap_or(Standing::GoesOn) == Standing::GoesOn);
    maker.zip(goroutine.created_by()).is_some_and(|(maker, made)| {
        maker.stack().frames().iter().any(|frame| frame.function == made.function)
    })
}

/// Whether somebody who goes on, or something outside, is known to end its wait.
fn is_cared_for(graph: &WaitGraphs<'_>, id: GoId) -> bool {
    graph.hope(id).is_some_and(|hope| match hope {
        Hope::Fed(_) | Hope::Used(_) | Hope::Held(_) => true,
        Hope::Reached(_) => false,
    })
}

/// Goroutines that nobody is left to wake, at one place, where a wait that `ended` took so
/// long at the most. Those of them of whom most is known make the finding; those of whom
/// less is known, such as one that has just come, are counted apart.
fn of_stuck(
    world: &World,
    graph: &WaitGraphs<'_>,
    (waiting, ended): (Waiting, Option<Duration>),
    mut members: Vec<Glance<'_>>,
) -> Option<Finding> {
    members.sort_by_key(|member| member.id());
    let all = members.len();
    let sureties = sureties(world, graph, &members, ended);
    let best = sureties.values().map(|known| known.0).max()?;
    let is_best = |member: &Glance<'_>| sureties.get(&member.id()).is_some_and(|one| one.0 == best);
    let first = *members.iter().find(|member| is_best(member))?;
    let mut left_out: BTreeMap<Doubt, usize> = BTreeMap::new();
    members.retain(|member| match sureties.get(&member.id()) {
        Some((Confidence::Low, Some(doubt))) if best > Confidence::Low => {
            *left_out.entry(*doubt).or_default() += 1;
            false
        }
        _ => true,
    });
    let like_them = members.iter().filter(|member| !sureties.contains_key(&member.id())).count();
    let less_sure = members.len() - like_them - members.iter().filter(|member| is_best(member)).count();
    let blocked_for = members.iter().map(|member| lasted(world, member.since().time())).max()?;
    let mut finding = of(waiting, &members, blocked_for)?;
    finding.confidence = best;
    let evidence = &mut finding.evidence;
    evidence.extend(words::why_stuck(world, graph, first.id()));
    if let Some((_, Some(doubt))) = sureties.get(&first.id()) {
        evidence.push(doubt.said(best));
    }
    if members.iter().any(|member| runs_a_test(member.stack())) {
        evidence.push(RUNS_A_TEST.to_owned());
    }
    if less_sure > 0 {
        evidence.push(format!(
            "it is {} of {} of them; of {less_sure} it is less sure that nobody can end the wait",
            best.as_str(),
            members.len() - like_them - less_sure
        ));
    }
    if like_them > 0 {
        let (all, known) = (members.len(), members.len() - like_them);
        evidence.push(format!("so it is of {known} of {all}; the others wait there as long"));
    }
    for (doubt, count) in left_out {
        evidence.push(format!("{count} more of {all} that wait there are not counted: {}", doubt.words()));
    }
    Some(finding)
}

/// The places that are the program's own, by a stack and a reason: many goroutines
/// share one.
#[derive(Default)]
struct Sites<'a>(HashMap<(Option<WaitReason>, usize), Option<Site<'a>>>);

impl<'a> Sites<'a> {
    fn of(&mut self, goroutine: Glance<'a>) -> Option<Site<'a>> {
        let (reason, stack) = (goroutine.reason(), goroutine.stack());
        *self.0.entry((reason, stack.address())).or_insert_with(|| {
            Waiting::of(reason, stack).filter(|_| waits_of_itself(stack)).map(|waiting| site(waiting, stack))
        })
    }
}

/// A place of waiting as the source has it.
type Site<'a> = (Waiting, &'a str, &'a str, u32);

fn site(waiting: Waiting, stack: &Stack) -> Site<'_> {
    let site = stack.site();
    let (function, file) = site.map_or(("", ""), |site| (&*site.function, &*site.file));
    (waiting, function, file, site.map_or(0, |site| site.line))
}

/// The longest wait that has ended, by place.
fn ended_waits(world: &World) -> HashMap<Site<'_>, Duration> {
    let mut ended: HashMap<Site<'_>, Duration> = HashMap::new();
    for place in world.places() {
        let longest = place.longest.first().map_or(Duration::ZERO, |wait| wait.lasted);
        // Of a process: an event and a picture have crossed on their way.
        if longest.is_zero() {
            continue;
        }
        let Some(waiting) = Waiting::of(place.reason, &place.stack) else { continue };
        let known = ended.entry(site(waiting, &place.stack)).or_default();
        *known = longest.max(*known);
    }
    ended
}

fn pattern(
    world: &World,
    graph: &WaitGraphs<'_>,
    (waiting, ended): (Waiting, Option<Duration>),
    mut members: Vec<Glance<'_>>,
    (begin, end, min_block): (Time, Time, Duration),
) -> Option<Finding> {
    let lasted = |member: &Glance<'_>| lasted(world, member.since().time());
    let hangs = |member: &Glance<'_>| lasted(member) >= min_block && runs_a_test(member.stack());
    if let Some(longest) = ended.filter(|_| waiting != Waiting::NilChannel) {
        // Who is fed there at times is a worker, however long it idles; a test is none.
        let fed = !matches!(waiting, Waiting::Send | Waiting::Lock);
        members.retain(|member| lasted(member) > longest.saturating_mul(UNLIKE_OTHERS));
        members.retain(|member| !fed || hangs(member));
    }
    members.sort_by_key(|member| member.id());
    let blocked_for = members.iter().map(lasted).max()?;
    let makers: BTreeSet<GoId> = members.iter().filter_map(|member| member.parent()).collect();
    let gone = makers.iter().filter(|maker| world.glance(**maker).is_none()).count();
    let orphans = gone > 0 && gone == makers.len();
    let unsure = members.iter().any(|member| world.is_uncertain(member.id()));
    let hung = members.iter().any(hangs);
    let brief = blocked_for < SHORTEST.max(end.since(begin) / PART);
    let confidence = match waiting {
        Waiting::NilChannel => Confidence::Proven,
        _ if unsure || brief => Confidence::Low,
        Waiting::Send | Waiting::Lock if is_one_picture(world) => Confidence::Medium,
        _ if hung => Confidence::High,
        _ if ended.is_some() => Confidence::Low,
        Waiting::Send if orphans || blocked_for >= min_block => Confidence::High,
        Waiting::Send | Waiting::Lock => Confidence::Medium,
        _ if orphans && gone >= MAKERS => Confidence::Medium,
        _ => Confidence::Low,
    };
    let first = *members.first()?;
    let mut finding = of(waiting, &members, blocked_for)?;
    finding.confidence = confidence;
    let evidence = &mut finding.evidence;
    evidence.push(match (waiting, ended) {
        (Waiting::NilChannel, _) => "nobody can send on, receive from or close a nil channel".to_owned(),
        (Waiting::Forever, _) => {
            "nobody can end a select without cases: that it stays may be meant".to_owned()
        }
        (_, None) if is_one_picture(world) => {
            "it is one picture alone: whether others are woken there at times is not known".to_owned()
        }
        (_, None) => "nobody was ever woken from a wait at this place".to_owned(),
        (_, Some(longest)) => {
            format!("others were woken there, after {:.3} s at the most", longest.as_secs_f64())
        }
    });
    evidence.extend(words::who_might(graph, first.id()));
    if unsure && confidence == Confidence::Low {
        evidence.push(Doubt::Lost.said(confidence));
    }
    if brief && !waiting.is_for_ever() {
        evidence.push("that is a small part of what was seen: it may have been about to go on".to_owned());
    }
    if hung {
        evidence.push(RUNS_A_TEST.to_owned());
    }
    if orphans {
        evidence.push(match gone {
            1 => "the goroutine that made them is gone".to_owned(),
            _ => format!("the {gone} goroutines that made them are gone"),
        });
    }
    Some(finding)
}

/// What a finding of these says, whatever it rests on.
fn of(waiting: Waiting, members: &[Glance<'_>], blocked_for: Duration) -> Option<Finding> {
    let first = members.first()?.whole();
    let count = members.len();
    // Of those that were parked before a trace began it is not known.
    let reason = members.iter().find_map(|member| member.reason());
    let goroutines = if count == 1 { "1 goroutine".to_owned() } else { format!("{count} goroutines") };
    Some(Finding {
        id: Class::GoroutineLeak.id(reason, &first.stack),
        class: Class::GoroutineLeak,
        confidence: Confidence::Low,
        title: format!("{goroutines} {}", waiting.words(count > 1)),
        goroutines: members.iter().map(|member| member.id()).take(NAMED).collect(),
        count,
        reason,
        wait: first.wait.clone(),
        blocked_for,
        stack: first.stack.clone(),
        created_by: first.created_by.clone(),
        cycle: Vec::new(),
        related: Vec::new(),
        evidence: vec![match blocked_for {
            Duration::ZERO => "parked, since when is not known".to_owned(),
            _ => format!(
                "parked {:.3} s before the end of what was seen, and not woken since",
                blocked_for.as_secs_f64()
            ),
        }],
        explanation: EXPLANATION,
    })
}
