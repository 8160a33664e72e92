//! Go source as the rest of this layer reads it: functions whose statements keep
//! what can wait, wake, call or start; and where values flow. Names are resolved;
//! a pointer and what it points to are one.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

pub(super) type Name = Arc<str>;

/// How deep values lie in each other that are looked through.
const NESTED: u32 = 6;

macro_rules! ids {
    ($($(#[$doc:meta])* $id:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub(super) struct $id(pub(super) u32);

        impl $id {
            pub(super) fn index(self) -> usize {
                usize::try_from(self.0).unwrap_or(usize::MAX)
            }

            pub(super) fn next<T>(all: &[T]) -> $id {
                $id(u32::try_from(all.len()).unwrap_or(u32::MAX))
            }
        }
    )*};
}

ids! {
    /// A function, a method or a function literal.
    FuncId;
    /// A variable, parameter or result.
    VarId;
    /// A call.
    CallId;
    /// A place where an object comes to be.
    SiteId;
}

/// A package: the files of one folder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct PackageId(pub(super) u32);

/// All that was read.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) funcs: Vec<Func>,
    pub(super) vars: Vec<Var>,
    pub(super) calls: Vec<Call>,
    pub(super) sites: Vec<Site>,
    /// Channels that are made with room for something.
    pub(super) roomy: BTreeSet<SiteId>,
    pub(super) flows: Vec<Flow>,
    /// Lists of which a part was taken that begins elsewhere: its numbers are others.
    pub(super) shifted: Vec<Expr>,
    pub(super) types: HashMap<(PackageId, Name), Type>,
    pub(super) methods: HashMap<(PackageId, Name), Vec<(Name, FuncId)>>,
    pub(super) by_file: HashMap<Name, Vec<FuncId>>,
}

/// A function.
#[derive(Debug)]
pub(super) struct Func {
    /// As a person would call it: `(*Pool).worker`, `main.func`.
    pub(super) name: Name,
    pub(super) file: Name,
    pub(super) start: u32,
    pub(super) end: u32,
    /// The function that a literal stands in.
    pub(super) parent: Option<FuncId>,
    /// Receiver first, if there is one.
    pub(super) params: Vec<VarId>,
    pub(super) is_method: bool,
    pub(super) variadic: bool,
    pub(super) results: Vec<VarId>,
    pub(super) body: Rc<[Stmt]>,
    /// Variables of other functions, and package variables, that it names.
    pub(super) outer: Vec<VarId>,
}

/// A variable.
#[derive(Debug)]
pub(super) struct Var {
    pub(super) name: Name,
    /// `None`: of the package.
    pub(super) func: Option<FuncId>,
    pub(super) line: u32,
    /// The last line where it is in scope.
    pub(super) last: u32,
    pub(super) kind: Type,
    /// Its address is taken: it is no pointer itself.
    pub(super) addressed: bool,
}

/// A call, whatever starts it.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) func: Option<FuncId>,
    pub(super) line: u32,
    pub(super) callee: Expr,
    pub(super) args: Vec<Expr>,
    /// What its results are called.
    pub(super) names: Vec<Name>,
    /// The time that its last argument stands for, in nanoseconds, if it is a constant.
    pub(super) lasts: Option<u64>,
}

/// A place where an object comes to be.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) func: Option<FuncId>,
    pub(super) line: u32,
    /// What it is called: the variable or the field.
    pub(super) name: Name,
    pub(super) kind: Type,
    pub(super) made: Made,
}

/// How an object comes to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Made {
    /// From outside of what was read: it may be anything.
    Outside,
    /// By `make`, a literal, `new`, a declaration, a call of the standard library.
    Here,
    /// It is a part of another object.
    Part(SiteId),
    /// A function, with what it captures.
    Func(FuncId),
    /// What cancels a context.
    Cancel(SiteId),
    /// Something outside of all goroutines sends on it, or closes it.
    Fed(&'static str),
}

/// Where a value flows to.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) func: Option<FuncId>,
    pub(super) to: Place,
    pub(super) from: Expr,
}

/// What is assigned to.
#[derive(Debug)]
pub(super) enum Place {
    Var(VarId),
    Field(Expr, Name),
    Elem(Expr, Nth),
    /// `*p`: what is in a value comes to be in what is pointed to.
    Content(Expr),
}

/// Where a value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Expr {
    /// A string, nil: no object.
    Nothing,
    /// A number, if it is known.
    Number(Option<i64>),
    /// Not understood.
    Unknown,
    Var(VarId),
    Field(Rc<Expr>, Name),
    /// What is in a map, a slice, an array.
    Elem(Rc<Expr>, Nth),
    /// What came over a channel.
    Received(Rc<Expr>),
    /// A result of a call.
    Call(CallId, usize),
    Site(SiteId),
    Func(FuncId),
    /// A name of a package that is not of the program: `context`, `Background`.
    Foreign(Name, Name),
}

/// Which element of a container. It is no part of what an expression is: whether two
/// are the same element is not known, and so they count as that.
#[derive(Clone, Debug)]
pub(super) enum Nth {
    Any,
    /// That of this number, or of this key.
    Of(Rc<Expr>),
    /// Each of another one, where it was.
    Same,
}

impl PartialEq for Nth {
    fn eq(&self, _: &Nth) -> bool {
        true
    }
}

impl Eq for Nth {}

/// As much of Go's types as is needed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Type {
    Unknown,
    /// Numbers, strings, errors: no object.
    Basic,
    Named(PackageId, Name),
    /// `sync.Mutex`, `net/http.Request`: package path and name.
    Foreign(Name, Name),
    Pointer(Rc<Type>),
    Chan(Rc<Type>),
    /// A slice, of these.
    List(Rc<Type>),
    /// A map, of these.
    Map(Rc<Type>),
    /// An array of these, which is a value.
    Array(Rc<Type>),
    Func,
    Interface,
    Struct(Rc<[FieldType]>),
}

/// A field of a struct.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct FieldType {
    pub(super) name: Name,
    pub(super) kind: Type,
    pub(super) embedded: bool,
}

/// A statement.
#[derive(Debug)]
pub(super) struct Stmt {
    pub(super) line: u32,
    pub(super) end: u32,
    pub(super) kind: StmtKind,
}

#[derive(Debug)]
pub(super) enum StmtKind {
    Acts(Vec<Act>),
    Block(Vec<Stmt>),
    /// `if`: what is done first, then one of the two.
    If {
        head: Vec<Act>,
        then: Vec<Stmt>,
        other: Vec<Stmt>,
    },
    Loop {
        label: Option<Name>,
        head: Vec<Act>,
        endless: bool,
        body: Vec<Stmt>,
    },
    /// One of the branches, or none if there is no `default`.
    Switch {
        label: Option<Name>,
        head: Vec<Act>,
        branches: Vec<Branch>,
        default: bool,
    },
    /// One of the branches; each begins with its communication.
    Select {
        label: Option<Name>,
        branches: Vec<Branch>,
        default: bool,
    },
    Return(Vec<Act>),
    Break(Option<Name>),
    Continue,
    Goto,
}

#[derive(Debug)]
pub(super) struct Branch {
    pub(super) head: Vec<Act>,
    pub(super) body: Vec<Stmt>,
    /// Goes on in the next one.
    pub(super) falls: bool,
}

/// Something that a statement does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Act {
    pub(super) line: u32,
    pub(super) end: u32,
    pub(super) kind: ActKind,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum ActKind {
    Send(Expr),
    Receive(Expr),
    /// `range x`: a receive if it is a channel.
    Range(Expr),
    Close(Expr),
    Call(CallId),
    Go(CallId),
    Defer(CallId),
    /// Gets at memory: a variable, a field, what is in a map.
    Touch(Touch),
}

/// What an access does to the memory that an expression names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Touch {
    pub(super) place: Expr,
    pub(super) write: bool,
    /// It is for what is in it: `x.y` touches `x` on the way.
    pub(super) on_the_way: bool,
}

impl Func {
    /// Whether it is a function literal.
    pub(super) fn is_literal(&self) -> bool {
        self.name.rsplit('.').next() == Some("func")
    }
}

impl Program {
    pub(super) fn func(&self, id: FuncId) -> Option<&Func> {
        self.funcs.get(id.index())
    }

    pub(super) fn var(&self, id: VarId) -> Option<&Var> {
        self.vars.get(id.index())
    }

    pub(super) fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.get(id.index())
    }

    pub(super) fn site(&self, id: SiteId) -> Option<&Site> {
        self.sites.get(id.index())
    }

    /// What `go test` runs.
    pub(super) fn tests(&self) -> Vec<FuncId> {
        let is_test = |func: &Func| {
            let named =
                ["Test", "Benchmark", "Fuzz", "Example"].iter().any(|name| func.name.starts_with(name));
            func.parent.is_none() && func.file.ends_with("_test.go") && named
        };
        self.funcs_that(is_test)
    }

    fn funcs_that(&self, is_one: impl Fn(&Func) -> bool) -> Vec<FuncId> {
        let funcs = self.funcs.iter().enumerate().filter(|(_, func)| is_one(func));
        funcs.filter_map(|(at, _)| u32::try_from(at).ok()).map(FuncId).collect()
    }

    /// What the main goroutine runs, beside tests; nothing where that was not read.
    pub(super) fn mains(&self) -> Vec<FuncId> {
        let named = |names: &[&str]| {
            self.funcs_that(|func| {
                func.parent.is_none() && !func.is_method && names.iter().any(|name| &*func.name == *name)
            })
        };
        // The main of a program under test is written by `go test`, and calls this one.
        let mut mains = named(&["main", "TestMain"]);
        if !mains.is_empty() {
            mains.extend(named(&["init"]));
        }
        mains
    }

    pub(super) fn new_site(&mut self, site: Site) -> SiteId {
        let id = SiteId::next(&self.sites);
        self.sites.push(site);
        id
    }

    /// A type without its name and its pointers.
    pub(super) fn underlying<'a>(&'a self, kind: &'a Type) -> &'a Type {
        let mut kind = kind;
        // A chain of names that leads to itself has an end here.
        for _ in 0..16 {
            kind = match kind {
                Type::Pointer(to) => to,
                Type::Named(package, name) => match self.types.get(&(*package, Arc::clone(name))) {
                    Some(kind) => kind,
                    None => return &Type::Unknown,
                },
                _ => return kind,
            };
        }
        &Type::Unknown
    }

    /// The type of a value, as far as it shows at once.
    pub(super) fn type_of(&self, from: &Expr) -> Type {
        match from {
            Expr::Site(site) => self.site(*site).map_or(Type::Unknown, |site| site.kind.clone()),
            Expr::Var(var) => self.var(*var).map_or(Type::Unknown, |var| var.kind.clone()),
            Expr::Call(call, at) => {
                let Some(Expr::Func(func)) = self.call(*call).map(|call| &call.callee) else {
                    return Type::Unknown;
                };
                let result = self.func(*func).and_then(|func| func.results.get(*at));
                result.and_then(|var| self.var(*var)).map_or(Type::Unknown, |var| var.kind.clone())
            }
            Expr::Field(of, name) => match self.underlying(&self.type_of(of)) {
                Type::Struct(fields) => {
                    let field = fields.iter().find(|field| field.name == *name);
                    field.map_or(Type::Unknown, |field| field.kind.clone())
                }
                _ => Type::Unknown,
            },
            Expr::Elem(of, _) => match self.underlying(&self.type_of(of)) {
                Type::List(of) | Type::Map(of) | Type::Array(of) => (**of).clone(),
                _ => Type::Unknown,
            },
            Expr::Received(of) => match self.underlying(&self.type_of(of)) {
                Type::Chan(of) => (**of).clone(),
                _ => Type::Unknown,
            },
            _ => Type::Unknown,
        }
    }

    /// Whether a variable of this type is told from what it refers to: a value, or a list
    /// or map of a named type, whose methods may set it.
    pub(super) fn is_place(&self, kind: &Type) -> bool {
        let Type::Named(package, name) = kind else { return self.is_value(kind) };
        let of = match self.types.get(&(*package, Arc::clone(name))) {
            Some(Type::List(of) | Type::Map(of)) => of,
            _ => return self.is_value(kind),
        };
        // A lock in it would be there twice.
        self.methods.contains_key(&(*package, Arc::clone(name))) && !self.has_lock(of, 0)
    }

    fn has_lock(&self, kind: &Type, depth: u32) -> bool {
        if !self.is_value(kind) || depth > NESTED {
            return depth > NESTED;
        }
        match self.underlying(kind) {
            Type::Struct(fields) => fields.iter().any(|field| self.has_lock(&field.kind, depth + 1)),
            Type::Array(of) => self.has_lock(of, depth + 1),
            kind => super::foreign::kind(kind).is_some(),
        }
    }

    /// Whether a variable of this type is an object, where others refer to one.
    pub(super) fn is_value(&self, kind: &Type) -> bool {
        match kind {
            Type::Struct(_) | Type::Array(_) => true,
            Type::Named(package, name) => {
                self.types.get(&(*package, Arc::clone(name))).is_some_and(|kind| match kind {
                    Type::Named(..) => false,
                    kind => self.is_value(kind),
                })
            }
            Type::Foreign(package, name) => !super::foreign::is_reference(package, name),
            _ => false,
        }
    }
}
