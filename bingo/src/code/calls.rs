//! What a call does to [`Points`]: arguments flow to parameters, and functions of
//! other packages make objects and call back.

use std::sync::Arc;

use super::foreign::{self, Function, Method};
use super::ir::*;
use super::points::{Node, OUTSIDE, Points, Sites, bare};

/// How deep a method may be promoted.
const PROMOTED: u32 = 6;
/// Results of a call that are told apart.
const RESULTS: usize = 3;
/// Contexts that are asked for a value.
const PARENTS: usize = 100;
/// Where a call keeps the list of its variadic arguments.
const VARIADIC: usize = 100;
/// The result of a call that it puts where it is told to.
pub(super) const PUT: usize = 101;

impl Points {
    /// Lets arguments and results of a call flow.
    pub(super) fn link(&mut self, id: CallId) {
        let Some(call) = self.program.call(id) else { return };
        let (callee, args) = (call.callee.clone(), call.args.clone());
        match callee {
            Expr::Func(func) => self.bind(id, func, None, &args),
            // These keep nothing, and give nothing back of what they are given.
            Expr::Foreign(package, name)
                if &*package == "builtin"
                    && matches!(&*name, "close" | "len" | "cap" | "delete" | "clear") => {}
            Expr::Foreign(package, name) => self.foreign_call(id, &package, &name, &args),
            Expr::Field(of, name) => {
                let tested = is_test(&self.program, &of);
                for site in self.eval(&of) {
                    self.method_call(id, site, &name, &args, tested, 0);
                }
            }
            callee => {
                for site in self.eval(&callee) {
                    match self.program.site(site).map(|site| site.made.clone()) {
                        Some(Made::Func(func)) => self.bind(id, func, None, &args),
                        Some(Made::Outside) => self.unknown_call(id, &args, true),
                        _ => {}
                    }
                }
            }
        }
    }

    /// A call of a function that was read.
    fn bind(&mut self, id: CallId, func: FuncId, receiver: Option<SiteId>, args: &[Expr]) {
        self.leads_to(id, func);
        let Some(of) = self.program.func(func) else { return };
        let (params, variadic) = (of.params.clone(), of.variadic);
        let mut params = &params[..];
        if of.is_method && (receiver.is_some() || args.len() < params.len()) {
            let Some((first, rest)) = params.split_first() else { return };
            if let Some(receiver) = receiver {
                self.add(Node::Var(*first), &Sites::from([receiver]));
            }
            params = rest;
        }
        if let ([Expr::Call(inner, 0)], true) = (args, params.len() > 1) {
            for (at, param) in params.iter().enumerate() {
                let value = self.eval(&Expr::Call(*inner, at));
                self.add(Node::Var(*param), &value);
            }
            return;
        }
        for (at, arg) in args.iter().enumerate() {
            let value = self.eval(arg);
            if value.is_empty() {
                continue;
            }
            if variadic && at + 1 >= params.len() {
                let Some(last) = params.last() else { return };
                let kind = self.program.var(*last).map_or(Type::Unknown, |var| var.kind.clone());
                let list = self.made_by(id, VARIADIC, kind, Made::Here);
                self.add(Node::Elem(list), &value);
                self.add(Node::Var(*last), &Sites::from([list]));
                // It may be `list...`.
                self.add(Node::Var(*last), &value);
            } else if let Some(param) = params.get(at) {
                self.add(Node::Var(*param), &value);
            }
        }
    }

    fn method_call(
        &mut self,
        id: CallId,
        site: SiteId,
        name: &Name,
        args: &[Expr],
        tested: bool,
        depth: u32,
    ) {
        if site == OUTSIDE {
            if &**name == "Context" && args.is_empty() {
                return self.given_context(id);
            }
            return self.unknown_call(id, args, !tested);
        }
        let Some(kind) = self.program.site(site).map(|site| site.kind.clone()) else { return };
        let methods = self.methods(&kind, name);
        if !methods.is_empty() {
            return methods.into_iter().for_each(|func| self.bind(id, func, Some(site), args));
        }
        if let Type::Foreign(package, _) = bare(&kind) {
            let package = Arc::clone(package);
            return self.foreign_method(id, site, (bare(&kind), &package, name), args);
        }
        let Type::Struct(fields) = self.program.underlying(&kind).clone() else {
            if *self.program.underlying(&kind) == Type::Unknown {
                self.unknown_call(id, args, true);
            }
            return;
        };
        if fields.iter().any(|field| field.name == *name) {
            for target in self.field(site, name) {
                match self.program.site(target).map(|site| site.made.clone()) {
                    Some(Made::Func(func)) => self.bind(id, func, None, args),
                    Some(Made::Outside) => self.unknown_call(id, args, true),
                    _ => {}
                }
            }
            return;
        }
        if depth < PROMOTED {
            for embedded in fields.iter().filter(|field| field.embedded) {
                for part in self.field(site, &embedded.name) {
                    self.method_call(id, part, name, args, tested, depth + 1);
                }
            }
        }
    }

    /// A call of what was not read: it may call what it is given, now and later.
    fn unknown_call(&mut self, id: CallId, args: &[Expr], later: bool) {
        for at in 0..RESULTS {
            self.add(Node::Result(id, at), &Sites::from([OUTSIDE]));
        }
        for arg in args {
            for site in self.eval(arg) {
                self.call_back(id, site, later, &Sites::from([OUTSIDE]));
            }
        }
    }

    /// That an object is given to a function that was not read: functions are called,
    /// and so are exported methods.
    fn call_back(&mut self, id: CallId, site: SiteId, later: bool, with: &Sites) {
        let Some(of) = self.program.site(site) else { return };
        let mut called = Vec::new();
        match (&of.made, bare(&of.kind)) {
            (Made::Func(func), _) => called.push(*func),
            (_, Type::Named(package, name)) => {
                let methods = self.program.methods.get(&(*package, Arc::clone(name)));
                let exported = |name: &Name| name.starts_with(|c: char| c.is_uppercase());
                let methods = methods.into_iter().flatten().filter(|(name, _)| exported(name));
                called.extend(methods.map(|(_, func)| *func));
            }
            _ => {}
        }
        for func in called {
            self.leads_to(id, func);
            let params = self.program.func(func).map(|func| (func.params.clone(), func.is_method));
            for (at, param) in params.iter().flat_map(|(params, _)| params).enumerate() {
                let is_receiver = at == 0 && params.as_ref().is_some_and(|(_, is_method)| *is_method);
                let object = !matches!(self.program.site(site).map(|site| &site.made), Some(Made::Func(_)));
                if is_receiver && object {
                    self.add(Node::Var(*param), &Sites::from([site]));
                } else if !is_receiver && self.program.var(*param).is_some_and(|var| var.kind != Type::Basic)
                {
                    self.add(Node::Var(*param), with);
                }
            }
            if later {
                self.call_later(func);
            }
        }
    }

    /// That an object is given to what prints: it is shown, or written to.
    fn show(&mut self, id: CallId, site: SiteId) {
        let Some(kind) = self.program.site(site).map(|site| site.kind.clone()) else { return };
        for method in ["String", "Error", "GoString", "Format", "Write"] {
            if let Some(func) = self.method(&kind, &method.into()) {
                self.bind(id, func, Some(site), &[]);
            }
        }
    }

    /// A context that ends with a request or a test.
    fn given_context(&mut self, id: CallId) {
        let context = self.made_by(id, 0, foreign::context(), Made::Fed("the end of a request"));
        self.fed.insert(context, "the end of a request");
        self.add(Node::Result(id, 0), &Sites::from([context]));
    }

    fn foreign_method(
        &mut self,
        id: CallId,
        site: SiteId,
        (kind, package, name): (&Type, &str, &Name),
        args: &[Expr],
    ) {
        match foreign::method(kind, name) {
            // Of an end of a pipe: from then on it comes to an end by itself.
            Some(Method::Nothing) if name.starts_with("Set") && self.ends.contains(&site) => {
                for through in self.inside(site) {
                    self.fed.insert(through, "a deadline");
                }
            }
            Some(Method::Itself) => self.add(Node::Result(id, 0), &Sites::from([site])),
            Some(Method::Once | Method::Go) => {
                for arg in args {
                    for target in self.eval(arg) {
                        if let Some(Made::Func(func)) =
                            self.program.site(target).map(|site| site.made.clone())
                        {
                            self.bind(id, func, None, &[]);
                        }
                    }
                }
            }
            Some(Method::Nothing) if &**name == "Value" => {
                let (mut next, mut known) = (vec![site], Sites::new());
                while let Some(context) = next.pop().filter(|_| known.len() < PARENTS) {
                    if known.insert(context) {
                        self.add(Node::Result(id, 0), &self.set(&Node::Field(context, "value".into())));
                        next.extend(self.set(&Node::Field(context, "parent".into())));
                    }
                }
                // Somebody else may have given it along.
                self.add(Node::Result(id, 0), &Sites::from([OUTSIDE]));
            }
            Some(Method::Does(..) | Method::Nothing) => {}
            None if &**name == "Context" && args.is_empty() => self.given_context(id),
            None if *kind == foreign::named("time", "Timer") => {
                if &**name == "Reset" {
                    for channel in self.field(site, &"C".into()) {
                        self.set_timer(id, channel);
                    }
                }
            }
            None => {
                // It keeps what it is given, and gives it back.
                let kept = self.inside(site);
                let later = foreign::calls_later(package);
                for arg in args {
                    let value = self.eval(arg);
                    for one in &value {
                        self.call_back(id, *one, later, &kept);
                    }
                    self.add(Node::Elem(site), &value);
                }
                if later || foreign::calls_what_it_wraps(package) {
                    for one in self.inside(site) {
                        self.call_back(id, one, later, &Sites::from([OUTSIDE]));
                    }
                }
                for at in 0..RESULTS {
                    self.add(Node::Result(id, at), &kept);
                    self.add(Node::Result(id, at), &Sites::from([site]));
                }
                // `sync.Pool` makes what it has not.
                for maker in self.field(site, &"New".into()) {
                    if let Some(Made::Func(func)) = self.program.site(maker).map(|site| site.made.clone()) {
                        self.bind(id, func, None, &[]);
                    }
                }
            }
        }
    }

    /// That a call sets a timer, whose channel this is.
    fn set_timer(&mut self, call: CallId, channel: SiteId) {
        let lasts = self.program.call(call).and_then(|call| call.lasts);
        let longest = self.timers.entry(channel).or_insert(lasts);
        *longest = longest.zip(lasts).map(|(one, other)| one.max(other));
    }

    fn foreign_call(&mut self, id: CallId, package: &str, name: &str, args: &[Expr]) {
        let first = args.first().cloned().unwrap_or(Expr::Nothing);
        let result = |points: &mut Points, at: usize, site: SiteId| {
            points.add(Node::Result(id, at), &Sites::from([site]));
        };
        match foreign::function(package, name) {
            Function::Context { fed } => {
                let context = self.made_by(id, 0, foreign::context(), Made::Here);
                if let Some(why) = fed {
                    self.fed.insert(context, why);
                }
                let parent = self.eval(&first);
                self.note_field(context, "parent", &parent);
                let cancel = self.made_by(id, 1, Type::Func, Made::Cancel(context));
                result(self, 0, context);
                result(self, 1, cancel);
            }
            Function::Never => {
                let context = self.made_by(id, 0, foreign::never(), Made::Here);
                result(self, 0, context);
            }
            given @ (Function::Given | Function::Once) => {
                let value = self.eval(&first);
                // `context.WithValue`
                let kept = args.get(2).map(|kept| self.eval(kept)).unwrap_or_default();
                for context in &value {
                    self.note_field(*context, "value", &kept);
                }
                if given == Function::Once {
                    let funcs = value.iter().filter_map(|site| match self.program.site(*site)?.made {
                        Made::Func(func) => Some(func),
                        _ => None,
                    });
                    self.once.extend(funcs);
                }
                self.add(Node::Result(id, 0), &value);
            }
            Function::Channel(why) => {
                let channel = self.made_by(id, 0, Type::Chan(Type::Basic.into()), Made::Fed(why));
                self.fed.insert(channel, why);
                result(self, 0, channel);
            }
            Function::Timer(why) => {
                let timer = self.made_by(id, 0, foreign::named("time", "Timer"), Made::Here);
                let channel = self.made_by(id, 1, Type::Chan(Type::Basic.into()), Made::Fed(why));
                self.fed.insert(channel, why);
                self.set_timer(id, channel);
                self.note_field(timer, "C", &Sites::from([channel]));
                result(self, 0, timer);
            }
            Function::Feeds(why) => {
                for site in self.eval(&first) {
                    self.fed.insert(site, why);
                }
            }
            Function::Cond => {
                let cond = self.made_by(id, 0, foreign::named("sync", "Cond"), Made::Here);
                let lock = self.eval(&first);
                self.note_field(cond, "L", &lock);
                result(self, 0, cond);
            }
            Function::Pipe { both } => {
                let mut ends = [0, 1].map(|at| self.made_by(id, at, foreign::pipe_end(), Made::Here));
                self.ends.extend(ends);
                for at in 0..=usize::from(both) {
                    let pipe = self.made_by(id, ends.len() + at, foreign::named("io", "Pipe"), Made::Here);
                    let [reads, writes] = ends;
                    self.note_field(reads, foreign::IN, &Sites::from([pipe]));
                    self.note_field(writes, foreign::OUT, &Sites::from([pipe]));
                    result(self, at, reads);
                    result(self, 1 - at, writes);
                    ends.reverse();
                }
            }
            Function::Later => {
                // `AddCleanup` calls with what it is given.
                let given: Vec<Sites> = args.iter().map(|arg| self.eval(arg)).collect();
                let mut with = Sites::from([OUTSIDE]);
                given.iter().for_each(|value| with.extend(value.iter()));
                for site in given.iter().flat_map(Sites::iter) {
                    self.call_back(id, *site, true, &with);
                }
            }
            Function::Finds => {
                // Errors are wrapped in many ways: it may be any of them.
                let errors = self.errors();
                self.add(Node::Result(id, 0), &errors);
                self.add(Node::Result(id, PUT), &errors);
            }
            Function::Ends => {}
            Function::Looks => {
                for arg in args {
                    for site in self.eval(arg) {
                        let Some(kind) = self.program.site(site).map(|site| site.kind.clone()) else {
                            continue;
                        };
                        let mut shown = Sites::from([site]);
                        if let Type::Foreign(package, _) = bare(&kind)
                            && foreign::calls_what_it_wraps(package)
                        {
                            shown.unite(&self.inside(site));
                        }
                        for site in shown {
                            self.show(id, site);
                        }
                    }
                }
            }
            Function::Other => {
                let kind = Type::Foreign(package.into(), "".into());
                let made = self.made_by(id, 0, kind, Made::Here);
                // What it calls may be given what it was given, or a part of that, and so may
                // who called it get that back: `slices.Clone`, `heap.Push` and `heap.Pop`.
                let mut given = Sites::new();
                for arg in args {
                    let value = self.eval(arg);
                    given.unite(&value);
                    for site in &value {
                        given.unite(&self.elem(*site));
                    }
                    self.add(Node::Elem(made), &value);
                }
                let mut with = given.clone();
                with.insert(OUTSIDE);
                for site in given.iter() {
                    self.call_back(id, *site, foreign::calls_later(package), &with);
                }
                given.insert(made);
                for func in self.targets.get(&id).into_iter().flatten() {
                    for returned in self.program.func(*func).into_iter().flat_map(|func| &func.results) {
                        given.unite(&self.set(&Node::Var(*returned)));
                    }
                }
                for at in 0..RESULTS {
                    self.add(Node::Result(id, at), &given);
                }
            }
        }
    }
}

/// Whether an expression is a test's `t`.
fn is_test(program: &Program, of: &Expr) -> bool {
    let Expr::Var(var) = of else { return false };
    program
        .var(*var)
        .is_some_and(|var| matches!(bare(&var.kind), Type::Foreign(package, _) if &**package == "testing"))
}
