//! Which input each finding comes from. In: what each input is called, in the
//! order in which they were analysed. Out: in how many of them a finding came.

use std::collections::BTreeMap;
use std::fmt;

/// An input that was analysed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// What was run, or read: a package's import path, a file's name. Runs of the
    /// same thing have the same name.
    pub name: String,
    /// The number of processors that it was run with, if that was asked for.
    pub procs: Option<u32>,
    /// Which of several runs with as many processors it is, from 1 on.
    pub nth: Option<u32>,
}

/// The inputs, and the findings of each.
#[derive(Clone, Default, Debug)]
pub struct Runs {
    all: Vec<Run>,
    found: BTreeMap<String, Vec<usize>>,
}

/// Where a finding came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Occurrence<'a> {
    /// The inputs that it came in, by their places among all.
    pub places: &'a [usize],
    /// How many runs there were of what it came in.
    pub of: usize,
    /// What these are called, each once.
    pub names: Vec<&'a str>,
    /// The numbers of processors it came with, where several were tried.
    pub procs: Vec<u32>,
}

impl Run {
    /// A run of what is called `name`.
    #[must_use]
    pub fn of(name: impl Into<String>) -> Run {
        Run { name: name.into(), procs: None, nth: None }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(procs) = self.procs {
            write!(f, " -cpu={procs}")?;
        }
        if let Some(nth) = self.nth {
            write!(f, " #{nth}")?;
        }
        Ok(())
    }
}

impl Runs {
    /// One run with findings of these ids.
    pub(super) fn one<'a>(run: Run, found: impl Iterator<Item = &'a str>) -> Runs {
        Runs { all: vec![run], found: found.map(|id| (id.to_owned(), vec![0])).collect() }
    }

    /// Adds those of other inputs behind these.
    pub(super) fn add(&mut self, other: Runs) {
        let before = self.all.len();
        self.all.extend(other.all);
        for (id, places) in other.found {
            self.found.entry(id).or_default().extend(places.iter().map(|place| place + before));
        }
    }

    /// All inputs.
    #[must_use]
    pub fn all(&self) -> &[Run] {
        &self.all
    }

    /// Where the finding `id` came; `None` where there is one input alone.
    #[must_use]
    pub fn of(&self, id: &str) -> Option<Occurrence<'_>> {
        let places = self.found.get(id).filter(|_| self.all.len() > 1)?;
        let came: Vec<&Run> = places.iter().filter_map(|place| self.all.get(*place)).collect();
        let mut names: Vec<&str> = came.iter().map(|run| &*run.name).collect();
        names.sort_unstable();
        names.dedup();
        let tried = |run: &&Run| names.binary_search(&&*run.name).is_ok();
        let processors = |runs: &mut dyn Iterator<Item = &Run>| {
            let mut procs: Vec<u32> = runs.filter_map(|run| run.procs).collect();
            procs.sort_unstable();
            procs.dedup();
            procs
        };
        let several = processors(&mut self.all.iter()).len() > 1;
        let procs = if several { processors(&mut came.iter().copied()) } else { Vec::new() };
        Some(Occurrence { places, of: self.all.iter().filter(tried).count(), names, procs })
    }
}

impl fmt::Display for Occurrence<'_> {
    /// `in 3 of 8 runs, with GOMAXPROCS 1 and 2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Inputs that are named.
        const NAMED: usize = 3;
        let named = self.names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = self.names.len().saturating_sub(NAMED);
        if self.of > self.names.len() {
            write!(f, "in {} of {} runs", self.places.len(), self.of)?;
            if self.names.len() > 1 {
                write!(f, " of {named}")?;
            }
        } else {
            write!(f, "in {named}")?;
        }
        if more > 0 {
            write!(f, " and {more} more")?;
        }
        let procs: Vec<String> = self.procs.iter().map(ToString::to_string).collect();
        match procs.split_last() {
            None => Ok(()),
            Some((only, [])) => write!(f, ", with GOMAXPROCS {only}"),
            Some((last, others)) => write!(f, ", with GOMAXPROCS {} and {last}", others.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `runs`: `name procs ids…`. The answer is what is said of `a`.
    fn check(runs: &[&str], expect: Option<&str>) {
        let mut all = Runs::default();
        for run in runs {
            let mut words = run.split(' ');
            let name = words.next().unwrap().to_owned();
            let procs = words.next().and_then(|word| word.parse().ok());
            all.add(Runs::one(Run { name, procs, nth: None }, words));
        }
        assert_eq!(all.of("a").map(|came| came.to_string()).as_deref(), expect, "{runs:?}");
    }

    #[test]
    fn in_how_many_runs() {
        check(&["x - a"], None);
        check(&["x - b", "y - b"], None);
        check(&["x - a", "x - b", "x - a b"], Some("in 2 of 3 runs"));
        check(&["x 1 a", "x 2", "x 4 a", "x 1"], Some("in 2 of 4 runs, with GOMAXPROCS 1 and 4"));
        check(&["x 1 a", "x 2", "y 1", "y 2"], Some("in 1 of 2 runs, with GOMAXPROCS 1"));
        check(&["x - a", "y - b"], Some("in x"));
        check(&["p - a", "q - a", "r - a", "s - a"], Some("in p, q, r and 1 more"));
        check(&["p - a", "q - a", "p -"], Some("in 2 of 3 runs of p, q"));
    }
}
