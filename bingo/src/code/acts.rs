//! What an act does with objects to wait on: in one activation, or in any. In: an
//! [`Act`]. Out: objects and operations.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use super::context::{Context, Evaluator, Item, Items, ObjectMethod};
use super::foreign;
use super::future::{self, Ending, Rest, each_act};
use super::held::{self, Effect, Effects, Held};
use super::ir::*;
use super::points::{OUTSIDE, Points, Sites, bare};
use super::which::Flows;
use crate::model::{ObjectKind, Operation};

/// The packages as one works with them.
pub(super) struct Code {
    pub(super) points: Points,
    pub(super) flows: Rc<Flows>,
    wholes: HashMap<FuncId, Rc<Rest>>,
    doings: HashMap<FuncId, Rc<Vec<(Act, Done)>>>,
    callees: HashMap<(FuncId, bool), Rc<BTreeSet<FuncId>>>,
    pub(super) returns: HashMap<FuncId, bool>,
    effects: HashMap<FuncId, Effect>,
    locks_in: HashMap<FuncId, Rc<Vec<Expr>>>,
}

/// What an act does with an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Done {
    pub(super) item: Item,
    pub(super) kind: ObjectKind,
    pub(super) operation: Operation,
    pub(super) line: u32,
}

impl Code {
    pub(super) fn new(mut points: Points) -> Code {
        let flows = Rc::new(Flows::of(&mut points));
        Code {
            points,
            flows,
            wholes: HashMap::new(),
            doings: HashMap::new(),
            callees: HashMap::new(),
            returns: HashMap::new(),
            effects: HashMap::new(),
            locks_in: HashMap::new(),
        }
    }

    pub(super) fn evaluator(&mut self) -> Evaluator<'_> {
        let flows = Rc::clone(&self.flows);
        Evaluator::new(&mut self.points, flows)
    }

    /// What an expression refers to, there or anywhere.
    pub(super) fn eval(&mut self, expr: &Expr, context: Option<&Rc<Context>>) -> Items {
        match context {
            Some(context) => self.evaluator().eval(expr, context),
            None => {
                let sites = self.points.eval(expr);
                sites.into_iter().map(Item::any).collect()
            }
        }
    }

    /// What a call calls its method on, and the method's name.
    pub(super) fn receiver(&self, call: CallId) -> Option<(Expr, Name)> {
        match &self.points.program.call(call)?.callee {
            Expr::Field(of, name) => Some(((**of).clone(), Arc::clone(name))),
            _ => None,
        }
    }

    /// What an act does, with [`OUTSIDE`] as the object where that is not known.
    pub(super) fn done(&mut self, act: &Act, context: Option<&Rc<Context>>) -> Vec<Done> {
        use Operation as Op;
        match &act.kind {
            ActKind::Send(channel) => self.on_channel(channel, Op::Send, act.line, context),
            ActKind::Receive(channel) => self.on_channel(channel, Op::Receive, act.line, context),
            ActKind::Range(over) => {
                let mut found = self.on_channel(over, Op::Receive, act.line, context);
                // What is not known to be a channel is a list.
                found.retain(|done| done.item.site != OUTSIDE);
                found
            }
            ActKind::Close(channel) => self.on_channel(channel, Op::Close, act.line, context),
            ActKind::Call(call) | ActKind::Go(call) | ActKind::Defer(call) => {
                self.done_by_call(*call, act.line, context)
            }
            ActKind::Touch(_) => Vec::new(),
        }
    }

    fn on_channel(
        &mut self,
        channel: &Expr,
        operation: Operation,
        line: u32,
        context: Option<&Rc<Context>>,
    ) -> Vec<Done> {
        let items = self.eval(channel, context);
        let channels = items.into_iter().filter(|item| item.site == OUTSIDE || self.is_channel(item.site));
        channels.map(|item| Done { item, kind: ObjectKind::Channel, operation, line }).collect()
    }

    /// Whether it is a channel, or has one (a context).
    pub(super) fn is_channel(&self, site: SiteId) -> bool {
        self.kind(site) == Some(ObjectKind::Channel)
    }

    pub(super) fn kind(&self, site: SiteId) -> Option<ObjectKind> {
        let kind = &self.points.program.site(site)?.kind;
        match super::points::bare(kind) {
            Type::Foreign(..) => foreign::kind(kind),
            _ => foreign::kind(self.points.program.underlying(kind)),
        }
    }

    fn done_by_call(&mut self, id: CallId, line: u32, context: Option<&Rc<Context>>) -> Vec<Done> {
        let Some(call) = self.points.program.call(id) else { return Vec::new() };
        let (callee, first) = (call.callee.clone(), call.args.first().cloned());
        let mut found = Vec::new();
        match &callee {
            Expr::Foreign(package, name) if (&**package, &**name) == ("builtin", "close") => {
                let channel = first.unwrap_or(Expr::Unknown);
                return self.on_channel(&channel, Operation::Close, line, context);
            }
            Expr::Foreign(_, name) => {
                let given = self.points.program.call(id).map(|call| call.args.clone()).unwrap_or_default();
                for end in self.ends_of(&given, context) {
                    self.on_end(end, name, line, &mut found);
                }
                return found;
            }
            Expr::Func(_) => return found,
            Expr::Field(of, name) => {
                for end in self.ends_of(std::slice::from_ref(&**of), context) {
                    self.on_end(end, name, line, &mut found);
                }
                for item in self.eval(of, context) {
                    if item.site == OUTSIDE {
                        found.extend(foreign::unknown(name).map(|(kind, operation)| Done {
                            item,
                            kind,
                            operation,
                            line,
                        }));
                        continue;
                    }
                    if &**name == "Reset" {
                        let channels = self.points.field(item.site, &"C".into());
                        let timers =
                            channels.into_iter().filter(|site| self.points.timers.contains_key(site));
                        let (kind, operation) = (ObjectKind::Channel, Operation::Send);
                        found.extend(timers.map(|site| {
                            let item = Item { site, ..item };
                            Done { item, kind, operation, line }
                        }));
                    }
                    // A channel has no methods but those of `reflect.Value`.
                    if self.is_channel(item.site)
                        && let Some(operation) = foreign::by_reflection(name)
                    {
                        found.push(Done { item, kind: ObjectKind::Channel, operation, line });
                    }
                    for (item, method) in self.evaluator().method(item, name) {
                        match method {
                            ObjectMethod::Does(kind, operation) => {
                                found.push(Done { item, kind, operation, line });
                            }
                            // `Add(-1)`, and what may be that.
                            ObjectMethod::Counts
                                if &**name == "Add"
                                    && !matches!(first, Some(Expr::Nothing | Expr::Number(_))) =>
                            {
                                let (kind, operation) = (ObjectKind::WaitGroup, Operation::Done);
                                found.push(Done { item, kind, operation, line });
                            }
                            ObjectMethod::Counts | ObjectMethod::Once => {}
                        }
                    }
                }
            }
            _ => {}
        }
        for item in self.eval(&callee, context) {
            if let Some(Made::Cancel(of)) = self.points.program.site(item.site).map(|site| site.made.clone())
            {
                let (kind, operation) = (ObjectKind::Channel, Operation::Close);
                found.push(Done { item: Item { site: of, ..item }, kind, operation, line });
            }
        }
        found
    }

    /// The ends of pipes that these are, or that they wrap: a `bufio.Reader` of one.
    pub(super) fn ends_of(&mut self, of: &[Expr], context: Option<&Rc<Context>>) -> Items {
        let mut ends = Items::new();
        if self.points.ends.is_empty() {
            return ends;
        }
        let mut next: Vec<Item> = of.iter().flat_map(|expr| self.eval(expr, context)).collect();
        let mut seen = Items::new();
        while let Some(item) = next.pop() {
            if item.site == OUTSIDE || !seen.insert(item) {
                continue;
            }
            if self.points.ends.contains(&item.site) {
                ends.insert(item);
                continue;
            }
            let wraps = self.points.program.site(item.site).map(|site| bare(&site.kind).clone());
            if let Some(Type::Foreign(..)) = wraps {
                let inside = self.points.inside(item.site);
                next.extend(self.evaluator().within(item, inside, context));
            }
        }
        ends
    }

    /// What is done with what runs through a pipe, at one of its ends.
    fn on_end(&mut self, end: Item, name: &str, line: u32, found: &mut Vec<Done>) {
        for (side, operation) in foreign::on_end(name) {
            let through = self.points.field(end.site, &(*side).into());
            for item in self.evaluator().within(end, through, None) {
                found.push(Done { item, kind: ObjectKind::Channel, operation: *operation, line });
            }
        }
    }

    /// The expressions that an act has at hand.
    pub(super) fn at_hand(&self, act: &Act) -> Vec<Expr> {
        match &act.kind {
            ActKind::Send(of) | ActKind::Receive(of) | ActKind::Range(of) | ActKind::Close(of) => {
                vec![of.clone()]
            }
            ActKind::Call(call) | ActKind::Go(call) | ActKind::Defer(call) => {
                let Some(call) = self.points.program.call(*call) else { return Vec::new() };
                let mut all = call.args.clone();
                all.push(match &call.callee {
                    Expr::Field(of, _) => (**of).clone(),
                    callee => callee.clone(),
                });
                // A field that holds a function: what that one captures.
                if let Expr::Field(..) = &call.callee {
                    all.push(call.callee.clone());
                }
                all
            }
            ActKind::Touch(_) => Vec::new(),
        }
    }

    /// Contexts that are done when this one is: itself, and those made of it.
    pub(super) fn ancestors(&self, context: SiteId) -> Sites {
        let mut found = Sites::new();
        let mut next = vec![context];
        while let Some(site) = next.pop() {
            if found.insert(site) {
                next.extend(self.points.set(&super::points::Node::Field(site, "parent".into())));
            }
        }
        found
    }

    /// The functions that a call leads to, with a guess where it is not known.
    pub(super) fn targets(&mut self, id: CallId) -> BTreeSet<FuncId> {
        let mut found = self.points.targets.get(&id).cloned().unwrap_or_default();
        let Some(call) = self.points.program.call(id) else { return found };
        let (callee, count) = (call.callee.clone(), call.args.len());
        match &callee {
            Expr::Field(of, name) if found.is_empty() => {
                let of = self.points.eval(of);
                if of.is_empty() || of.contains(&OUTSIDE) {
                    let methods = self.points.program.methods.values().flatten();
                    found.extend(methods.filter(|(known, _)| known == name).map(|(_, func)| *func));
                }
            }
            Expr::Func(_) | Expr::Foreign(..) | Expr::Field(..) => {}
            other => {
                let of = self.points.eval(other);
                if of.contains(&OUTSIDE) || of.is_empty() && found.is_empty() {
                    let funcs = self.points.program.funcs.iter().enumerate();
                    let fitting =
                        funcs.filter(|(_, func)| func.parent.is_some() && func.params.len() == count);
                    found.extend(fitting.map(|(at, _)| FuncId(u32::try_from(at).unwrap_or(u32::MAX))));
                }
            }
        }
        found
    }

    /// All that a function does.
    pub(super) fn whole(&mut self, func: FuncId) -> Rc<Rest> {
        if let Some(known) = self.wholes.get(&func) {
            return Rc::clone(known);
        }
        // Until it is known, it returns and does nothing.
        self.wholes.insert(func, Rc::new(Rest { returns: true, ..Rest::default() }));
        let never = self.never_returning(func);
        let rest = match self.points.program.func(func) {
            Some(of) => future::whole(of, Ending { calls: &|call| never.get(&call).copied(), loops: false }),
            None => Rest::default(),
        };
        let rest = Rc::new(rest);
        self.wholes.insert(func, Rc::clone(&rest));
        rest
    }

    /// What a function does with objects, whoever calls it.
    pub(super) fn doings(&mut self, func: FuncId) -> Rc<Vec<(Act, Done)>> {
        if let Some(known) = self.doings.get(&func) {
            return Rc::clone(known);
        }
        let whole = self.whole(func);
        let mut found = Vec::new();
        for (act, _) in &whole.acts {
            found.extend(self.done(act, None).into_iter().map(|done| (act.clone(), done)));
        }
        let found = Rc::new(found);
        self.doings.insert(func, Rc::clone(&found));
        found
    }

    /// All functions that are called, or started, from these acts on.
    pub(super) fn closure<'a>(&mut self, acts: impl Iterator<Item = &'a Act>) -> BTreeSet<FuncId> {
        let calls: Vec<CallId> = acts.filter_map(call_of).collect();
        let next = calls.into_iter().flat_map(|call| self.targets(call)).collect();
        self.closure_of(next)
    }

    pub(super) fn closure_of(&mut self, next: Vec<FuncId>) -> BTreeSet<FuncId> {
        self.all_from(next, true)
    }

    /// The same without what is left to goroutines of its own.
    pub(super) fn called_from(&mut self, next: Vec<FuncId>) -> BTreeSet<FuncId> {
        self.all_from(next, false)
    }

    fn all_from(&mut self, mut next: Vec<FuncId>, started: bool) -> BTreeSet<FuncId> {
        let mut found = BTreeSet::new();
        while let Some(func) = next.pop() {
            if !found.insert(func) {
                continue;
            }
            next.extend(self.callees(func, started).iter());
        }
        found
    }

    /// Whether an activation of a function may be within another one.
    pub(super) fn calls_itself(&mut self, func: FuncId) -> bool {
        let called = self.callees(func, false).iter().copied().collect();
        self.called_from(called).contains(&func)
    }

    /// The functions that a function calls, and those too that it has `started`.
    fn callees(&mut self, func: FuncId, started: bool) -> Rc<BTreeSet<FuncId>> {
        if let Some(known) = self.callees.get(&(func, started)) {
            return Rc::clone(known);
        }
        let whole = self.whole(func);
        let acts = whole.acts.iter().map(|(act, _)| act);
        let acts = acts.filter(|act| started || !matches!(act.kind, ActKind::Go(_)));
        let calls = acts.filter_map(call_of);
        let found: Rc<BTreeSet<FuncId>> = Rc::new(calls.flat_map(|call| self.targets(call)).collect());
        self.callees.insert((func, started), Rc::clone(&found));
        found
    }

    /// Whether a channel's variable or field is one that the source sets to nothing
    /// but nil, as far as all values that could come to it are understood.
    pub(super) fn is_never_set(&mut self, channel: &Expr) -> bool {
        if !self.points.eval(channel).is_empty() {
            return false;
        }
        match channel {
            Expr::Nothing => true,
            Expr::Var(var) => {
                let flows = self.flows.set_to(*var).to_vec();
                let sources: Vec<Expr> = flows
                    .into_iter()
                    .filter_map(|at| self.points.program.flows.get(at))
                    .map(|flow| flow.from.clone())
                    .collect();
                sources.iter().all(|from| matches!(from, Expr::Var(_) | Expr::Field(..)))
            }
            Expr::Field(of, _) => {
                let of = self.points.eval(of);
                !of.is_empty() && of.iter().all(|site| self.is_struct(*site))
            }
            _ => false,
        }
    }

    fn is_struct(&self, site: SiteId) -> bool {
        let kind = self.points.program.site(site).map_or(&Type::Unknown, |site| &site.kind);
        matches!(self.points.program.underlying(kind), Type::Struct(_))
    }

    /// Whether anything in the source could end a wait to receive from an object.
    pub(super) fn is_ever_ended(&mut self, site: SiteId) -> bool {
        let bodies: Vec<Rc<[Stmt]>> =
            self.points.program.funcs.iter().map(|func| Rc::clone(&func.body)).collect();
        bodies.iter().any(|body| {
            let mut acts = Vec::new();
            each_act(body, &mut |act| acts.push(act));
            acts.into_iter().any(|act| {
                let done = self.done(act, None);
                done.iter().any(|done| {
                    done.operation.ends(Operation::Receive)
                        && matches!(done.item.site, OUTSIDE) | (done.item.site == site)
                })
            })
        })
    }

    /// What a function locks, in its own terms.
    pub(super) fn locks_in(&mut self, func: FuncId) -> Rc<Vec<Expr>> {
        if let Some(known) = self.locks_in.get(&func) {
            return Rc::clone(known);
        }
        let mut found = Vec::new();
        if let Some(of) = self.points.program.func(func) {
            let program = &self.points.program;
            each_act(&of.body, &mut |act| {
                let callee = call_of(act).and_then(|call| program.call(call)).map(|call| &call.callee);
                if let Some(Expr::Field(of, name)) = callee
                    && matches!(&**name, "Lock" | "RLock" | "TryLock" | "TryRLock")
                {
                    found.push((**of).clone());
                }
            });
        }
        let found = Rc::new(found);
        self.locks_in.insert(func, Rc::clone(&found));
        found
    }

    /// What may be locked at a position of a function.
    pub(super) fn held(&mut self, func: FuncId, position: future::Position<'_>) -> Vec<Held> {
        let Some(of) = self.points.program.func(func) else { return Vec::new() };
        let body = Rc::clone(&of.body);
        let mut held = held::at(&body, position, self);
        // What a call may have left locked is this function's to unlock, or nobody's.
        if held.iter().any(|held| held.left) {
            let mut calls = Vec::new();
            each_act(&body, &mut |act| calls.extend(call_of(act)));
            let given: Vec<Expr> =
                calls.into_iter().flat_map(|call| self.of(call).gives).map(|(lock, _)| lock).collect();
            held.retain(|held| !held.left || given.contains(&held.lock));
        }
        held
    }

    /// What a function leaves locked, when what it has deferred is done.
    fn effect_of(&mut self, func: FuncId) -> Effect {
        if let Some(known) = self.effects.get(&func) {
            return known.clone();
        }
        self.effects.insert(func, Effect::default());
        let Some(of) = self.points.program.func(func) else { return Effect::default() };
        let body = Rc::clone(&of.body);
        let mut effect = held::effect(&body, self);
        let mut deferred = Vec::new();
        each_act(&body, &mut |act| {
            if let ActKind::Defer(call) = act.kind {
                deferred.push(call);
            }
        });
        for call in deferred {
            for (lock, shared) in self.of(call).gives {
                match effect.takes.iter().position(|held| held.lock == lock && held.shared == shared) {
                    Some(at) => {
                        effect.takes.remove(at);
                    }
                    None => effect.gives.push((lock, shared)),
                }
            }
        }
        self.effects.insert(func, effect.clone());
        effect
    }

    /// An expression of a called function, in terms of its caller.
    fn translated(&self, expr: &Expr, func: FuncId, call: &Call) -> Option<Expr> {
        match expr {
            Expr::Var(var) => {
                let of = self.points.program.func(func)?;
                if self.points.program.var(*var)?.func != Some(func) {
                    return Some(expr.clone());
                }
                let at = of.params.iter().position(|param| param == var)?;
                let receiver = of.is_method && call.args.len() < of.params.len();
                match (&call.callee, at) {
                    (Expr::Field(object, _), 0) if receiver => Some((**object).clone()),
                    _ => call.args.get(at.checked_sub(usize::from(receiver))?).cloned(),
                }
            }
            Expr::Field(of, name) => {
                Some(Expr::Field(Rc::new(self.translated(of, func, call)?), Arc::clone(name)))
            }
            Expr::Elem(of, _) => Some(Expr::Elem(Rc::new(self.translated(of, func, call)?), Nth::Any)),
            _ => None,
        }
    }
}

impl Effects for Code {
    fn of(&mut self, id: CallId) -> Effect {
        let Some(call) = self.points.program.call(id) else { return Effect::default() };
        let (callee, line) = (call.callee.clone(), call.line);
        if let Expr::Field(of, name) = &callee {
            let sites = self.points.eval(of);
            let mut evaluator = self.evaluator();
            let methods: Vec<ObjectMethod> = sites
                .into_iter()
                .flat_map(|site| evaluator.method(Item::any(site), name))
                .map(|(_, method)| method)
                .collect();
            for method in methods {
                let ObjectMethod::Does(ObjectKind::Mutex | ObjectKind::RwMutex, operation) = method else {
                    continue;
                };
                let shared = matches!(&**name, "RLock" | "TryRLock" | "RUnlock");
                let lock = (**of).clone();
                return match operation {
                    Operation::Unlock => Effect { takes: Vec::new(), gives: vec![(lock, shared)] },
                    _ => Effect { takes: vec![Held::new(lock, shared, line)], gives: Vec::new() },
                };
            }
        }
        let targets: Vec<FuncId> = self.points.targets.get(&id).into_iter().flatten().copied().collect();
        let mut found = Effect::default();
        for func in targets {
            let effect = self.effect_of(func);
            let Some(call) = self.points.program.call(id) else { continue };
            for held in effect.takes {
                if let Some(lock) = self.translated(&held.lock, func, call) {
                    found.takes.push(Held { lock, ..held });
                }
            }
            for (lock, shared) in effect.gives {
                if let Some(lock) = self.translated(&lock, func, call) {
                    found.gives.push((lock, shared));
                }
            }
        }
        found
    }

    fn never_returns(&mut self, call: CallId) -> bool {
        self.ends(call).is_some()
    }
}

pub(super) fn call_of(act: &Act) -> Option<CallId> {
    match act.kind {
        ActKind::Call(call) | ActKind::Go(call) | ActKind::Defer(call) => Some(call),
        _ => None,
    }
}
