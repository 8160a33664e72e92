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
use super::solve::Tasks;

type HashMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// Whatever comes from what was not read.
pub(super) const OUTSIDE: SiteId = SiteId(0);
/// How deep structs may be embedded in each other.
const EMBEDDED: u32 = 6;
/// The part of a container that stands for all of its elements.
const ELEMENT: &str = "[]";

/// Something that refers to objects.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Node {
    Var(VarId),
    Field(SiteId, Name),
    Elem(SiteId),
    Result(CallId, usize),
    /// Which functions a call leads to, and what keeps its arguments.
    Targets(CallId),
    /// Which fields and parts an object has.
    Inside(SiteId),
}

/// What refers to what.
#[derive(Debug)]
pub(super) struct Points {
    pub(super) program: Program,
    nodes: HashMap<Node, usize>,
    sets: Vec<Sites>,
    pub(super) tasks: Tasks,
    fields: HashMap<SiteId, BTreeSet<Name>>,
    parts: HashMap<(SiteId, Name), SiteId>,
    made: HashMap<(CallId, usize), SiteId>,
    funcs: HashMap<FuncId, SiteId>,
    /// The functions that each call leads to.
    pub(super) targets: HashMap<CallId, BTreeSet<FuncId>>,
    /// The objects that each call gives out of what they keep, and themselves.
    keepers: HashMap<CallId, Sites>,
    /// What a call has handed to what was not read, by what keeps it.
    pub(super) handed: HashMap<(CallId, SiteId), Sites>,
    /// Functions that may be called at any time, by nobody that is seen.
    pub(super) later: BTreeSet<FuncId>,
    /// What is fed from outside of all goroutines, and by what.
    pub(super) fed: HashMap<SiteId, &'static str>,
    /// The channels of timers and tickers, each with the longest time that one is
    /// ever set to; `None` where that is not a constant.
    pub(super) timers: HashMap<SiteId, Option<u64>>,
    /// The ends of pipes.
    pub(super) ends: Sites,
    pub(super) called: BTreeSet<FuncId>,
    /// The receivers of methods that are open to the outside, and the objects, by type.
    pub(super) open: HashMap<(PackageId, Name), Vec<VarId>>,
    pub(super) of_type: HashMap<(PackageId, Name), Sites>,
    pub(super) opened: BTreeSet<FuncId>,
}

impl Points {
    /// Before anything is known.
    pub(super) fn new(program: Program) -> Points {
        let mut points = Points {
            program,
            nodes: HashMap::default(),
            sets: Vec::new(),
            tasks: Tasks::default(),
            fields: HashMap::default(),
            parts: HashMap::default(),
            made: HashMap::default(),
            funcs: HashMap::default(),
            targets: HashMap::default(),
            keepers: HashMap::default(),
            handed: HashMap::default(),
            later: BTreeSet::new(),
            fed: HashMap::default(),
            timers: HashMap::default(),
            ends: Sites::new(),
            called: BTreeSet::new(),
            open: HashMap::default(),
            of_type: HashMap::default(),
            opened: BTreeSet::new(),
        };
        for (at, site) in points.program.sites.iter().enumerate() {
            if let Some(kind) = named(&site.kind) {
                let site = SiteId(u32::try_from(at).unwrap_or(u32::MAX));
                points.of_type.entry(kind).or_default().insert(site);
            }
        }
        points
    }

    fn node(&mut self, node: Node) -> usize {
        let next = self.sets.len();
        let known = *self.nodes.entry(node).or_insert(next);
        if known == next {
            self.sets.push(Sites::new());
        }
        known
    }

    fn new_site(&mut self, site: Site) -> SiteId {
        let kind = named(&site.kind);
        let site = self.program.new_site(site);
        if let Some(kind) = kind {
            for receiver in self.open.get(&kind).cloned().unwrap_or_default() {
                self.add(Node::Var(receiver), &Sites::from([site]));
            }
            self.of_type.entry(kind).or_default().insert(site);
        }
        site
    }

    pub(super) fn add(&mut self, node: Node, sites: &Sites) {
        if sites.is_empty() {
            return;
        }
        self.tasks.spend(sites.len());
        let at = self.node(node);
        if self.sets.get_mut(at).is_some_and(|known| known.unite(sites)) {
            self.tasks.note_change(at);
        }
    }

    /// What a variable, field, container or result refers to.
    pub(super) fn set(&self, node: &Node) -> Sites {
        self.known(node).cloned().unwrap_or_default()
    }

    fn known(&self, node: &Node) -> Option<&Sites> {
        self.nodes.get(node).and_then(|at| self.sets.get(*at))
    }

    /// The same, and that the task at hand depends on it.
    fn read(&mut self, node: Node) -> Sites {
        let at = self.node(node);
        self.tasks.note_read(at);
        self.sets.get(at).cloned().unwrap_or_default()
    }

    /// What an expression can refer to.
    pub(super) fn eval(&mut self, expr: &Expr) -> Sites {
        let found = self.refers_to(expr);
        self.tasks.spend(1 + found.len());
        found
    }

    fn refers_to(&mut self, expr: &Expr) -> Sites {
        match expr {
            Expr::Nothing | Expr::Foreign(..) => Sites::new(),
            Expr::Unknown => Sites::from([OUTSIDE]),
            Expr::Var(var) => self.read(Node::Var(*var)),
            Expr::Field(of, name) => {
                let of = self.eval(of);
                of.into_iter().flat_map(|site| self.field(site, name)).collect()
            }
            Expr::Elem(of) | Expr::Received(of) => {
                let of = self.eval(of);
                of.into_iter().flat_map(|site| self.elem(site)).collect()
            }
            Expr::Call(call, at) => {
                let mut found = self.result(*call, *at);
                for func in self.targets.get(call).cloned().unwrap_or_default() {
                    let result = self.program.func(func).and_then(|func| func.results.get(*at));
                    if let Some(result) = result.copied() {
                        found.unite(&self.read(Node::Var(result)));
                    }
                }
                found
            }
            Expr::Site(site) => Sites::from([*site]),
            Expr::Func(func) => Sites::from([self.func_site(*func)]),
        }
    }

    /// What a call results in, but for what the functions return that it leads to.
    pub(super) fn result(&mut self, call: CallId, at: usize) -> Sites {
        let mut found = self.read(Node::Result(call, at));
        self.read(Node::Targets(call));
        let keepers = self.keepers.get(&call).cloned().unwrap_or_default();
        for keeper in &keepers {
            let kept = self.read(Node::Elem(*keeper));
            found.unite(&kept);
        }
        found.unite(&keepers);
        found
    }

    /// That a call gives out what an object keeps, or the object itself.
    pub(super) fn gives_out(&mut self, call: CallId, keeper: SiteId) {
        if self.keepers.entry(call).or_default().insert(keeper) {
            self.has_grown(Node::Targets(call));
        }
    }

    fn has_grown(&mut self, node: Node) {
        let at = self.node(node);
        self.tasks.note_change(at);
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
        let site = self.new_site(made);
        self.funcs.insert(func, site);
        site
    }

    /// The object whose own field that is: of an embedded one, maybe.
    pub(super) fn owner_of_field(&mut self, site: SiteId, name: &Name, depth: u32) -> Option<(SiteId, Name)> {
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
        let mut found = self.read(Node::Field(site, Arc::clone(name)));
        match self.program.underlying(&kind).clone() {
            Type::Struct(fields) => {
                if let Some(field) = fields.iter().find(|field| field.name == *name) {
                    if self.program.is_value(&field.kind) {
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
            Type::Foreign(..) => found.extend(self.read(Node::Elem(site))),
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
        let mut found = self.read(Node::Elem(site));
        let Some(of) = self.program.site(site) else { return found };
        let kind = of.kind.clone();
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
        let part = self.new_site(Site { func, line, name: Arc::clone(name), kind: kind.clone(), made });
        self.parts.insert((site, Arc::clone(name)), part);
        self.has_field_now(site, name);
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
        let site = self.new_site(Site { func, line, name, kind, made });
        self.made.insert((call, at), site);
        site
    }

    /// The method of a type that was read.
    pub(super) fn method(&self, kind: &Type, name: &Name) -> Option<FuncId> {
        let Type::Named(package, of) = bare(kind) else { return None };
        let methods = self.program.methods.get(&(*package, Arc::clone(of)))?;
        methods.iter().find(|(known, _)| known == name).map(|(_, func)| *func)
    }

    fn has_field_now(&mut self, site: SiteId, name: &Name) {
        if self.fields.entry(site).or_default().insert(Arc::clone(name)) {
            self.has_grown(Node::Inside(site));
        }
    }

    /// The same as [`Points::inside`], and that the task at hand depends on it.
    pub(super) fn read_inside(&mut self, site: SiteId) -> Sites {
        let mut nodes = vec![Node::Inside(site), Node::Elem(site)];
        let fields = self.fields.get(&site).into_iter().flatten();
        nodes.extend(fields.map(|name| Node::Field(site, Arc::clone(name))));
        if let Some(Made::Func(func)) = self.program.site(site).map(|site| &site.made)
            && let Some(func) = self.program.func(*func)
        {
            nodes.extend(func.outer.iter().chain(func.params.first()).map(|var| Node::Var(*var)));
        }
        for node in nodes {
            let at = self.node(node);
            self.tasks.note_read(at);
        }
        self.inside(site)
    }

    /// Parts and fields of an object that refer to something.
    pub(super) fn inside(&self, site: SiteId) -> Sites {
        let mut found = self.set(&Node::Elem(site));
        for name in self.fields.get(&site).into_iter().flatten() {
            found.extend(self.known(&Node::Field(site, Arc::clone(name))).into_iter().flatten());
            found.extend(self.parts.get(&(site, Arc::clone(name))));
        }
        found.extend(self.parts.get(&(site, ELEMENT.into())));
        match self.program.site(site).map(|site| &site.made) {
            Some(Made::Func(func)) => {
                for var in self.program.func(*func).into_iter().flat_map(|func| &func.outer) {
                    found.extend(self.known(&Node::Var(*var)).into_iter().flatten());
                }
                // A method as a value has its receiver with it.
                let method = self.program.func(*func).filter(|func| func.is_method);
                if let Some(receiver) = method.and_then(|func| func.params.first()) {
                    found.extend(self.known(&Node::Var(*receiver)).into_iter().flatten());
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
        self.has_field_now(site, &name.into());
        self.add(Node::Field(site, name.into()), sites);
    }

    /// That a call leads to a function.
    pub(super) fn leads_to(&mut self, call: CallId, func: FuncId) {
        if self.targets.entry(call).or_default().insert(func) {
            self.has_grown(Node::Targets(call));
        }
        self.called.insert(func);
    }

    /// That a function may be called at any time.
    pub(super) fn call_later(&mut self, func: FuncId) {
        self.later.insert(func);
        self.called.insert(func);
        self.open_to_outside(func);
    }
}

/// Which of the program's types an object is of.
pub(super) fn named(kind: &Type) -> Option<(PackageId, Name)> {
    match bare(kind) {
        Type::Named(package, name) => Some((*package, Arc::clone(name))),
        _ => None,
    }
}

/// A type without pointers.
pub(super) fn bare(kind: &Type) -> &Type {
    match kind {
        Type::Pointer(to) => bare(to),
        kind => kind,
    }
}
