//! `cargo xtask score`: what `bingo analyze` finds of the corpus, by trace, live
//! (which needs root), by both, or as a test that `bingo run` runs without root.
//!
//! In: the programs of `testdata/programs` (its README says what they assert),
//! built by the newest Go, run for two seconds each under their tracer (four, and
//! one at a time, in `starvation`); live they are watched for the last 1.5 of
//! them (three). By both, what either shows is scored, and it is
//! said of each miss and of each false alarm whose it is. Where the bug is a race, both
//! twins are built with the race detector, and what that says is scored too. As a test
//! a program is left behind at the end of its stay. Out: a line a class, below it what was not
//! found and each false alarm, by name and line; `--json` makes it an object a
//! program. The traces stay in `score` of the target folder.
//!
//! A program is found in a run if each of its `want`s is: by a finding over `low`
//! of an accepted type that names the line and the right count of goroutines, and
//! proven, if all of these are. Otherwise it is as bad as its worst `want`: `low only`, `wrong` (over `low`,
//! but another type or count at the line, or an accepted type at a line where
//! nothing is asserted) or `missed`. A finding over `low` anywhere else is a false
//! alarm, in the bug, in its fixed twin and in a clean program. Of the lines of a
//! deadlock a report names one, so that the others are judged by the count alone.
//! With `--runs` all columns but the programs count runs, those left out in which a
//! bug that shows sometimes did not, by the program's own goroutines at its end.
//!
//! No figure is asserted: the status is 0 but when something could not be run.

mod as_test;
mod judge;
mod table;
mod trial;

use std::num::NonZero;
use std::path::PathBuf;

use anyhow::Context;
use bingo_tests::{GoRelease, Program};

use crate::workspace::{cargo, target};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Score these programs alone: `first_answer`, `leak/first_answer`
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Score this class alone
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(Program::CLASSES))]
    class: Option<String>,
    /// Leave out the bugs: of their fixed twins and of clean programs nothing is to be said
    #[arg(long)]
    silent: bool,
    /// What to judge them by
    #[arg(long, value_enum, default_value_t = trial::Way::Trace)]
    by: trial::Way,
    /// Run each program so often
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// So many at a time, but for those that starve [default: one a processor]
    #[arg(long)]
    jobs: Option<NonZero<usize>>,
    /// An object a program
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let programs = asked(arguments)?;
    let release = GoRelease::newest().context("no Go is installed: run `cargo xtask setup`")?;
    let (by, runs, silent) = (arguments.by, arguments.runs, arguments.silent);
    let bench = trial::Bench { by, bingo: bingo()?, release, runs, silent };
    let at_once = arguments.jobs.or(std::thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let mut trials = trial::all(&bench, &programs, at_once, |trial| {
        eprintln!("  {}", trial.program.fixture(trial.variant));
    })?;
    let order = |program: &Program| programs.iter().position(|one| one == program);
    trials.sort_by_key(|trial| (order(&trial.program), trial.variant));
    if arguments.json {
        table::print_json(&programs, &trials);
    } else {
        table::print(&trials);
    }
    let broken = trials.iter().flat_map(|trial| &trial.verdicts).filter(|verdict| verdict.is_err()).count();
    anyhow::ensure!(broken == 0, "{broken} runs came to nothing");
    Ok(())
}

/// The programs that the names and the class leave.
fn asked(arguments: &Arguments) -> anyhow::Result<Vec<Program>> {
    let all = Program::all()?;
    let is_named = |program: &Program, name: &str| program.name == name || program.to_string() == name;
    for name in &arguments.names {
        anyhow::ensure!(all.iter().any(|program| is_named(program, name)), "no program {name} in the corpus");
    }
    let names = &arguments.names;
    let programs: Vec<Program> = all
        .into_iter()
        .filter(|program| arguments.class.as_deref().is_none_or(|class| class == program.class))
        .filter(|program| names.is_empty() || names.iter().any(|name| is_named(program, name)))
        .collect();
    anyhow::ensure!(!programs.is_empty(), "none of these is in the class");
    Ok(programs)
}

/// Bingo as it is now, built; `BINGO_BIN` names another one.
fn bingo() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("BINGO_BIN") {
        return Ok(PathBuf::from(path));
    }
    let built = cargo().args(["build", "--quiet", "--package", "bingo"]).status()?;
    anyhow::ensure!(built.success(), "Bingo did not build");
    Ok(target().join("debug/bingo"))
}
