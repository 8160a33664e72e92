//! How calls go on: whether one comes back, and whether it may call what it was given
//! once more. In: a call. Out: what is known of all that it may lead to.

use std::collections::HashMap;
use std::rc::Rc;

use super::acts::Code;
use super::foreign::{self, Function};
use super::future::{Ends, each_act};
use super::ir::{ActKind, CallId, Expr, FuncId, Type};
use super::points::bare;

impl Code {
    /// The calls of a function that never return.
    pub(super) fn never_returning(&mut self, func: FuncId) -> HashMap<CallId, Ends> {
        let Some(of) = self.points.program.func(func) else { return HashMap::new() };
        let body = Rc::clone(&of.body);
        let mut calls = Vec::new();
        each_act(&body, &mut |act| {
            if let ActKind::Call(call) = act.kind {
                calls.push(call);
            }
        });
        calls.into_iter().filter_map(|call| Some((call, self.ends(call)?))).collect()
    }

    /// How a call goes on, if it never returns.
    pub(super) fn ends(&mut self, id: CallId) -> Option<Ends> {
        let call = self.points.program.call(id)?;
        let func = match &call.callee {
            Expr::Foreign(package, name) => {
                return (foreign::function(package, name) == Function::Ends).then_some(Ends::Unwinds);
            }
            Expr::Func(func) => *func,
            Expr::Field(..) => {
                let targets: Vec<FuncId> =
                    self.points.targets.get(&id).into_iter().flatten().copied().collect();
                let [one] = targets[..] else { return None };
                one
            }
            _ => return None,
        };
        let unwinds = self.whole(func).unwinds;
        (!self.returns(func)).then_some(if unwinds { Ends::Unwinds } else { Ends::Never })
    }

    fn returns(&mut self, func: FuncId) -> bool {
        if let Some(known) = self.returns.get(&func) {
            return *known;
        }
        self.returns.insert(func, true);
        let returns = self.whole(func).returns;
        self.returns.insert(func, returns);
        returns
    }

    /// Whether a call is of something of another package that may call what it was given
    /// more than once.
    pub(super) fn calls_again(&mut self, call: CallId) -> bool {
        if !self.points.targets.contains_key(&call) {
            return false;
        }
        let callee = self.points.program.call(call).map(|call| call.callee.clone());
        match callee {
            Some(Expr::Foreign(package, _)) => !foreign::calls_once(&package),
            Some(Expr::Field(of, _)) => {
                let of = self.points.eval(&of);
                let mut kinds = of.into_iter().filter_map(|site| self.points.program.site(site));
                kinds.any(|site| match bare(&site.kind) {
                    Type::Foreign(package, _) => !foreign::calls_once(package),
                    _ => false,
                })
            }
            _ => false,
        }
    }
}
