//! What the goroutines do, one after the other each, that an activation of a
//! function makes: how they get at memory, and what of it puts them in an order.
//! In: the source, and the function. Out: [`Thread`]s, the first one that of the
//! function itself; nothing where it is not all understood in so many steps.
//!
//! ```text
//!   sum:          begins 1 · begins 2 · takes a Wait ·  reads total
//!   1 (total +=):   writes total · gives a Done
//!   2 (total +=):   writes total · gives a Done
//! ```
//!
//! Calls are followed. A loop goes round twice, so that what a turn starts can meet
//! what a later one does. What is not understood may put all in an order.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use super::acts::Code;
use super::foreign::{self, Function};
use super::ir::*;
use super::paths::{PathId, Paths, Value, Variables, is_struct};
use super::points::{Node, OUTSIDE, Sites};
use crate::model::{ObjectKind, Operation};

/// Steps of all threads together, goroutines, and calls within each other.
const STEPS: usize = 20_000;
const THREADS: usize = 48;
const CALLS: usize = 10;
/// Functions that one call may lead to.
const TARGETS: usize = 4;

/// What one goroutine does.
#[derive(Debug, Default)]
pub(super) struct Thread {
    pub(super) steps: Vec<Step>,
    /// Who made it, and by which `go` statement: the function and the lines.
    pub(super) made: Option<(usize, FuncId, u32, u32)>,
    /// Who may have been made before, on the way to that.
    pub(super) begun: Begun,
}

/// Threads that may have been begun.
pub(super) type Begun = Rc<BTreeSet<usize>>;

/// One of the things that a goroutine does.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// It gets at memory.
    Touches(Touched),
    /// What came before it here comes before what others take from it.
    Gives(Link),
    /// What comes behind it here comes after what others give to it.
    Takes(Link),
    /// It makes another one.
    Begins(usize),
}

/// An access.
#[derive(Clone, Debug)]
pub(super) struct Touched {
    pub(super) path: PathId,
    pub(super) write: bool,
    pub(super) atomic: bool,
    /// It gets at all of a struct.
    pub(super) whole: bool,
    pub(super) func: FuncId,
    pub(super) line: u32,
    pub(super) begun: Begun,
}

/// What an order is made of: an object, and what is done with it.
#[derive(Clone, Debug)]
pub(super) struct Link {
    how: How,
    /// Empty: any.
    sites: Sites,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum How {
    Send,
    Receive,
    Close,
    Lock,
    RLock,
    Unlock,
    RUnlock,
    Wait,
    Done,
    Any,
}

impl Link {
    /// Whether what this one gives is what the other takes.
    pub(super) fn reaches(&self, taken: &Link) -> bool {
        use How as H;
        let fits = match (self.how, taken.how) {
            (H::Any, _) | (_, H::Any) => true,
            (H::Send | H::Close, how) => how == H::Receive,
            (H::Receive, how) => how == H::Send,
            (H::Unlock, how) => matches!(how, H::Lock | H::RLock),
            (H::RUnlock, how) => how == H::Lock,
            (H::Done, how) => how == H::Wait,
            (H::Lock | H::RLock | H::Wait, _) => false,
        };
        fits && (self.sites.is_empty() || taken.sites.is_empty() || !self.sites.is_disjoint(&taken.sites))
    }
}

/// Where a way through the statements is: who may have been begun on it.
type State = Option<Begun>;

/// Follows what is done.
pub(super) struct Walk<'c> {
    code: &'c mut Code,
    vars: &'c Variables,
    pub(super) paths: Paths,
    pub(super) threads: Vec<Thread>,
    /// Which thread it is in,
    at: usize,
    /// and which functions.
    inside: Vec<FuncId>,
    deferred: Vec<Vec<Act>>,
    returns: Vec<State>,
    breaks: Vec<State>,
    continues: Vec<State>,
    left: usize,
}

/// What an activation of `func`, and all whom it makes, do.
pub(super) fn of<'c>(code: &'c mut Code, vars: &'c Variables, func: FuncId) -> Option<Walk<'c>> {
    let mut walk = Walk {
        code,
        vars,
        paths: Paths::default(),
        threads: vec![Thread::default()],
        at: 0,
        inside: Vec::new(),
        deferred: Vec::new(),
        returns: Vec::new(),
        breaks: Vec::new(),
        continues: Vec::new(),
        left: STEPS,
    };
    walk.func(func, Begun::default());
    (walk.left > 0 && walk.threads.len() <= THREADS).then_some(walk)
}

impl Walk<'_> {
    pub(super) fn program(&self) -> &Program {
        &self.code.points.program
    }

    /// One more step; `false`: there were too many.
    fn spend(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        if self.threads.len() > THREADS {
            self.left = 0;
        }
        self.left > 0
    }

    fn step(&mut self, step: Step) {
        if let Some(thread) = self.threads.get_mut(self.at) {
            thread.steps.push(step);
        }
    }

    /// Something that may put all in an order.
    fn unknown(&mut self) {
        let any = Link { how: How::Any, sites: Sites::new() };
        self.step(Step::Gives(any.clone()));
        self.step(Step::Takes(any));
    }

    /// A function is called; `None`: it does not return.
    fn func(&mut self, id: FuncId, begun: Begun) -> State {
        let Some(of) = self.program().func(id) else { return Some(begun) };
        let body = Rc::clone(&of.body);
        self.inside.push(id);
        let (breaks, continues) = (std::mem::take(&mut self.breaks), std::mem::take(&mut self.continues));
        let returns = std::mem::take(&mut self.returns);
        self.deferred.push(Vec::new());
        let mut end = self.stmts(&body, Some(begun));
        for one in std::mem::replace(&mut self.returns, returns) {
            end = join(end, one);
        }
        let deferred = self.deferred.pop().unwrap_or_default();
        let returns = end.is_some();
        // Of a loop without an end, too: what it holds is its own until then.
        let mut last = end.unwrap_or_default();
        for act in deferred.into_iter().rev() {
            if let ActKind::Defer(call) = &act.kind {
                last = self.call(*call, &act, Rc::clone(&last)).unwrap_or(last);
            }
        }
        let end = returns.then_some(last);
        (self.breaks, self.continues) = (breaks, continues);
        self.inside.pop();
        end
    }

    fn stmts(&mut self, stmts: &[Stmt], mut state: State) -> State {
        for stmt in stmts {
            state = self.stmt(stmt, state);
        }
        state
    }

    fn acts(&mut self, acts: &[Act], mut state: State) -> State {
        for act in acts {
            let begun = state?;
            if !self.spend() {
                return None;
            }
            state = self.act(act, begun);
        }
        state
    }

    fn stmt(&mut self, stmt: &Stmt, state: State) -> State {
        // What nobody comes to is not done.
        if state.is_none() || !self.spend() {
            return None;
        }
        match &stmt.kind {
            StmtKind::Acts(acts) => self.acts(acts, state),
            StmtKind::Block(inner) => self.stmts(inner, state),
            StmtKind::If { head, then, other } => {
                let state = self.acts(head, state);
                let then = self.stmts(then, state.clone());
                let other = self.stmts(other, state);
                join(then, other)
            }
            StmtKind::Loop { head, endless, body, .. } => self.turns(stmt, (head, body), *endless, state),
            StmtKind::Switch { head, branches, default, .. } => {
                let state = self.acts(head, state);
                let after = self.branches(branches, &state);
                if *default { after } else { join(after, state) }
            }
            StmtKind::Select { branches, .. } => self.branches(branches, &state),
            StmtKind::Return(acts) => {
                let state = self.acts(acts, state);
                self.returns.push(state);
                None
            }
            StmtKind::Break(_) => {
                self.breaks.push(state);
                None
            }
            StmtKind::Continue => {
                self.continues.push(state);
                None
            }
            StmtKind::Goto => {
                self.unknown();
                state
            }
        }
    }

    fn turns(&mut self, stmt: &Stmt, (head, body): (&[Act], &[Stmt]), endless: bool, state: State) -> State {
        let func = self.inside.last().copied();
        let mut entry = state;
        let mut exit = None;
        for _ in 0..2 {
            let all = func.and_then(|func| self.vars.by_func.get(&func)).into_iter().flatten().copied();
            let program = &self.code.points.program;
            let is_here = |var: &Var| stmt.line <= var.line && var.line <= stmt.end;
            let own = all.filter(|var| program.var(*var).is_some_and(is_here));
            self.paths.renew(own);
            let begun = self.acts(head, entry.clone());
            if !endless {
                exit = join(exit, begun.clone());
            }
            let (breaks, continues) = (std::mem::take(&mut self.breaks), std::mem::take(&mut self.continues));
            let mut end = self.stmts(body, begun);
            for one in std::mem::replace(&mut self.continues, continues) {
                end = join(end, one);
            }
            for one in std::mem::replace(&mut self.breaks, breaks) {
                exit = join(exit, one);
            }
            entry = join(entry, end);
        }
        if endless { exit } else { join(exit, entry) }
    }

    fn branches(&mut self, branches: &[Branch], state: &State) -> State {
        let breaks = std::mem::take(&mut self.breaks);
        let mut after = None;
        let mut falling: State = None;
        for branch in branches {
            let begun = self.acts(&branch.head, state.clone());
            let begun = join(begun, falling.take());
            let end = self.stmts(&branch.body, begun);
            if branch.falls {
                falling = end;
            } else {
                after = join(after, end);
            }
        }
        for one in std::mem::replace(&mut self.breaks, breaks) {
            after = join(after, one);
        }
        after
    }

    fn act(&mut self, act: &Act, begun: Begun) -> State {
        match &act.kind {
            ActKind::Touch(touch) => {
                self.touch(touch, false, act.line, &begun);
                Some(begun)
            }
            ActKind::Send(_) | ActKind::Receive(_) | ActKind::Close(_) => {
                if !self.links(act) {
                    self.unknown();
                }
                Some(begun)
            }
            ActKind::Range(over) => {
                let kind = self.program().type_of(over);
                let kind = self.program().underlying(&kind).clone();
                let is_list = matches!(kind, Type::Basic | Type::List(_) | Type::Map(_) | Type::Array(_));
                if !is_list && !self.links(act) {
                    self.unknown();
                }
                Some(begun)
            }
            ActKind::Defer(_) => {
                if let Some(deferred) = self.deferred.last_mut() {
                    deferred.push(act.clone());
                }
                Some(begun)
            }
            ActKind::Call(call) => self.call(*call, act, begun),
            ActKind::Go(call) => {
                let targets = self.targets(*call);
                let [func] = targets[..] else {
                    self.unknown();
                    return Some(begun);
                };
                Some(self.begin(func, Some(*call), act, begun, false))
            }
        }
    }

    /// A goroutine is made, which begins with a function.
    fn begin(&mut self, func: FuncId, call: Option<CallId>, act: &Act, begun: Begun, counted: bool) -> Begun {
        if self.inside.contains(&func) || self.inside.len() >= CALLS {
            self.unknown();
            return begun;
        }
        let (id, maker) = (self.threads.len(), self.at);
        let Some(made_in) = self.inside.last().copied() else { return begun };
        self.step(Step::Begins(id));
        let made = Some((maker, made_in, act.line, act.end));
        self.threads.push(Thread { steps: Vec::new(), made, begun: Rc::clone(&begun) });
        self.at = id;
        self.give(func, call);
        self.func(func, Begun::default());
        if counted {
            let any = Link { how: How::Any, sites: Sites::new() };
            self.step(Step::Gives(any));
        }
        self.at = maker;
        let mut more = (*begun).clone();
        more.insert(id);
        Rc::new(more)
    }

    /// The parameters of a function get what a call gives them.
    fn give(&mut self, func: FuncId, call: Option<CallId>) {
        let program = &self.code.points.program;
        let Some(of) = program.func(func) else { return };
        let mut given: Vec<(VarId, Value)> = Vec::new();
        if let Some(call) = call.and_then(|call| program.call(call)) {
            let mut params = &of.params[..];
            if let (true, Expr::Field(object, _), Some((receiver, rest))) =
                (of.is_method, &call.callee, params.split_first())
            {
                let kind = program.var(*receiver).map_or(&Type::Unknown, |var| &var.kind);
                given.extend(
                    self.paths.value(program, self.vars, object, kind).map(|value| (*receiver, value)),
                );
                params = rest;
            }
            for (param, arg) in params.iter().zip(&call.args) {
                let kind = program.var(*param).map_or(&Type::Unknown, |var| &var.kind);
                given.extend(self.paths.value(program, self.vars, arg, kind).map(|value| (*param, value)));
            }
        }
        let own = self.vars.by_func.get(&func).into_iter().flatten().copied();
        self.paths.renew(own);
        for (param, value) in given {
            self.paths.give(param, value);
        }
    }

    fn touch(&mut self, touch: &Touch, atomic: bool, line: u32, begun: &Begun) {
        let Some(func) = self.inside.last().copied() else { return };
        let program = &self.code.points.program;
        if let Some(path) = self.paths.slot(program, self.vars, &touch.place) {
            let (begun, write) = (Rc::clone(begun), touch.write);
            let whole = !touch.on_the_way && is_struct(program, &program.type_of(&touch.place));
            self.step(Step::Touches(Touched { path, write, atomic, whole, func, line, begun }));
        }
    }

    /// What an act orders by itself; whether it does.
    fn links(&mut self, act: &Act) -> bool {
        let shared = super::acts::call_of(act)
            .and_then(|call| self.code.receiver(call))
            .is_some_and(|(_, name)| matches!(&*name, "RUnlock"));
        let done = self.code.done(act, None);
        for done in &done {
            // Whatever comes from outside may be anything.
            let known = Some(done.item.site).filter(|site| *site != OUTSIDE);
            let sites = known.map_or_else(Sites::new, |site| self.code.ancestors(site));
            let link = |how| Link { how, sites: sites.clone() };
            let (gives, takes) = match done.operation {
                Operation::Send => (Some(How::Send), Some(How::Send)),
                Operation::Receive => (Some(How::Receive), Some(How::Receive)),
                Operation::Close => (Some(How::Close), None),
                Operation::Lock => (None, Some(How::Lock)),
                Operation::RLock => (None, Some(How::RLock)),
                Operation::Unlock => (Some(if shared { How::RUnlock } else { How::Unlock }), None),
                Operation::Wait => (None, Some(How::Wait)),
                Operation::Done | Operation::Signal => (Some(How::Done), None),
                Operation::Any => (Some(How::Any), Some(How::Any)),
            };
            if let Some(how) = gives {
                self.step(Step::Gives(link(how)));
            }
            if let Some(how) = takes {
                self.step(Step::Takes(link(how)));
            }
            // It gives its lock back meanwhile.
            if (done.kind, done.operation) == (ObjectKind::Cond, Operation::Wait) {
                self.unknown();
            }
        }
        !done.is_empty()
    }

    /// The functions of the program that a call leads to.
    fn targets(&self, call: CallId) -> Vec<FuncId> {
        let callee = self.program().call(call).map(|call| &call.callee);
        if let Some(Expr::Var(var)) = callee
            && let Some(func) = self.paths.func_in(*var)
        {
            return vec![func];
        }
        self.code.points.targets.get(&call).into_iter().flatten().copied().collect()
    }

    fn call(&mut self, id: CallId, act: &Act, begun: Begun) -> State {
        let Some(call) = self.program().call(id) else { return Some(begun) };
        let (callee, args) = (call.callee.clone(), call.args.clone());
        let given = args.iter().find_map(|arg| self.function(arg));
        let targets = match &callee {
            // What it is given is called by whom nobody has read.
            Expr::Foreign(..) => Vec::new(),
            Expr::Field(_, name) => {
                let mut targets = self.targets(id);
                let is_method = |func: &FuncId| {
                    let name_of = self.program().func(*func).and_then(|func| func.name.rsplit('.').next());
                    name_of == Some(&**name)
                };
                targets.retain(|func| given.is_none() || is_method(func));
                targets
            }
            _ => self.targets(id),
        };
        if !targets.is_empty() {
            return self.enter(&targets, Some(id), begun);
        }
        match &callee {
            Expr::Foreign(package, name) if &**package == "sync/atomic" => {
                if let Some(place) = args.first() {
                    let (place, write) = (place.clone(), !name.starts_with("Load"));
                    self.touch(&Touch { place, write, on_the_way: true }, true, act.line, &begun);
                }
                self.unknown();
            }
            Expr::Foreign(package, name) => {
                if foreign::function(package, name) == Function::Ends {
                    return None;
                }
                if let Some(func) = given.filter(|_| foreign::calls_at_once(package)) {
                    return self.enter(&[func], None, begun);
                }
                if !self.links(act) && (given.is_some() || !foreign::orders_nothing(package)) {
                    self.unknown();
                }
            }
            Expr::Field(of, name) => return self.method(of, name, given, act, begun),
            _ => {
                if !self.links(act) {
                    self.unknown();
                }
            }
        }
        Some(begun)
    }

    /// The function that an expression is.
    fn function(&self, of: &Expr) -> Option<FuncId> {
        match of {
            Expr::Func(func) => Some(*func),
            Expr::Var(var) => {
                if let Some(func) = self.paths.func_in(*var) {
                    return Some(func);
                }
                let sites = self.code.points.set(&Node::Var(*var));
                sites.iter().find_map(|site| match self.program().site(*site)?.made {
                    Made::Func(func) => Some(func),
                    _ => None,
                })
            }
            _ => None,
        }
    }

    /// A method that is not of the program.
    fn method(&mut self, of: &Expr, name: &Name, given: Option<FuncId>, act: &Act, begun: Begun) -> State {
        if self.links(act) {
            return Some(begun);
        }
        let kind = self.program().type_of(of);
        let mut kinds = vec![kind];
        let sites = self.code.points.eval(of);
        kinds
            .extend(sites.iter().filter_map(|site| self.program().site(*site)).map(|site| site.kind.clone()));
        let package = kinds.iter().find_map(|kind| match super::points::bare(kind) {
            Type::Foreign(package, kind) => Some((Arc::clone(package), Arc::clone(kind))),
            _ => None,
        });
        match (&**name, given) {
            // Whoever waits for it knows.
            ("Go", Some(func)) => return Some(self.begin(func, None, act, begun, true)),
            ("Do", Some(func)) if package.as_ref().is_some_and(|(package, _)| &**package == "sync") => {
                self.unknown();
                let end = self.enter(&[func], None, begun);
                self.unknown();
                return end;
            }
            _ => {}
        }
        let harmless = package.is_some_and(|(package, kind)| match (&*package, &*kind) {
            ("sync", "WaitGroup") => &**name == "Add",
            ("testing", _) => !matches!(&**name, "Run" | "Parallel" | "RunParallel"),
            (package, _) => given.is_none() && foreign::orders_nothing(package),
        });
        if !harmless {
            self.unknown();
        }
        Some(begun)
    }

    /// One of these functions is called.
    fn enter(&mut self, targets: &[FuncId], call: Option<CallId>, begun: Begun) -> State {
        let too_deep = |func: &FuncId| self.inside.contains(func);
        if self.inside.len() >= CALLS || targets.len() > TARGETS || targets.iter().any(too_deep) {
            self.unknown();
            return Some(begun);
        }
        let mut end = None;
        for func in targets {
            self.give(*func, call);
            end = join(end, self.func(*func, Rc::clone(&begun)));
        }
        end
    }
}

/// Who may have been begun if it came by either way.
fn join(one: State, other: State) -> State {
    match (one, other) {
        (Some(one), Some(other)) if other.is_subset(&one) => Some(one),
        (Some(one), Some(other)) => Some(Rc::new(one.union(&other).copied().collect())),
        (one, other) => one.or(other),
    }
}
