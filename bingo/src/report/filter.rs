//! Which goroutines are shown.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use regex::Regex;

use crate::model::{Frame, GoState, Stack, WaitReason};
use crate::session::{Goroutine, View};

/// Answers kept. A program has fewer stacks than that.
const KEPT: usize = 1 << 14;

/// Which goroutines are shown, and which of their frames.
#[derive(Debug, Default)]
pub struct Selection {
    /// Those of the runtime too, with the runtime's frames.
    pub all: bool,
    /// Only those that match.
    pub filter: Option<Filter>,
}

/// A regular expression on `state reason function file:line`, which a goroutine
/// matches if one of its frames does.
#[derive(Debug)]
pub struct Filter {
    regex: Regex,
    known: RefCell<HashMap<Question, Answer>>,
}

type Question = (GoState, Option<WaitReason>, *const Frame);

/// The stack is held so that its address stays its own.
#[derive(Debug)]
struct Answer {
    _stack: Stack,
    matches: bool,
}

impl Selection {
    /// The goroutines of `view` that are shown, by id.
    #[must_use]
    pub fn of<'a>(&self, view: &'a View) -> Vec<&'a Arc<Goroutine>> {
        view.goroutines.iter().filter(|goroutine| self.shows(goroutine)).collect()
    }

    /// What to say where none is for the filter's sake, which is soon mistaken.
    pub(super) fn none_of(&self, view: &View) -> Option<String> {
        self.filter.as_ref()?;
        let none = !view.goroutines.iter().any(|goroutine| self.shows(goroutine));
        none.then(|| "none of them matches the filter".to_owned())
    }

    /// Whether this one is.
    #[must_use]
    pub fn shows(&self, goroutine: &Goroutine) -> bool {
        let matches = |filter: &Filter| filter.matches(goroutine.state, goroutine.reason, &goroutine.stack);
        (self.all || !goroutine.system) && self.filter.as_ref().is_none_or(matches)
    }

    /// The frames that are shown of `stack`, innermost first.
    pub fn frames<'a>(&self, stack: &'a Stack) -> impl Iterator<Item = &'a Frame> {
        let all = self.all;
        stack.frames().iter().filter(move |frame| all || frame.is_visible())
    }
}

impl Filter {
    /// A filter by this expression.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(expression: &str) -> Result<Filter, regex::Error> {
        Ok(Filter { regex: Regex::new(expression)?, known: RefCell::default() })
    }

    /// Whether a goroutine in this condition matches.
    #[must_use]
    pub fn matches(&self, state: GoState, reason: Option<WaitReason>, stack: &Stack) -> bool {
        let question = (state, reason, stack.frames().as_ptr());
        let mut known = self.known.borrow_mut();
        if known.len() > KEPT {
            known.clear();
        }
        let ask = || Answer { _stack: stack.clone(), matches: self.ask(state, reason, stack) };
        known.entry(question).or_insert_with(ask).matches
    }

    fn ask(&self, state: GoState, reason: Option<WaitReason>, stack: &Stack) -> bool {
        let condition = match reason {
            Some(reason) => format!("{state} {reason}"),
            None => state.to_string(),
        };
        let line = |frame: &Frame| format!("{condition} {} {}:{}", frame.function, frame.file, frame.line);
        self.regex.is_match(&condition)
            || stack.frames().iter().any(|frame| self.regex.is_match(&line(frame)))
    }
}
