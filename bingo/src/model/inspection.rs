//! One goroutine looked at closely: its calls with their variables, as values
//! that a face writes in Go's own notation.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Addr, Frame, GoId};

/// One goroutine, closely.
#[derive(Clone, PartialEq, Debug)]
pub struct Inspection {
    /// Which one.
    pub goroutine: GoId,
    /// Its calls, innermost first.
    pub frames: Vec<InspectedFrame>,
    /// What was asked to be shown at more length, by what it was asked for.
    pub expanded: Vec<Variable>,
    /// The registers by name, where its thread was stopped for them.
    pub registers: Vec<(&'static str, u64)>,
    /// How long its thread stood still for that.
    pub stopped_for: Option<Duration>,
    /// What is not shown, and why.
    pub notes: Vec<String>,
}

/// What one blocked goroutine has at hand where the program waits.
#[derive(Clone, PartialEq, Debug)]
pub struct LiveVars {
    /// Which one.
    pub goroutine: GoId,
    /// The call: the innermost one of the program's own.
    pub call: Frame,
    /// Its variables, those of which nothing is known left out.
    pub variables: Vec<Variable>,
}

/// A call and its variables.
#[derive(Clone, PartialEq, Debug)]
pub struct InspectedFrame {
    /// The call.
    pub frame: Frame,
    /// The variables that are in scope and have been declared.
    pub variables: Vec<Variable>,
}

/// A variable.
#[derive(Clone, PartialEq, Debug)]
pub struct Variable {
    /// Its name in the source.
    pub name: Arc<str>,
    /// Its type as Go writes it.
    pub ty: Arc<str>,
    /// What it is to its function.
    pub role: VariableRole,
    /// Its value.
    pub value: Value,
}

/// What a variable is to its function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VariableRole {
    /// An argument.
    Argument,
    /// A named result.
    Result,
    /// A local variable.
    Local,
    /// A variable of the function around this closure.
    Captured,
    /// A word of the frame in which arguments are passed; no more is known of it.
    Word,
}

/// A value.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// As Go writes it: `42`, `"text"`, `nil`.
    Plain(String),
    /// Braces with something in them: `&main.T{Name: "x"}`.
    Composite {
        /// What stands before the braces.
        prefix: String,
        /// What is in them.
        entries: Vec<Entry>,
        /// How many more there are that are not shown.
        more: u64,
        /// What stands behind them.
        suffix: String,
    },
    /// It is not known.
    Missing(Missing),
}

/// Something in braces.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// What stands before the colon.
    pub label: Label,
    /// What stands behind it.
    pub value: Value,
}

/// What names an entry.
#[derive(Clone, PartialEq, Debug)]
pub enum Label {
    /// Its place alone.
    None,
    /// A field.
    Field(Arc<str>),
    /// A key of a map.
    Key(Box<Value>),
}

/// Why a value is not known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Missing {
    /// The compiler kept it nowhere at this instruction.
    OptimisedOut,
    /// What follows here, but nothing says how much of it there is.
    Length(Addr),
    /// It was in a register, which nobody saved.
    Unsaved,
    /// The program does not use it any more, or not yet: what is there may be anything.
    Unused,
    /// It is being declared in this line, or may be.
    Undeclared,
    /// Another variable has its place at other times.
    Shared(Arc<str>),
    /// Memory that cannot be read.
    Unreadable(Addr),
    /// It leads back to what is being shown.
    Cycle(Addr),
    /// It is deeper, or more, than is shown.
    CutOff,
    /// It makes no sense: read while it changed, or damaged.
    Torn(String),
}

impl Inspection {
    /// One of which nothing is known yet.
    #[must_use]
    pub fn of(goroutine: GoId) -> Inspection {
        Inspection {
            goroutine,
            frames: Vec::new(),
            expanded: Vec::new(),
            registers: Vec::new(),
            stopped_for: None,
            notes: Vec::new(),
        }
    }
}

impl Value {
    /// A plain value.
    pub fn plain(text: impl Into<String>) -> Value {
        Value::Plain(text.into())
    }

    /// The same with something before it.
    #[must_use]
    pub fn prefixed(self, before: &str) -> Value {
        match self {
            Value::Plain(text) => Value::Plain(format!("{before}{text}")),
            Value::Composite { prefix, entries, more, suffix } => {
                Value::Composite { prefix: format!("{before}{prefix}"), entries, more, suffix }
            }
            Value::Missing(missing) => Value::Missing(missing),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Plain(text) => f.write_str(text),
            Value::Missing(missing) => write!(f, "{missing}"),
            Value::Composite { prefix, entries, more, suffix } => {
                write!(f, "{prefix}{{")?;
                for (place, entry) in entries.iter().enumerate() {
                    let comma = if place == 0 { "" } else { ", " };
                    write!(f, "{comma}{entry}")?;
                }
                match (entries.is_empty(), more) {
                    (_, 0) => {}
                    (true, more) => write!(f, "… {more} more")?,
                    (false, more) => write!(f, ", … {more} more")?,
                }
                write!(f, "}}{suffix}")
            }
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.label, self.value)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::None => Ok(()),
            Label::Field(name) => write!(f, "{name}: "),
            Label::Key(key) => write!(f, "{key}: "),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::OptimisedOut => f.write_str("<optimised out>"),
            Missing::Length(at) => write!(f, "<at {at}, its length is optimised out>"),
            Missing::Unsaved => f.write_str("<was in a register, not saved>"),
            Missing::Unused => f.write_str("<not in use here>"),
            Missing::Undeclared => f.write_str("<being declared in this line>"),
            Missing::Shared(with) => write!(f, "<not known: shares its place with {with}>"),
            Missing::Unreadable(at) => write!(f, "<unreadable at {at}>"),
            Missing::Cycle(at) => write!(f, "<cycle: {at} again>"),
            Missing::CutOff => f.write_str("…"),
            Missing::Torn(what) => write!(f, "<{what}>"),
        }
    }
}
