//! Where goroutines are in the source: the function and the line of each frame, and
//! how one came to the other. In: stacks and `go` statements. Out: [`Spot`]s.

use std::collections::HashMap;
use std::rc::Rc;

use super::acts::{Code, call_of};
use super::context::{Context, Owner};
use super::future::each_act;
use super::ir::{Act, ActKind, CallId, Func, FuncId, Program};
use super::load;
use crate::model::{Frame, GoId, Stack};
use crate::world::{Glance, Goroutine, World};

/// How many generations of goroutines are looked at for what one was given.
const GENERATIONS: u8 = 3;

/// One frame of a goroutine in the program's source.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) context: Rc<Context>,
    pub(super) line: u32,
    /// Where in the stack.
    pub(super) frame: usize,
    /// The call that led from here to the next inner one of the program's frames.
    pub(super) inner: Option<CallId>,
    /// The next inner frame, of whatever package.
    pub(super) calls: Option<String>,
}

/// A goroutine's frames, innermost first, and whether all of the program's are there.
#[derive(Clone, Debug, Default)]
pub(super) struct Spots {
    pub(super) all: Vec<Spot>,
    /// Frames of the program whose text is not there, or does not fit.
    pub(super) missing: bool,
    /// What a goroutine without a stack begins with, one of these: it may be anywhere in
    /// that, and in what that calls.
    pub(super) within: Vec<Rc<Context>>,
    /// It has no stack, and is anywhere in the program.
    pub(super) anywhere: bool,
    /// The `go` statement of one that none of the program's functions began, and
    /// where that stands: `go group.Done()`.
    pub(super) started: Option<(Act, Rc<Context>)>,
}

/// Finds frames in the source.
#[derive(Default)]
pub(super) struct Places {
    known: HashMap<(String, String, u32), Option<FuncId>>,
}

impl Places {
    /// The function of a frame.
    fn func(&mut self, program: &Program, function: &str, file: &str, line: u32) -> Option<FuncId> {
        let key = (function.to_owned(), file.to_owned(), line);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let found = locate(program, function, file, line);
        self.known.insert(key, found);
        found
    }

    /// Where a goroutine is.
    pub(super) fn of(&mut self, code: &Code, world: &World, goroutine: &Goroutine) -> Spots {
        self.generation(code, world, goroutine, 0)
    }

    /// Where a goroutine was of which the stack alone is known.
    pub(super) fn of_stack(&mut self, code: &Code, stack: &Stack) -> Spots {
        self.spots(code, stack, None, None, 0)
    }

    fn generation(&mut self, code: &Code, world: &World, goroutine: &Goroutine, age: u8) -> Spots {
        let made = goroutine.created_by.as_ref();
        let maker = made.and_then(|made| {
            let func = self.func(&code.points.program, &made.function, &made.file, made.line)?;
            Some((func, made.line))
        });
        let up = self.maker(code, world, goroutine, maker, age);
        let mut spots = self.spots(code, &goroutine.stack, maker, up.clone(), age);
        if goroutine.stack.frames().is_empty() && spots.started.is_none() {
            spots.within = within(code, goroutine, maker, up.as_ref(), age);
            spots.anywhere = goroutine.id == GoId::MAIN && code.points.program.mains().is_empty();
        }
        spots
    }

    /// The frames of a stack in the source, with who started it.
    fn spots(
        &mut self,
        code: &Code,
        stack: &Stack,
        maker: Option<(FuncId, u32)>,
        mut up: Option<Rc<Context>>,
        age: u8,
    ) -> Spots {
        let program = &code.points.program;
        let frames = stack.frames();
        let mut spots = Spots::default();
        let mut outer: Option<(usize, FuncId, u32)> = None;
        for (at, frame) in frames.iter().enumerate().rev() {
            if load::is_foreign(frame) || is_wrapper(frame) {
                continue;
            }
            let Some(func) = self.func(program, &frame.function, &frame.file, frame.line) else {
                spots.missing = true;
                outer = None;
                up = None;
                continue;
            };
            let call = match outer {
                Some((_, caller, line)) => find_call(code, caller, line, func),
                None => maker.and_then(|(maker, line)| find_go(code, maker, line, func)),
            };
            if up.is_none() {
                up = around(program, func, if outer.is_none() { Some(age + 1) } else { Some(age) });
            }
            if let Some(last) = spots.all.last_mut() {
                last.inner = call;
            }
            let context = Context::new(func, call, Some(age), up.take());
            let calls =
                at.checked_sub(1).and_then(|at| frames.get(at)).map(|frame| frame.function.to_string());
            spots.all.push(Spot {
                context: Rc::clone(&context),
                line: frame.line,
                frame: at,
                inner: None,
                calls,
            });
            outer = Some((at, func, frame.line));
            up = Some(context);
        }
        if spots.all.is_empty()
            && let Some((maker, line)) = maker
            && let Some(around) = &up
        {
            spots.started = foreign_go(code, maker, line).map(|act| (act, Rc::clone(around)));
        }
        spots.all.reverse();
        spots
    }

    /// The activation that started a goroutine.
    fn maker(
        &mut self,
        code: &Code,
        world: &World,
        goroutine: &Goroutine,
        maker: Option<(FuncId, u32)>,
        age: u8,
    ) -> Option<Rc<Context>> {
        let (func, _) = maker?;
        let alive = goroutine.parent.and_then(|parent| world.goroutine(parent));
        if let Some(parent) = alive.filter(|_| age < GENERATIONS) {
            let parent = self.generation(code, world, parent, age + 1);
            let mut contexts = parent.all.iter().map(|spot| &spot.context).chain(&parent.within);
            if let Some(context) = contexts.find(|context| context.func == func) {
                return Some(Rc::clone(context));
            }
        }
        let up = around(&code.points.program, func, None);
        Some(Context::new(func, None, Some(age + 1), up))
    }
}

/// The activations that a goroutine without a stack may have begun with.
fn within(
    code: &Code,
    goroutine: &Goroutine,
    maker: Option<(FuncId, u32)>,
    up: Option<&Rc<Context>>,
    age: u8,
) -> Vec<Rc<Context>> {
    let program = &code.points.program;
    if let Some((maker, line)) = maker {
        let begun = started_at(code, maker, line).into_iter();
        return begun.map(|(call, func)| Context::new(func, Some(call), Some(age), up.cloned())).collect();
    }
    // Of one that was there before anybody looked it is not known where it comes from.
    let later = || code.points.later.iter().copied();
    let begun = match (goroutine.id, &goroutine.created_by) {
        (GoId::MAIN, _) => program.mains().into_iter().chain(later()).collect(),
        (_, Some(_)) => later().collect(),
        (_, None) => Vec::new(),
    };
    begun.into_iter().map(|func| Context::new(func, None, Some(age), around(program, func, None))).collect()
}

/// The ids that [`Owner`]s stand for: itself, who started it, who started that one.
pub(super) fn owners(world: &World, id: GoId) -> Vec<GoId> {
    let mut found = vec![id];
    let mut at = id;
    for _ in 0..=GENERATIONS {
        let Some(parent) = world.glance(at).and_then(Glance::parent) else { break };
        found.push(parent);
        at = parent;
    }
    found
}

/// The activations that a function literal is in, where no more is known of them.
fn around(program: &Program, func: FuncId, owner: Owner) -> Option<Rc<Context>> {
    let parent = program.func(func)?.parent?;
    let up = around(program, parent, None);
    Some(Context::new(parent, None, owner, up))
}

/// Whether the compiler made it: it carries a call on.
fn is_wrapper(frame: &Frame) -> bool {
    let last = frame.function.rsplit('.').next().unwrap_or_default();
    &*frame.file == "<autogenerated>" || last.starts_with("gowrap") || last.starts_with("deferwrap")
}

/// The function at a place, if what is there fits its name.
fn locate(program: &Program, function: &str, file: &str, line: u32) -> Option<FuncId> {
    let bare = without_brackets(function);
    let bare = bare.rsplit('/').next().unwrap_or_default();
    let mut parts: Vec<&str> = bare.split('.').collect();
    let mut nested = 0;
    while let Some(last) = parts.last() {
        let numbered = last.strip_prefix("func").unwrap_or(last).trim_end_matches("-fm");
        let is_literal = !numbered.is_empty()
            && numbered.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
            || last.starts_with("gowrap")
            || last.starts_with("deferwrap");
        if !is_literal {
            break;
        }
        nested += usize::from(!last.contains("wrap"));
        parts.pop();
    }
    // The body of a loop over a function is a part of the function around.
    let root = parts.last()?.split('-').next().unwrap_or_default();
    let all = program.by_file.get(file)?;
    let mut here: Vec<FuncId> = all
        .iter()
        .copied()
        .filter(|id| program.func(*id).is_some_and(|func| func.start <= line && line <= func.end))
        .collect();
    here.sort_by_key(|id| program.func(*id).map(|func| func.end - func.start));
    let is_literal = |id: &FuncId| program.func(*id).is_some_and(Func::is_literal);
    if nested == 0 {
        return here.into_iter().find(|id| {
            !is_literal(id)
                && program.func(*id).is_some_and(|func| func.name.rsplit('.').next() == Some(root))
        });
    }
    let literals: Vec<FuncId> = here.into_iter().filter(is_literal).collect();
    let depth = |id: &FuncId| {
        let mut depth = 0;
        let mut at = Some(*id);
        while let Some(func) = at.and_then(|id| program.func(id)) {
            depth += usize::from(func.is_literal());
            at = func.parent;
        }
        depth
    };
    match literals[..] {
        [] => None,
        [one] => Some(one),
        _ => {
            let fitting: Vec<FuncId> = literals.iter().copied().filter(|id| depth(id) == nested).collect();
            match fitting[..] {
                [one] => Some(one),
                // Several on one line.
                [one, other, ..] => {
                    let span = |id| program.func(id).map(|func| func.end - func.start);
                    (span(one) != span(other)).then_some(one)
                }
                [] => literals.first().copied().filter(|one| {
                    let lines = program.func(*one).map(|func| func.end - func.start);
                    lines.is_some_and(|lines| lines > 0)
                }),
            }
        }
    }
}

fn without_brackets(function: &str) -> String {
    let mut depth = 0_u32;
    let mut bare = String::with_capacity(function.len());
    for c in function.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => bare.push(c),
            _ => {}
        }
    }
    bare
}

/// The one call at a line, or deferred, that leads to a function.
fn find_call(code: &Code, caller: FuncId, line: u32, target: FuncId) -> Option<CallId> {
    let here = |act: &Act| act.line <= line && line <= act.end;
    let calls = leading_to(code, caller, target, |act| matches!(act.kind, ActKind::Call(_)) && here(act));
    if let Some(exact) = one(calls.iter().filter(|(at, _)| *at == line).map(|(_, call)| *call)) {
        return Some(exact);
    }
    if !calls.is_empty() {
        return one(calls.into_iter().map(|(_, call)| call));
    }
    one(leading_to(code, caller, target, |act| matches!(act.kind, ActKind::Defer(_)))
        .into_iter()
        .map(|(_, call)| call))
}

fn find_go(code: &Code, maker: FuncId, line: u32, target: FuncId) -> Option<CallId> {
    let here = |act: &Act| act.line <= line && line <= act.end && matches!(act.kind, ActKind::Go(_));
    one(leading_to(code, maker, target, here).into_iter().map(|(_, call)| call))
}

fn leading_to(
    code: &Code,
    caller: FuncId,
    target: FuncId,
    fits: impl Fn(&Act) -> bool,
) -> Vec<(u32, CallId)> {
    let mut found = Vec::new();
    let Some(of) = code.points.program.func(caller) else { return found };
    each_act(&of.body, &mut |act| {
        if let Some(call) = call_of(act).filter(|_| fits(act))
            && code.points.targets.get(&call).is_some_and(|targets| targets.contains(&target))
        {
            found.push((act.line, call));
        }
    });
    found
}

/// The `go` statements at a line.
fn started(code: &Code, maker: FuncId, line: u32) -> Vec<Act> {
    let mut found = Vec::new();
    let Some(of) = code.points.program.func(maker) else { return found };
    each_act(&of.body, &mut |act| {
        if matches!(act.kind, ActKind::Go(_)) && act.line <= line && line <= act.end {
            found.push(act.clone());
        }
    });
    found
}

/// The functions of the program that are started at a line.
fn started_at(code: &Code, maker: FuncId, line: u32) -> Vec<(CallId, FuncId)> {
    let calls = started(code, maker, line).into_iter().filter_map(|act| call_of(&act));
    let targets = |call| code.points.targets.get(&call).into_iter().flatten().map(move |func| (call, *func));
    calls.flat_map(targets).collect()
}

/// The one `go` statement at a line, if it starts no function of the program.
fn foreign_go(code: &Code, maker: FuncId, line: u32) -> Option<Act> {
    let is_own = !started_at(code, maker, line).is_empty();
    let mut found = started(code, maker, line);
    if is_own || found.len() > 1 { None } else { found.pop() }
}

fn one<T: PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}
