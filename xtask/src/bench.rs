//! `cargo xtask bench live|trace|detect`: what watching costs, and what it misses; how
//! fast traces are read, and in how much memory; how fast a program is judged.
//!
//! Out: a line a figure: name, value, unit, target, ok; `--json` makes each an
//! object. Where a ratio is asked, both sides are measured in turn in one run,
//! and their medians compared. No test asserts on any of it.

mod bursts;
mod detect;
mod events;
mod harm;
mod hit;
mod overhead;
mod snapshot;
mod trace;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use bingo_tests::{Child, Fixture, GoRelease, Mode};

use crate::workspace::{cargo, is_root, target};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to measure
    #[arg(value_enum)]
    what: What,
    /// Measure these figures alone (the beginning of their names)
    only: Vec<String>,
    /// An object a figure
    #[arg(long)]
    json: bool,
    /// Attach and detach so often
    #[arg(long, default_value_t = 1000)]
    rounds: u32,
    /// Repeat each side of a ratio so often
    #[arg(long, default_value_t = 5)]
    turns: u32,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    /// Attaching to a process that runs
    Live,
    /// Reading execution traces, beside Go's own reader
    Trace,
    /// Judging what is known of a program
    Detect,
}

/// One measured figure.
struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    /// What is asked.
    target: Target,
}

/// What is asked of a figure.
#[derive(Clone, Copy)]
enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Figure {
    fn at_most(target: f64, name: &'static str, value: f64, unit: &'static str) -> Figure {
        Figure { name, value, unit, target: Target::AtMost(target) }
    }

    fn at_least(target: f64, name: &'static str, value: f64, unit: &'static str) -> Figure {
        Figure { name, value, unit, target: Target::AtLeast(target) }
    }

    fn ok(&self) -> bool {
        match self.target {
            Target::AtMost(most) => self.value <= most,
            Target::AtLeast(least) => self.value >= least,
        }
    }

    fn print(&self, json: bool) {
        let Figure { name, value, unit, target } = self;
        let (sign, target) = match target {
            Target::AtMost(most) => ("<=", most),
            Target::AtLeast(least) => (">=", least),
        };
        if json {
            let ok = self.ok();
            println!(
                r#"{{"name":"{name}","value":{value:.4},"unit":"{unit}","target":"{sign}{target}","ok":{ok}}}"#
            );
        } else {
            let ok = if self.ok() { "ok" } else { "MISSED" };
            println!("{name:<34} {value:>12.3} {unit:<10} {sign} {target:<8} {ok}");
        }
    }
}

/// What the benchmarks have in common.
struct Bench {
    bingo: PathBuf,
    release: GoRelease,
    rounds: u32,
    turns: u32,
}

/// A group of figures that one run yields.
type Group = (&'static [&'static str], fn(&Bench) -> anyhow::Result<Vec<Figure>>);

const LIVE: &[Group] = &[
    (&["dump_100k", "tick_gap"], snapshot::run),
    (&["hit_cost"], hit::run),
    (&["pingpong_loss"], overhead::ping_pong),
    (&["pingpong_overhead"], bursts::overhead_error),
    (&["parkers"], overhead::parkers),
    (&["latency"], events::latency),
    (&["events_lost"], events::lost),
    (&["killed"], harm::killed),
    (&["rounds"], harm::rounds),
];

const TRACE: &[Group] = &[
    (&["trace_speed", "trace_one_core", "trace_memory"], trace::beside_go),
    (&["trace_growth"], trace::growth),
    (&["trace_linear"], trace::linear),
];

const DETECT: &[Group] =
    &[(&["detect_cycle", "detect_pairs", "detect_million", "detect_memory"], detect::run)];

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let groups = match arguments.what {
        What::Live => {
            anyhow::ensure!(is_root(), "live figures need root, to read other processes and to load probes");
            LIVE
        }
        What::Trace => TRACE,
        What::Detect => DETECT,
    };
    let built = cargo().args(["build", "--quiet", "--release", "--package", "bingo"]).status()?;
    anyhow::ensure!(built.success(), "Bingo did not build");
    let release = GoRelease::newest().context("no Go is installed: run `cargo xtask setup`")?;
    let (rounds, turns) = (arguments.rounds, arguments.turns);
    let bench = Bench { bingo: target().join("release/bingo"), release, rounds, turns };

    let mut missed = 0;
    for (names, measure) in groups {
        let asked = |one: &String| names.iter().any(|name| name.starts_with(one.as_str()));
        if !arguments.only.is_empty() && !arguments.only.iter().any(asked) {
            continue;
        }
        eprintln!("measuring {} …", names.join(", "));
        match measure(&bench) {
            Ok(figures) => {
                figures.iter().for_each(|figure| figure.print(arguments.json));
                missed += figures.iter().filter(|figure| !figure.ok()).count();
            }
            Err(error) => {
                eprintln!("{}: not measured: {error:#}", names.join(", "));
                missed += 1;
            }
        }
    }
    anyhow::ensure!(missed == 0, "{missed} figures miss their target");
    Ok(())
}

impl Bench {
    /// Starts a program of `testdata/programs/bench`.
    fn target(&self, program: &str, arguments: &[&str]) -> anyhow::Result<Child> {
        let fixture = Fixture::build(&format!("bench/{program}"), &self.release, Mode::Normal)?;
        Child::start(&fixture, arguments)
    }

    /// Starts `bingo attach` on a process; it lives until it is dropped.
    fn attach(&self, pid: u32, arguments: &[&str]) -> anyhow::Result<Child> {
        let mut attach = Command::new(&self.bingo);
        attach.args(["attach", &pid.to_string()]).args(arguments).stderr(Stdio::null());
        Child::spawn(&mut attach)
    }
}

/// The number behind `key=` in a line of a program.
fn number(line: &str, key: &str) -> anyhow::Result<f64> {
    let mut words = line.split_whitespace();
    let value = words.find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    value
        .with_context(|| format!("no {key} in `{line}`"))?
        .parse()
        .with_context(|| format!("{key} in `{line}`"))
}

/// The middle one; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The value that a share of all (0 to 1) does not exceed; 0 of none.
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let below = values.len().saturating_sub(1);
    let at = (0..=below).find(|&at| at as f64 >= share * below as f64).unwrap_or(below);
    values.get(at).copied().unwrap_or(0.0)
}

/// Lets time pass: benchmarks measure by the clock, nothing is waited for.
fn pass(seconds: f64) {
    std::thread::sleep(Duration::from_secs_f64(seconds));
}

/// The last line that a program has written up to now.
fn newest_line(child: &mut Child) -> anyhow::Result<String> {
    while child.line(Duration::ZERO).is_ok() {}
    child.line(Duration::from_secs(10))
}

/// The CPU time of a process so far, in seconds.
fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let behind_name = stat.rsplit_once(')').context("no name in stat")?.1;
    let ticks: Vec<f64> = behind_name.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
    // USER_HZ is 100 on every Linux.
    Ok(ticks.iter().sum::<f64>() / 100.0)
}
