//! Which one of several objects that are made at one place: by the call of the function
//! that makes them, and by where one stands in the list that has it. In: objects and
//! numbers in activations. Out: [`Which`]; two that differ in what is known are two.
//!
//! ```text
//!   a, b := open(), open()                      a.done and b.done: by the call of open
//!   for range 9 { all = append(all, new(T)) }   all[2] and all[7]: by their numbers
//! ```
//!
//! A number counts where each element is made for its place: nothing else puts such
//! objects into a list, and none is moved within it.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use super::context::{Context, DEPTH, Evaluator, Item, Items};
use super::foreign;
use super::ir::*;
use super::points::{Points, Sites};
use super::same::given;

/// Variables that are followed to what they were set to.
const STEPS: usize = 20;
/// Ways on which something comes to be in a field or a list, of which so many are gone.
const WAYS: usize = 32;

/// Which one, as far as that is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(super) struct Which {
    /// The call of the function that made it.
    made: Option<CallId>,
    /// Its number in the list that has it.
    nth: Option<i64>,
}

impl Which {
    /// Any of them; the first one in order.
    pub(super) const ANY: Which = Which { made: None, nth: None };
    /// The last one in order.
    pub(super) const LAST: Which = Which { made: Some(CallId(u32::MAX)), nth: Some(i64::MAX) };

    /// One that was made in this call.
    pub(super) fn made_in(call: Option<CallId>) -> Which {
        Which { made: call, nth: None }
    }

    /// The name of one, of those that have it in common.
    pub(super) fn told(self, program: &Program, name: Arc<str>) -> Arc<str> {
        let call = self.made.and_then(|call| program.call(call));
        match (self.nth, call) {
            (Some(nth), _) => format!("{name} (number {nth})").into(),
            (None, Some(call)) => format!("{name} (called at line {})", call.line).into(),
            (None, None) => name,
        }
    }

    /// Whether two may be one.
    pub(super) fn may_be(self, other: Which) -> bool {
        fn fits<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
            one.zip(other).is_none_or(|(one, other)| one == other)
        }
        fits(self.made, other.made) && fits(self.nth, other.nth)
    }
}

/// What a program puts where.
#[derive(Debug, Default)]
pub(super) struct Flows {
    /// The flows into each variable,
    pub(super) by_var: HashMap<VarId, Vec<usize>>,
    /// into each field of that name,
    by_field: HashMap<Name, Vec<usize>>,
    /// and into the elements of each container.
    by_container: HashMap<SiteId, Vec<usize>>,
    /// How often something is put into an element.
    times: HashMap<SiteId, usize>,
    /// Containers whose elements do not keep their numbers.
    moved: BTreeSet<SiteId>,
    /// Objects that are made along with the one that has them, and are in no other, and
    /// whether by the same expression.
    own: HashMap<SiteId, (SiteId, bool)>,
}

impl Flows {
    /// Those of a program.
    pub(super) fn of(points: &mut Points) -> Flows {
        let mut found = Flows::default();
        let flows = std::mem::take(&mut points.program.flows);
        for (at, flow) in flows.iter().enumerate() {
            if let Place::Var(var) = flow.to {
                found.by_var.entry(var).or_default().push(at);
            }
        }
        let mut owners: HashMap<SiteId, Option<(SiteId, bool)>> = HashMap::new();
        let mut copied = Sites::new();
        for (at, flow) in flows.iter().enumerate() {
            match &flow.to {
                Place::Field(of, name) => {
                    found.by_field.entry(Arc::clone(name)).or_default().push(at);
                    let made = found.made_here(&flows, of, flow.func);
                    let given = found.made_here(&flows, &flow.from, flow.func);
                    let direct = matches!((of, &flow.from), (Expr::Site(_), Expr::Site(_)));
                    for site in points.eval(&flow.from) {
                        let owner = made.filter(|_| given == Some(site)).map(|made| (made, direct));
                        owners.entry(site).and_modify(|known| *known = None).or_insert(owner);
                    }
                }
                Place::Elem(of, nth) => {
                    let given = points.eval(&flow.from);
                    if given.is_empty() {
                        continue;
                    }
                    for site in points.eval(of) {
                        found.by_container.entry(site).or_default().push(at);
                    }
                    for site in given.into_iter().filter(|_| !matches!(nth, Nth::Same)) {
                        *found.times.entry(site).or_default() += 1;
                    }
                }
                Place::Content(of) => copied.extend(points.eval(of)),
                Place::Var(_) => {}
            }
        }
        let own = owners.into_iter().filter_map(|(site, owner)| Some((site, owner?)));
        found.own = own.filter(|(_, (owner, _))| !copied.contains(owner)).collect();
        for list in points.program.shifted.clone() {
            found.moved.extend(points.eval(&list));
        }
        let moves =
            |call: &&Call| matches!(&call.callee, Expr::Foreign(package, _) if foreign::moves(package));
        let given = points.program.calls.iter().filter(moves).flat_map(|call| call.args.clone());
        for list in given.collect::<Vec<_>>() {
            found.moved.extend(points.eval(&list));
        }
        points.program.flows = flows;
        found
    }

    /// The object that an expression of a function is, if that is made in the same
    /// activation, each time.
    fn made_here(&self, flows: &[Flow], expr: &Expr, func: Option<FuncId>) -> Option<SiteId> {
        let mut expr = expr;
        for _ in 0..STEPS {
            match expr {
                Expr::Site(site) => return Some(*site),
                Expr::Var(var) => {
                    let [flow] = self.by_var.get(var)?[..] else { return None };
                    let flow = flows.get(flow).filter(|flow| flow.func == func)?;
                    expr = &flow.from;
                }
                _ => return None,
            }
        }
        None
    }

    /// The flows into a variable.
    pub(super) fn set_to(&self, var: VarId) -> &[usize] {
        self.by_var.get(&var).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether each object of a place is made by the expression that makes what has it, and
    /// is in no other.
    pub(super) fn is_own(&self, inside: SiteId, owner: SiteId) -> bool {
        self.own.get(&inside) == Some(&(owner, true))
    }

    /// Which one something is that is in an object: if it was made along with that.
    pub(super) fn along_with(&self, base: Item, inside: SiteId) -> Which {
        match self.own.get(&inside).filter(|(owner, _)| *owner == base.site) {
            Some((_, true)) => base.which,
            Some((_, false)) => Which { nth: None, ..base.which },
            None => Which::ANY,
        }
    }
}

impl Evaluator<'_> {
    /// A number, where it is known.
    fn number(&self, expr: &Expr, context: &Rc<Context>) -> Option<i64> {
        let program = &self.points.program;
        let (mut expr, mut context) = (expr, context);
        for _ in 0..STEPS {
            let var = match expr {
                Expr::Number(number) => return *number,
                Expr::Var(var) => *var,
                _ => return None,
            };
            let func = program.var(var).filter(|var| !var.addressed)?.func?;
            while context.func != func {
                context = context.up.as_ref()?;
            }
            let param = program.func(func)?.params.iter().position(|one| *one == var);
            match (param, self.flows.set_to(var)) {
                (Some(at), []) => (expr, context) = given(program, at, context)?,
                (None, [flow]) => {
                    let flow = program.flows.get(*flow).filter(|flow| flow.func == Some(func))?;
                    expr = &flow.from;
                }
                _ => return None,
            }
        }
        None
    }

    /// Of all that is in a container, what is the element of that number.
    pub(super) fn element(&mut self, base: Item, nth: &Nth, all: Items, context: &Rc<Context>) -> Items {
        let Nth::Of(index) = nth else { return all };
        if self.flows.moved.contains(&base.site) {
            return all;
        }
        let Some(number) = self.number(index, context) else { return all };
        self.numbered(base, number, &all).unwrap_or(all)
    }

    fn numbered(&mut self, base: Item, number: i64, all: &Items) -> Option<Items> {
        let flows = Rc::clone(&self.flows);
        let is_part = |item: &&Item| self.is_part(item.site, base.site);
        let (parts, others): (Vec<Item>, Vec<Item>) = all.iter().partition(is_part);
        let nth = Some(number);
        let mut found: Items =
            parts.into_iter().map(|item| Item { which: Which { nth, ..item.which }, ..item }).collect();
        let mut known = Sites::new();
        let ways = flows.by_container.get(&base.site).map(Vec::as_slice).unwrap_or_default();
        if ways.len() > WAYS {
            return None;
        }
        for way in ways {
            let flow = self.points.program.flows.get(*way)?;
            let (from, Place::Elem(_, at)) = (flow.from.clone(), &flow.to) else { return None };
            if matches!(at, Nth::Same) {
                let Expr::Elem(of, _) = &from else { return None };
                let of = self.points.eval(of);
                if of.iter().any(|site| *site != base.site) {
                    return None;
                }
                continue;
            }
            let is_other =
                matches!(at, Nth::Of(at) if matches!(**at, Expr::Number(Some(at)) if at != number));
            let is_literal = matches!(at, Nth::Of(at) if matches!(**at, Expr::Number(Some(_))));
            let sites = self.points.eval(&from);
            known.extend(sites.iter().copied());
            for item in others.iter().filter(|item| !is_other && sites.contains(&item.site)) {
                // What a literal has at a number has no other place where it is made.
                let alone = flows.times.get(&item.site) == Some(&1) && !is_literal;
                let which = match self.made_there(&from, item.site) {
                    Some(made) => Which { made, nth: nth.filter(|_| alone) },
                    None => Which::ANY,
                };
                found.insert(Item { which, ..*item });
            }
        }
        (others.iter().all(|item| known.contains(&item.site)) && !found.is_empty()).then_some(found)
    }

    fn is_part(&self, site: SiteId, whole: SiteId) -> bool {
        self.points.program.site(site).is_some_and(|of| of.made == Made::Part(whole))
    }

    /// Whether an expression yields another object of that place each time: in which call
    /// it is made, if that is known.
    pub(super) fn made_there(&self, from: &Expr, site: SiteId) -> Option<Option<CallId>> {
        let program = &self.points.program;
        match from {
            Expr::Site(made) => (*made == site).then_some(None),
            Expr::Call(call, at) => {
                let targets: Vec<FuncId> = self.points.targets.get(call)?.iter().copied().collect();
                let [func] = targets[..] else { return None };
                let result = program.func(func)?.results.get(*at)?;
                let mut ways = self.flows.set_to(*result).iter().filter_map(|at| program.flows.get(*at));
                let is_new = |flow: &Flow| {
                    flow.func == Some(func)
                        && self.flows.made_here(&program.flows, &flow.from, Some(func)) == Some(site)
                };
                ways.all(is_new).then_some(Some(*call))
            }
            _ => None,
        }
    }

    /// Of all that a field may refer to, what it is in that object, where it is set by
    /// who can be asked.
    pub(super) fn field_of(&mut self, base: Item, name: &Name, all: Items, context: &Rc<Context>) -> Items {
        let is_open = |item: &Item| item.which == Which::ANY;
        if base.which == Which::ANY || !all.iter().any(is_open) {
            return all;
        }
        self.set_there(base, name, &all, context).unwrap_or(all)
    }

    fn set_there(&mut self, base: Item, name: &Name, all: &Items, context: &Rc<Context>) -> Option<Items> {
        let flows = Rc::clone(&self.flows);
        let ways = flows.by_field.get(name).filter(|ways| ways.len() <= WAYS)?;
        let mut known = Sites::new();
        let mut found = Items::new();
        for way in ways {
            let flow = self.points.program.flows.get(*way)?;
            let (func, from, Place::Field(of, _)) = (flow.func?, flow.from.clone(), &flow.to) else {
                return None;
            };
            let of = of.clone();
            if !self.points.eval(&of).contains(&base.site) {
                continue;
            }
            let sites = self.points.eval(&from);
            known.extend(sites.iter().copied());
            let before = self.circles();
            let here = self.only_activation(func, context);
            if let Some(here) = here.filter(|_| self.is_local(&of, func) && self.is_local(&from, func)) {
                let of = self.at(&of, &here, false);
                if of.iter().any(|item| item.site == base.site && item.which.may_be(base.which)) {
                    found.extend(self.at(&from, &here, false));
                }
                if !self.is_whole(before) {
                    return None;
                }
                continue;
            }
            let made = flows.made_here(&self.points.program.flows, &of, Some(func)) == Some(base.site);
            if let Some(there) = self.making(base, func, context).filter(|_| made) {
                let given = self.at(&from, &there, false);
                if !self.is_whole(before) {
                    return None;
                }
                found.extend(given);
                continue;
            }
            found.extend(all.iter().filter(|item| sites.contains(&item.site)));
        }
        (all.iter().all(|item| known.contains(&item.site)) && !found.is_empty()).then_some(found)
    }

    /// The activation in which an object was made, as it was.
    fn making(&self, base: Item, func: FuncId, context: &Rc<Context>) -> Option<Rc<Context>> {
        let made = base.which.made?;
        let up = self.only_activation(self.points.program.call(made)?.func?, context)?;
        let leads = self.points.targets.get(&made)?.contains(&func);
        let (owner, depth) = (base.owner, context.depth + 1);
        let of = Context {
            made: Some(made),
            depth,
            ..Context::clone(&*Context::new(func, Some(made), owner, Some(up)))
        };
        (leads && depth < DEPTH).then(|| Rc::new(of))
    }

    /// The activation of a function around, where there is no other: nobody gives it
    /// anything.
    fn only_activation(&self, func: FuncId, context: &Rc<Context>) -> Option<Rc<Context>> {
        let of = self.points.program.func(func)?;
        let mut here = context;
        while here.func != func {
            here = here.up.as_ref()?;
        }
        (of.params.is_empty() && of.parent.is_none()).then(|| Rc::clone(here))
    }

    /// Whether an expression is a variable of a function, or made there.
    fn is_local(&self, expr: &Expr, func: FuncId) -> bool {
        match expr {
            Expr::Var(var) => self.points.program.var(*var).is_some_and(|var| var.func == Some(func)),
            Expr::Site(_) | Expr::Call(..) => true,
            _ => false,
        }
    }
}
