//! Whether two expressions mean one object, of all that are made at one place: they
//! begin with one variable, and go on by the same fields. In: expressions in activations.
//! Out: whether they may mean two.
//!
//! ```text
//!   func move(from, to *account) { from.mu.Lock(); to.mu.Lock() }
//!
//!   go move(a, b)    from.mu is main's a.mu, to.mu is main's b.mu: two objects, maybe
//!   go move(a, a)    both are main's a.mu: one
//! ```

use std::rc::Rc;
use std::sync::Arc;

use super::acts::Code;
use super::context::Context;
use super::ir::*;

/// Variables that are followed to what they were set to.
const STEPS: usize = 20;

/// Where an object is found from.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// A variable and its activation, null for a package's; `None` where it begins with
    /// something else.
    base: Option<(VarId, *const Context)>,
    /// Who called is to say what that is, and it is not known.
    open: bool,
    /// It is one of several, another one each time.
    each: bool,
    /// The fields from there, the last one first.
    fields: Vec<Name>,
}

impl Way {
    /// That of an expression.
    pub(super) fn of(code: &Code, expr: &Expr, context: &Rc<Context>) -> Way {
        let mut way = Way::default();
        way.open = way.follow(code, (expr, context)).is_none();
        way
    }

    /// Goes back to where it begins; `None` where that is not known.
    fn follow(&mut self, code: &Code, from: (&Expr, &Rc<Context>)) -> Option<()> {
        let program = &code.points.program;
        let (mut expr, mut context) = from;
        for _ in 0..STEPS {
            let var = match expr {
                Expr::Field(of, name) => {
                    self.fields.push(Arc::clone(name));
                    expr = of;
                    continue;
                }
                Expr::Var(var) => *var,
                Expr::Elem(..) | Expr::Received(_) => {
                    self.each = true;
                    return Some(());
                }
                _ => return None,
            };
            let Some(func) = program.var(var)?.func else {
                self.base = Some((var, std::ptr::null()));
                return Some(());
            };
            while context.func != func {
                context = context.up.as_ref()?;
            }
            self.base = Some((var, Rc::as_ptr(context)));
            let flows = code.flows.set_to(var);
            let param = program.func(func)?.params.iter().position(|one| *one == var);
            match (param, flows) {
                (Some(at), []) => (expr, context) = given(program, at, context)?,
                (None, [flow]) => match &program.flows.get(*flow)?.from {
                    from @ (Expr::Var(_) | Expr::Field(..)) => expr = from,
                    _ => return Some(()),
                },
                _ => return Some(()),
            }
        }
        None
    }

    /// Whether two that lead to objects of one place may lead to two of them.
    pub(super) fn is_apart(&self, other: &Way) -> bool {
        if self.each || other.each {
            return true;
        }
        let Some(((var, at), (another, there))) = self.base.zip(other.base) else { return false };
        if (var, at) == (another, there) {
            // What is embedded need not be named.
            let (one, two) = (self.fields.iter().rev(), other.fields.iter().rev());
            return one.zip(two).any(|(one, two)| one != two);
        }
        at == there || !(self.open || other.open)
    }
}

/// What a parameter was given, and in which activation; `None` where that is not known.
pub(super) fn given<'a>(
    program: &'a Program,
    at: usize,
    context: &'a Context,
) -> Option<(&'a Expr, &'a Rc<Context>)> {
    let up = context.up.as_ref()?;
    let call = program.call(context.call?).filter(|call| call.func == Some(up.func))?;
    Some((argument(program, call, context.func, at)?, up))
}

/// What a call gives a parameter of the function that it leads to.
pub(super) fn argument<'a>(program: &Program, call: &'a Call, func: FuncId, at: usize) -> Option<&'a Expr> {
    let of = program.func(func).filter(|of| !of.variadic)?;
    let receiver = usize::from(of.is_method && call.args.len() < of.params.len());
    match (&call.callee, at.checked_sub(receiver)) {
        (_, Some(at)) => call.args.get(at),
        (Expr::Field(of, _), None) => Some(of),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    /// Whether the account that is locked second, as `second`, is the one that is locked
    /// first, as `first`, where main calls so; `None`: that is not known.
    fn check_move(first: &str, second: &str, call: &str, same: Option<bool>) {
        let text = format!(
            "
        import \"sync\"
        type account struct {{ sync.Mutex; next *account }}
        func open() *account {{ return &account{{next: &account{{}}}} }}
        func move(from, to *account, all []*account) {{
            {first}.Lock()
            {second}.Lock() // second
        }}
        func main() {{
            a, b := open(), open()
            all := []*account{{a, b}}
            other := a
            move({call}, all) // moves
        }}"
        );
        let expect = match same {
            Some(true) => {
                "1 holds account.Mutex (called at line 11)\n 1 waits Lock account.Mutex (called at line 11)"
            }
            None => "1 holds account.Mutex or another\n 1 waits Lock account.Mutex",
            Some(false) => {
                "1 nested account.Mutex (called at line 11) > account.Mutex (called at line 11)\n 1 waits Lock account.Mutex (called at line 11)"
            }
        };
        check(&text, &["1 lock main.move@//_second main.main@//_moves"], expect);
    }

    #[test]
    fn two_of_one_place_are_told_apart_by_the_variables_that_lead_to_them() {
        check_move("from", "to", "a, b", Some(false));
        check_move("from", "to", "a, a", Some(true));
        check_move("from", "to", "a, other", Some(true));
        check_move("from", "from", "a, b", Some(true));
        check_move("from", "from.Mutex", "a, b", Some(true));
        check_move("all[0]", "all[1]", "a, b", None);
        check_move("from", "all[1]", "a, b", None);
        check_move("from", "to", "all[0], all[1]", None);
        check_move("from", "to", "a.next, b.next", Some(false));
    }
}
