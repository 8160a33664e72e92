//! What an expression refers to in one activation of its function, where
//! [`Points::eval`] tells of all of them: parameters are what the caller gave,
//! captured variables are those of the activation around. In: where a goroutine is,
//! who called, who started it. Out: objects, each with the goroutine that made it,
//! as far as that is known.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use super::foreign::{self, Method};
use super::ir::*;
use super::points::{Node, OUTSIDE, Points, Sites, bare, converts};
use super::which::{Flows, Which};

/// Calls that are followed from one place.
pub(super) const DEPTH: u32 = 6;

/// Whose goroutine: 0 is the one itself, 1 who started it, and so on.
pub(super) type Owner = Option<u8>;

/// Of an object that is yet to be made.
pub(super) const UNBORN: Owner = Some(u8::MAX);

/// One activation of a function.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) func: FuncId,
    /// The call that led to it.
    pub(super) call: Option<CallId>,
    /// The goroutine that it is of.
    pub(super) owner: Owner,
    /// The activation that called or started it.
    pub(super) up: Option<Rc<Context>>,
    /// The same call, of one that is over and of which the results alone count.
    pub(super) made: Option<CallId>,
    /// Lines in which variables are declared that do not exist yet.
    pub(super) unborn: Option<(u32, u32)>,
    /// Channels without room from which it waits to receive.
    pub(super) awaits: Option<Rc<BTreeSet<SiteId>>>,
    pub(super) depth: u32,
}

impl Context {
    /// One that nobody has called from another, of which no more is known.
    pub(super) fn new(
        func: FuncId,
        call: Option<CallId>,
        owner: Owner,
        up: Option<Rc<Context>>,
    ) -> Rc<Context> {
        Rc::new(Context { func, call, owner, up, made: None, unborn: None, awaits: None, depth: 0 })
    }
}

/// An object, and who made it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Item {
    pub(super) site: SiteId,
    pub(super) owner: Owner,
    pub(super) which: Which,
}

impl Item {
    /// Any one of a place; the first of them in order.
    pub(super) fn any(site: SiteId) -> Item {
        Item { site, owner: None, which: Which::ANY }
    }
}

pub(super) type Items = BTreeSet<Item>;

/// Evaluates expressions in activations.
pub(super) struct Evaluator<'p> {
    pub(super) points: &'p mut Points,
    pub(super) flows: Rc<Flows>,
    visiting: Vec<(VarId, *const Context)>,
    /// Those of them that lead to themselves, so that only some of what they refer to is
    /// found by the way.
    circular: Vec<(VarId, *const Context)>,
    left: u32,
}

/// Steps of one evaluation.
const STEPS: u32 = 20_000;

impl<'p> Evaluator<'p> {
    pub(super) fn new(points: &'p mut Points, flows: Rc<Flows>) -> Evaluator<'p> {
        Evaluator { points, flows, visiting: Vec::new(), circular: Vec::new(), left: STEPS }
    }

    /// What an expression refers to there; [`OUTSIDE`] is among it where that is not
    /// wholly known.
    pub(super) fn eval(&mut self, expr: &Expr, context: &Rc<Context>) -> Items {
        self.left = STEPS;
        self.visiting.clear();
        self.circular.clear();
        self.at(expr, context, false)
    }

    pub(super) fn at(&mut self, expr: &Expr, context: &Rc<Context>, fresh: bool) -> Items {
        if self.left == 0 {
            return of_nobody(self.points.eval(expr));
        }
        self.left -= 1;
        let owner = if fresh { UNBORN } else { context.owner };
        let which = Which::made_in(context.made);
        match expr {
            Expr::Nothing | Expr::Number(_) | Expr::Foreign(..) => Items::new(),
            Expr::Unknown => Items::from([Item::any(OUTSIDE)]),
            Expr::Var(var) => self.var(*var, context),
            Expr::Field(of, name) => {
                let of = self.at(of, context, fresh);
                let mut found = Items::new();
                for base in of {
                    let sites = self.points.field(base.site, name);
                    let all = self.within(base, sites, Some(context));
                    found.extend(self.field_of(base, name, all, context));
                }
                found
            }
            Expr::Elem(of, _) | Expr::Received(of) => {
                let of = self.at(of, context, fresh);
                let mut found = Items::new();
                for base in of {
                    let sites = self.points.elem(base.site);
                    // Nobody waits to send there what it is yet to be given.
                    if fresh && context.awaits.as_ref().is_some_and(|awaits| awaits.contains(&base.site)) {
                        let unborn = |site| Item { owner: UNBORN, ..Item::any(site) };
                        found.extend(sites.into_iter().map(unborn));
                        continue;
                    }
                    let all = self.within(base, sites, Some(context));
                    found.extend(match expr {
                        Expr::Elem(_, nth) => self.element(base, nth, all, context),
                        _ => all,
                    });
                }
                found
            }
            Expr::Site(site) => Items::from([Item { site: *site, owner, which }]),
            Expr::Func(func) => Items::from([Item { owner, ..Item::any(self.points.func_site(*func)) }]),
            Expr::Call(call, at) => self.result(*call, *at, context, fresh),
        }
    }

    /// What is in an object is by the same goroutine, if it was made along with it. What
    /// is yet to be made `here` may be given what is there already.
    pub(super) fn within(&self, base: Item, sites: Sites, here: Option<&Rc<Context>>) -> Items {
        let made_in = self.points.program.site(base.site).map(|site| site.func);
        let born = |of: &Site| {
            let here = here.filter(|here| base.owner == UNBORN && of.func == Some(here.func))?;
            let (first, last) = here.unborn?;
            (of.line < first || of.line > last).then_some(here.owner)
        };
        sites
            .into_iter()
            .map(|site| {
                let of = self.points.program.site(site);
                let is_part = of.is_some_and(|of| of.made == Made::Part(base.site));
                let together = of.is_some_and(|of| of.func.is_some() && Some(of.func) == made_in);
                let owner = base.owner.filter(|_| is_part || together);
                let born = of.filter(|_| together && !is_part).and_then(born);
                let which = if is_part { base.which } else { self.flows.along_with(base, site) };
                Item { site, owner: born.unwrap_or(owner), which }
            })
            .collect()
    }

    fn var(&mut self, var: VarId, context: &Rc<Context>) -> Items {
        let Some(declared) = self.points.program.var(var) else { return Items::new() };
        let (func, line) = (declared.func, declared.line);
        let mut place = Some(context);
        while let Some(here) = place.filter(|here| Some(here.func) != func) {
            place = here.up.as_ref();
        }
        let (Some(here), Some(func)) = (place.cloned(), func) else {
            return of_nobody(self.points.eval(&Expr::Var(var)));
        };
        let key = (var, Rc::as_ptr(&here));
        if let Some(first) = self.visiting.iter().position(|known| *known == key) {
            let around = self.visiting.get(first..).unwrap_or_default();
            self.circular.extend_from_slice(around);
            return Items::new();
        }
        self.visiting.push(key);
        let fresh = here.unborn.is_some_and(|(first, last)| line >= first && line <= last);
        let mut found = Items::new();
        let param =
            self.points.program.func(func).and_then(|of| of.params.iter().position(|one| *one == var));
        if let Some(at) = param {
            found.extend(
                self.argument(at, &here).unwrap_or_else(|| of_nobody(self.points.set(&Node::Var(var)))),
            );
        }
        let flows = self.flows.set_to(var).to_vec();
        for at in flows {
            let Some(flow) = self.points.program.flows.get(at) else { continue };
            let (of, from) = (flow.func, flow.from.clone());
            if of == Some(func) {
                found.extend(self.at(&from, &here, fresh));
            } else {
                found.extend(of_nobody(self.points.eval(&from)));
            }
        }
        self.visiting.pop();
        if self.circular.contains(&key) {
            found = found.into_iter().map(|item| Item { which: Which::ANY, ..item }).collect();
        }
        found
    }

    /// Whether all of it was found that was looked for since `before`.
    pub(super) fn is_whole(&self, before: usize) -> bool {
        self.left > 0 && self.circular.len() == before
    }

    pub(super) fn circles(&self) -> usize {
        self.circular.len()
    }

    /// What a parameter was given; `None` where that is not known.
    fn argument(&mut self, at: usize, here: &Rc<Context>) -> Option<Items> {
        let up = here.up.as_ref()?;
        let call = self.points.program.call(here.call?)?;
        if call.func != Some(up.func) {
            return None;
        }
        let of = self.points.program.func(here.func)?;
        let (is_method, count, variadic) = (of.is_method, of.params.len(), of.variadic);
        let receiver = is_method && call.args.len() < count;
        let (callee, args) = (call.callee.clone(), call.args.clone());
        if receiver && at == 0 {
            let Expr::Field(object, _) = callee else { return None };
            let kind = of
                .params
                .first()
                .and_then(|var| self.points.program.var(*var))
                .map(|var| bare(&var.kind).clone())?;
            let given = self.at(&object, up, false);
            let fits = |item: &Item, points: &Points| {
                let program = &points.program;
                let is_it =
                    |of: &Type| *of == kind || converts(program.underlying(of), program.underlying(&kind));
                item.site == OUTSIDE
                    || points.program.site(item.site).is_some_and(|site| is_it(bare(&site.kind)))
            };
            let fitting: Items = given.iter().copied().filter(|item| fits(item, self.points)).collect();
            return (!fitting.is_empty()).then_some(fitting);
        }
        let at = at - usize::from(receiver);
        if variadic && at + 1 + usize::from(receiver) >= count || args.len() + usize::from(receiver) != count
        {
            return None;
        }
        let given = args.get(at)?;
        Some(self.at(given, up, false))
    }

    fn result(&mut self, id: CallId, at: usize, context: &Rc<Context>, fresh: bool) -> Items {
        let owner = if fresh { UNBORN } else { context.owner };
        let Some(call) = self.points.program.call(id) else { return Items::new() };
        let (callee, made_in, first) = (call.callee.clone(), call.func, call.args.first().cloned());
        if let Expr::Field(of, name) = &callee {
            let of = self.at(of, context, fresh);
            let itself = |item: &Item, points: &Points| {
                let kind = points.program.site(item.site).map(|site| bare(&site.kind).clone());
                kind.and_then(|kind| foreign::method(&kind, name)) == Some(Method::Itself)
            };
            if !of.is_empty() && of.iter().all(|item| itself(item, self.points)) {
                return of;
            }
        }
        if let (Expr::Foreign(package, name), Some(first)) = (&callee, &first)
            && let foreign::Function::Given | foreign::Function::Once = foreign::function(package, name)
        {
            return self.at(first, context, fresh);
        }
        let mut found: Items = self
            .points
            .set(&Node::Result(id, at))
            .into_iter()
            .map(|site| {
                let here = self
                    .points
                    .program
                    .site(site)
                    .is_some_and(|site| site.func == made_in && site.func.is_some());
                match here {
                    // What it gives back may have come to it from elsewhere.
                    true if self.points.is_made_by(id, at, site) => {
                        Item { site, owner, which: Which::made_in(context.made) }
                    }
                    true => Item { owner, ..Item::any(site) },
                    false => Item::any(site),
                }
            })
            .collect();
        let targets: Vec<FuncId> = self.points.targets.get(&id).into_iter().flatten().copied().collect();
        for func in targets {
            let result = self.points.program.func(func).and_then(|func| func.results.get(at)).copied();
            let Some(result) = result else { continue };
            if context.depth >= DEPTH {
                found.extend(of_nobody(self.points.set(&Node::Var(result))));
                continue;
            }
            let callee = Rc::new(Context {
                func,
                call: Some(id),
                // Somebody else may have called it before, whose result this is.
                owner: owner.filter(|_| !self.points.once.contains(&func)),
                up: Some(Rc::clone(context)),
                made: Some(id).filter(|_| !self.points.once.contains(&func)),
                unborn: None,
                awaits: None,
                depth: context.depth + 1,
            });
            found.extend(self.var(result, &callee));
        }
        found
    }

    /// All that can be got at from these objects, and from the variables that
    /// function literals among them capture there.
    pub(super) fn reach(&mut self, from: Items, context: Option<&Rc<Context>>) -> Items {
        let mut found = Items::new();
        let mut next: Vec<Item> = from.into_iter().collect();
        while let Some(item) = next.pop() {
            if item.site == OUTSIDE || !found.insert(item) {
                continue;
            }
            let made = self.points.program.site(item.site).map(|site| site.made.clone());
            // What a Once has made it gives to whoever asks again.
            if let Some(Made::Func(func)) = &made
                && self.points.once.contains(func)
                && let Some(of) = self.points.program.func(*func)
            {
                let results = of.results.clone();
                next.extend(results.into_iter().flat_map(|var| of_nobody(self.points.set(&Node::Var(var)))));
            }
            if let (Some(Made::Func(func)), Some(context)) = (&made, context)
                && let Some(of) = self.points.program.func(*func)
                && of.parent == Some(context.func)
            {
                for var in of.outer.clone() {
                    next.extend(self.eval(&Expr::Var(var), context));
                }
                continue;
            }
            let inside = self.points.inside(item.site);
            next.extend(self.within(item, inside, context));
        }
        found
    }

    /// The locks and the like among objects that a method is called on, and what it
    /// does with them. Embedded ones are looked for.
    pub(super) fn method(&mut self, item: Item, name: &Name) -> Vec<(Item, ObjectMethod)> {
        let mut found = Vec::new();
        self.promoted(item, name, 0, &mut found);
        found
    }

    fn promoted(&mut self, item: Item, name: &Name, depth: u32, found: &mut Vec<(Item, ObjectMethod)>) {
        let Some(kind) = self.points.program.site(item.site).map(|site| site.kind.clone()) else { return };
        if depth > DEPTH || self.points.method(&kind, name).is_some() {
            return;
        }
        if let Type::Foreign(..) = bare(&kind) {
            if let Some(Method::Does(kind, operation)) = foreign::method(bare(&kind), name) {
                found.push((item, ObjectMethod::Does(kind, operation)));
            } else if let Some(Method::Once) = foreign::method(bare(&kind), name) {
                found.push((item, ObjectMethod::Once));
            } else if let (Type::Foreign(package, of), "Add" | "Go") = (bare(&kind), &**name)
                && (&**package, &**of) == ("sync", "WaitGroup")
            {
                found.push((item, ObjectMethod::Counts));
            }
            return;
        }
        let Type::Struct(fields) = self.points.program.underlying(&kind).clone() else { return };
        for embedded in fields.iter().filter(|field| field.embedded) {
            let sites = self.points.field(item.site, &Arc::clone(&embedded.name));
            for part in self.within(item, sites, None) {
                self.promoted(part, name, depth + 1, found);
            }
        }
    }
}

/// What a method does with the object that it is called on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ObjectMethod {
    Does(crate::model::ObjectKind, crate::model::Operation),
    Once,
    /// `WaitGroup.Add`, `WaitGroup.Go`.
    Counts,
}

fn of_nobody(sites: Sites) -> Items {
    sites.into_iter().map(Item::any).collect()
}
