//! What a user asks to see more of: `job.items[3:9]`, `main.serve.job.items[7].name`.
//! Text comes in; the part of a variable that it names goes out.

use std::collections::HashSet;
use std::sync::Arc;

use super::source::Source;
use super::values::{LONG, Values};
use crate::binary::debug::{Kind, TypeId};
use crate::memory::Memory;
use crate::model::{Addr, Frame, Missing, Value, Variable, VariableRole};

/// A path to a part of a variable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Path {
    text: String,
    /// The function whose variable is meant; any, where it is empty.
    function: String,
    variable: String,
    steps: Vec<Step>,
    /// Whether the variables of calls are meant that Go's tracebacks hide, too.
    all: bool,
}

/// A step on a path.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Step {
    Field(String),
    Index(u64),
    Range(u64, Option<u64>),
}

/// Why a path makes no sense.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no path to a variable: {text:?}; write it like job.items[3:9] or main.serve.job.name")]
pub struct PathError {
    text: String,
}

impl Path {
    /// Every reading of `text`: each prefix may be the name of a function. A call that
    /// Go's tracebacks hide is meant where its function is named, or with `all`.
    ///
    /// # Errors
    /// Where it is no path.
    pub fn parse(text: &str, all: bool) -> Result<Vec<Path>, PathError> {
        let error = || PathError { text: text.to_owned() };
        let (names, brackets) = match text.find('[') {
            Some(at) => text.split_at_checked(at).ok_or_else(error)?,
            None => (text, ""),
        };
        let names: Vec<&str> = names.split('.').collect();
        if names.iter().any(|name| name.is_empty()) {
            return Err(error());
        }
        let behind = steps(brackets).ok_or_else(error)?;
        let mut readings = Vec::new();
        for at in 0..names.len() {
            let (Some(function), Some((variable, fields))) =
                (names.get(..at), names.get(at..).and_then(<[_]>::split_first))
            else {
                continue;
            };
            let fields = fields.iter().map(|field| Step::Field((*field).to_owned()));
            readings.push(Path {
                text: text.to_owned(),
                function: function.join("."),
                variable: (*variable).to_owned(),
                steps: fields.chain(behind.iter().cloned()).collect(),
                all,
            });
        }
        Ok(readings)
    }

    /// Whether it was written so.
    pub(super) fn is_written(&self, text: &str) -> bool {
        self.text == text
    }

    /// The package variable that it may name, by its package's path.
    pub(super) fn package_variable(&self) -> Option<String> {
        (!self.function.is_empty()).then(|| format!("{}.{}", self.function, self.variable))
    }

    /// Whether it names the variable `name` of `call`, or a part of it.
    pub(super) fn is_of(&self, call: &Frame, name: &str) -> bool {
        let is_call = match &*self.function {
            "" => self.all || call.is_visible(),
            function => *function == *call.function || call.function.rsplit('/').next() == Some(function),
        };
        self.variable == name && is_call
    }
}

/// Of variables of one name those are meant that have such a part, where there are any.
pub(super) fn meant(parts: Vec<Variable>) -> Vec<Variable> {
    let is_there = |part: &Variable| !matches!(part.value, Value::Missing(_));
    let there: HashSet<Arc<str>> =
        parts.iter().filter(|part| is_there(part)).map(|part| Arc::clone(&part.name)).collect();
    parts.into_iter().filter(|part| is_there(part) || !there.contains(&part.name)).collect()
}

/// `[3:9].name[0]` as steps.
fn steps(mut text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while !text.is_empty() {
        if let Some(rest) = text.strip_prefix('[') {
            let (inside, behind) = rest.split_once(']')?;
            text = behind;
            let number = |text: &str| text.trim().parse::<u64>().ok();
            steps.push(match inside.split_once(':') {
                None => Step::Index(number(inside)?),
                Some((first, end)) => {
                    let first = if first.trim().is_empty() { 0 } else { number(first)? };
                    let end = if end.trim().is_empty() { None } else { Some(number(end)?) };
                    Step::Range(first, end)
                }
            });
        } else {
            let rest = text.strip_prefix('.')?;
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, behind) = rest.split_at_checked(end)?;
            if name.is_empty() {
                return None;
            }
            steps.push(Step::Field(name.to_owned()));
            text = behind;
        }
    }
    Some(steps)
}

impl<M: Memory> Values<'_, '_, M> {
    /// The part of the variable at `source` that `path` names, at length.
    pub(super) fn expanded(&mut self, path: &Path, ty: TypeId, source: &Source) -> Variable {
        let (ty, value) = match self.walk(&path.steps, ty, source.clone()) {
            Ok((ty, value)) => {
                (self.type_of(ty).map_or_else(|_| "?".into(), |ty| ty.name.to_string()), value)
            }
            Err(missing) => ("?".to_owned(), Value::Missing(missing)),
        };
        Variable { name: Arc::from(&*path.text), ty: Arc::from(ty), role: VariableRole::Local, value }
    }

    fn walk(&mut self, steps: &[Step], ty: TypeId, source: Source) -> Result<(TypeId, Value), Missing> {
        let (mut ty, mut source) = (self.actual(ty), source);
        for (place, step) in steps.iter().enumerate() {
            (ty, source) = self.through(ty, source)?;
            let shape = self.type_of(ty)?;
            let wrong = |what: String| Missing::Torn(what);
            match (step, &shape.kind) {
                (Step::Field(name), Kind::Struct(fields)) => {
                    let named = |field: &&crate::binary::debug::Field| {
                        *field.name == **name || field.name.rsplit('.').next() == Some(&**name)
                    };
                    let field = fields.iter().find(named);
                    let field = field.ok_or_else(|| wrong(format!("{} has no field {name}", shape.name)))?;
                    source = source.at(field.offset);
                    ty = self.actual(field.ty);
                }
                (Step::Index(_) | Step::Range(..), Kind::Slice(_) | Kind::Array(..)) => {
                    let (elem, len, first) = match shape.kind {
                        Kind::Slice(elem) => {
                            let first = source.word(&mut self.pages)?;
                            (elem, source.at(8).word(&mut self.pages)?, Source::Memory(Addr(first)))
                        }
                        Kind::Array(elem, len) => (elem, len, source.clone()),
                        _ => continue,
                    };
                    if let &Step::Index(index) = step {
                        if index >= len {
                            return Err(wrong(format!("no element {index}: there are {len}")));
                        }
                        source = first.at(index.saturating_mul(self.size(elem)?));
                        ty = self.actual(elem);
                    } else if let (&Step::Range(from, end), true) = (step, place + 1 == steps.len()) {
                        let end = end.unwrap_or(len).min(len);
                        self.begin(LONG);
                        return Ok((ty, self.elements(elem, from.min(end), end, &first)));
                    } else {
                        return Err(wrong("a range can only be a path's last step".to_owned()));
                    }
                }
                (Step::Field(name), _) => return Err(wrong(format!("{} has no field {name}", shape.name))),
                _ => return Err(wrong(format!("{} has no elements by number", shape.name))),
            }
        }
        Ok((ty, self.within(LONG, ty, &source)))
    }

    /// What a pointer points to; itself, where it is none.
    fn through(&mut self, ty: TypeId, source: Source) -> Result<(TypeId, Source), Missing> {
        match self.type_of(ty)?.kind {
            Kind::Pointer(Some(elem)) => match source.word(&mut self.pages)? {
                0 => Err(Missing::Torn("a nil pointer on the way".to_owned())),
                word => Ok((self.actual(elem), Source::Memory(Addr(word)))),
            },
            _ => Ok((ty, source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_every_reading() {
        let paths = Path::parse("main.serve.job[3:9]", false).unwrap();
        let is_of = |at: usize, function, name| paths[at].is_of(&call(function), name);
        assert_eq!(paths.len(), 3);
        assert!(is_of(0, "x.f", "main") && !is_of(0, "x.f", "job"));
        assert!(is_of(2, "main.serve", "job") && !is_of(2, "main.other", "job"));
        assert_eq!(paths[2].steps, [Step::Range(3, Some(9))]);
        assert_eq!(
            Path::parse("a[1].b.c[:]", false).unwrap()[0].steps,
            [Step::Index(1), Step::Field("b".into()), Step::Field("c".into()), Step::Range(0, None)]
        );
        assert!(["", "a.", "a[", "a[x]", ".a", "a[1]b"].iter().all(|text| Path::parse(text, false).is_err()));
    }

    #[test]
    fn what_tracebacks_hide_is_meant_where_it_is_asked_for() {
        let is_of = |text, all| {
            let paths = Path::parse(text, all).unwrap();
            paths.iter().any(|path| path.is_of(&call("runtime.semacquire1"), "s"))
        };
        assert!(!is_of("s.next", false));
        assert!(is_of("s.next", true) && is_of("runtime.semacquire1.s.next", false));
    }

    fn call(function: &str) -> Frame {
        let (function, file) = (Arc::from(function), Arc::from(""));
        Frame { function, file, line: 0, pc: Addr(0), inlined: false }
    }

    #[test]
    fn what_has_no_such_part_is_told_where_nothing_has() {
        let part = |name: &str, value| Variable {
            name: Arc::from(name),
            ty: Arc::from("int"),
            role: VariableRole::Local,
            value,
        };
        let none = || part("s.stock", Value::Missing(Missing::Torn("no field stock".to_owned())));
        let parts = vec![none(), part("s.stock", Value::plain("3"))];
        assert_eq!(meant(parts), [part("s.stock", Value::plain("3"))]);
        assert_eq!(meant(vec![none(), part("n", Value::plain("1"))]).len(), 2);
    }
}
