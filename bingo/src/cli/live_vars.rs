//! What goroutines that are found stuck have at hand: the variables of the call in which
//! the program waits, for reports. Read where the program has DWARF, of one goroutine a
//! finding, in short; what cannot be read is left out, since a report does without.

use std::collections::HashMap;
use std::path::Path;
#[cfg(all(target_os = "linux", feature = "live"))]
use std::sync::Arc;

use super::closely;
use crate::binary::Binary;
use crate::binary::debug::Debug;
use crate::goruntime::{BinaryCode, CoreSource, SnapshotReader};
use crate::inspect::Subject;
use crate::memory::Memory;
use crate::model::{GoId, LiveVars, LoadBias, Snapshot, Stack, Value};
use crate::session::Analysis;
#[cfg(all(target_os = "linux", feature = "live"))]
use crate::session::Session;

/// Goroutines that are looked at.
const GOROUTINES: usize = 64;
/// Calls of each, innermost first: the program's own comes soon.
const CALLS: usize = 24;
/// Variables of a call.
const VARIABLES: usize = 12;
/// Characters of a value.
const VALUE: usize = 200;
/// Of each finding so many goroutines are tried: some may have gone on.
const TRIED: usize = 3;

/// What is looked at.
struct Looked<'a, M> {
    reader: &'a SnapshotReader<M, BinaryCode>,
    binary: &'a Binary,
    bias: LoadBias,
    snapshot: &'a Snapshot,
}

impl<M: Memory> Looked<'_, M> {
    /// What `goroutines` have at hand, each with its stack when it was last seen.
    fn of(&self, goroutines: &[(GoId, Stack)]) -> HashMap<GoId, LiveVars> {
        if goroutines.is_empty() {
            return HashMap::new();
        }
        let Ok(sections) = closely::sections(self.binary) else { return HashMap::new() };
        let Ok(debug) = Debug::new(&sections) else { return HashMap::new() };
        let ids = goroutines.iter().take(GOROUTINES);
        ids.filter_map(|(id, stack)| Some((*id, self.one(*id, stack, &debug)?))).collect()
    }

    fn one(&self, id: GoId, stack: &Stack, debug: &Debug<'_>) -> Option<LiveVars> {
        let site = stack.site()?;
        let mut stop = self.reader.stop_of(id).ok()?;
        stop.frames.truncate(CALLS);
        let subject = Subject {
            memory: self.reader.memory(),
            code: &**self.reader.code(),
            binary: self.binary,
            bias: self.bias,
            layout: &self.reader.runtime().layout,
            debug: Some(debug),
            snapshot: self.snapshot,
        };
        let inspection = subject.inspect(id, &stop, &[]);
        if !self.reader.is_still(&stop).ok()? {
            return None;
        }
        let found = inspection.frames.into_iter().find(|one| one.frame == *site)?;
        let mut variables = found.variables;
        variables.retain(|variable| !matches!(variable.value, Value::Missing(_)));
        variables.truncate(VARIABLES);
        for variable in &mut variables {
            let text = variable.value.to_string();
            if text.chars().count() > VALUE {
                let short: String = text.chars().take(VALUE - 1).collect();
                variable.value = Value::Plain(format!("{short}…"));
            }
        }
        (!variables.is_empty()).then_some(LiveVars { goroutine: id, call: found.frame, variables })
    }
}

/// The goroutines of findings that are looked at.
fn examples(found: &Analysis) -> Vec<GoId> {
    found.findings.iter().flat_map(|finding| finding.goroutines.iter().take(TRIED).copied()).collect()
}

/// Adds to what was found in the core at `path`, if it is one, what goroutines had at
/// hand.
pub(super) fn add_of_core(found: &mut Analysis, path: &str, binary: Option<&Path>) {
    let examples = examples(found);
    if examples.is_empty() || super::input::expect_core(Path::new(path)).is_err() {
        return;
    }
    let Ok(mut source) = CoreSource::open(Path::new(path), binary) else { return };
    let Ok(snapshot) = source.snapshot() else { return };
    let binary = std::sync::Arc::clone(source.binary());
    let bias = source.load_bias();
    let looked = Looked { reader: source.reader(), binary: &binary, bias, snapshot: &snapshot };
    let stack = |&id: &GoId| {
        let known = snapshot.goroutines.binary_search_by_key(&id, |goroutine| goroutine.id).ok();
        Some((id, snapshot.goroutines.get(known?)?.stack.clone()))
    };
    let known: Vec<(GoId, Stack)> = examples.iter().filter_map(stack).collect();
    found.take_live_vars(&looked.of(&known));
}

/// Adds to what was found in the process `pid` by `session` what goroutines have at hand
/// that still wait where they did.
#[cfg(all(target_os = "linux", feature = "live"))]
pub(super) fn add_of_process(found: &mut Analysis, pid: u32, session: &Session) {
    use crate::goruntime::ProcessSource;

    let examples = examples(found);
    if examples.is_empty() {
        return;
    }
    let Ok(mut source) = ProcessSource::open(pid) else { return };
    if source.find(&examples).is_err() {
        return;
    }
    // What all goroutines wait on is known: another picture of them would cost as much
    // as the first one did.
    let world = session.world();
    let known = examples.into_iter().filter_map(|id| Some((id, world.goroutine(id)?.stack.clone())));
    let known: Vec<(GoId, Stack)> = known.collect();
    let snapshot = Snapshot { objects: Arc::clone(world.objects()), ..Snapshot::default() };
    let bias = source.target().load_bias();
    let looked = Looked { reader: source.reader(), binary: source.binary(), bias, snapshot: &snapshot };
    found.take_live_vars(&looked.of(&known));
}

/// What those have at hand that wait in the program's own code, one for each place.
#[cfg(all(target_os = "linux", feature = "live"))]
pub(super) fn of_waiting(
    source: &crate::goruntime::ProcessSource,
    snapshot: &Snapshot,
) -> HashMap<GoId, LiveVars> {
    use std::collections::HashSet;

    use crate::model::GoState;

    let mut places = HashSet::new();
    let mut waiting = Vec::new();
    for goroutine in &snapshot.goroutines {
        let blocked = goroutine.state == GoState::Blocked && !goroutine.system;
        let site = goroutine.stack.site().filter(|site| blocked && !site.is_standard());
        if let Some(site) = site
            && places.insert((site.pc, goroutine.reason))
        {
            waiting.push((goroutine.id, goroutine.stack.clone()));
        }
    }
    let bias = source.target().load_bias();
    let looked = Looked { reader: source.reader(), binary: source.binary(), bias, snapshot };
    looked.of(&waiting)
}
