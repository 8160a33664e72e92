//! What goroutines at one place wait for: which operation is under way there, which
//! act of the source that is, on which objects. In: the place and the stack. Out:
//! objects and operations, if all of them are known.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::acts::{Code, call_of};
use super::context::{Item, ObjectMethod};
use super::foreign;
use super::future::{self, each_act};
use super::ir::*;
use super::pattern::Seen;
use super::place::Spot;
use super::points::{Node, OUTSIDE};
use crate::model::{ObjectKind, Operation, WaitReason};

/// What is under way at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Waiting {
    Send,
    Receive,
    Select,
    /// One of the methods of package `sync`.
    Method(ObjectKind, Operation),
    Once,
    /// `Cond.Wait` has been woken and waits for its lock.
    CondLock,
    /// Something of `io.Pipe` or `net.Pipe`, by whatever way.
    Pipe(Operation),
}

impl Waiting {
    pub(super) fn of(seen: &Seen<'_>, frame: usize) -> Option<Waiting> {
        use ObjectKind as Kind;
        use Operation as Op;
        use WaitReason as Why;
        let inner = seen.stack.frames().get(..frame).unwrap_or_default();
        let has = |name: &str| inner.iter().any(|frame| &*frame.function == name);
        let callee = inner.last().map_or("", |frame| &*frame.function);
        let method = callee.strip_prefix("internal/").unwrap_or(callee);
        let locks = || {
            has("sync.(*Mutex).Lock")
                || has("internal/sync.(*Mutex).lockSlow")
                || has("sync.(*Mutex).lockSlow")
        };
        Some(match method {
            "sync.(*Mutex).Lock" | "sync.(*Mutex).lockSlow" => Waiting::Method(Kind::Mutex, Op::Lock),
            "sync.(*RWMutex).Lock" => Waiting::Method(Kind::RwMutex, Op::Lock),
            "sync.(*RWMutex).RLock" | "sync.(*rlocker).Lock" => Waiting::Method(Kind::RwMutex, Op::RLock),
            "sync.(*WaitGroup).Wait" => Waiting::Method(Kind::WaitGroup, Op::Wait),
            "sync.(*Cond).Wait" if locks() => Waiting::CondLock,
            "sync.(*Cond).Wait" => Waiting::Method(Kind::Cond, Op::Wait),
            "sync.(*Once).Do" | "sync.(*Once).doSlow" if locks() => Waiting::Once,
            _ if has("io.(*pipe).read") || has("io.(*PipeReader).Read") || has("net.(*pipe).read") => {
                Waiting::Pipe(Op::Receive)
            }
            _ if has("io.(*pipe).write") || has("io.(*PipeWriter).Write") || has("net.(*pipe).write") => {
                Waiting::Pipe(Op::Send)
            }
            _ if !inner.iter().all(|frame| frame.function.starts_with("runtime.")) => return None,
            _ if callee.starts_with("runtime.chansend") => Waiting::Send,
            _ if callee.starts_with("runtime.chanrecv") => Waiting::Receive,
            "runtime.selectgo" => Waiting::Select,
            _ => match seen.reason? {
                Why::ChanSend | Why::ChanSendDurable => Waiting::Send,
                Why::ChanReceive | Why::ChanReceiveDurable => Waiting::Receive,
                Why::Select | Why::SelectDurable => Waiting::Select,
                _ => return None,
            },
        })
    }
}

/// The acts at a spot that may be under way.
pub(super) fn under_way(code: &mut Code, spot: &Spot, waiting: Waiting) -> Vec<Act> {
    let Some(func) = code.points.program.func(spot.context.func) else { return Vec::new() };
    let body = Rc::clone(&func.body);
    let (mut exact, mut around, mut deferred) = (Vec::new(), Vec::new(), Vec::new());
    each_act(&body, &mut |act| {
        let fits = match waiting {
            Waiting::Send => matches!(act.kind, ActKind::Send(_)),
            Waiting::Receive => matches!(act.kind, ActKind::Receive(_) | ActKind::Range(_)),
            Waiting::Select => false,
            _ => matches!(act.kind, ActKind::Call(_) | ActKind::Defer(_)),
        };
        if !fits {
            return;
        }
        if let ActKind::Defer(_) = act.kind {
            deferred.push(act.clone());
        } else if act.line == spot.line {
            exact.push(act.clone());
        } else if act.line <= spot.line && spot.line <= act.end {
            around.push(act.clone());
        }
    });
    for mut candidates in [exact, around, deferred] {
        candidates.retain(|act| fits(code, spot, act, waiting));
        if !candidates.is_empty() {
            return candidates;
        }
    }
    Vec::new()
}

/// Whether a call is what is under way.
fn fits(code: &mut Code, spot: &Spot, act: &Act, waiting: Waiting) -> bool {
    let Some(call) = call_of(act) else { return true };
    match waiting {
        Waiting::Method(_, operation) => {
            code.done(act, Some(&spot.context)).iter().any(|done| done.operation == operation)
                || names(code, call, operation)
        }
        Waiting::CondLock => names(code, call, Operation::Wait),
        Waiting::Once => !once(code, spot, call).is_empty(),
        Waiting::Pipe(_) => true,
        _ => false,
    }
}

/// Whether a call is of a method of that name, of whatever object.
fn names(code: &Code, call: CallId, operation: Operation) -> bool {
    let Some((_, name)) = code.receiver(call) else { return false };
    matches!(
        (operation, &*name),
        (Operation::Lock, "Lock") | (Operation::RLock, "RLock" | "Lock") | (Operation::Wait, "Wait")
    )
}

pub(super) fn once(code: &mut Code, spot: &Spot, call: CallId) -> Vec<Item> {
    let Some((of, name)) = code.receiver(call) else { return Vec::new() };
    let items = code.eval(&of, Some(&spot.context));
    let mut evaluator = code.evaluator();
    let methods: Vec<_> = items.into_iter().flat_map(|item| evaluator.method(item, &name)).collect();
    methods.into_iter().filter(|(_, method)| *method == ObjectMethod::Once).map(|(item, _)| item).collect()
}

/// What is waited for; `None` where that is not wholly known.
pub(super) fn waits(code: &mut Code, spot: &Spot, waiting: Waiting) -> Option<Vec<(Item, Operation)>> {
    let acts = match waiting {
        Waiting::Select => cases(code, spot)?,
        _ => under_way(code, spot, waiting),
    };
    let mut found: Vec<(Item, Operation)> = Vec::new();
    for act in &acts {
        let begun = found.len();
        match waiting {
            Waiting::Once => {
                let call = call_of(act)?;
                found.extend(once(code, spot, call).into_iter().map(|item| (item, Operation::Lock)));
            }
            Waiting::CondLock => {
                for done in code.done(act, Some(&spot.context)) {
                    let locks = code.points.set(&Node::Field(done.item.site, "L".into()));
                    found.extend(
                        locks.into_iter().map(|site| {
                            (Item { owner: done.item.owner, ..Item::any(site) }, Operation::Lock)
                        }),
                    );
                }
            }
            Waiting::Pipe(operation) => {
                let at_hand = code.at_hand(act);
                for end in code.ends_of(&at_hand, Some(&spot.context)) {
                    let side = if operation == Operation::Send { foreign::OUT } else { foreign::IN };
                    let through = code.points.field(end.site, &side.into());
                    let through = code.evaluator().within(end, through, None);
                    found.extend(through.into_iter().map(|item| (item, operation)));
                }
                // Others on the line have none at hand.
                continue;
            }
            _ => {
                // A range over what may be anything.
                if let ActKind::Range(over) = &act.kind
                    && code.eval(over, Some(&spot.context)).iter().any(|item| item.site == OUTSIDE)
                {
                    return None;
                }
                for done in code.done(act, Some(&spot.context)) {
                    let counts = match waiting {
                        Waiting::Method(kind, operation) => done.kind == kind && done.operation == operation,
                        _ => true,
                    };
                    if counts {
                        found.push((done.item, done.operation));
                    }
                }
            }
        }
        // A nil channel is no way out, if it is one for certain.
        if found.len() == begun && !nil_case(code, spot, waiting, act) {
            return None;
        }
    }
    if found.is_empty() && !acts.is_empty() {
        return Some(found);
    }
    let mut all: Vec<(Item, Operation)> = Vec::new();
    for (item, operation) in found {
        for site in code.ancestors(item.site) {
            if site == OUTSIDE {
                return None;
            }
            let made_in = |site| code.points.program.site(site).and_then(|site| site.func);
            let together =
                site == item.site || made_in(site).is_some() && made_in(site) == made_in(item.site);
            let owner = item.owner.filter(|_| together);
            let itself = if site == item.site { item } else { Item::any(site) };
            let one = (Item { owner, ..itself }, operation);
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    // A context that is never done is no way out.
    let never =
        |item: &Item| code.points.program.site(item.site).is_some_and(|site| site.kind == foreign::never());
    if !all.iter().all(|(item, _)| never(item)) {
        all.retain(|(item, _)| !never(item));
    }
    (!all.is_empty()).then_some(all)
}

/// Whether a case of a `select`, or the channel of a wait, is nil: nothing in the
/// source ever sets what it is read from.
fn nil_case(code: &mut Code, spot: &Spot, waiting: Waiting, act: &Act) -> bool {
    let channel = match (&act.kind, waiting) {
        (ActKind::Send(channel) | ActKind::Receive(channel), Waiting::Select) => channel.clone(),
        _ => return false,
    };
    code.eval(&channel, Some(&spot.context)).is_empty() && code.is_never_set(&channel)
}

/// Those channels that are waited for whose timer was stopped on every way to there,
/// and not set since.
pub(super) fn stopped(code: &mut Code, spot: &Spot, waits: &[(Item, Operation)]) -> BTreeSet<SiteId> {
    let timers = waits.iter().map(|(item, _)| item.site).filter(|site| code.points.timers.contains_key(site));
    let timers: BTreeSet<SiteId> = timers.collect();
    let Some(func) = code.points.program.func(spot.context.func) else { return timers };
    let body = Rc::clone(&func.body);
    let mut found = BTreeSet::new();
    for site in timers {
        let mut calls = |name: &str| {
            let mut on = BTreeSet::new();
            each_act(&body, &mut |act| {
                let of = call_of(act).and_then(|call| Some((call, code.receiver(call)?)));
                let Some((call, (of, named))) = of.filter(|(_, (_, named))| &**named == name) else { return };
                let of = code.points.eval(&of);
                let channels = of.into_iter().flat_map(|timer| code.points.field(timer, &"C".into()));
                if channels.collect::<Vec<_>>().contains(&site) && !named.is_empty() {
                    on.insert(call);
                }
            });
            on
        };
        let (stops, sets) = (calls("Stop"), calls("Reset"));
        let mut does = |act: &Act| match act.kind {
            ActKind::Call(call) if sets.contains(&call) => Some(false),
            ActKind::Call(call) if stops.contains(&call) => Some(true),
            _ => None,
        };
        if !stops.is_empty() && future::is_behind(&body, spot.line, &mut does) == Some(true) {
            found.insert(site);
        }
    }
    found
}

/// What each case of the `select` at a spot does.
fn cases(code: &Code, spot: &Spot) -> Option<Vec<Act>> {
    let func = code.points.program.func(spot.context.func)?;
    let mut selects = Vec::new();
    selects_at(&func.body, spot.line, &mut selects);
    let [branches] = selects[..] else { return None };
    let mut acts = Vec::new();
    for branch in branches {
        let communication =
            branch.head.iter().rev().find(|act| matches!(act.kind, ActKind::Send(_) | ActKind::Receive(_)));
        acts.push(communication?.clone());
    }
    Some(acts)
}

/// The branches of each `select` that begins at a line.
fn selects_at<'s>(stmts: &'s [Stmt], line: u32, found: &mut Vec<&'s [Branch]>) {
    for stmt in stmts.iter().filter(|stmt| stmt.line <= line && line <= stmt.end) {
        match &stmt.kind {
            StmtKind::Block(inner) | StmtKind::Loop { body: inner, .. } => selects_at(inner, line, found),
            StmtKind::If { then, other, .. } => {
                selects_at(then, line, found);
                selects_at(other, line, found);
            }
            StmtKind::Switch { branches, .. } | StmtKind::Select { branches, .. } => {
                if matches!(stmt.kind, StmtKind::Select { default: false, .. }) && stmt.line == line {
                    found.push(branches);
                }
                branches.iter().for_each(|branch| selects_at(&branch.body, line, found));
            }
            _ => {}
        }
    }
}
