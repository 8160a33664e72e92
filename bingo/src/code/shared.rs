//! Memory that goroutines share without an order. In: the source, and the stacks at
//! which goroutines were made. Out: [`Shared`], with two uses each of which one is a
//! write, by two who may do so at once: nothing that one of them gives, and the other
//! takes by whatever way, lies between the two.
//!
//! Known limits: elements of slices, what is got at by two pointers, and what a
//! pointer kept in a field leads to are not looked at; nor are functions that
//! packages call which were not read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::acts::Code;
use super::ir::*;
use super::load;
use super::paths::{PathId, Variables};
use super::place::Places;
use super::threads::{self, Step, Touched, Walk};
use super::{Enough, LeftOut};
use crate::model::{Addr, Frame, MadeAt, Shared, SharedUse, Stack};
use crate::world::World;

/// Stacks whose outermost function is looked at, each of those once.
const ROOTS: usize = 200;
/// Uses of one thing by one walk.
const USES: usize = 48;
/// Links of one walk.
const LINKS: usize = 600;

/// All that is found, until it is `enough`: each stands for itself.
pub(super) fn of(
    world: &World,
    code: &mut Code,
    enough: Enough<'_>,
    shared: &mut Vec<Shared>,
) -> Result<(), LeftOut> {
    let mut places = Places::default();
    let mut roots: Vec<[Option<FuncId>; 2]> = Vec::new();
    let mut packages: HashMap<Name, Name> = HashMap::new();
    for birthplace in world.birthplaces() {
        note_packages(&birthplace.stack, &mut packages);
        let spots = places.of_stack(code, &birthplace.stack);
        let ends = [spots.all.last(), spots.all.first()].map(|spot| spot.map(|spot| spot.context.func));
        if ends[0].is_some() && !roots.contains(&ends) && roots.len() < ROOTS {
            roots.push(ends);
        }
    }
    if roots.is_empty() {
        return Ok(());
    }
    let vars = Variables::of(&code.points.program);
    let mut found = BTreeMap::new();
    let mut walked = BTreeSet::new();
    for [outermost, innermost] in roots {
        // What is too much from the outermost function on may be told of the one
        // with the `go` statement.
        let all = [outermost, innermost];
        if enough() {
            break;
        }
        for func in all.into_iter().flatten() {
            if !walked.insert(func) {
                break;
            }
            let Some(walk) = threads::of(code, &vars, func) else { continue };
            in_walk(&walk, &packages, &mut found);
            break;
        }
    }
    shared.extend(found.into_values());
    if enough() { Err(LeftOut::Stopped) } else { Ok(()) }
}

fn note_packages(stack: &Stack, packages: &mut HashMap<Name, Name>) {
    for frame in stack.frames().iter().filter(|frame| !load::is_foreign(frame)) {
        let path = load::package_path(&frame.function);
        packages.entry(load::folder(&frame.file).into()).or_insert_with(|| path.into());
    }
}

/// A use: in which thread, at which of its steps.
type At<'w> = (usize, usize, &'w Touched);

/// What is found by its variable and its fields.
type Found = BTreeMap<(VarId, Vec<Name>), Shared>;

fn in_walk(walk: &Walk<'_>, packages: &HashMap<Name, Name>, found: &mut Found) {
    let mut uses_of: BTreeMap<PathId, Vec<At<'_>>> = BTreeMap::new();
    let mut links = 0;
    for (thread, of) in walk.threads.iter().enumerate() {
        for (at, step) in of.steps.iter().enumerate() {
            match step {
                Step::Touches(touched) => {
                    uses_of.entry(touched.path).or_default().push((thread, at, touched));
                }
                Step::Gives(_) | Step::Takes(_) => links += 1,
                Step::Begins(_) => {}
            }
        }
    }
    if links > LINKS {
        return;
    }
    for (path, uses) in &uses_of {
        let mut uses = uses.clone();
        for around in walk.paths.around(*path) {
            let whole = uses_of.get(&around).into_iter().flatten().filter(|(.., touched)| touched.whole);
            uses.extend(whole);
        }
        let alone = uses.iter().all(|(thread, ..)| uses.first().is_some_and(|(first, ..)| first == thread));
        if alone || !uses.iter().any(|(.., touched)| touched.write) {
            continue;
        }
        let Some(path) = walk.paths.path(*path) else { continue };
        let key = (path.var, path.fields.clone());
        if found.contains_key(&key) {
            continue;
        }
        if let Some(two) = unordered(walk, uses.get(..USES).unwrap_or(&uses)) {
            let uses = two.map(|(thread, _, touched)| told(walk, packages, thread, touched));
            found.insert(key, Shared { name: name(walk.program(), path.var, &path.fields), uses });
        }
    }
}

/// Two uses that may come at once, the first of which is a write.
fn unordered<'w>(walk: &Walk<'_>, uses: &[At<'w>]) -> Option<[At<'w>; 2]> {
    let reaches: Vec<Vec<usize>> = uses.iter().map(|(thread, at, _)| reach(walk, *thread, *at)).collect();
    let comes_first =
        |reach: &[usize], (thread, at, _): At<'_>| reach.get(thread).is_some_and(|from| *from <= at);
    for (one, its) in uses.iter().zip(&reaches) {
        if !one.2.write {
            continue;
        }
        for (other, others) in uses.iter().zip(&reaches) {
            if one.0 != other.0
                && !(one.2.atomic && other.2.atomic)
                && may_be_at_once(walk, *one, *other)
                && !comes_first(its, *other)
                && !comes_first(others, *one)
            {
                return Some([*one, *other]);
            }
        }
    }
    None
}

/// From which step on each thread comes after a step of one of them.
fn reach(walk: &Walk<'_>, thread: usize, at: usize) -> Vec<usize> {
    let mut from = vec![usize::MAX; walk.threads.len()];
    if let Some(own) = from.get_mut(thread) {
        *own = at + 1;
    }
    let mut next = vec![thread];
    while let Some(thread) = next.pop() {
        let (Some(of), Some(&begin)) = (walk.threads.get(thread), from.get(thread)) else { continue };
        for step in of.steps.get(begin..).unwrap_or_default() {
            match step {
                Step::Begins(other) => {
                    if let Some(known) = from.get_mut(*other).filter(|known| **known > 0) {
                        *known = 0;
                        next.push(*other);
                    }
                }
                Step::Gives(given) => {
                    for (other, of) in walk.threads.iter().enumerate().filter(|(other, _)| *other != thread) {
                        let takes = |step: &Step| matches!(step, Step::Takes(taken) if given.reaches(taken));
                        let Some(at) = of.steps.iter().position(takes) else { continue };
                        if let Some(known) = from.get_mut(other).filter(|known| **known > at) {
                            *known = at;
                            next.push(other);
                        }
                    }
                }
                _ => {}
            }
        }
    }
    from
}

/// Whether one of them may be there when the other one gets there.
fn may_be_at_once(walk: &Walk<'_>, one: At<'_>, other: At<'_>) -> bool {
    let line = |thread: usize| {
        let mut line = vec![thread];
        let mut at = thread;
        while let Some((maker, ..)) = walk.threads.get(at).and_then(|thread| thread.made) {
            line.push(maker);
            at = maker;
        }
        line.reverse();
        line
    };
    let (ones, others) = (line(one.0), line(other.0));
    let common = ones.iter().zip(&others).take_while(|(one, other)| one == other).count();
    let begun = |thread: usize| walk.threads.get(thread).map(|thread| &thread.begun);
    match (ones.get(common), others.get(common)) {
        (None, Some(child)) => one.2.begun.contains(child),
        (Some(child), None) => other.2.begun.contains(child),
        (Some(one), Some(other)) => {
            begun(*other).is_some_and(|begun| begun.contains(one))
                || begun(*one).is_some_and(|begun| begun.contains(other))
        }
        (None, None) => false,
    }
}

fn told(walk: &Walk<'_>, packages: &HashMap<Name, Name>, thread: usize, touched: &Touched) -> SharedUse {
    let program = walk.program();
    let file = |func: FuncId| program.func(func).map_or_else(|| "".into(), |func| Arc::clone(&func.file));
    let made = walk.threads.get(thread).and_then(|thread| thread.made);
    let at = Frame {
        function: full_name(program, packages, touched.func).into(),
        file: file(touched.func),
        line: touched.line,
        pc: Addr(0),
        inlined: false,
    };
    let made_at = made.map(|(_, func, line, end)| MadeAt {
        function: full_name(program, packages, func).into(),
        file: file(func),
        line,
        end,
    });
    SharedUse { write: touched.write, at, made_at }
}

/// What the source calls it.
fn name(program: &Program, var: VarId, fields: &[Name]) -> Arc<str> {
    let mut name = program.var(var).map_or(String::new(), |var| var.name.to_string());
    for field in fields.iter().filter(|field| &***field != "*") {
        if &**field != "[]" {
            name.push('.');
        }
        name.push_str(field);
    }
    name.into()
}

/// The name that a binary has for a function: `main.(*T).run.func1`.
fn full_name(program: &Program, packages: &HashMap<Name, Name>, id: FuncId) -> String {
    let Some(func) = program.func(id) else { return String::new() };
    let Some(parent) = func.parent else {
        let folder = load::folder(&func.file);
        let package = packages
            .get(folder)
            .map_or_else(|| folder.rsplit('/').next().unwrap_or_default(), |path| &**path);
        return format!("{package}.{}", func.name);
    };
    let literals = program.by_file.get(&func.file).into_iter().flatten();
    let before = literals.filter(|other| {
        other.index() <= id.index() && program.func(**other).is_some_and(|other| other.parent == Some(parent))
    });
    let nested = program.func(parent).is_some_and(|parent| parent.parent.is_some());
    let word = if nested { "" } else { "func" };
    format!("{}.{word}{}", full_name(program, packages, parent), before.count())
}
