//! Which locks are held at a place of a function: what was locked on a way to it
//! and not unlocked since, on any way. In: the statements, and what each call does
//! to locks. Out: [`Held`] locks, by the expression that was locked. Where it cannot
//! be told which of several acts it is at, that is what is held at some of them.

use super::future::Position;
use super::ir::{Act, ActKind, Branch, CallId, Expr, Stmt, StmtKind};

/// A lock that may be held.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Held {
    /// What was locked, in terms of the function.
    pub(super) lock: Expr,
    pub(super) shared: bool,
    pub(super) line: u32,
    /// A call may have left it locked, and may not have.
    pub(super) left: bool,
    /// Of the acts that it may be at, it is held at some and at others not.
    pub(super) at_some: bool,
}

impl Held {
    pub(super) fn new(lock: Expr, shared: bool, line: u32) -> Held {
        Held { lock, shared, line, left: false, at_some: false }
    }
}

/// What a call does to locks.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Effect {
    pub(super) takes: Vec<Held>,
    /// What is given back, and whether by `RUnlock`.
    pub(super) gives: Vec<(Expr, bool)>,
}

/// Says what calls do to locks.
pub(super) trait Effects {
    /// What this call leaves locked and unlocked.
    fn of(&mut self, call: CallId) -> Effect;
    /// Whether it never returns.
    fn never_returns(&mut self, call: CallId) -> bool;
}

type State = Option<Vec<Held>>;

struct Walk<'a, 'p> {
    effects: &'a mut dyn Effects,
    position: Option<Position<'p>>,
    /// What is held at each act that may be under way,
    found: Vec<(*const Act, State)>,
    /// and, where none is at that line, as each of its statements begins.
    nearby: Vec<(*const Stmt, State)>,
    breaks: Vec<State>,
    continues: Vec<State>,
    returns: Vec<Vec<Held>>,
    /// What was unlocked without having been locked.
    given: Vec<(Expr, bool)>,
}

/// What may be held at a position.
pub(super) fn at(body: &[Stmt], position: Position<'_>, effects: &mut dyn Effects) -> Vec<Held> {
    let mut walk = Walk::new(effects, Some(position));
    walk.stmts(body, Some(Vec::new()));
    if walk.found.is_empty() { at_all(walk.nearby) } else { at_all(walk.found) }
}

/// What may be held at all of these, or at some.
fn at_all<T>(places: Vec<(*const T, State)>) -> Vec<Held> {
    let places: Vec<Vec<Held>> = places.into_iter().filter_map(|(_, state)| state).collect();
    let mut all: Vec<Held> = Vec::new();
    for held in places.iter().flatten() {
        let is_it = |other: &Held| (&other.lock, other.shared) == (&held.lock, held.shared);
        if !all.iter().any(|known| is_it(known) && known.line == held.line) {
            let everywhere = places.iter().all(|state| state.iter().any(is_it));
            all.push(Held { at_some: !everywhere, ..held.clone() });
        }
    }
    all
}

/// Notes what is held at a place, by this way or an earlier one.
fn note<T>(places: &mut Vec<(*const T, State)>, at: *const T, state: &State) {
    match places.iter_mut().find(|(known, _)| std::ptr::eq(*known, at)) {
        Some((_, known)) => *known = join(known.take(), state.clone()),
        None => places.push((at, state.clone())),
    }
}

/// What a function leaves locked and unlocked; deferred calls are not counted.
pub(super) fn effect(body: &[Stmt], effects: &mut dyn Effects) -> Effect {
    let mut walk = Walk::new(effects, None);
    let falls = walk.stmts(body, Some(Vec::new()));
    let mut ends = std::mem::take(&mut walk.returns);
    ends.extend(falls);
    let mut takes: Vec<Held> = Vec::new();
    for held in ends.iter().flatten() {
        if !takes.iter().any(|known| known.lock == held.lock) {
            let always = ends.iter().all(|end| end.iter().any(|other| other.lock == held.lock));
            takes.push(Held { left: held.left || !always, ..held.clone() });
        }
    }
    Effect { takes, gives: walk.given }
}

impl<'a, 'p> Walk<'a, 'p> {
    fn new(effects: &'a mut dyn Effects, position: Option<Position<'p>>) -> Walk<'a, 'p> {
        Walk {
            effects,
            position,
            found: Vec::new(),
            nearby: Vec::new(),
            breaks: Vec::new(),
            continues: Vec::new(),
            returns: Vec::new(),
            given: Vec::new(),
        }
    }

    fn stmts(&mut self, stmts: &[Stmt], mut state: State) -> State {
        for stmt in stmts {
            state = self.stmt(stmt, state);
        }
        state
    }

    fn acts(&mut self, acts: &[Act], mut state: State) -> State {
        for act in acts {
            if let Some(position) = self.position
                && position.current.contains(act)
            {
                note(&mut self.found, act, &state);
            }
            let ActKind::Call(call) = act.kind else { continue };
            if self.effects.never_returns(call) {
                return None;
            }
            let effect = self.effects.of(call);
            let Some(held) = &mut state else { continue };
            for (lock, shared) in effect.gives {
                match held.iter().position(|one| one.lock == lock && one.shared == shared) {
                    Some(at) => {
                        held.remove(at);
                    }
                    None => self.given.push((lock, shared)),
                }
            }
            for taken in effect.takes {
                held.retain(|one| !(one.lock == taken.lock && one.line == taken.line));
                held.push(taken);
            }
        }
        state
    }

    fn leaf(&mut self, stmt: &Stmt, acts: &[Act], state: State) -> State {
        if let Some(position) = self.position
            && stmt.line <= position.line
            && position.line <= stmt.end
        {
            note(&mut self.nearby, stmt, &state);
        }
        self.acts(acts, state)
    }

    fn stmt(&mut self, stmt: &Stmt, state: State) -> State {
        match &stmt.kind {
            StmtKind::Acts(acts) => self.leaf(stmt, acts, state),
            StmtKind::Block(inner) => self.stmts(inner, state),
            StmtKind::If { head, then, other } => {
                let state = self.acts(head, state);
                let then = self.stmts(then, state.clone());
                let other = self.stmts(other, state);
                join(then, other)
            }
            StmtKind::Loop { head, endless, body, .. } => {
                let mut entry = state;
                let mut exit = None;
                // Twice: what an earlier turn left locked is held in a later one.
                for _ in 0..2 {
                    let begun = self.acts(head, entry.clone());
                    if !endless {
                        exit = join(exit, begun.clone());
                    }
                    let (breaks, continues) =
                        (std::mem::take(&mut self.breaks), std::mem::take(&mut self.continues));
                    let mut end = self.stmts(body, begun);
                    for one in std::mem::replace(&mut self.continues, continues) {
                        end = join(end, one);
                    }
                    for one in std::mem::replace(&mut self.breaks, breaks) {
                        exit = join(exit, one);
                    }
                    entry = join(entry, end);
                }
                if *endless { exit } else { join(exit, entry) }
            }
            StmtKind::Switch { head, branches, default, .. } => {
                let state = self.acts(head, state);
                let after = self.branches(branches, &state);
                if *default { after } else { join(after, state) }
            }
            StmtKind::Select { branches, .. } => {
                if let Some(position) = self.position
                    && position.line == stmt.line
                {
                    note(&mut self.nearby, stmt, &state);
                }
                self.branches(branches, &state)
            }
            StmtKind::Return(acts) => {
                let state = self.leaf(stmt, acts, state);
                self.returns.extend(state);
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
            StmtKind::Goto => state,
        }
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
}

/// What may be held if it came by either way.
fn join(one: State, other: State) -> State {
    match (one, other) {
        (Some(mut one), Some(other)) => {
            for held in other {
                if !one.contains(&held) {
                    one.push(held);
                }
            }
            Some(one)
        }
        (one, other) => one.or(other),
    }
}
