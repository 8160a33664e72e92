//! Which objects an expression can refer to, whenever and wherever it is evaluated:
//! an inclusion-based analysis by the places where objects are made, with a set for
//! each variable, field and container. In: a [`Program`]. Out: [`Points`].
//!
//! ```text
//!   c := make(chan int)      site 3        c        ⊇ {3}
//!   s := &server{done: c}    site 4        s        ⊇ {4}
//!                                          4.done   ⊇ c
//!   s.run()                                run's s  ⊇ s
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ir::*;
pub(super) use super::sites::Sites;
use super::{Enough, LeftOut};

type HashMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// Whatever comes from what was not read.
pub(super) const OUTSIDE: SiteId = SiteId(0);
/// How often all flows are gone through at most.
const ROUNDS: usize = 60;
/// How many steps it may take. A program of a hundred thousand lines takes fewer.
const STEPS: u64 = 40_000_000;
/// After how many steps it is asked whether that is enough: some milliseconds.
const ASK: u64 = 20_000;
/// How deep structs may be embedded in each other.
const EMBEDDED: u32 = 6;
/// Names that a type has one after the other.
const ALIASES: usize = 4;
/// The part of a container that stands for all of its elements.
const ELEMENT: &str = "[]";

/// A method, and the type that it is of.
type Method = ((PackageId, Name), FuncId);

/// Something that refers to objects.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Node {
    Var(VarId),
    Field(SiteId, Name),
    Elem(SiteId),
    Result(CallId, usize),
}

/// What refers to what.
#[derive(Debug)]
pub(super) struct Points {
    pub(super) program: Program,
    sets: HashMap<Node, Sites>,
    fields: HashMap<SiteId, BTreeSet<Name>>,
    parts: HashMap<(SiteId, Name), SiteId>,
    made: HashMap<(CallId, usize), SiteId>,
    funcs: HashMap<FuncId, SiteId>,
    /// The methods of each name, with the types that they are of.
    named: HashMap<Name, Vec<Method>>,
    /// The functions that each call leads to.
    pub(super) targets: HashMap<CallId, BTreeSet<FuncId>>,
    /// Functions that may be called at any time, by nobody that is seen.
    pub(super) later: BTreeSet<FuncId>,
    /// Functions that are called once, by whoever comes first, for all who ask.
    pub(super) once: BTreeSet<FuncId>,
    /// What is fed from outside of all goroutines, and by what.
    pub(super) fed: HashMap<SiteId, &'static str>,
    /// The channels of timers and tickers, each with the longest time that one is
    /// ever set to; `None` where that is not a constant.
    pub(super) timers: HashMap<SiteId, Option<u64>>,
    /// The ends of pipes.
    pub(super) ends: Sites,
    /// What is an error, and how many sites there were when that was last looked at.
    errors: (Sites, usize),
    pub(super) called: BTreeSet<FuncId>,
    /// The functions that are open to the outside, and how many sites there were
    /// when that was last looked at.
    opened: HashMap<FuncId, usize>,
    changed: bool,
    steps: u64,
}

impl Points {
    /// Solves it.
    pub(super) fn of(program: Program, enough: Enough<'_>) -> Result<Points, LeftOut> {
        let mut named: HashMap<Name, Vec<_>> = HashMap::default();
        for (of, methods) in &program.methods {
            for (name, func) in methods {
                named.entry(Arc::clone(name)).or_default().push((of.clone(), *func));
            }
        }
        let mut points = Points {
            program,
            sets: HashMap::default(),
            fields: HashMap::default(),
            parts: HashMap::default(),
            made: HashMap::default(),
            funcs: HashMap::default(),
            named,
            targets: HashMap::default(),
            later: BTreeSet::new(),
            once: BTreeSet::new(),
            fed: HashMap::default(),
            timers: HashMap::default(),
            ends: Sites::new(),
            errors: (Sites::new(), 0),
            called: BTreeSet::new(),
            opened: HashMap::default(),
            changed: false,
            steps: 0,
        };
        points.solve(enough)?;
        points.call_open_to_outside();
        points.solve(enough)?;
        Ok(points)
    }

    fn solve(&mut self, enough: Enough<'_>) -> Result<(), LeftOut> {
        if enough() {
            return Err(LeftOut::Stopped);
        }
        let mut asked = self.steps;
        let flows = std::mem::take(&mut self.program.flows);
        for _ in 0..ROUNDS {
            self.changed = false;
            for flow in &flows {
                self.go_on(&mut asked, enough)?;
                let from = self.eval(&flow.from);
                if from.is_empty() {
                    continue;
                }
                match &flow.to {
                    Place::Var(var) => self.add(Node::Var(*var), &from),
                    Place::Field(of, name) => {
                        for site in self.eval(of) {
                            if let Some((site, name)) = self.owner_of_field(site, name, 0) {
                                self.fields.entry(site).or_default().insert(Arc::clone(&name));
                                self.add(Node::Field(site, name), &from);
                            }
                        }
                    }
                    Place::Elem(of, _) => {
                        for site in self.eval(of) {
                            self.add(Node::Elem(site), &from);
                        }
                    }
                    Place::Content(of) => {
                        for site in self.eval(of) {
                            self.copy_content(&from, site);
                        }
                    }
                }
            }
            for at in 0..self.program.calls.len() {
                self.go_on(&mut asked, enough)?;
                self.link(CallId(u32::try_from(at).unwrap_or(u32::MAX)));
            }
            if !self.changed {
                self.program.flows = flows;
                return Ok(());
            }
        }
        Err(LeftOut::Steps)
    }

    /// Whether it may take more steps; `asked`: when that was asked last.
    fn go_on(&self, asked: &mut u64, enough: Enough<'_>) -> Result<(), LeftOut> {
        if self.steps > STEPS {
            return Err(LeftOut::Steps);
        }
        if self.steps - *asked >= ASK {
            *asked = self.steps;
            if enough() {
                return Err(LeftOut::Stopped);
            }
        }
        Ok(())
    }

    fn copy_content(&mut self, from: &Sites, to: SiteId) {
        for site in from.iter().filter(|site| **site != to) {
            self.add(Node::Elem(to), &self.set(&Node::Elem(*site)));
            for name in self.fields.get(site).cloned().unwrap_or_default() {
                let value = self.set(&Node::Field(*site, Arc::clone(&name)));
                self.note_field(to, &name, &value);
            }
        }
    }

    /// All that is an error, by its own method or one of what is embedded in it.
    pub(super) fn errors(&mut self) -> Sites {
        let (mut found, from) = std::mem::take(&mut self.errors);
        let all = self.program.sites.iter().enumerate().skip(from);
        let is_error = |site: &Site| {
            let embeds = |kind: &Type| match self.program.underlying(bare(kind)) {
                Type::Struct(fields) => fields.iter().any(|field| field.embedded),
                _ => false,
            };
            self.method(&site.kind, &"Error".into()).is_some() || embeds(&site.kind)
        };
        let new = all.filter(|(_, site)| is_error(site)).map(|(at, _)| u32::try_from(at).map(SiteId));
        found.extend(new.flatten());
        self.errors = (found.clone(), self.program.sites.len());
        found
    }

    /// Functions that nobody calls are called by what was not read, if by anybody.
    fn call_open_to_outside(&mut self) {
        for at in 0..self.program.funcs.len() {
            let id = FuncId(u32::try_from(at).unwrap_or(u32::MAX));
            if !self.called.contains(&id) {
                self.open_to_outside(id);
            }
        }
    }

    fn open_to_outside(&mut self, id: FuncId) {
        let count = self.program.sites.len();
        let from = self.opened.insert(id, count).unwrap_or(0);
        if from == count || self.steps > STEPS {
            return;
        }
        self.steps += u64::try_from(count - from).unwrap_or(u64::MAX);
        let Some(func) = self.program.func(id) else { return };
        let mut params = func.params.clone();
        if func.is_method && !params.is_empty() {
            let receiver = params.remove(0);
            let kind = self.program.var(receiver).map(|var| bare(&var.kind).clone());
            let of_that = self.program.sites.iter().enumerate().skip(from).filter(|(_, site)| {
                kind.as_ref().is_some_and(|kind| bare(&site.kind) == kind)
                    && *kind.as_ref().unwrap_or(&Type::Unknown) != Type::Unknown
            });
            let sites: Sites = of_that.map(|(at, _)| SiteId(u32::try_from(at).unwrap_or(u32::MAX))).collect();
            self.add(Node::Var(receiver), &sites);
        }
        let outside = Sites::from([OUTSIDE]);
        for param in params {
            let basic = self.program.var(param).is_none_or(|var| var.kind == Type::Basic);
            if !basic {
                self.add(Node::Var(param), &outside);
            }
        }
    }

    pub(super) fn add(&mut self, node: Node, sites: &Sites) {
        if sites.is_empty() {
            return;
        }
        self.steps += u64::try_from(sites.len()).unwrap_or(u64::MAX);
        self.changed |= self.sets.entry(node).or_default().unite(sites);
    }

    /// What a variable, field, container or result refers to.
    pub(super) fn set(&self, node: &Node) -> Sites {
        self.sets.get(node).cloned().unwrap_or_default()
    }

    /// All that refers to some of these, with all that it refers to.
    pub(super) fn holders<'s>(&'s self, sites: &'s Sites) -> impl Iterator<Item = (&'s Node, &'s Sites)> {
        self.sets.iter().filter(|(_, of)| !of.is_disjoint(sites))
    }

    /// What an expression can refer to.
    pub(super) fn eval(&mut self, expr: &Expr) -> Sites {
        let found = self.refers_to(expr);
        self.steps += 1 + u64::try_from(found.len()).unwrap_or(u64::MAX);
        found
    }

    fn refers_to(&mut self, expr: &Expr) -> Sites {
        match expr {
            Expr::Nothing | Expr::Number(_) | Expr::Foreign(..) => Sites::new(),
            Expr::Unknown => Sites::from([OUTSIDE]),
            Expr::Var(var) => self.set(&Node::Var(*var)),
            Expr::Field(of, name) => {
                let of = self.eval(of);
                of.into_iter().flat_map(|site| self.field(site, name)).collect()
            }
            Expr::Elem(of, _) | Expr::Received(of) => {
                let of = self.eval(of);
                of.into_iter().flat_map(|site| self.elem(site)).collect()
            }
            Expr::Call(call, at) => {
                let mut found = self.set(&Node::Result(*call, *at));
                for func in self.targets.get(call).into_iter().flatten() {
                    let result = self.program.func(*func).and_then(|func| func.results.get(*at));
                    if let Some(result) = result {
                        found.extend(self.sets.get(&Node::Var(*result)).into_iter().flatten());
                    }
                }
                found
            }
            Expr::Site(site) => Sites::from([*site]),
            Expr::Func(func) => Sites::from([self.func_site(*func)]),
        }
    }

    pub(super) fn func_site(&mut self, func: FuncId) -> SiteId {
        if let Some(site) = self.funcs.get(&func) {
            return *site;
        }
        let made = Site {
            func: self.program.func(func).and_then(|func| func.parent),
            line: self.program.func(func).map_or(0, |func| func.start),
            name: self.program.func(func).map(|func| Arc::clone(&func.name)).unwrap_or_default(),
            kind: Type::Func,
            made: Made::Func(func),
        };
        let site = self.program.new_site(made);
        self.funcs.insert(func, site);
        self.changed = true;
        site
    }

    /// The object whose own field that is: of an embedded one, maybe.
    fn owner_of_field(&mut self, site: SiteId, name: &Name, depth: u32) -> Option<(SiteId, Name)> {
        let kind = self.program.site(site)?.kind.clone();
        let Type::Struct(fields) = self.program.underlying(&kind).clone() else {
            return Some((site, Arc::clone(name)));
        };
        if depth > EMBEDDED || fields.iter().any(|field| field.name == *name) {
            return Some((site, Arc::clone(name)));
        }
        let embedded: Vec<Name> =
            fields.iter().filter(|field| field.embedded).map(|field| Arc::clone(&field.name)).collect();
        for inner in embedded {
            for part in self.field_at(site, &inner, depth + 1) {
                if self.has_field(part, name) {
                    return self.owner_of_field(part, name, depth + 1);
                }
            }
        }
        Some((site, Arc::clone(name)))
    }

    fn has_field(&self, site: SiteId, name: &Name) -> bool {
        let kind = self.program.site(site).map_or(&Type::Unknown, |site| &site.kind);
        match self.program.underlying(kind) {
            Type::Struct(fields) => fields.iter().any(|field| field.name == *name || field.embedded),
            _ => false,
        }
    }

    /// What a field of an object refers to, or is.
    pub(super) fn field(&mut self, site: SiteId, name: &Name) -> Sites {
        self.field_at(site, name, 0)
    }

    fn field_at(&mut self, site: SiteId, name: &Name, depth: u32) -> Sites {
        let Some(of) = self.program.site(site) else { return Sites::new() };
        if site == OUTSIDE || depth > EMBEDDED {
            return Sites::from([OUTSIDE]);
        }
        let kind = of.kind.clone();
        let mut found = self.set(&Node::Field(site, Arc::clone(name)));
        match self.program.underlying(&kind).clone() {
            Type::Struct(fields) => {
                if let Some(field) = fields.iter().find(|field| field.name == *name) {
                    if self.program.is_place(&field.kind) {
                        found.insert(self.part(site, name, &field.kind));
                    }
                    return found;
                }
                if let Some(method) = self.method(&kind, name) {
                    let receiver = self.program.func(method).and_then(|func| func.params.first().copied());
                    if let Some(receiver) = receiver {
                        self.add(Node::Var(receiver), &Sites::from([site]));
                    }
                    found.insert(self.func_site(method));
                    return found;
                }
                for embedded in fields.iter().filter(|field| field.embedded) {
                    for part in self.field_at(site, &embedded.name, depth + 1) {
                        if part != OUTSIDE {
                            found.extend(self.field_at(part, name, depth + 1));
                        }
                    }
                }
            }
            Type::Foreign(..) => found.extend(self.set(&Node::Elem(site))),
            Type::Unknown => {
                found.insert(OUTSIDE);
            }
            _ => {
                if let Some(method) = self.method(&kind, name) {
                    found.insert(self.func_site(method));
                }
            }
        }
        found
    }

    /// What is in a container, or comes over a channel.
    pub(super) fn elem(&mut self, site: SiteId) -> Sites {
        if site == OUTSIDE {
            return Sites::from([OUTSIDE]);
        }
        let mut found = self.set(&Node::Elem(site));
        let Some(of) = self.program.site(site) else { return found };
        let kind = of.kind.clone();
        // What an iterator yields is whatever it calls the loop with.
        if let Made::Func(_) = of.made {
            found.insert(OUTSIDE);
        }
        if let Type::List(of) | Type::Map(of) | Type::Array(of) = self.program.underlying(&kind).clone()
            && self.program.is_value(&of)
        {
            found.insert(self.part(site, &ELEMENT.into(), &of));
        }
        found
    }

    /// An object that is a part of another one.
    fn part(&mut self, site: SiteId, name: &Name, kind: &Type) -> SiteId {
        if let Some(part) = self.parts.get(&(site, Arc::clone(name))) {
            return *part;
        }
        let (func, line) = self.program.site(site).map_or((None, 0), |site| (site.func, site.line));
        let made = Made::Part(site);
        let part =
            self.program.new_site(Site { func, line, name: Arc::clone(name), kind: kind.clone(), made });
        self.parts.insert((site, Arc::clone(name)), part);
        self.fields.entry(site).or_default().insert(Arc::clone(name));
        self.changed = true;
        part
    }

    /// The object that a call makes.
    pub(super) fn made_by(&mut self, call: CallId, at: usize, kind: Type, made: Made) -> SiteId {
        if let Some(site) = self.made.get(&(call, at)) {
            return *site;
        }
        let of = self.program.call(call);
        let (func, line) = of.map_or((None, 0), |call| (call.func, call.line));
        let name = of.and_then(|call| call.names.get(at).or(call.names.first())).cloned().unwrap_or_default();
        let site = self.program.new_site(Site { func, line, name, kind, made });
        self.made.insert((call, at), site);
        self.changed = true;
        site
    }

    /// Whether an object is the one that a call makes.
    pub(super) fn is_made_by(&self, call: CallId, at: usize, site: SiteId) -> bool {
        self.made.get(&(call, at)) == Some(&site)
    }

    /// Whether an object is one that a call of another package makes.
    pub(super) fn is_of_call(&self, site: SiteId) -> bool {
        self.made.values().any(|made| *made == site)
    }

    /// The method of a type that was read, by whatever name that goes.
    pub(super) fn method(&self, kind: &Type, name: &Name) -> Option<FuncId> {
        let mut kind = bare(kind);
        for _ in 0..ALIASES {
            let Type::Named(package, of) = kind else { return None };
            let methods = self.program.methods.get(&(*package, Arc::clone(of)));
            if let Some((_, func)) = methods.and_then(|of| of.iter().find(|(known, _)| known == name)) {
                return Some(*func);
            }
            kind = bare(self.program.types.get(&(*package, Arc::clone(of)))?);
        }
        None
    }

    /// The methods of that name that an object may have: those of its type, and those of
    /// all types that it may have been made one of on the way: `handler(func() { … })`.
    pub(super) fn methods(&self, kind: &Type, name: &Name) -> Vec<FuncId> {
        if let Some(method) = self.method(kind, name) {
            return vec![method];
        }
        let kind = self.program.underlying(kind);
        if let Type::Struct(fields) = kind
            && fields.iter().any(|field| field.embedded || field.name == *name)
        {
            return Vec::new();
        }
        let named = self.named.get(name).into_iter().flatten();
        let fitting = named.filter(|(of, _)| {
            let of = self.program.types.get(of);
            of.is_some_and(|of| converts(kind, self.program.underlying(of)))
        });
        fitting.map(|(_, func)| *func).collect()
    }

    /// Parts and fields of an object that refer to something.
    pub(super) fn inside(&self, site: SiteId) -> Sites {
        let mut found = self.set(&Node::Elem(site));
        for name in self.fields.get(&site).into_iter().flatten() {
            found.extend(self.sets.get(&Node::Field(site, Arc::clone(name))).into_iter().flatten());
            found.extend(self.parts.get(&(site, Arc::clone(name))));
        }
        found.extend(self.parts.get(&(site, ELEMENT.into())));
        match self.program.site(site).map(|site| &site.made) {
            Some(Made::Func(func)) => {
                for var in self.program.func(*func).into_iter().flat_map(|func| &func.outer) {
                    found.extend(self.sets.get(&Node::Var(*var)).into_iter().flatten());
                }
                // A method as a value has its receiver with it.
                let method = self.program.func(*func).filter(|func| func.is_method);
                if let Some(receiver) = method.and_then(|func| func.params.first()) {
                    found.extend(self.sets.get(&Node::Var(*receiver)).into_iter().flatten());
                }
            }
            Some(Made::Cancel(context)) => {
                found.insert(*context);
            }
            _ => {}
        }
        found
    }

    pub(super) fn note_field(&mut self, site: SiteId, name: &str, sites: &Sites) {
        self.fields.entry(site).or_default().insert(name.into());
        self.add(Node::Field(site, name.into()), sites);
    }

    /// That a call leads to a function.
    pub(super) fn leads_to(&mut self, call: CallId, func: FuncId) {
        self.changed |= self.targets.entry(call).or_default().insert(func);
        self.called.insert(func);
    }

    /// That a function may be called at any time.
    pub(super) fn call_later(&mut self, func: FuncId) {
        self.changed |= self.later.insert(func);
        self.called.insert(func);
        self.open_to_outside(func);
    }
}

/// Whether a value of a type that is the one is of a type that is the other, once it is
/// converted. What is in a list or comes over a channel may be written in several ways.
pub(super) fn converts(kind: &Type, other: &Type) -> bool {
    match (kind, other) {
        (Type::Struct(fields), Type::Struct(others)) => !fields.is_empty() && fields == others,
        (Type::Chan(_), Type::Chan(_))
        | (Type::List(_), Type::List(_))
        | (Type::Map(_), Type::Map(_))
        | (Type::Func, Type::Func) => true,
        _ => false,
    }
}

/// A type without pointers.
pub(super) fn bare(kind: &Type) -> &Type {
    match kind {
        Type::Pointer(to) => bare(to),
        kind => kind,
    }
}
