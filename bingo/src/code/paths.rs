//! Which memory an access of one activation gets at, told so that two that are
//! called the same are one: a variable of an activation, or a part of what it
//! refers to. In: expressions, and what parameters were given. Out: [`PathId`]s,
//! none where two could have one name.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::ir::*;

/// The place in a map, whichever key it has.
const ENTRY: &str = "[]";
/// What a pointer points to.
const POINTEE: &str = "*";
/// How deep fields may be promoted.
const PROMOTED: u32 = 4;

/// Memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct PathId(pub(super) u32);

/// A variable of one activation, or of the package, and the fields that lead on.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Path {
    pub(super) var: VarId,
    instance: u32,
    pub(super) fields: Vec<Name>,
}

/// What a parameter was given.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// What this refers to.
    Path(Path),
    /// A function.
    Func(FuncId),
}

/// Variables as they are where a walk is.
#[derive(Debug, Default)]
pub(super) struct Paths {
    all: HashMap<Path, PathId>,
    known: Vec<Path>,
    given: HashMap<VarId, Value>,
    instances: HashMap<VarId, u32>,
    next: u32,
}

/// What is found out once for a program.
#[derive(Debug, Default)]
pub(super) struct Variables {
    pub(super) by_func: HashMap<FuncId, Vec<VarId>>,
    /// Those that others than their function can get at.
    shared: HashSet<VarId>,
    /// Those that are set again after they are declared.
    set: HashSet<VarId>,
}

impl Variables {
    pub(super) fn of(program: &Program) -> Variables {
        let mut found = Variables::default();
        for (at, var) in program.vars.iter().enumerate() {
            let id = VarId(u32::try_from(at).unwrap_or(u32::MAX));
            match var.func {
                Some(func) => found.by_func.entry(func).or_default().push(id),
                None => {
                    found.shared.insert(id);
                }
            }
            if var.addressed {
                found.shared.insert(id);
            }
        }
        for func in &program.funcs {
            found.shared.extend(&func.outer);
            super::future::each_touch(&func.body, &mut |touch| {
                if let (Expr::Var(var), true) = (&touch.place, touch.write) {
                    found.set.insert(*var);
                }
            });
        }
        found
    }
}

impl Paths {
    /// A function is entered, or a loop goes round: these are new.
    pub(super) fn renew(&mut self, vars: impl Iterator<Item = VarId>) {
        for var in vars {
            self.given.remove(&var);
            self.instances.remove(&var);
        }
    }

    /// A parameter is given a value.
    pub(super) fn give(&mut self, param: VarId, value: Value) {
        self.given.insert(param, value);
    }

    /// The function that a variable was given.
    pub(super) fn func_in(&self, var: VarId) -> Option<FuncId> {
        match self.given.get(&var)? {
            Value::Func(func) => Some(*func),
            Value::Path(_) => None,
        }
    }

    pub(super) fn path(&self, id: PathId) -> Option<&Path> {
        self.known.get(usize::try_from(id.0).ok()?)
    }

    /// What this is a part of, where those parts have names: `s.status` of
    /// `s.status.done`.
    pub(super) fn around(&self, id: PathId) -> Vec<PathId> {
        let Some(path) = self.path(id) else { return Vec::new() };
        let mut outer = path.clone();
        let mut found = Vec::new();
        while outer.fields.pop().is_some() && !outer.fields.is_empty() {
            found.extend(self.all.get(&outer));
        }
        found
    }

    /// The memory that a place is.
    pub(super) fn slot(&mut self, program: &Program, vars: &Variables, place: &Expr) -> Option<PathId> {
        let path = match place {
            Expr::Var(var) => vars.shared.contains(var).then(|| self.root(program, *var))?,
            Expr::Field(of, name) if &**name == POINTEE => {
                let of = self.object(program, vars, of)?;
                let is_pointer = !program.var(of.var)?.addressed || !of.fields.is_empty();
                if is_pointer { with(of, POINTEE.into()) } else { of }
            }
            Expr::Field(of, name) => {
                let way = fields(program, &program.type_of(of), name, 0)?;
                way.into_iter().fold(self.object(program, vars, of)?, with)
            }
            Expr::Elem(of, _) => {
                let is_map = matches!(program.underlying(&program.type_of(of)), Type::Map(_));
                with(self.container(program, vars, of).filter(|_| is_map)?, ENTRY.into())
            }
            _ => return None,
        };
        if let Some(known) = self.all.get(&path) {
            return Some(*known);
        }
        let id = PathId(u32::try_from(self.known.len()).ok()?);
        self.known.push(path.clone());
        self.all.insert(path, id);
        Some(id)
    }

    /// What a parameter of this type is given by an argument.
    pub(super) fn value(
        &mut self,
        program: &Program,
        vars: &Variables,
        arg: &Expr,
        kind: &Type,
    ) -> Option<Value> {
        match arg {
            Expr::Func(func) => return Some(Value::Func(*func)),
            Expr::Var(var) => {
                if let Some(Value::Func(func)) = self.given.get(var) {
                    return Some(Value::Func(*func));
                }
            }
            _ => {}
        }
        match kind {
            Type::Pointer(_) => self.object(program, vars, arg).map(Value::Path),
            _ if matches!(program.underlying(kind), Type::Map(_)) => {
                self.container(program, vars, arg).map(Value::Path)
            }
            _ => None,
        }
    }

    fn root(&mut self, program: &Program, var: VarId) -> Path {
        let of_package = program.var(var).is_none_or(|var| var.func.is_none());
        let instance = if of_package {
            0
        } else {
            *self.instances.entry(var).or_insert_with(|| {
                self.next += 1;
                self.next
            })
        };
        Path { var, instance, fields: Vec::new() }
    }

    /// What a pointer refers to, or a value is; `None` where it may be now this and
    /// now that.
    fn object(&mut self, program: &Program, vars: &Variables, expr: &Expr) -> Option<Path> {
        match expr {
            Expr::Var(var) => match self.given.get(var) {
                Some(Value::Path(path)) if !vars.set.contains(var) => Some(path.clone()),
                Some(_) => None,
                None => {
                    let stays = !vars.set.contains(var)
                        || program
                            .var(*var)
                            .is_some_and(|var| var.addressed || is_struct(program, &var.kind));
                    stays.then(|| self.root(program, *var))
                }
            },
            Expr::Field(of, name) if &**name != POINTEE => {
                let kind = program.type_of(expr);
                let is_part = is_struct(program, &kind) || matches!(kind, Type::Array(_));
                let outer = program.type_of(of);
                let of = self.object(program, vars, of).filter(|_| is_part)?;
                Some(fields(program, &outer, name, 0)?.into_iter().fold(of, with))
            }
            _ => None,
        }
    }

    /// Which map it is: by the one place where it is kept.
    fn container(&mut self, program: &Program, vars: &Variables, expr: &Expr) -> Option<Path> {
        match expr {
            Expr::Var(var) => match self.given.get(var) {
                Some(Value::Path(path)) => Some(path.clone()),
                Some(_) => None,
                None => Some(self.root(program, *var)),
            },
            Expr::Field(of, name) => {
                let kind = program.type_of(of);
                let of = self.object(program, vars, of)?;
                Some(fields(program, &kind, name, 0)?.into_iter().fold(of, with))
            }
            _ => None,
        }
    }
}

fn with(mut path: Path, name: Name) -> Path {
    path.fields.push(name);
    path
}

/// Whether what is of this type is a struct, and no pointer to one.
pub(super) fn is_struct(program: &Program, kind: &Type) -> bool {
    !matches!(kind, Type::Pointer(_)) && matches!(program.underlying(kind), Type::Struct(_))
}

/// The way to a field, through what is embedded; `None` where a pointer is on it.
fn fields(program: &Program, kind: &Type, name: &Name, depth: u32) -> Option<Vec<Name>> {
    let Type::Struct(all) = program.underlying(kind) else { return Some(vec![Arc::clone(name)]) };
    let all = Rc::clone(all);
    if depth > PROMOTED || all.iter().any(|field| field.name == *name) {
        return Some(vec![Arc::clone(name)]);
    }
    for embedded in all.iter().filter(|field| field.embedded) {
        let Type::Struct(inner) = program.underlying(&embedded.kind) else { continue };
        let has = inner.iter().any(|field| field.name == *name);
        let deeper = || fields(program, &embedded.kind, name, depth + 1).filter(|way| way.len() > 1);
        let way = if has { Some(vec![Arc::clone(name)]) } else { deeper() };
        if let Some(way) = way {
            let is_value = !matches!(embedded.kind, Type::Pointer(_));
            return is_value.then(|| std::iter::once(Arc::clone(&embedded.name)).chain(way).collect());
        }
    }
    Some(vec![Arc::clone(name)])
}
