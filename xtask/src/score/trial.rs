//! A program of the corpus, built, run, and analysed by its trace, while it runs, by
//! both, or as a test, as often as asked. In: program and variant. Out: a [`Trial`]: a verdict
//! a run.
//!
//! The traces stay in `score` of the target folder, to be looked at; the next
//! run writes over them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Context;
use bingo_tests::{Assertion, Child, Fixture, GoRelease, Mode, Program, Traced, Variant};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use super::as_test::AsTest;
use super::judge::{By, Finding, Place, Verdict};
use crate::workspace::{output_of, target};

/// How long a program lives: what is wrong shows within a second.
const STAY: Duration = Duration::from_secs(2);

/// How long those live that are to starve, or to wait for long: within three.
const STAY_TO_STARVE: Duration = Duration::from_secs(4);

/// How long a program is watched while it runs.
const WATCHED: Duration = Duration::from_millis(1500);

/// The same where it is to starve: as long as `analyze` watches unless it is told.
const WATCHED_TO_STARVE: Duration = Duration::from_secs(3);

/// How a program ends that raced, by the race detector.
const RACED: i32 = 66;

/// How much later a program has ended, at the latest, on a machine that is busy.
const GRACE: Duration = Duration::from_secs(60);

/// What a program is judged by.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// The trace of a run
    Trace,
    /// The running process
    Live,
    /// What either of the two shows
    Both,
    /// A test that does what the program does, by `bingo run`, without root
    Run,
}

/// What is run.
enum Built {
    Program(Fixture),
    Test(AsTest),
}

/// What trials have in common.
pub(super) struct Bench {
    pub(super) by: Way,
    pub(super) bingo: PathBuf,
    pub(super) release: GoRelease,
    pub(super) runs: u32,
    /// Whether the bugs are left out.
    pub(super) silent: bool,
}

/// What came of a variant of a program.
pub(super) struct Trial {
    pub(super) program: Program,
    pub(super) variant: Variant,
    /// What it asserts.
    pub(super) asserted: Vec<(Place, Assertion)>,
    /// Of each run in which the bug showed, or why there is none.
    pub(super) verdicts: Vec<anyhow::Result<Verdict>>,
    /// Runs in which it did not show.
    pub(super) hidden: usize,
}

/// Tries all of them, several at a time: `at_once`, but for those that starve.
pub(super) fn all(
    bench: &Bench,
    programs: &[Program],
    at_once: usize,
    told: impl Fn(&Trial) + Sync,
) -> anyhow::Result<Vec<Trial>> {
    fs::create_dir_all(traces())?;
    let variants =
        programs.iter().flat_map(|program| program.variants().iter().map(move |one| (program, *one)));
    let variants = variants.filter(|(_, variant)| !bench.silent || *variant != Variant::Bug);
    // What shares a processor with a neighbour starves by that alone.
    let (alone, together): (Vec<_>, Vec<_>) =
        variants.partition(|(program, _)| program.class == "starvation");
    let mut trials = Vec::new();
    for (queue, workers) in [(together, at_once), (alone, 1)] {
        let queue = Mutex::new(queue.into_iter());
        let done = Mutex::new(&mut trials);
        let work = || {
            while let Some((program, variant)) = queue.lock().ok().and_then(|mut queue| queue.next()) {
                let trial = bench.trial(program, variant);
                told(&trial);
                if let Ok(mut done) = done.lock() {
                    done.push(trial);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(work);
            }
        });
    }
    Ok(trials)
}

impl Bench {
    fn trial(&self, program: &Program, variant: Variant) -> Trial {
        let (asserted, verdicts) = match self.prepare(program, variant) {
            Ok((built, asserted)) => {
                let one = |_| self.run(&built, program, variant, &asserted).transpose();
                let verdicts: Vec<_> = (0..self.runs).filter_map(one).collect();
                (asserted, verdicts)
            }
            Err(error) => (Vec::new(), vec![Err(error)]),
        };
        let runs = usize::try_from(self.runs).unwrap_or(usize::MAX);
        let hidden = if asserted.is_empty() { 0 } else { runs - verdicts.len() };
        Trial { program: program.clone(), variant, asserted, verdicts, hidden }
    }

    /// One run; `None` where the bug may stay away, and did.
    fn run(
        &self,
        built: &Built,
        program: &Program,
        variant: Variant,
        asserted: &[(Place, Assertion)],
    ) -> anyhow::Result<Option<Verdict>> {
        let sometimes = program.header(variant)?.sometimes;
        let said = traces().join(program.fixture(variant).replace('/', "-")).with_extension("said");
        let findings = match built {
            Built::Program(fixture) => self.findings(fixture, program, (&said, sometimes))?,
            Built::Test(test) => self.findings_of_test(test, program, (&said, sometimes))?,
        };
        let shows = !sometimes || shows(&fs::read_to_string(&said)?, asserted)?;
        let judge = if self.by == Way::Both { Verdict::of_both } else { Verdict::of };
        Ok(shows.then(|| judge(asserted, &findings)))
    }

    fn prepare(
        &self,
        program: &Program,
        variant: Variant,
    ) -> anyhow::Result<(Built, Vec<(Place, Assertion)>)> {
        let asserted = program.assertions(variant)?.into_iter();
        let placed = asserted.map(|(file, line, assertion)| (Place { file, line }, assertion));
        if self.by == Way::Run {
            let test = AsTest::of(program, variant)?;
            let asserted = placed.map(|(place, assertion)| test.asserted(place, assertion)).collect();
            return Ok((Built::Test(test), asserted));
        }
        let mode = if races(program)? { Mode::Race } else { Mode::Normal };
        let fixture = Fixture::build(&program.fixture(variant), &self.release, mode)?;
        Ok((Built::Program(fixture), placed.collect()))
    }

    /// What is found in one run of it as a test.
    fn findings_of_test(
        &self,
        test: &AsTest,
        program: &Program,
        (said, stacks): (&Path, bool),
    ) -> anyhow::Result<Vec<Finding>> {
        let race: &[&str] = if races(program)? { &["--race"] } else { &[] };
        let (report, output) = test.run((&self.bingo, race), &self.release, (stay(program).0, stacks))?;
        fs::write(said, output)?;
        Finding::all(By::Test, &report, &test.sources)
    }

    /// What is found in one run.
    fn findings(
        &self,
        fixture: &Fixture,
        program: &Program,
        (said, stacks): (&Path, bool),
    ) -> anyhow::Result<Vec<Finding>> {
        let (stay, watched) = stay(program);
        let mut findings = Vec::new();
        File::create(said)?;
        if self.by != Way::Live {
            let trace = said.with_extension("trace");
            trace_of(fixture, &trace, (said, stacks), stay)?;
            let report = output_of(self.analyze().arg(&trace))?;
            findings.extend(Finding::all(By::Trace, &report, &fixture.sources)?);
        }
        if self.by != Way::Trace {
            let lives = stay + GRACE;
            let mut command = Command::new(&fixture.path);
            command
                .env("BINGO_STAY", format!("{}ms", lives.as_millis()))
                .stderr(File::options().create(true).append(true).open(said)?);
            let mut child = Child::spawn(&mut command)?;
            std::thread::sleep(stay.saturating_sub(watched));
            let mut analyze = self.analyze();
            analyze.arg(child.pid().to_string()).arg(format!("--duration={}ms", watched.as_millis()));
            findings.extend(Finding::all(By::Live, &output_of(&mut analyze)?, &fixture.sources)?);
            if stacks {
                let pid = Pid::from_raw(i32::try_from(child.pid())?);
                signal::kill(pid, Signal::SIGQUIT).context("SIGQUIT")?;
                child.wait(GRACE)?;
            }
        }
        // What is no report of a race is no input.
        if fixture.mode == Mode::Race && fs::read_to_string(said)?.contains("DATA RACE") {
            let report = output_of(self.analyze().arg(said))?;
            findings.extend(Finding::all(By::RaceDetector, &report, &fixture.sources)?);
        }
        Ok(findings)
    }

    fn analyze(&self) -> Command {
        let mut analyze = Command::new(&self.bingo);
        analyze.args(["analyze", "--format", "json", "--fail-on", "never"]);
        analyze
    }
}

/// How long a program lives, and is watched of that.
fn stay(program: &Program) -> (Duration, Duration) {
    match program.class {
        "starvation" => (STAY_TO_STARVE, WATCHED_TO_STARVE),
        _ => (STAY, WATCHED),
    }
}

/// Whether the race detector is asked: of both twins, where the bug is a race.
fn races(program: &Program) -> anyhow::Result<bool> {
    let wants = |assertion: &Assertion| match assertion {
        Assertion::Want { types, .. } => types.contains(&"data_race"),
        Assertion::May { .. } => false,
    };
    let bug = program.variants().iter().copied().find(|variant| *variant == Variant::Bug);
    let asserted = bug.map(|bug| program.assertions(bug)).transpose()?;
    Ok(asserted.into_iter().flatten().any(|(_, _, assertion)| wants(&assertion)))
}

/// Whether all that is asserted of who waits for good was so, by what a program has
/// said of its goroutines.
fn shows(said: &str, asserted: &[(Place, Assertion)]) -> anyhow::Result<bool> {
    let begin = said.find("goroutine ").context("it has not said what its goroutines do")?;
    let blocks = said.get(begin..).unwrap_or_default().split("\n\n");
    let text: Vec<&str> = blocks.filter(|block| block.starts_with("goroutine ")).collect();
    let goroutines = Traced::parse(&text.join("\n\n"))?;
    let is_at = |one: &Traced, place: &Place| {
        let own = one
            .frames
            .iter()
            .find(|frame| Some(Path::new(&frame.file).parent()) == Some(place.file.parent()));
        own.is_some_and(|frame| Path::new(&frame.file) == place.file && frame.line == u64::from(place.line))
    };
    Ok(asserted.iter().all(|(place, assertion)| match assertion {
        Assertion::Want { count, .. } => {
            count.fits(goroutines.iter().filter(|one| is_at(one, place)).count())
        }
        Assertion::May { .. } => true,
    }))
}

/// Runs a program to the end of its stay. `said` is what it says meanwhile, its
/// `stacks` in the end if that is asked for.
fn trace_of(
    fixture: &Fixture,
    trace: &Path,
    (said, stacks): (&Path, bool),
    stay: Duration,
) -> anyhow::Result<()> {
    let mut command = Command::new(&fixture.path);
    command.env("BINGO_TRACE", trace).env("BINGO_STAY", format!("{}ms", stay.as_millis()));
    if stacks {
        command.env("BINGO_STACKS", "1");
    }
    let mut child = Child::spawn(command.stderr(File::create(said)?))?;
    let status = child.wait(stay + GRACE).context("under its tracer")?;
    let raced = fixture.mode == Mode::Race && status.code() == Some(RACED);
    anyhow::ensure!(status.success() || raced, "it ended with {status} under its tracer");
    Ok(())
}

fn traces() -> PathBuf {
    target().join("score")
}
