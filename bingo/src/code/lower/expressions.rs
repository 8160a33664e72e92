//! Expressions.

use std::rc::Rc;
use std::sync::Arc;

use tree_sitter::Node;

use super::{Global, Import, Local, Reader, children, last_line, line, part};
use crate::code::calls::PUT;
use crate::code::foreign::{self, Function};
use crate::code::ir::{
    Act, ActKind, Call, CallId, Expr, FuncId, Made, Name, Nth, Place, Site, Touch, Type, VarId,
};

/// How memory is got at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
    /// On the way to a part of it.
    Through,
}

impl Reader<'_> {
    /// Where the value of an expression comes from; `acts` gets what is done on
    /// the way.
    pub(super) fn expr(&mut self, node: Node<'_>, acts: &mut Vec<Act>) -> Expr {
        self.deeper(Expr::Unknown, |reader| reader.expression(node, acts))
    }

    fn expression(&mut self, node: Node<'_>, acts: &mut Vec<Act>) -> Expr {
        match node.kind() {
            "identifier" | "selector_expression" | "index_expression" => {
                let value = self.place(node, acts);
                self.touch(node, &value, Access::Read, acts);
                value
            }
            "parenthesized_expression" | "variadic_argument" | "literal_element" => {
                children(node).first().map_or(Expr::Nothing, |inner| self.expr(*inner, acts))
            }
            "unary_expression" => {
                let operator = node.child_by_field_name("operator").map_or("", |node| part(self.text, node));
                if operator == "&"
                    && let Some(operand) = node.child_by_field_name("operand")
                {
                    let place = self.deeper(Expr::Unknown, |reader| reader.place(operand, acts));
                    if let Expr::Var(var) = place
                        && let Some(var) = self.program().vars.get_mut(var.index())
                    {
                        var.addressed = true;
                    }
                    self.list_of_its_own(&place, line(node));
                    return place;
                }
                let operand = self.of(node, "operand", acts);
                match operator {
                    "<-" => {
                        let kind = ActKind::Receive(operand.clone());
                        acts.push(Act { line: line(node), end: last_line(node), kind });
                        Expr::Received(Rc::new(operand))
                    }
                    "*" => {
                        self.touch(node, &pointee(&operand), Access::Read, acts);
                        operand
                    }
                    // `Add(-1)` is no `Add(1)`.
                    "-" => Expr::Foreign("builtin".into(), "negative".into()),
                    _ => Expr::Number(None),
                }
            }
            "binary_expression" => {
                self.of(node, "left", acts);
                self.of(node, "right", acts);
                Expr::Number(None)
            }
            "int_literal" => Expr::Number(self.constant(node).and_then(|value| value.try_into().ok())),
            "type_conversion_expression" if self.call_of_generic(node).is_some() => self.call(node, acts),
            "slice_expression" => {
                let list = self.of(node, "operand", acts);
                let begins = node.child_by_field_name("start").map(|start| part(self.text, start));
                if begins.is_some_and(|begins| begins != "0") {
                    self.program().shifted.push(list.clone());
                }
                list
            }
            "type_assertion_expression" | "type_conversion_expression" => self.of(node, "operand", acts),
            "type_instantiation_expression" => match node.child_by_field_name("type") {
                Some(kind) => self.generic(kind),
                None => Expr::Unknown,
            },
            "type_identifier" | "qualified_type" => self.generic(node),
            "call_expression" => self.call(node, acts),
            "composite_literal" => {
                let kind = node.child_by_field_name("type").map_or(Type::Unknown, |kind| self.kind(kind));
                match node.child_by_field_name("body") {
                    Some(body) => self.literal(body, &kind, acts),
                    None => Expr::Unknown,
                }
            }
            "literal_value" => self.literal(node, &Type::Unknown, acts),
            "func_literal" => {
                let outside = self.func.and_then(|func| self.lowering.program.func(func));
                let name = outside.map_or_else(|| "func".into(), |func| format!("{}.func", func.name));
                let id = self.new_func(node, name.into(), None);
                self.body_of(id, node);
                Expr::Func(id)
            }
            "ERROR" => Expr::Unknown,
            _ => Expr::Nothing,
        }
    }

    /// What an expression names, without getting at it; but at what leads there.
    pub(super) fn place(&mut self, node: Node<'_>, acts: &mut Vec<Act>) -> Expr {
        match node.kind() {
            "identifier" => self.identifier(part(self.text, node)),
            "selector_expression" => self.selector(node, acts),
            "index_expression" => {
                let Some(operand) = node.child_by_field_name("operand") else { return Expr::Unknown };
                let operand = self.through(operand, acts);
                if matches!(operand, Expr::Func(_) | Expr::Foreign(..)) {
                    return operand;
                }
                // The keys of a map are in it, too.
                let index = self.of(node, "index", acts);
                self.flow(Place::Elem(operand.clone(), Nth::Any), index.clone());
                Expr::Elem(Rc::new(operand), Nth::Of(Rc::new(index)))
            }
            _ => self.expr(node, acts),
        }
    }

    /// A list or map whose address is taken, so that others may set what it is: there is
    /// one from then on, into which that goes.
    fn list_of_its_own(&mut self, place: &Expr, line: u32) {
        let kind = self.program().type_of(place);
        if !matches!(kind, Type::List(_) | Type::Map(_)) {
            return;
        }
        let to = match place {
            Expr::Var(var) => Place::Var(*var),
            Expr::Field(of, name) => Place::Field((**of).clone(), Arc::clone(name)),
            _ => return,
        };
        let list = self.site("".into(), line, kind);
        self.flow(to, list);
    }

    /// The same of what is on the way to another place.
    fn through(&mut self, node: Node<'_>, acts: &mut Vec<Act>) -> Expr {
        if !matches!(node.kind(), "identifier" | "selector_expression" | "index_expression") {
            return self.expr(node, acts);
        }
        self.deeper(Expr::Unknown, |reader| {
            let value = reader.place(node, acts);
            reader.touch(node, &value, Access::Through, acts);
            value
        })
    }

    /// Notes that memory is got at, if it may be shared.
    pub(super) fn touch(&self, node: Node<'_>, place: &Expr, access: Access, acts: &mut Vec<Act>) {
        if is_in_variable(place) {
            let (write, on_the_way) = (access == Access::Write, access == Access::Through);
            let kind = ActKind::Touch(Touch { place: place.clone(), write, on_the_way });
            acts.push(Act { line: line(node), end: last_line(node), kind });
        }
    }

    fn of(&mut self, node: Node<'_>, field: &str, acts: &mut Vec<Act>) -> Expr {
        node.child_by_field_name(field).map_or(Expr::Nothing, |node| self.expr(node, acts))
    }

    fn identifier(&mut self, name: &str) -> Expr {
        match self.local(name) {
            Some(Local::Var(var)) => {
                let var = *var;
                self.note_mention(var);
                return Expr::Var(var);
            }
            Some(Local::Constant(value)) => {
                return Expr::Number(value.and_then(|value| value.try_into().ok()));
            }
            Some(_) => return Expr::Nothing,
            None => {}
        }
        match self.lowering.globals.get(&(self.package, name.into())) {
            Some(Global::Var(var)) => {
                let var = *var;
                self.note_mention(var);
                Expr::Var(var)
            }
            Some(Global::Func(func)) => Expr::Func(*func),
            Some(Global::Constant(value)) => Expr::Number(value.and_then(|value| value.try_into().ok())),
            Some(_) => Expr::Nothing,
            None if matches!(name, "nil" | "true" | "false" | "iota" | "_") => Expr::Nothing,
            None => Expr::Unknown,
        }
    }

    /// That the functions around name a variable that is not theirs.
    fn note_mention(&mut self, var: VarId) {
        let Some(declared) = self.lowering.program.var(var).map(|var| var.func) else { return };
        let mut func = self.func;
        while func != declared {
            let Some(of) = func.and_then(|func| self.lowering.program.funcs.get_mut(func.index())) else {
                return;
            };
            if !of.outer.contains(&var) {
                of.outer.push(var);
            }
            func = of.parent;
        }
    }

    fn selector(&mut self, node: Node<'_>, acts: &mut Vec<Act>) -> Expr {
        let (Some(operand), Some(field)) =
            (node.child_by_field_name("operand"), node.child_by_field_name("field"))
        else {
            return Expr::Unknown;
        };
        let field = self.name(field);
        let name = part(self.text, operand);
        if operand.kind() == "identifier"
            && self.local(name).is_none()
            && let Some(found) = self.imported(name, &field)
        {
            return found;
        }
        // `T.method` as a value.
        if let Some(Type::Named(package, of)) = self.type_named(operand) {
            return self.method(&(package, of), &field).map_or(Expr::Unknown, Expr::Func);
        }
        Expr::Field(Rc::new(self.through(operand, acts)), field)
    }

    /// What an imported package has of that name.
    fn imported(&mut self, package: &str, name: &Name) -> Option<Expr> {
        Some(match self.imports.get(package)? {
            Import::Foreign(path) => Expr::Foreign(Arc::clone(path), Arc::clone(name)),
            Import::Program(package) => match self.lowering.globals.get(&(*package, Arc::clone(name))) {
                Some(Global::Var(var)) => {
                    let var = *var;
                    self.note_mention(var);
                    Expr::Var(var)
                }
                Some(Global::Func(func)) => Expr::Func(*func),
                Some(_) => Expr::Nothing,
                None => Expr::Unknown,
            },
        })
    }

    fn method(&self, of: &(crate::code::ir::PackageId, Name), name: &Name) -> Option<FuncId> {
        let methods = self.lowering.program.methods.get(of)?;
        methods.iter().find(|(known, _)| known == name).map(|(_, func)| *func)
    }

    /// What has type parameters, as it is named where those are given.
    fn generic(&mut self, node: Node<'_>) -> Expr {
        match (node.child_by_field_name("package"), node.child_by_field_name("name")) {
            (Some(package), Some(name)) => {
                let (package, name) = (part(self.text, package), self.name(name));
                self.imported(package, &name).unwrap_or(Expr::Unknown)
            }
            _ => self.identifier(part(self.text, node)),
        }
    }

    /// The function of a call `f[T](x)`, which looks like a conversion to a type.
    fn call_of_generic<'n>(&mut self, node: Node<'n>) -> Option<Node<'n>> {
        let generic = node.child_by_field_name("type").filter(|of| of.kind() == "generic_type")?;
        let of = generic.child_by_field_name("type")?;
        let calls = match self.generic(of) {
            Expr::Func(_) => true,
            Expr::Foreign(package, name) => !foreign::is_generic_type(&package, &name),
            _ => false,
        };
        calls.then_some(of)
    }

    /// What is called and what it is given.
    fn call_parts<'n>(&mut self, node: Node<'n>) -> Option<(Node<'n>, Vec<Node<'n>>)> {
        match node.kind() {
            "call_expression" => {
                let arguments = node.child_by_field_name("arguments").map(children).unwrap_or_default();
                Some((node.child_by_field_name("function")?, arguments))
            }
            "type_conversion_expression" => {
                Some((self.call_of_generic(node)?, node.child_by_field_name("operand").into_iter().collect()))
            }
            _ => None,
        }
    }

    fn call(&mut self, node: Node<'_>, acts: &mut Vec<Act>) -> Expr {
        let Some((callee, arguments)) = self.call_parts(node) else { return Expr::Unknown };
        if node.kind() == "call_expression"
            && let Some(kind) = self.type_named(callee)
        {
            // A conversion.
            let value = arguments.first().copied();
            let value = value.map_or(Expr::Nothing, |value| self.expr(value, acts));
            return if kind == Type::Basic { Expr::Number(None) } else { value };
        }
        if callee.kind() == "identifier"
            && let Some(value) = self.builtin(part(self.text, callee), node, acts)
        {
            return value;
        }
        match self.bare_call(node, acts) {
            Some(call) => {
                let at = callee.child_by_field_name("field").map_or(line(node), line);
                acts.push(Act { line: at, end: last_line(node), kind: ActKind::Call(call) });
                Expr::Call(call, 0)
            }
            None => Expr::Unknown,
        }
    }

    /// A call that is not done here (but for its arguments).
    pub(super) fn bare_call(&mut self, node: Node<'_>, acts: &mut Vec<Act>) -> Option<CallId> {
        if node.kind() == "parenthesized_expression" {
            return self.bare_call(children(node).first().copied()?, acts);
        }
        let (callee, arguments) = self.call_parts(node)?;
        let builtin = callee.kind() == "identifier" && self.local(part(self.text, callee)).is_none();
        let callee = match part(self.text, callee) {
            // Deferred, or for a goroutine.
            name @ ("close" | "panic") if builtin => Expr::Foreign("builtin".into(), name.into()),
            _ => self.expr(callee, acts),
        };
        let mut args = Vec::new();
        let mut lasts = None;
        for argument in arguments {
            args.push(self.expr(argument, acts));
            lasts = self.constant(argument);
        }
        let func = self.func;
        let calls = &mut self.program().calls;
        let id = CallId::next(calls);
        let puts = matches!(&callee, Expr::Foreign(package, name)
            if foreign::function(package, name) == Function::Finds);
        let places: Vec<Expr> = args.get(1..).filter(|_| puts).unwrap_or_default().to_vec();
        calls.push(Call { func, line: line(node), callee, args, names: Vec::new(), lasts });
        for place in places {
            let to = match place {
                Expr::Var(var) => Place::Var(var),
                Expr::Field(of, name) => Place::Field((*of).clone(), name),
                _ => continue,
            };
            self.flow(to, Expr::Call(id, PUT));
        }
        Some(id)
    }

    /// What is not there to be called, but is part of the language.
    fn builtin(&mut self, name: &str, node: Node<'_>, acts: &mut Vec<Act>) -> Option<Expr> {
        let known =
            self.local(name).is_some() || self.lowering.globals.contains_key(&(self.package, name.into()));
        if known {
            return None;
        }
        let arguments = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        let at = |kind| Act { line: line(node), end: last_line(node), kind };
        match name {
            "make" | "new" => {
                let mut arguments = arguments.into_iter();
                let written = arguments.next()?;
                let kind = self.kind(written);
                let mut room = false;
                for size in arguments {
                    room |= part(self.text, size) != "0";
                    self.expr(size, acts);
                }
                let made =
                    if kind == Type::Basic { Expr::Nothing } else { self.site("".into(), line(node), kind) };
                if let Expr::Site(site) = made
                    && room
                {
                    self.program().roomy.insert(site);
                }
                Some(made)
            }
            "close" => {
                let channel = arguments.first().map_or(Expr::Unknown, |one| self.expr(*one, acts));
                acts.push(at(ActKind::Close(channel)));
                Some(Expr::Nothing)
            }
            "append" => {
                let mut values = arguments.iter().map(|one| self.expr(*one, acts)).collect::<Vec<_>>();
                let list = if values.is_empty() { Expr::Nothing } else { values.remove(0) };
                let made = self.site("".into(), line(node), Type::List(Rc::new(Type::Unknown)));
                let spread = arguments.last().is_some_and(|one| one.kind() == "variadic_argument");
                for value in values {
                    let value = if spread { Expr::Elem(Rc::new(value), Nth::Any) } else { value };
                    self.flow(Place::Elem(made.clone(), Nth::Any), value);
                }
                let before = Expr::Elem(Rc::new(list), Nth::Same);
                self.flow(Place::Elem(made.clone(), Nth::Same), before);
                Some(made)
            }
            "copy" => {
                let values = arguments.iter().map(|one| self.expr(*one, acts)).collect::<Vec<_>>();
                if let [to, from] = &values[..] {
                    let each = Expr::Elem(Rc::new(from.clone()), Nth::Any);
                    self.flow(Place::Elem(to.clone(), Nth::Any), each);
                }
                Some(Expr::Nothing)
            }
            "len" | "delete" | "clear" => {
                let access = if name == "len" { Access::Read } else { Access::Write };
                for (at, one) in arguments.into_iter().enumerate() {
                    let value = self.expr(one, acts);
                    if at == 0 {
                        self.touch(one, &Expr::Elem(Rc::new(value), Nth::Any), access, acts);
                    }
                }
                Some(Expr::Number(None))
            }
            "cap" | "min" | "max" | "recover" | "print" | "println" | "complex" | "real" | "imag" => {
                for one in arguments {
                    self.expr(one, acts);
                }
                Some(Expr::Number(None))
            }
            _ => None,
        }
    }

    /// The value of a constant expression of whole numbers and of package `time`'s
    /// units, as far as it is one.
    pub(super) fn constant(&self, node: Node<'_>) -> Option<u64> {
        let text = part(self.text, node);
        match node.kind() {
            "int_literal" => text.replace('_', "").parse().ok(),
            "expression_list" | "parenthesized_expression" => self.constant(*children(node).first()?),
            "identifier" => match self.local(text) {
                Some(Local::Constant(value)) => *value,
                Some(_) => None,
                None => match self.lowering.globals.get(&(self.package, text.into()))? {
                    Global::Constant(value) => *value,
                    _ => None,
                },
            },
            "selector_expression" => match text.strip_prefix("time.")? {
                "Nanosecond" => Some(1),
                "Microsecond" => Some(1_000),
                "Millisecond" => Some(1_000_000),
                "Second" => Some(1_000_000_000),
                "Minute" => Some(60_000_000_000),
                "Hour" => Some(3_600_000_000_000),
                _ => None,
            },
            "binary_expression" => {
                let left = self.constant(node.child_by_field_name("left")?)?;
                let right = self.constant(node.child_by_field_name("right")?)?;
                match part(self.text, node.child_by_field_name("operator")?) {
                    "*" => left.checked_mul(right),
                    "+" => left.checked_add(right),
                    "-" => left.checked_sub(right),
                    "/" => left.checked_div(right),
                    _ => None,
                }
            }
            "call_expression" if text.starts_with("time.Duration(") => {
                self.constant(*children(node.child_by_field_name("arguments")?).first()?)
            }
            _ => None,
        }
    }

    /// `T{…}`.
    fn literal(&mut self, body: Node<'_>, kind: &Type, acts: &mut Vec<Act>) -> Expr {
        let made = self.site("".into(), line(body), kind.clone());
        let of = self.lowering.program.underlying(kind).clone();
        // What stands behind a key has its number from that.
        let keyed = children(body).iter().any(|element| element.kind() == "keyed_element");
        for (at, element) in children(body).into_iter().enumerate() {
            let (key, value) = if element.kind() == "keyed_element" {
                let key = element.child_by_field_name("key");
                let Some(value) = element.child_by_field_name("value") else { continue };
                (key, value)
            } else {
                (None, element)
            };
            let (to, part_kind) = match &of {
                Type::List(of) | Type::Map(of) | Type::Array(of) => {
                    let mut number = Expr::Number(i64::try_from(at).ok().filter(|_| !keyed));
                    if let Some(key) = key {
                        number = self.expr(key, acts);
                        self.flow(Place::Elem(made.clone(), Nth::Any), number.clone());
                    }
                    (Place::Elem(made.clone(), Nth::Of(Rc::new(number))), (**of).clone())
                }
                Type::Struct(fields) => {
                    let named = key.map(|key| self.name(key));
                    let field = match named {
                        Some(name) => fields.iter().find(|field| field.name == name),
                        None => fields.get(at),
                    };
                    let Some(field) = field else { continue };
                    (Place::Field(made.clone(), Arc::clone(&field.name)), field.kind.clone())
                }
                _ => match key {
                    Some(key) => (Place::Field(made.clone(), self.name(key)), Type::Unknown),
                    None => (Place::Elem(made.clone(), Nth::Any), Type::Unknown),
                },
            };
            let inner = match value.kind() {
                "literal_element" => children(value).first().copied().unwrap_or(value),
                _ => value,
            };
            let from = match inner.kind() {
                "literal_value" => {
                    self.deeper(Expr::Unknown, |reader| reader.literal(inner, &part_kind, acts))
                }
                _ => self.expr(inner, acts),
            };
            if let Place::Field(_, name) = &to {
                self.name_sites(&from, name);
            }
            self.flow(to, from);
        }
        made
    }

    /// A new object.
    pub(super) fn site(&mut self, name: Name, line: u32, kind: Type) -> Expr {
        let func = self.func;
        Expr::Site(self.program().new_site(Site { func, line, name, kind, made: Made::Here }))
    }

    /// Gives an object that has no name yet that of the variable it is set to.
    pub(super) fn name_sites(&mut self, from: &Expr, name: &Name) {
        if let Expr::Call(call, at) = from
            && let Some(call) = self.program().calls.get_mut(call.index())
            && call.names.len() == *at
        {
            call.names.push(Arc::clone(name));
        }
        if let Expr::Site(site) = from
            && let Some(site) = self.program().sites.get_mut(site.index())
            && site.name.is_empty()
        {
            site.name = Arc::clone(name);
        }
    }
}

/// What a pointer points to.
pub(super) fn pointee(pointer: &Expr) -> Expr {
    Expr::Field(Rc::new(pointer.clone()), "*".into())
}

/// Whether a place is a variable, or found from one.
fn is_in_variable(place: &Expr) -> bool {
    match place {
        Expr::Var(_) => true,
        Expr::Field(of, _) => is_in_variable(of),
        // What is in an element is of no interest: who knows which one it is.
        Expr::Elem(of, _) => !matches!(**of, Expr::Elem(..)) && is_in_variable(of),
        _ => false,
    }
}
