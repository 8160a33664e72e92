//! What a goroutine may yet do in a function that it is in: the acts behind the
//! line where it is, loops around it whole, and whether it ever returns. In: the
//! statements and the line. Out: [`Rest`].

use super::ir::{Act, ActKind, Branch, CallId, Func, Name, Stmt, StmtKind, Touch};

/// What may come.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// Acts, and the lines in which variables are declared anew before it comes to
    /// them again.
    pub(super) acts: Vec<(Act, Option<(u32, u32)>)>,
    /// Whether the function may return.
    pub(super) returns: bool,
    /// Whether it may come to a panic, or to the end of the goroutine: what was deferred
    /// is done then, here and in those who called it.
    pub(super) unwinds: bool,
}

/// How a call goes on that never returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ends {
    /// By a panic or the end of the goroutine.
    Unwinds,
    /// It goes on for ever.
    Never,
}

/// What is taken to come to an end.
#[derive(Clone, Copy)]
pub(super) struct Ending<'a> {
    /// Which calls never return.
    pub(super) calls: &'a dyn Fn(CallId) -> Option<Ends>,
    /// Whether a loop without an end is left at some time all the same.
    pub(super) loops: bool,
}

/// Where in a function.
#[derive(Clone, Copy)]
pub(super) struct Position<'a> {
    pub(super) line: u32,
    /// The act that is under way, or those of which one is: positions are lines, and
    /// what comes behind any of them may come.
    pub(super) current: &'a [Act],
    /// The `select` of that line is.
    pub(super) select: bool,
}

struct Walk<'a> {
    rest: Rest,
    again: Option<(u32, u32)>,
    ending: Ending<'a>,
    /// Whether there is a `goto`, so that anything may come after anything.
    jumps: bool,
}

/// All that a function does.
pub(super) fn whole(func: &Func, ending: Ending<'_>) -> Rest {
    let mut walk = Walk { rest: Rest::default(), again: None, ending, jumps: jumps(&func.body) };
    let falls = walk.all(&func.body);
    walk.finish(func, falls)
}

/// What it may do from a position on.
pub(super) fn from(func: &Func, position: Position<'_>, ending: Ending<'_>) -> Rest {
    let mut walk = Walk { rest: Rest::default(), again: None, ending, jumps: jumps(&func.body) };
    let falls = walk.from(&func.body, position);
    walk.finish(func, falls)
}

impl Walk<'_> {
    fn finish(mut self, func: &Func, falls: bool) -> Rest {
        self.rest.returns |= falls;
        // What was deferred is done when it returns.
        self.rest.acts.retain(|(act, _)| !matches!(act.kind, ActKind::Defer(_)));
        if self.rest.returns || self.rest.unwinds {
            let mut deferred = Vec::new();
            each_act(&func.body, &mut |act| {
                if let ActKind::Defer(_) = act.kind {
                    deferred.push((act.clone(), None));
                }
            });
            // One of these may recover.
            self.rest.returns |= !deferred.is_empty();
            self.rest.acts.extend(deferred);
        }
        self.rest
    }

    /// All of these; whether what is behind them may come.
    fn all(&mut self, stmts: &[Stmt]) -> bool {
        for stmt in stmts {
            if !self.stmt(stmt) && !self.jumps {
                return false;
            }
        }
        true
    }

    fn acts(&mut self, acts: &[Act]) -> bool {
        for act in acts.iter().filter(acts_on_objects) {
            self.rest.acts.push((act.clone(), self.again));
            if let ActKind::Call(call) = act.kind
                && let Some(ends) = (self.ending.calls)(call)
            {
                self.rest.unwinds |= ends == Ends::Unwinds;
                return false;
            }
        }
        true
    }

    fn stmt(&mut self, stmt: &Stmt) -> bool {
        match &stmt.kind {
            StmtKind::Acts(acts) => self.acts(acts),
            StmtKind::Block(inner) => self.all(inner),
            StmtKind::If { head, then, other } => {
                let head = self.acts(head);
                let (then, other) = (self.all(then), self.all(other));
                head && (then || other)
            }
            StmtKind::Loop { label, head, endless, body } => {
                self.acts(head);
                self.all(body);
                !endless || self.ending.loops || breaks(body, label.as_ref())
            }
            StmtKind::Switch { label, head, branches, default } => {
                self.acts(head);
                let falls = self.branches(branches);
                falls || !default || leaves(branches, label.as_ref())
            }
            StmtKind::Select { label, branches, .. } => {
                let falls = self.branches(branches);
                falls || leaves(branches, label.as_ref())
            }
            StmtKind::Return(acts) => {
                self.acts(acts);
                self.rest.returns = true;
                false
            }
            StmtKind::Break(_) | StmtKind::Continue => false,
            StmtKind::Goto => true,
        }
    }

    fn branches(&mut self, branches: &[Branch]) -> bool {
        let mut falls = false;
        for branch in branches {
            self.acts(&branch.head);
            falls |= self.all(&branch.body) || branch.falls;
        }
        falls
    }

    /// From the position on; all where it is not found.
    fn from(&mut self, stmts: &[Stmt], position: Position<'_>) -> bool {
        let spans = |stmt: &Stmt| stmt.line <= position.line && position.line <= stmt.end;
        let holds_it = |stmt: &&Stmt| spans(stmt) && has(stmt, position);
        let at = stmts.iter().position(|stmt| holds_it(&stmt)).or_else(|| stmts.iter().position(spans));
        let Some((stmt, behind)) = at.and_then(|at| stmts.get(at..)?.split_first()) else {
            return self.all(stmts);
        };
        (self.within(stmt, position) || self.jumps) && self.all(behind)
    }

    fn within(&mut self, stmt: &Stmt, position: Position<'_>) -> bool {
        match &stmt.kind {
            StmtKind::Acts(acts) => self.behind(acts, position),
            StmtKind::Block(inner) => self.from(inner, position),
            StmtKind::If { head, then, other } => {
                if !acts_have(head, position) {
                    let within = |branch: &&Vec<Stmt>| covers(branch, position.line);
                    let mut branches: Vec<&Vec<Stmt>> = [then, other].into_iter().filter(within).collect();
                    if branches.iter().any(|branch| any_has(branch, position)) {
                        branches.retain(|branch| any_has(branch, position));
                    }
                    if !branches.is_empty() {
                        return branches.into_iter().fold(false, |falls, branch| {
                            let falls_too = self.from(branch, position);
                            falls || falls_too
                        });
                    }
                }
                self.behind(head, position);
                let (then, other) = (self.all(then), self.all(other));
                then || other
            }
            StmtKind::Loop { label, head, endless, body } => {
                if covers(body, position.line) && !acts_have(head, position) {
                    self.from(body, position);
                    let outer = self.again;
                    self.again = outer.or(Some((stmt.line, stmt.end)));
                    self.acts(head);
                    self.all(body);
                    self.again = outer;
                } else {
                    self.behind(head, position);
                    self.acts(head);
                    // What it ranges over gives what it has not been given yet.
                    let ranges = head
                        .iter()
                        .any(|act| matches!(act.kind, ActKind::Range(_)) && position.current.contains(act));
                    let outer = self.again;
                    self.again = outer.or(ranges.then_some((stmt.line, stmt.end)));
                    self.all(body);
                    self.again = outer;
                }
                !endless || self.ending.loops || breaks(body, label.as_ref())
            }
            StmtKind::Switch { label, head, branches, default } => {
                let at_head = acts_have(head, position);
                let falls = self.branch(branches, position, at_head).unwrap_or_else(|| {
                    self.behind(head, position);
                    self.branches(branches) || !default
                });
                falls || leaves(branches, label.as_ref())
            }
            StmtKind::Select { label, branches, .. } => {
                let waits = position.select && stmt.line == position.line;
                let within = self.branch(branches, position, waits);
                let falls = within.unwrap_or_else(|| {
                    let mut falls = false;
                    for branch in branches {
                        falls |= self.all(&branch.body);
                    }
                    falls
                });
                falls || leaves(branches, label.as_ref())
            }
            StmtKind::Return(acts) => {
                self.behind(acts, position);
                self.rest.returns = true;
                false
            }
            StmtKind::Break(_) | StmtKind::Continue => false,
            StmtKind::Goto => true,
        }
    }

    /// Where the position is within some of the branches, and not `at_head`.
    fn branch(&mut self, branches: &[Branch], position: Position<'_>, at_head: bool) -> Option<bool> {
        let within = |branch: &Branch| covers(&branch.body, position.line);
        let has = |branch: &Branch| within(branch) && any_has(&branch.body, position);
        let known = branches.iter().any(has);
        let mut all = None;
        for (at, branch) in branches.iter().enumerate().filter(|_| !at_head) {
            if !(if known { has(branch) } else { within(branch) }) {
                continue;
            }
            let mut falls = self.from(&branch.body, position);
            if branch.falls {
                falls |= branches.get(at + 1..).is_some_and(|next| self.branches(next));
            }
            all = Some(all.unwrap_or(false) || falls);
        }
        all
    }

    /// What comes behind the act that is under way.
    fn behind(&mut self, acts: &[Act], position: Position<'_>) -> bool {
        let current = acts.iter().position(|act| position.current.contains(act));
        let from = current.map_or(0, |at| at + 1);
        self.acts(acts.get(from..).unwrap_or_default())
    }
}

fn covers(stmts: &[Stmt], line: u32) -> bool {
    stmts.first().zip(stmts.last()).is_some_and(|(first, last)| first.line <= line && line <= last.end)
}

fn acts_have(acts: &[Act], position: Position<'_>) -> bool {
    acts.iter().any(|act| position.current.contains(act))
}

/// Whether the act that is under way is in a statement.
fn has(stmt: &Stmt, position: Position<'_>) -> bool {
    any_has(std::slice::from_ref(stmt), position)
}

fn any_has(stmts: &[Stmt], position: Position<'_>) -> bool {
    let mut found = false;
    each_act(stmts, &mut |act| found |= position.current.contains(act));
    found
}

/// In how many loops a line is that have no end, or take from what has none: those
/// of who serves others. A loop that is left when its work is done counts as well:
/// what matters is that it is come back to.
pub(super) fn serves(stmts: &[Stmt], line: u32) -> usize {
    let here = stmts.iter().filter(|stmt| stmt.line <= line && line <= stmt.end);
    here.map(|stmt| serves_in(stmt, line)).max().unwrap_or(0)
}

fn serves_in(stmt: &Stmt, line: u32) -> usize {
    match &stmt.kind {
        StmtKind::Block(inner) => serves(inner, line),
        StmtKind::If { then, other, .. } => {
            let branch = [then, other].into_iter().find(|branch| covers(branch, line));
            branch.map_or(0, |branch| serves(branch, line))
        }
        StmtKind::Loop { head, endless, body, .. } => {
            let takes = |act: &Act| matches!(act.kind, ActKind::Range(_)) && act.line == line;
            if covers(body, line) {
                usize::from(*endless) + serves(body, line)
            } else {
                usize::from(head.iter().any(takes))
            }
        }
        StmtKind::Switch { branches, .. } | StmtKind::Select { branches, .. } => {
            let branch = branches.iter().find(|branch| covers(&branch.body, line));
            branch.map_or(0, |branch| serves(&branch.body, line))
        }
        _ => 0,
    }
}

/// Whether something is done on every way to a line and not undone between the two, as
/// far as the statements around the line tell; `None` where that goes by the order of
/// what the line itself does. `does` says of an act that it does it (`true`) or undoes it.
pub(super) fn is_behind(
    stmts: &[Stmt],
    line: u32,
    does: &mut dyn FnMut(&Act) -> Option<bool>,
) -> Option<bool> {
    let mut done = false;
    let mut see = |acts: &[Act], done: &mut bool| {
        for act in acts.iter().filter(acts_on_objects) {
            *done = does(act).unwrap_or(*done);
        }
    };
    let mut stmts = stmts;
    loop {
        let mut inner: &[Stmt] = &[];
        for stmt in stmts {
            let here = stmt.line <= line && line <= stmt.end;
            match &stmt.kind {
                StmtKind::Acts(acts) | StmtKind::Return(acts) if !here => see(acts, &mut done),
                _ if !here => {
                    let mut acts = Vec::new();
                    each_act(std::slice::from_ref(stmt), &mut |act| acts.push(act.clone()));
                    // Something of it is done; what of it is not known.
                    for act in acts {
                        let mut after = true;
                        see(std::slice::from_ref(&act), &mut after);
                        done &= after;
                    }
                }
                StmtKind::Block(body) => inner = body,
                StmtKind::If { head, then, other } => {
                    see(head, &mut done);
                    inner = if covers(then, line) { then } else { other };
                }
                StmtKind::Loop { head, body, .. } => {
                    if covers(body, line) {
                        see(head, &mut done);
                    }
                    inner = body;
                }
                StmtKind::Switch { branches, .. } | StmtKind::Select { branches, .. } => {
                    let branch = branches.iter().find(|branch| covers(&branch.body, line));
                    if let Some(branch) = branch {
                        see(&branch.head, &mut done);
                    }
                    inner = branch.map(|branch| &branch.body[..]).unwrap_or_default();
                }
                _ => {}
            }
            if here {
                break;
            }
        }
        if inner.is_empty() {
            let mut otherwise = false;
            each_act(stmts, &mut |act| {
                let at_line = act.line <= line && line <= act.end;
                otherwise |= at_line && does(act).is_some_and(|does| does != done);
            });
            return (!otherwise).then_some(done);
        }
        stmts = inner;
    }
}

/// Whether an act may have to do with waiting; where memory is got at has not.
fn acts_on_objects(act: &&Act) -> bool {
    !matches!(act.kind, ActKind::Touch(_))
}

/// Calls `see` with all memory that some statements get at.
pub(super) fn each_touch<'s>(stmts: &'s [Stmt], see: &mut impl FnMut(&'s Touch)) {
    walk_acts(stmts, &mut |act| {
        if let ActKind::Touch(touch) = &act.kind {
            see(touch);
        }
    });
}

/// Calls `see` with every act of some statements that may have to do with waiting.
pub(super) fn each_act<'s>(stmts: &'s [Stmt], see: &mut impl FnMut(&'s Act)) {
    walk_acts(stmts, &mut |act| {
        if acts_on_objects(&act) {
            see(act);
        }
    });
}

fn walk_acts<'s>(stmts: &'s [Stmt], see: &mut impl FnMut(&'s Act)) {
    for stmt in stmts {
        match &stmt.kind {
            StmtKind::Acts(acts) | StmtKind::Return(acts) => acts.iter().for_each(&mut *see),
            StmtKind::Block(inner) => walk_acts(inner, see),
            StmtKind::If { head, then, other } => {
                head.iter().for_each(&mut *see);
                walk_acts(then, see);
                walk_acts(other, see);
            }
            StmtKind::Loop { head, body, .. } => {
                head.iter().for_each(&mut *see);
                walk_acts(body, see);
            }
            StmtKind::Switch { head, branches, .. } => {
                head.iter().for_each(&mut *see);
                walk_branches(branches, see);
            }
            StmtKind::Select { branches, .. } => walk_branches(branches, see),
            StmtKind::Break(_) | StmtKind::Continue | StmtKind::Goto => {}
        }
    }
}

fn walk_branches<'s>(branches: &'s [Branch], see: &mut impl FnMut(&'s Act)) {
    for branch in branches {
        branch.head.iter().for_each(&mut *see);
        walk_acts(&branch.body, see);
    }
}

/// Calls `see` with the first and the last line of every loop.
pub(super) fn each_loop(stmts: &[Stmt], see: &mut dyn FnMut(u32, u32)) {
    for stmt in stmts {
        match &stmt.kind {
            StmtKind::Block(inner) => each_loop(inner, see),
            StmtKind::If { then, other, .. } => {
                each_loop(then, see);
                each_loop(other, see);
            }
            StmtKind::Loop { body, .. } => {
                see(stmt.line, stmt.end);
                each_loop(body, see);
            }
            StmtKind::Switch { branches, .. } | StmtKind::Select { branches, .. } => {
                branches.iter().for_each(|branch| each_loop(&branch.body, see));
            }
            _ => {}
        }
    }
}

/// Whether there is a `goto`.
pub(super) fn jumps(stmts: &[Stmt]) -> bool {
    stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::Goto => true,
        StmtKind::Block(inner) => jumps(inner),
        StmtKind::If { then, other, .. } => jumps(then) || jumps(other),
        StmtKind::Loop { body, .. } => jumps(body),
        StmtKind::Switch { branches, .. } | StmtKind::Select { branches, .. } => {
            branches.iter().any(|branch| jumps(&branch.body))
        }
        _ => false,
    })
}

/// Whether a `break` in a loop's body leaves the loop.
fn breaks(stmts: &[Stmt], label: Option<&Name>) -> bool {
    leaves_by(stmts, label, true)
}

/// Whether a `break` in a branch leaves the switch or select.
fn leaves(branches: &[Branch], label: Option<&Name>) -> bool {
    branches.iter().any(|branch| leaves_by(&branch.body, label, true))
}

fn leaves_by(stmts: &[Stmt], label: Option<&Name>, bare: bool) -> bool {
    stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::Break(None) => bare,
        StmtKind::Break(to) => to.as_ref() == label,
        StmtKind::Block(inner) => leaves_by(inner, label, bare),
        StmtKind::If { then, other, .. } => leaves_by(then, label, bare) || leaves_by(other, label, bare),
        StmtKind::Loop { body, .. } => label.is_some() && leaves_by(body, label, false),
        StmtKind::Switch { branches, .. } | StmtKind::Select { branches, .. } => {
            label.is_some() && branches.iter().any(|branch| leaves_by(&branch.body, label, false))
        }
        _ => false,
    })
}
