//! Statements.

use std::collections::HashMap;
use std::rc::Rc;

use tree_sitter::Node;

use super::expressions::{Access, pointee};
use super::{Local, Reader, children, constants, fields, last_line, line, part, var_specs};
use crate::code::ir::{Act, ActKind, Branch, Expr, Name, Nth, Place, Stmt, StmtKind, Touch, Type, VarId};

impl Reader<'_> {
    /// The statements of a block, in a scope of their own.
    pub(super) fn block(&mut self, node: Node<'_>) -> Vec<Stmt> {
        self.scopes.push(HashMap::new());
        self.ends.push(last_line(node));
        let all = self.statements(node);
        self.ends.pop();
        self.scopes.pop();
        all
    }

    fn statements(&mut self, node: Node<'_>) -> Vec<Stmt> {
        let mut all = Vec::new();
        for child in children(node) {
            if child.kind() == "statement_list" {
                all.extend(self.statements(child));
            } else {
                all.push(self.statement(child, None));
            }
        }
        all
    }

    fn statement(&mut self, node: Node<'_>, label: Option<Name>) -> Stmt {
        // What a loop or a branch declares ends with it.
        let bounds = matches!(
            node.kind(),
            "if_statement"
                | "for_statement"
                | "expression_switch_statement"
                | "type_switch_statement"
                | "select_statement"
        );
        if bounds {
            self.ends.push(last_line(node));
        }
        let kind = self.deeper(StmtKind::Goto, |reader| reader.statement_kind(node, label));
        if bounds {
            self.ends.pop();
        }
        Stmt { line: line(node), end: last_line(node), kind }
    }

    fn statement_kind(&mut self, node: Node<'_>, label: Option<Name>) -> StmtKind {
        let mut acts = Vec::new();
        match node.kind() {
            "block" => return StmtKind::Block(self.block(node)),
            "labeled_statement" => {
                let label = node.child_by_field_name("label").map(|label| self.name(label));
                let inner = children(node).into_iter().find(|child| child.kind() != "label_name");
                return match inner {
                    Some(inner) => StmtKind::Block(vec![self.statement(inner, label)]),
                    None => StmtKind::Acts(acts),
                };
            }
            "if_statement" => return self.if_statement(node),
            "for_statement" => return self.for_statement(node, label),
            "expression_switch_statement" | "type_switch_statement" => {
                return self.switch_statement(node, label);
            }
            "select_statement" => return self.select_statement(node, label),
            "return_statement" => {
                self.return_values(node, &mut acts);
                return StmtKind::Return(acts);
            }
            "break_statement" => return StmtKind::Break(self.label(node)),
            "continue_statement" => return StmtKind::Continue,
            "goto_statement" => return StmtKind::Goto,
            "type_declaration" => self.type_declaration(node),
            "const_declaration" => {
                for (name, value) in constants(node) {
                    let (name, value) = (self.name(name), value.and_then(|value| self.constant(value)));
                    self.bind(name, Local::Constant(value));
                }
            }
            _ => self.simple(node, &mut acts),
        }
        StmtKind::Acts(acts)
    }

    fn label(&self, node: Node<'_>) -> Option<Name> {
        children(node).first().map(|label| self.name(*label))
    }

    /// A simple statement, or `go`, or `defer`.
    fn simple(&mut self, node: Node<'_>, acts: &mut Vec<Act>) {
        let at = |kind| Act { line: line(node), end: last_line(node), kind };
        match node.kind() {
            "go_statement" | "defer_statement" => {
                let Some(call) = children(node).first().copied() else { return };
                let Some(call) = self.bare_call(call, acts) else { return };
                acts.push(at(if node.kind() == "go_statement" {
                    ActKind::Go(call)
                } else {
                    ActKind::Defer(call)
                }));
            }
            "send_statement" => {
                let (channel, value) = (self.field(node, "channel", acts), self.field(node, "value", acts));
                acts.push(at(ActKind::Send(channel.clone())));
                self.flow(Place::Elem(channel, Nth::Any), value);
            }
            "receive_statement" => {
                let from = self.field(node, "right", acts);
                if let Some(left) = node.child_by_field_name("left") {
                    self.assign(&children(left), &[from], declares(node), acts);
                }
            }
            "assignment_statement" | "short_var_declaration" => {
                let (Some(left), Some(right)) =
                    (node.child_by_field_name("left"), node.child_by_field_name("right"))
                else {
                    return;
                };
                let values: Vec<Expr> =
                    children(right).into_iter().map(|value| self.expr(value, acts)).collect();
                let operator = node.child_by_field_name("operator").map(|node| part(self.text, node));
                let values = match operator {
                    None | Some("=" | ":=") => values,
                    Some(_) => vec![Expr::Number(None); values.len()],
                };
                let new = node.kind() == "short_var_declaration";
                self.assign(&children(left), &values, new, acts);
            }
            "var_declaration" => {
                for spec in var_specs(node) {
                    let kind = spec.child_by_field_name("type").map_or(Type::Unknown, |kind| self.kind(kind));
                    let names = fields(spec, "name");
                    let vars: Vec<VarId> = names
                        .iter()
                        .map(|name| self.new_var(self.name(*name), line(*name), kind.clone()))
                        .collect();
                    self.initial_values(spec, &vars, acts);
                    for (name, var) in names.iter().zip(vars) {
                        let name = self.name(*name);
                        self.bind(name, Local::Var(var));
                    }
                }
            }
            "inc_statement" | "dec_statement" => {
                for one in children(node) {
                    if let Expr::Var(var) = self.target(one, acts) {
                        self.flow(Place::Var(var), Expr::Number(None));
                    }
                }
            }
            "expression_statement" => {
                for one in children(node) {
                    self.expr(one, acts);
                }
            }
            _ => {
                self.expr(node, acts);
            }
        }
    }

    /// What a `var` sets its variables to.
    pub(super) fn initial_values(&mut self, spec: Node<'_>, vars: &[VarId], acts: &mut Vec<Act>) {
        let values: Vec<Expr> = match spec.child_by_field_name("value") {
            Some(list) => children(list).into_iter().map(|value| self.expr(value, acts)).collect(),
            None => Vec::new(),
        };
        for (at, var) in vars.iter().enumerate() {
            let from = match spread(&values, at, vars.len()) {
                Some(value) => value,
                None => self.zero_value(*var),
            };
            self.flow(Place::Var(*var), from);
        }
    }

    /// What a variable is that is set to nothing.
    fn zero_value(&mut self, var: VarId) -> Expr {
        let program = &mut self.lowering.program;
        let Some(declared) = program.var(var) else { return Expr::Nothing };
        if !program.is_place(&declared.kind) {
            return if declared.kind == Type::Basic { Expr::Number(Some(0)) } else { Expr::Nothing };
        }
        let (name, line, kind) = (declared.name.clone(), declared.line, declared.kind.clone());
        self.site(name, line, kind)
    }

    /// `left = values`; with `new` what is not there yet in this scope is declared.
    fn assign(&mut self, left: &[Node<'_>], values: &[Expr], new: bool, acts: &mut Vec<Act>) {
        for (at, node) in left.iter().enumerate() {
            let from = spread(values, at, left.len()).unwrap_or(Expr::Nothing);
            let fresh = new && node.kind() == "identifier" && {
                let name = part(self.text, *node);
                !self.scopes.last().is_some_and(|scope| scope.contains_key(name))
            };
            if fresh {
                let name = self.name(*node);
                let kind = self.program().type_of(&from);
                let var = self.new_var(name.clone(), line(*node), kind);
                self.name_sites(&from, &name);
                self.flow(Place::Var(var), from);
                self.bind(name, Local::Var(var));
                continue;
            }
            let target = self.target(*node, acts);
            if node.kind() == "unary_expression" {
                self.flow(Place::Content(target.clone()), from.clone());
            }
            let to = match target {
                Expr::Var(var) => Place::Var(var),
                Expr::Field(of, field) => Place::Field((*of).clone(), field),
                Expr::Elem(of, nth) => Place::Elem((*of).clone(), nth),
                _ => continue,
            };
            self.flow(to, from);
        }
    }

    /// What is set, and that it is.
    fn target(&mut self, node: Node<'_>, acts: &mut Vec<Act>) -> Expr {
        let operator = node.child_by_field_name("operator").map(|node| part(self.text, node));
        if node.kind() == "unary_expression" && operator == Some("*") {
            let pointer = self.field(node, "operand", acts);
            self.touch(node, &pointee(&pointer), Access::Write, acts);
            return pointer;
        }
        let place = self.deeper(Expr::Unknown, |reader| reader.place(node, acts));
        self.touch(node, &place, Access::Write, acts);
        place
    }

    fn return_values(&mut self, node: Node<'_>, acts: &mut Vec<Act>) {
        let Some(list) = children(node).first().copied() else { return };
        let values: Vec<Expr> = children(list).into_iter().map(|value| self.expr(value, acts)).collect();
        let results = self.func.and_then(|func| Some(self.lowering.program.func(func)?.results.clone()));
        let results = results.unwrap_or_default();
        for (at, result) in results.iter().enumerate() {
            if let Some(value) = spread(&values, at, results.len()) {
                self.flow(Place::Var(*result), value);
            }
            if self.program().var(*result).is_some_and(|var| !var.name.is_empty()) {
                self.touch(node, &Expr::Var(*result), Access::Write, acts);
            }
        }
    }

    fn if_statement(&mut self, node: Node<'_>) -> StmtKind {
        self.scopes.push(HashMap::new());
        let mut head = Vec::new();
        if let Some(first) = node.child_by_field_name("initializer") {
            self.simple(first, &mut head);
        }
        self.field(node, "condition", &mut head);
        let then = node.child_by_field_name("consequence").map(|block| self.block(block));
        let other = match node.child_by_field_name("alternative") {
            Some(block) if block.kind() == "block" => self.block(block),
            Some(next) => vec![self.statement(next, None)],
            None => Vec::new(),
        };
        self.scopes.pop();
        StmtKind::If { head, then: then.unwrap_or_default(), other }
    }

    fn for_statement(&mut self, node: Node<'_>, label: Option<Name>) -> StmtKind {
        self.scopes.push(HashMap::new());
        let mut head = Vec::new();
        let mut after = None;
        let mut endless = true;
        let body = node.child_by_field_name("body");
        for clause in children(node).into_iter().filter(|child| Some(*child) != body) {
            match clause.kind() {
                "for_clause" => {
                    if let Some(first) = clause.child_by_field_name("initializer") {
                        self.simple(first, &mut head);
                    }
                    if let Some(condition) = clause.child_by_field_name("condition") {
                        endless = false;
                        self.expr(condition, &mut head);
                    }
                    after = clause.child_by_field_name("update");
                }
                "range_clause" => {
                    endless = false;
                    let over = self.field(clause, "right", &mut head);
                    self.touch(clause, &Expr::Elem(Rc::new(over.clone()), Nth::Any), Access::Read, &mut head);
                    let (line, end) = (line(node), last_line(clause));
                    head.push(Act { line, end, kind: ActKind::Range(over.clone()) });
                    if let Some(left) = clause.child_by_field_name("left") {
                        let left = children(left);
                        // One variable has the index of a list, else what is in it: a map's
                        // keys, what comes over a channel, what an iterator yields.
                        let kind = self.program().type_of(&over);
                        let is_list = matches!(
                            self.program().underlying(&kind),
                            Type::List(_) | Type::Array(_) | Type::Basic
                        );
                        let count = if is_list { 2 } else { left.len() };
                        let item = Expr::Elem(Rc::new(over), Nth::Any);
                        let values = vec![item; count];
                        self.assign(&left, &values, declares(clause), &mut head);
                    }
                }
                _ => {
                    endless = false;
                    self.expr(clause, &mut head);
                }
            }
        }
        let mut body = body.map(|body| self.block(body)).unwrap_or_default();
        if let Some(after) = after {
            let mut acts = Vec::new();
            self.simple(after, &mut acts);
            // Each turn has its own of what the loop declares: it is set before others
            // can have it.
            let own = self.scopes.last().into_iter().flat_map(|scope| scope.values());
            let own: Vec<VarId> = own
                .filter_map(|local| match local {
                    Local::Var(var) => Some(*var),
                    _ => None,
                })
                .collect();
            acts.retain(|act| !matches!(&act.kind, ActKind::Touch(Touch { place: Expr::Var(var), .. }) if own.contains(var)));
            body.push(Stmt { line: line(after), end: last_line(after), kind: StmtKind::Acts(acts) });
        }
        self.scopes.pop();
        StmtKind::Loop { label, head, endless, body }
    }

    fn switch_statement(&mut self, node: Node<'_>, label: Option<Name>) -> StmtKind {
        self.scopes.push(HashMap::new());
        let mut head = Vec::new();
        if let Some(first) = node.child_by_field_name("initializer") {
            self.simple(first, &mut head);
        }
        let value = self.field(node, "value", &mut head);
        if let Some(alias) = node.child_by_field_name("alias") {
            self.assign(&children(alias), &[value], true, &mut head);
        }
        let mut branches = Vec::new();
        let mut default = false;
        for case in children(node) {
            if !matches!(case.kind(), "expression_case" | "type_case" | "default_case") {
                continue;
            }
            default |= case.kind() == "default_case";
            let mut acts = Vec::new();
            if case.kind() == "expression_case"
                && let Some(values) = case.child_by_field_name("value")
            {
                for value in children(values) {
                    self.expr(value, &mut acts);
                }
            }
            branches.push(self.branch(case, acts));
        }
        self.scopes.pop();
        StmtKind::Switch { label, head, branches, default }
    }

    fn select_statement(&mut self, node: Node<'_>, label: Option<Name>) -> StmtKind {
        let mut branches = Vec::new();
        let mut default = false;
        for case in children(node) {
            match case.kind() {
                "default_case" => {
                    default = true;
                    branches.push(self.branch(case, Vec::new()));
                }
                "communication_case" => {
                    self.scopes.push(HashMap::new());
                    let mut acts = Vec::new();
                    if let Some(communication) = case.child_by_field_name("communication") {
                        self.simple(communication, &mut acts);
                    }
                    branches.push(self.branch(case, acts));
                    self.scopes.pop();
                }
                _ => {}
            }
        }
        StmtKind::Select { label, branches, default }
    }

    fn branch(&mut self, case: Node<'_>, head: Vec<Act>) -> Branch {
        self.scopes.push(HashMap::new());
        let lists = children(case).into_iter().filter(|child| child.kind() == "statement_list");
        let mut body = Vec::new();
        let mut falls = false;
        for list in lists {
            falls |= children(list).iter().any(|one| one.kind() == "fallthrough_statement");
            body.extend(self.statements(list));
        }
        self.scopes.pop();
        Branch { head, body, falls }
    }

    fn field(&mut self, node: Node<'_>, field: &str, acts: &mut Vec<Act>) -> Expr {
        node.child_by_field_name(field).map_or(Expr::Nothing, |node| self.expr(node, acts))
    }
}

/// Which of the values goes to the place `at` of `count`.
fn spread(values: &[Expr], at: usize, count: usize) -> Option<Expr> {
    if values.len() == count {
        return values.get(at).cloned();
    }
    match values {
        [Expr::Call(call, _)] => Some(Expr::Call(*call, at)),
        // `v, ok := <-c` and the like.
        [one] => Some(if at == 0 { one.clone() } else { Expr::Nothing }),
        _ => None,
    }
}

/// Whether it is `:=`.
fn declares(node: Node<'_>) -> bool {
    node.children(&mut node.walk()).any(|child| child.kind() == ":=")
}
