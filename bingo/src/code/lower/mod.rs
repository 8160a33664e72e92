//! Go's syntax, made into [`super::ir`]. In: the texts of packages. Out: a
//! [`Program`] whose names are resolved. What is not understood becomes
//! [`Expr::Unknown`]; what is nested absurdly deep is not understood.

mod expressions;
mod statements;
mod types;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use tree_sitter::{Node, Parser, Tree};

use super::ir::*;

/// How deep expressions and statements may be nested.
const DEPTH: u32 = 160;

/// A file of a package.
pub(super) struct File {
    pub(super) name: Name,
    pub(super) text: Arc<str>,
    tree: Tree,
    package: PackageId,
}

/// What a name of a package stands for.
#[derive(Clone, Debug)]
enum Global {
    Var(VarId),
    Func(FuncId),
    Type,
    Constant(Option<u64>),
}

/// What a name stands for within a function.
#[derive(Clone, Debug)]
enum Local {
    Var(VarId),
    Type(Type),
    Constant(Option<u64>),
}

/// Where an import leads to.
#[derive(Clone, Debug)]
pub(super) enum Import {
    /// To a package that was read, too.
    Program(PackageId),
    /// To another one.
    Foreign(Name),
}

/// Reads packages.
#[derive(Default)]
pub(super) struct Lowering {
    pub(super) program: Program,
    globals: HashMap<(PackageId, Name), Global>,
    files: Vec<File>,
}

/// Parses one file; `None` where that is no Go at all.
pub(super) fn parse(text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_go::LANGUAGE.into()).ok()?;
    parser.parse(text, None)
}

/// The import paths of a file and the names that they go by.
pub(super) fn imports(tree: &Tree, text: &str) -> Vec<(Option<Name>, Name)> {
    let mut found = Vec::new();
    let root = tree.root_node();
    for declaration in children(root).into_iter().filter(|node| node.kind() == "import_declaration") {
        let mut specs = children(declaration);
        if let Some(list) = specs.iter().find(|node| node.kind() == "import_spec_list").copied() {
            specs = children(list);
        }
        for spec in specs.into_iter().filter(|node| node.kind() == "import_spec") {
            let Some(path) = spec.child_by_field_name("path") else { continue };
            let path = part(text, path).trim_matches(['"', '`']);
            let name = spec.child_by_field_name("name").map(|name| part(text, name).into());
            found.push((name, path.into()));
        }
    }
    found
}

/// The names that a file declares for its whole package, but for methods.
pub(super) fn declared(tree: &Tree, text: &str) -> HashSet<Name> {
    let mut names = HashSet::new();
    for node in children(tree.root_node()) {
        match node.kind() {
            "function_declaration" => {
                let name = node.child_by_field_name("name").map_or("", |name| part(text, name));
                if !matches!(name, "init" | "_" | "") {
                    names.insert(name.into());
                }
            }
            "type_declaration" => {
                for spec in children(node) {
                    names.extend(spec.child_by_field_name("name").map(|name| part(text, name).into()));
                }
            }
            _ => {}
        }
    }
    names
}

fn children(node: Node<'_>) -> Vec<Node<'_>> {
    node.named_children(&mut node.walk()).filter(|child| child.kind() != "comment").collect()
}

fn part<'a>(text: &'a str, node: Node<'_>) -> &'a str {
    text.get(node.byte_range()).unwrap_or_default()
}

fn line(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row).unwrap_or(u32::MAX - 1) + 1
}

fn last_line(node: Node<'_>) -> u32 {
    u32::try_from(node.end_position().row).unwrap_or(u32::MAX - 1) + 1
}

impl Lowering {
    pub(super) fn new() -> Lowering {
        let mut lowering = Lowering::default();
        // Site 0: whatever comes from outside.
        lowering.program.new_site(Site {
            func: None,
            line: 0,
            name: "".into(),
            kind: Type::Unknown,
            made: Made::Outside,
        });
        lowering
    }

    /// Takes a file of a package and notes what it declares.
    pub(super) fn add(&mut self, package: PackageId, name: &Name, text: Arc<str>, tree: Tree) {
        let file = File { name: Arc::clone(name), text, tree, package };
        self.files.push(file);
    }

    /// Resolves everything, with each file's imports by its name.
    pub(super) fn finish(mut self, imports: &HashMap<Name, HashMap<Name, Import>>) -> Program {
        let files = std::mem::take(&mut self.files);
        let none = HashMap::new();
        for step in [Step::Types, Step::Names, Step::Bodies] {
            for file in &files {
                let imports = imports.get(&file.name).unwrap_or(&none);
                let mut reader = Reader {
                    lowering: &mut self,
                    text: &file.text,
                    file: Arc::clone(&file.name),
                    package: file.package,
                    imports,
                    scopes: Vec::new(),
                    ends: Vec::new(),
                    func: None,
                    depth: 0,
                };
                reader.file(file.tree.root_node(), step);
            }
        }
        for (at, func) in self.program.funcs.iter().enumerate() {
            let id = FuncId(u32::try_from(at).unwrap_or(u32::MAX));
            self.program.by_file.entry(Arc::clone(&func.file)).or_default().push(id);
        }
        self.program
    }
}

/// The order in which all files are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Types,
    Names,
    Bodies,
}

/// Reads one file.
struct Reader<'a> {
    lowering: &'a mut Lowering,
    text: &'a str,
    file: Name,
    package: PackageId,
    imports: &'a HashMap<Name, Import>,
    scopes: Vec<HashMap<Name, Local>>,
    /// The last lines of blocks, and of what else bounds a scope.
    ends: Vec<u32>,
    func: Option<FuncId>,
    depth: u32,
}

impl Reader<'_> {
    fn program(&mut self) -> &mut Program {
        &mut self.lowering.program
    }

    fn name(&self, node: Node<'_>) -> Name {
        part(self.text, node).into()
    }

    fn file(&mut self, root: Node<'_>, step: Step) {
        for node in children(root) {
            match (node.kind(), step) {
                ("type_declaration", Step::Types) => self.type_declaration(node),
                ("const_declaration", Step::Names) => {
                    for (name, value) in constants(node) {
                        let key = (self.package, self.name(name));
                        let value = value.and_then(|value| self.constant(value));
                        self.lowering.globals.insert(key, Global::Constant(value));
                    }
                }
                ("var_declaration", Step::Names) => self.package_variables(node),
                ("function_declaration" | "method_declaration", Step::Names) => self.signature(node),
                ("var_declaration", Step::Bodies) => self.package_values(node),
                ("function_declaration" | "method_declaration", Step::Bodies) => self.declared_body(node),
                _ => {}
            }
        }
    }

    fn package_variables(&mut self, node: Node<'_>) {
        for spec in var_specs(node) {
            let kind = spec.child_by_field_name("type").map_or(Type::Unknown, |kind| self.kind(kind));
            for name in fields(spec, "name") {
                let var = self.new_var(self.name(name), line(name), kind.clone());
                let key = (self.package, self.name(name));
                self.lowering.globals.insert(key, Global::Var(var));
            }
        }
    }

    fn package_values(&mut self, node: Node<'_>) {
        for spec in var_specs(node) {
            let vars: Vec<VarId> = fields(spec, "name")
                .into_iter()
                .filter_map(|name| match self.lowering.globals.get(&(self.package, self.name(name)))? {
                    Global::Var(var) => Some(*var),
                    _ => None,
                })
                .collect();
            let mut acts = Vec::new();
            self.initial_values(spec, &vars, &mut acts);
        }
    }

    /// Declares a function, its parameters and results.
    fn signature(&mut self, node: Node<'_>) {
        let Some(name) = node.child_by_field_name("name").map(|name| self.name(name)) else { return };
        let receiver = node.child_by_field_name("receiver");
        let of = receiver.and_then(|receiver| {
            let one = children(receiver).into_iter().next()?;
            match self.kind(one.child_by_field_name("type")?) {
                Type::Pointer(to) => match &*to {
                    Type::Named(_, name) => Some((Arc::clone(name), true)),
                    _ => None,
                },
                Type::Named(_, name) => Some((name, false)),
                _ => None,
            }
        });
        let shown = match &of {
            Some((of, true)) => format!("(*{of}).{name}"),
            Some((of, false)) => format!("{of}.{name}"),
            None => name.to_string(),
        };
        let id = self.new_func(node, shown.into(), receiver);
        let key = (self.package, Arc::clone(&name));
        match of {
            Some((of, _)) => {
                let key = (self.package, of);
                self.program().methods.entry(key).or_default().push((name, id));
            }
            None if receiver.is_none() && !matches!(&*name, "init" | "_") => {
                self.lowering.globals.insert(key, Global::Func(id));
            }
            None => {}
        }
    }

    fn declared_body(&mut self, node: Node<'_>) {
        let start = line(node);
        let named = node.child_by_field_name("name").map(|name| self.name(name)).unwrap_or_default();
        let found = self.lowering.program.funcs.iter().position(|func| {
            func.parent.is_none()
                && func.start == start
                && func.file == self.file
                && func.name.rsplit('.').next() == Some(&*named)
        });
        let Some(id) = found.and_then(|at| u32::try_from(at).ok()).map(FuncId) else { return };
        self.body_of(id, node);
    }

    fn new_func(&mut self, node: Node<'_>, name: Name, receiver: Option<Node<'_>>) -> FuncId {
        let id = FuncId::next(&self.lowering.program.funcs);
        let func = Func {
            name,
            file: Arc::clone(&self.file),
            start: line(node),
            end: last_line(node),
            parent: self.func,
            params: Vec::new(),
            is_method: receiver.is_some(),
            variadic: false,
            results: Vec::new(),
            body: Rc::new([]),
            outer: Vec::new(),
        };
        self.program().funcs.push(func);
        let outside = self.func.replace(id);
        self.ends.push(last_line(node));
        let mut params = Vec::new();
        let mut variadic = false;
        for list in [receiver, node.child_by_field_name("parameters")].into_iter().flatten() {
            params.extend(self.parameters(list, &mut variadic));
        }
        let results = match node.child_by_field_name("result") {
            Some(list) if list.kind() == "parameter_list" => self.parameters(list, &mut false),
            Some(kind) => {
                let result = self.kind(kind);
                vec![self.new_var("".into(), line(kind), result)]
            }
            None => Vec::new(),
        };
        self.func = outside;
        self.ends.pop();
        if let Some(func) = self.program().funcs.get_mut(id.index()) {
            func.params = params;
            func.variadic = variadic;
            func.results = results;
        }
        id
    }

    fn parameters(&mut self, list: Node<'_>, variadic: &mut bool) -> Vec<VarId> {
        let mut vars = Vec::new();
        for one in children(list) {
            let mut kind = one.child_by_field_name("type").map_or(Type::Unknown, |kind| self.kind(kind));
            if one.kind() == "variadic_parameter_declaration" {
                *variadic = true;
                kind = Type::List(Rc::new(kind));
            }
            let names = fields(one, "name");
            if names.is_empty() {
                vars.push(self.new_var("".into(), line(one), kind.clone()));
            }
            for name in names {
                vars.push(self.new_var(self.name(name), line(name), kind.clone()));
            }
        }
        vars
    }

    fn new_var(&mut self, name: Name, line: u32, kind: Type) -> VarId {
        let (func, last) = (self.func, self.ends.last().copied().unwrap_or(u32::MAX));
        let vars = &mut self.program().vars;
        let id = VarId::next(vars);
        vars.push(Var { name, func, line, last, kind, addressed: false });
        id
    }

    fn body_of(&mut self, id: FuncId, node: Node<'_>) {
        let Some(body) = node.child_by_field_name("body") else { return };
        let Some(func) = self.lowering.program.func(id) else { return };
        let named: HashMap<Name, Local> = func
            .params
            .iter()
            .chain(&func.results)
            .filter_map(|var| Some((Arc::clone(&self.lowering.program.var(*var)?.name), Local::Var(*var))))
            .filter(|(name, _)| !name.is_empty())
            .collect();
        let outside = self.func.replace(id);
        self.scopes.push(named);
        if let Some(parameters) = node.child_by_field_name("type_parameters") {
            for parameter in children(parameters) {
                for name in fields(parameter, "name") {
                    let name = self.name(name);
                    self.bind(name, Local::Type(Type::Unknown));
                }
            }
        }
        let body = self.block(body);
        self.scopes.pop();
        self.func = outside;
        if let Some(func) = self.program().funcs.get_mut(id.index()) {
            func.body = body.into();
        }
    }

    fn bind(&mut self, name: Name, local: Local) {
        if &*name != "_"
            && let Some(scope) = self.scopes.last_mut()
        {
            scope.insert(name, local);
        }
    }

    fn local(&self, name: &str) -> Option<&Local> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    fn flow(&mut self, to: Place, from: Expr) {
        // Where a number goes counts of variables.
        let counts = match from {
            Expr::Nothing => false,
            Expr::Number(_) => matches!(to, Place::Var(_)),
            _ => true,
        };
        if counts {
            let func = self.func;
            self.program().flows.push(Flow { func, to, from });
        }
    }

    /// Goes one deeper, if that is not too deep.
    fn deeper<T>(&mut self, otherwise: T, read: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth >= DEPTH {
            return otherwise;
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }
}

fn fields<'a>(node: Node<'a>, field: &str) -> Vec<Node<'a>> {
    node.children_by_field_name(field, &mut node.walk()).filter(Node::is_named).collect()
}

fn var_specs(node: Node<'_>) -> Vec<Node<'_>> {
    let mut specs = Vec::new();
    for child in children(node) {
        match child.kind() {
            "var_spec" => specs.push(child),
            "var_spec_list" => specs.extend(children(child)),
            _ => {}
        }
    }
    specs
}

/// The names that a `const` declares, each with the node of its value.
fn constants(node: Node<'_>) -> Vec<(Node<'_>, Option<Node<'_>>)> {
    let mut found = Vec::new();
    for spec in children(node) {
        let values = spec.child_by_field_name("value").map(children).unwrap_or_default();
        let names = fields(spec, "name").into_iter().filter(|name| name.kind() == "identifier");
        found.extend(names.enumerate().map(|(at, name)| (name, values.get(at).copied())));
    }
    found
}
