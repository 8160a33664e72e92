//! The points-to sets to their fixed point. In: a [`Program`], whose flows and calls
//! are tasks, and the wish to stop. Out: [`Points`], in which each task, done once
//! more, would add nothing.
//!
//! A task is done again when a set has grown that it read the last time; most are
//! done two or three times.

use super::ir::*;
use super::points::{Node, OUTSIDE, Points, Sites, named};
use super::{Enough, LeftOut};

/// How many steps it may take: about half a minute. A program of a hundred thousand
/// lines takes fewer.
const STEPS: u64 = 200_000_000;
/// After how many steps it is asked whether that is enough: some milliseconds.
const ASK: u64 = 20_000;

/// What is known of the tasks.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    all: Vec<Task>,
    /// How often a set has grown, and for each set which of those times was its last.
    times: u64,
    grown: Vec<u64>,
    /// The one at hand, if any.
    at_hand: Option<Task>,
    steps: u64,
}

/// When it was done last, and which sets it read.
#[derive(Clone, Debug, Default)]
struct Task {
    done: Option<u64>,
    reads: Vec<usize>,
}

impl Tasks {
    pub(super) fn spend(&mut self, steps: usize) {
        self.steps = self.steps.saturating_add(u64::try_from(steps).unwrap_or(u64::MAX));
    }

    /// That the task at hand depends on this set.
    pub(super) fn note_read(&mut self, set: usize) {
        if let Some(task) = self.at_hand.as_mut().filter(|task| task.reads.last() != Some(&set)) {
            task.reads.push(set);
        }
    }

    /// That a set has grown.
    pub(super) fn note_change(&mut self, set: usize) {
        self.times += 1;
        if self.grown.len() <= set {
            self.grown.resize(set + 1, 0);
        }
        if let Some(grown) = self.grown.get_mut(set) {
            *grown = self.times;
        }
    }

    fn is_due(&self, at: usize) -> bool {
        let Some(task) = self.all.get(at) else { return true };
        let Some(done) = task.done else { return true };
        task.reads.iter().any(|set| self.grown.get(*set).is_some_and(|grown| *grown > done))
    }

    fn begin(&mut self, at: usize) {
        self.spend(1);
        if self.all.len() <= at {
            self.all.resize(at + 1, Task::default());
        }
        let mut task = self.all.get_mut(at).map(std::mem::take).unwrap_or_default();
        task.reads.clear();
        self.at_hand = Some(Task { done: Some(self.times), reads: task.reads });
    }

    fn end(&mut self, at: usize) {
        if let (Some(mut task), Some(place)) = (self.at_hand.take(), self.all.get_mut(at)) {
            task.reads.sort_unstable();
            task.reads.dedup();
            *place = task;
        }
    }
}

impl Points {
    /// Solves it.
    pub(super) fn of(program: Program, enough: Enough<'_>) -> Result<Points, LeftOut> {
        let mut points = Points::new(program);
        points.solve(enough)?;
        points.call_open_to_outside();
        points.solve(enough)?;
        Ok(points)
    }

    fn solve(&mut self, enough: Enough<'_>) -> Result<(), LeftOut> {
        let flows = std::mem::take(&mut self.program.flows);
        let solved = self.rounds(&flows, enough);
        self.program.flows = flows;
        solved
    }

    fn rounds(&mut self, flows: &[Flow], enough: Enough<'_>) -> Result<(), LeftOut> {
        let mut ask = self.tasks.steps;
        loop {
            let before = self.tasks.times;
            for at in 0..flows.len() + self.program.calls.len() {
                if !self.tasks.is_due(at) {
                    continue;
                }
                if self.tasks.steps > STEPS {
                    return Err(LeftOut::Steps);
                }
                if self.tasks.steps >= ask {
                    ask = self.tasks.steps + ASK;
                    if enough() {
                        return Err(LeftOut::Stopped);
                    }
                }
                self.tasks.begin(at);
                match flows.get(at) {
                    Some(flow) => self.flow(flow),
                    None => self.link(CallId(u32::try_from(at - flows.len()).unwrap_or(u32::MAX))),
                }
                self.tasks.end(at);
            }
            if self.tasks.times == before {
                return Ok(());
            }
        }
    }

    fn flow(&mut self, flow: &Flow) {
        let from = self.eval(&flow.from);
        if from.is_empty() {
            return;
        }
        match &flow.to {
            Place::Var(var) => self.add(Node::Var(*var), &from),
            Place::Field(of, name) => {
                for site in self.eval(of) {
                    if let Some((site, name)) = self.owner_of_field(site, name, 0) {
                        self.note_field(site, &name, &from);
                    }
                }
            }
            Place::Elem(of) => {
                for site in self.eval(of) {
                    self.add(Node::Elem(site), &from);
                }
            }
        }
    }

    /// Functions that nobody calls are called by what was not read, if by anybody.
    fn call_open_to_outside(&mut self) {
        for at in 0..self.program.funcs.len() {
            let id = FuncId(u32::try_from(at).unwrap_or(u32::MAX));
            if !self.called.contains(&id) {
                self.open_to_outside(id);
            }
        }
    }

    /// Whatever its receiver may be it is called on, and given anything.
    pub(super) fn open_to_outside(&mut self, id: FuncId) {
        if !self.opened.insert(id) {
            return;
        }
        let Some(func) = self.program.func(id) else { return };
        let mut params = func.params.clone();
        if func.is_method && !params.is_empty() {
            let receiver = params.remove(0);
            if let Some(kind) = self.program.var(receiver).and_then(|var| named(&var.kind)) {
                let known = self.of_type.get(&kind).cloned().unwrap_or_default();
                self.open.entry(kind).or_default().push(receiver);
                self.add(Node::Var(receiver), &known);
            }
        }
        let outside = Sites::from([OUTSIDE]);
        for param in params {
            let basic = self.program.var(param).is_none_or(|var| var.kind == Type::Basic);
            if !basic {
                self.add(Node::Var(param), &outside);
            }
        }
    }
}
