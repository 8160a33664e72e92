//! Who can have objects of one place at hand, and how many of them, where nothing but
//! variables of functions has any: no list, no field of something else, no package
//! variable. In: the source, and where goroutines are in it. Out: [`Hands`], and by it
//! numbers.
//!
//! ```text
//!   func ask() int {
//!       answer := make(chan int)               each go statement that is come to has
//!       go func() { answer <- work() }()       another channel for its goroutine
//!       return <-answer                        who is here has one of them at hand
//!   }
//! ```

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::acts::Code;
use super::context::Context;
use super::foreign::{self, Function};
use super::future::{each_act, each_loop, jumps};
use super::ir::*;
use super::place::{Spot, Spots};
use super::points::{Node, OUTSIDE, Sites};
use super::same::{argument, given};

/// Variables, and calls, that are followed to where an object is made.
const STEPS: usize = 20;
/// Results of a call that are looked at.
const RESULTS: usize = 3;

/// Where objects of one place are.
#[derive(Debug)]
pub(super) struct Hands {
    /// The place, and those of what has such an object, each one of its own: a struct that
    /// is made with it, a function literal.
    sites: Sites,
    /// The variables that refer to any.
    vars: BTreeSet<VarId>,
    /// How many there may be for a moment in an activation of a function, on their way from
    /// where they are made or from a call to what is done with them,
    passing: HashMap<FuncId, usize>,
    /// and how many of the calls that it has deferred have one.
    deferred: HashMap<FuncId, usize>,
}

impl Code {
    /// Where the objects of a place are, if they are in variables of functions alone.
    pub(super) fn hands(&mut self, site: SiteId) -> Option<Hands> {
        let (passing, deferred) = (HashMap::new(), HashMap::new());
        let mut hands = Hands { sites: Sites::from([site]), vars: BTreeSet::new(), passing, deferred };
        let cancels = |of: &Site| of.made == Made::Cancel(site);
        let sites = self.points.program.sites.iter().enumerate();
        let cancels = sites.filter(|(_, of)| cancels(of)).filter_map(|(at, _)| u32::try_from(at).ok());
        hands.sites.extend(cancels.map(SiteId));
        loop {
            let before = (hands.sites.len(), hands.vars.len());
            let mut new = Sites::new();
            for (node, among) in self.points.holders(&hands.sites) {
                match node {
                    Node::Var(var) => {
                        let var_of = self.points.program.var(*var)?;
                        var_of.func?;
                        hands.vars.insert(*var);
                    }
                    Node::Result(..) => {}
                    Node::Field(of, _) => {
                        let own = |one: &SiteId| self.flows.is_own(*one, *of);
                        let known = |one: &&SiteId| hands.sites.contains(one);
                        if !among.iter().filter(known).all(own) {
                            return None;
                        }
                        new.insert(*of);
                    }
                    Node::Elem(_) => return None,
                }
            }
            let funcs = self.points.program.funcs.iter().zip(0..);
            let has = |of: &Func| of.parent.is_some() && of.outer.iter().any(|var| hands.vars.contains(var));
            let literals: Vec<FuncId> = funcs.filter(|(of, _)| has(of)).map(|(_, at)| FuncId(at)).collect();
            new.extend(literals.into_iter().map(|func| self.points.func_site(func)));
            hands.sites.unite(&new);
            if before == (hands.sites.len(), hands.vars.len()) {
                break;
            }
        }
        if !self.is_closed(&hands) || !self.defers(&mut hands) {
            return None;
        }
        self.passes(&mut hands);
        Some(hands)
    }

    /// Whether nobody is given one of them of whom it is not known what it does with that.
    fn is_closed(&mut self, hands: &Hands) -> bool {
        let part = |site: &SiteId| {
            self.points.program.site(*site).is_none_or(|of| matches!(of.made, Made::Part(_) | Made::Outside))
        };
        let later = |site: &SiteId| match self.points.program.site(*site).map(|of| &of.made) {
            Some(Made::Func(func)) => self.points.later.contains(func) || self.points.once.contains(func),
            _ => false,
        };
        if hands.sites.iter().any(|site| part(site) || later(site)) {
            return false;
        }
        (0..self.points.program.calls.len()).all(|at| {
            let id = CallId(u32::try_from(at).unwrap_or(u32::MAX));
            let Some(call) = self.points.program.call(id) else { return true };
            let (callee, args) = (call.callee.clone(), call.args.clone());
            if !args.iter().any(|arg| self.has(arg, hands)) {
                return true;
            }
            match callee {
                Expr::Foreign(package, name) => {
                    &*package == "builtin"
                        || matches!(foreign::function(&package, &name), Function::Looks | Function::Ends)
                }
                _ => {
                    let called = self.callee_sites(&callee);
                    self.points.targets.contains_key(&id) && !called.contains(&OUTSIDE)
                }
            }
        })
    }

    fn callee_sites(&mut self, callee: &Expr) -> Sites {
        match callee {
            Expr::Field(of, _) => self.points.eval(of),
            other => self.points.eval(other),
        }
    }

    /// Notes what functions defer with one of them; whether none does so in a loop, where
    /// it would have one for each turn.
    fn defers(&mut self, hands: &mut Hands) -> bool {
        let funcs = self.points.program.funcs.iter().zip(0..);
        let funcs: Vec<(FuncId, Rc<[Stmt]>)> =
            funcs.map(|(of, at)| (FuncId(at), Rc::clone(&of.body))).collect();
        for (func, body) in funcs {
            let mut deferred = Vec::new();
            each_act(&body, &mut |act| {
                if let ActKind::Defer(_) = act.kind {
                    deferred.push(act);
                }
            });
            for act in deferred {
                if !self.at_hand(act).iter().any(|expr| self.has(expr, hands)) {
                    continue;
                }
                let mut turns = false;
                each_loop(&body, &mut |first, last| turns |= first <= act.line && act.line <= last);
                if turns {
                    return false;
                }
                *hands.deferred.entry(func).or_default() += 1;
            }
        }
        true
    }

    /// Notes which of them are on their way: what comes to be in a variable is that one's.
    fn passes(&mut self, hands: &mut Hands) {
        let mut kept = (BTreeSet::new(), BTreeSet::new());
        for flow in &self.points.program.flows {
            match (&flow.to, &flow.from) {
                (Place::Var(_) | Place::Field(..), Expr::Site(site)) => {
                    kept.0.insert(*site);
                }
                (Place::Var(_) | Place::Field(..), Expr::Call(call, at)) => {
                    kept.1.insert((*call, *at));
                }
                _ => {}
            }
        }
        for site in hands.sites.iter().filter(|site| !kept.0.contains(site)) {
            let of = self.points.program.site(*site).filter(|of| of.made == Made::Here);
            if let Some(func) = of.and_then(|of| of.func).filter(|_| !self.points.is_of_call(*site)) {
                *hands.passing.entry(func).or_default() += 1;
            }
        }
        for at in 0..self.points.program.calls.len() {
            let id = CallId(u32::try_from(at).unwrap_or(u32::MAX));
            let Some(func) = self.points.program.call(id).and_then(|call| call.func) else { continue };
            let mut results = (0..RESULTS).filter(|at| !kept.1.contains(&(id, *at)));
            if results.any(|at| self.has(&Expr::Call(id, at), hands)) {
                *hands.passing.entry(func).or_default() += 1;
            }
        }
    }

    fn has(&mut self, expr: &Expr, hands: &Hands) -> bool {
        !self.points.eval(expr).is_disjoint(&hands.sites)
    }

    /// How many of the objects those can have at hand who are at these spots. Of one that
    /// has gone on since (`exact` is false) it counts what all have that it may be in.
    pub(super) fn at_most(&mut self, spots: &Spots, exact: bool, hands: &Hands) -> usize {
        if spots.anywhere {
            return usize::MAX;
        }
        let exact = exact && spots.within.is_empty();
        let seen = spots.all.iter().map(|spot| (spot.context.func, exact.then_some(spot.line)));
        let frames = seen.chain(spots.within.iter().map(|context| (context.func, None)));
        let count = frames.map(|(func, line)| self.in_frame(func, line, hands)).sum();
        if exact {
            return count;
        }
        let mut count: usize = count;
        let seen = spots.all.iter().map(|spot| &spot.context);
        let called = seen.chain(&spots.within).map(|context| context.func);
        for func in self.called_from(called.collect()) {
            let more = self.in_frame(func, None, hands);
            if more > 0 && self.calls_itself(func) {
                return usize::MAX;
            }
            count += more;
        }
        count
    }

    /// How many one activation of a function has at hand that is at a line, or at any.
    fn in_frame(&self, func: FuncId, line: Option<u32>, hands: &Hands) -> usize {
        let program = &self.points.program;
        let in_scope = |var: &Var| line.is_none_or(|line| var.line <= line && line <= var.last);
        // What has no name is set as the function returns.
        let own = |var: &Var| var.func == Some(func) && !var.name.is_empty() && in_scope(var);
        let vars = hands.vars.iter().filter(|var| program.var(**var).is_some_and(own)).count();
        let of = |counts: &HashMap<FuncId, usize>| counts.get(&func).copied().unwrap_or_default();
        vars + self.captured(func, hands).count() + of(&hands.passing) + of(&hands.deferred)
    }

    fn captured<'h>(&'h self, func: FuncId, hands: &'h Hands) -> impl Iterator<Item = VarId> + 'h {
        let outer = self.points.program.func(func).into_iter().flat_map(|of| &of.outer);
        outer.copied().filter(|var| hands.vars.contains(var))
    }

    /// The `go` statement that has made those who are at these spots, if it gives each of
    /// them another one of the objects, and they have no other at hand.
    pub(super) fn each_its_own(&mut self, spots: &Spots, hands: &Hands) -> Option<CallId> {
        let outermost = spots.all.last()?;
        let started = outermost.context.call?;
        outermost.context.up.as_ref()?;
        if spots.missing {
            return None;
        }
        let mut found = false;
        for spot in &spots.all {
            let func = spot.context.func;
            // Whatever it is given in passing may be another one's.
            if hands.passing.contains_key(&func) {
                return None;
            }
            let program = &self.points.program;
            let is_here = |var: &VarId| program.var(*var).is_some_and(|var| var.func == Some(func));
            let own = hands.vars.iter().copied().filter(is_here);
            let vars: Vec<VarId> = own.chain(self.captured(func, hands)).collect();
            for var in vars {
                if !self.is_own((&Expr::Var(var), spot), outermost, started, hands) {
                    return None;
                }
                found = true;
            }
        }
        found.then_some(started)
    }

    /// Whether what an expression is in a frame is what the `go` statement gives it, and
    /// another one each time.
    fn is_own(&mut self, from: (&Expr, &Spot), outermost: &Spot, started: CallId, hands: &Hands) -> bool {
        let follow = |code: &mut Code| -> Option<bool> {
            let (mut expr, mut context) = (from.0.clone(), Rc::clone(&from.1.context));
            for _ in 0..STEPS {
                let var = match &expr {
                    Expr::Field(of, _) => {
                        let of = (**of).clone();
                        if !code.is_field_of_own(&expr, &of, hands) {
                            return None;
                        }
                        expr = of;
                        continue;
                    }
                    Expr::Var(var) => *var,
                    _ => return None,
                };
                let program = &code.points.program;
                let func = program.var(var).filter(|var| !var.addressed)?.func?;
                while context.func != func {
                    let leaves = Rc::ptr_eq(&context, &outermost.context);
                    context = Rc::clone(context.up.as_ref()?);
                    if leaves {
                        return (context.func == func)
                            .then(|| code.is_made_each(started, &expr, hands, STEPS));
                    }
                }
                let param = program.func(func)?.params.iter().position(|one| *one == var);
                match (param, code.flows.set_to(var)) {
                    (Some(at), []) => {
                        let (arg, up) = given(program, at, &context)?;
                        let (arg, up): (Expr, Rc<Context>) = (arg.clone(), Rc::clone(up));
                        if Rc::ptr_eq(&context, &outermost.context) {
                            return Some(code.is_made_each(started, &arg, hands, STEPS));
                        }
                        (expr, context) = (arg, up);
                    }
                    (None, [flow]) => {
                        let flow = program.flows.get(*flow).filter(|flow| flow.func == Some(func))?;
                        expr = flow.from.clone();
                    }
                    _ => return None,
                }
            }
            None
        };
        follow(self).unwrap_or(false)
    }

    /// Whether all that a field may refer to is made along with the one that has it.
    fn is_field_of_own(&mut self, field: &Expr, of: &Expr, hands: &Hands) -> bool {
        let (sites, owners) = (self.points.eval(field), self.points.eval(of));
        sites.iter().all(|site| {
            hands.sites.contains(site) && owners.iter().any(|owner| self.flows.is_own(*site, *owner))
        })
    }

    /// Whether an expression of the function that makes a call is another object each time
    /// that this comes to the call.
    fn is_made_each(&mut self, call: CallId, expr: &Expr, hands: &Hands, left: usize) -> bool {
        let Some((func, line)) =
            self.points.program.call(call).and_then(|call| Some((call.func?, call.line)))
        else {
            return false;
        };
        let Some(left) = left.checked_sub(1) else { return false };
        match expr {
            Expr::Site(site) => hands.sites.contains(site),
            Expr::Call(made, at) => {
                let sites = self.points.eval(expr);
                sites.iter().all(|site| {
                    self.points.is_made_by(*made, *at, *site)
                        || self.evaluator().made_there(expr, *site).is_some()
                })
            }
            Expr::Field(of, _) => {
                self.is_field_of_own(expr, of, hands) && self.is_made_each(call, of, hands, left)
            }
            Expr::Var(var) => {
                let program = &self.points.program;
                let (Some(of), Some(within)) = (program.var(*var), program.func(func)) else { return false };
                if of.func != Some(func) || of.addressed || jumps(&within.body) {
                    return false;
                }
                let declared = of.line;
                let mut outside = false;
                let is_param = within.params.iter().position(|one| one == var);
                each_loop(&within.body, &mut |first, last| {
                    let around = first <= line && line <= last;
                    outside |= around && (is_param.is_some() || declared <= first || last < declared);
                });
                if outside {
                    return false;
                }
                match (is_param, self.flows.set_to(*var)) {
                    (Some(at), []) => self.is_given_each(func, (*var, at), hands, left),
                    (None, [flow]) => {
                        let from = program.flows.get(*flow).filter(|flow| flow.func == Some(func));
                        let Some(from) = from.map(|flow| flow.from.clone()) else { return false };
                        self.is_made_each(call, &from, hands, left)
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// Whether each call of a function gives a parameter another object.
    fn is_given_each(&mut self, func: FuncId, (var, at): (VarId, usize), hands: &Hands, left: usize) -> bool {
        if self.points.set(&Node::Var(var)).contains(&OUTSIDE) {
            return false;
        }
        let calls = self.points.targets.iter().filter(|(_, targets)| targets.contains(&func));
        let calls: Vec<CallId> = calls.map(|(call, _)| *call).collect();
        calls.into_iter().all(|call| {
            let program = &self.points.program;
            let given = program.call(call).and_then(|of| argument(program, of, func, at)).cloned();
            given.is_some_and(|given| self.is_made_each(call, &given, hands, left))
        })
    }
}
