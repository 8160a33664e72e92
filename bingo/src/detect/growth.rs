//! Goroutines that become ever more: made at one `go` statement from the beginning
//! to the end of what was seen, and none of them ends, though each is woken again and
//! again, by a ticker for instance.
//!
//! Known limits: where those who made them live it may be a server whose connections
//! become more, so that it is `low`. What lives longer than was looked at, and ends
//! after all, looks the same; so it is `medium` at the most.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::finding::{Class, Confidence, Finding, NAMED};
use super::waiting::{is_programs_own, lasted};
use super::words;
use crate::model::{GoId, GoState};
use crate::world::{Glance, World};

/// From so many on they are many.
const MANY: usize = 10;
/// What was seen is cut in so many parts; some are made in each.
const PARTS: u32 = 4;
/// What is shorter shows no growth.
const SHORTEST: Duration = Duration::from_secs(1);
/// Who has been woken so often goes around in a loop.
const ROUNDS: u64 = 3;

const EXPLANATION: &str = "Each of them lives on when what it was made for is over, and new ones come: a goroutine that \
     loops needs somebody to tell it to end, by a context or by a channel that is closed, and a select that \
     listens for that.";

/// What is found but for those in `told`.
pub(super) fn findings(world: &World, told: &BTreeSet<GoId>) -> Vec<Finding> {
    let begin = world.began().unwrap_or(world.latest());
    let seen = world.latest().since(begin);
    if seen < SHORTEST {
        return Vec::new();
    }
    let mut sites: BTreeMap<_, Vec<Glance<'_>>> = BTreeMap::new();
    for glance in world.glances().filter(|one| !one.is_system() && !told.contains(&one.id())) {
        let (Some(made), Some(parent)) = (glance.created_by(), glance.parent()) else { continue };
        let outlived = world.glance(parent).is_none();
        if glance.created().is_some()
            && (glance.state() != GoState::Blocked || is_programs_own(glance.stack()))
        {
            sites.entry((&*made.file, made.line, outlived)).or_default().push(glance);
        }
    }
    let part = |one: &Glance<'_>| {
        let at = one.created().map_or(Duration::ZERO, |created| created.since(begin));
        at.as_nanos() * u128::from(PARTS) / seen.as_nanos().max(1)
    };
    let grows = |members: &Vec<Glance<'_>>| {
        let parts: BTreeSet<u128> = members.iter().map(|one| part(one).min(u128::from(PARTS) - 1)).collect();
        let looping = members.iter().filter(|one| one.blocks() >= ROUNDS).count();
        members.len() >= MANY && parts.len() == PARTS as usize && looping * 2 > members.len()
    };
    let growing = sites.into_iter().filter(|(_, members)| grows(members));
    growing.filter_map(|((.., outlived), members)| finding(world, members, outlived)).collect()
}

fn finding(world: &World, mut members: Vec<Glance<'_>>, outlived: bool) -> Option<Finding> {
    members.sort_by_key(|one| one.id());
    // Where they wait: who is on its way elsewhere at this moment is one of them.
    let first = members.iter().find(|one| one.state() == GoState::Blocked).or(members.first())?.whole();
    let made = first.created_by.as_ref()?;
    let age = |one: &Glance<'_>| world.latest().since(one.created().unwrap_or(world.latest()));
    let oldest = members.iter().map(age).max()?;
    let youngest = members.iter().map(age).min()?;
    let rounds: u64 = members.iter().map(|one| one.blocks()).sum();
    let unsure = members.iter().any(|one| world.is_uncertain(one.id()));
    let count = members.len();
    let made_by = match outlived {
        true => "the goroutines that made them are gone",
        false => {
            "who made them lives, and may yet end them: a server's connections become more like that, too"
        }
    };
    let made_by = made_by.to_owned();
    Some(Finding {
        id: Class::GoroutineLeak.id(first.reason, &first.stack),
        class: Class::GoroutineLeak,
        confidence: if unsure || !outlived { Confidence::Low } else { Confidence::Medium },
        title: match outlived {
            true => format!("{count} goroutines, ever more, live on when those who made them are gone"),
            false => format!("{count} goroutines, ever more, go on and none of them ends"),
        },
        goroutines: members.iter().map(|one| one.id()).take(NAMED).collect(),
        count,
        reason: first.reason,
        wait: first.wait.clone(),
        blocked_for: lasted(world, first.since.time()),
        stack: first.stack.clone(),
        created_by: first.created_by.clone(),
        cycle: Vec::new(),
        related: Vec::new(),
        evidence: vec![
            format!(
                "made at {}:{} all the time, the first that lives {:.3} s and the last {:.3} s before the end",
                words::file_name(&made.file),
                made.line,
                oldest.as_secs_f64(),
                youngest.as_secs_f64()
            ),
            format!("they have waited {rounds} times together, and go on each time: none has ended"),
            made_by,
        ],
        explanation: EXPLANATION,
    })
}
