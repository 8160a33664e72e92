//! Core files: those that gdb's `gcore` writes of a stopped process are to give the
//! answers that the process itself gives, and those of the kernel of one that died
//! too; and a clear word where a core or its program is not what it should be.
//!
//! Each core is made for its test and removed with it: gdb's hold a GB of empty
//! address space.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::Context;
use bingo_tests::{
    Child, Fixture, GoRelease, Mode, bingo_bin, live_or_skip, release_or_skip, skip, target_dir, wait_until,
};
use serde_json::Value;

use crate::agreement::{self, PATIENCE};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> anyhow::Result<Folder> {
        let folder = target_dir().join("cores").join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn signal(pid: u32, name: &str) -> anyhow::Result<()> {
    let status = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status()?;
    anyhow::ensure!(status.success(), "kill -{name} {pid}: {status}");
    Ok(())
}

/// Has gdb write the core of a process that is stopped.
fn gcore(pid: u32, folder: &Folder) -> anyhow::Result<PathBuf> {
    let prefix = folder.0.join("core");
    let output = Command::new("gcore").arg("-o").arg(&prefix).arg(pid.to_string()).output();
    let output = output.context("gcore is not installed (cargo xtask setup)")?;
    let core = folder.0.join(format!("core.{pid}"));
    anyhow::ensure!(core.is_file(), "gcore: {}", String::from_utf8_lossy(&output.stderr));
    Ok(core)
}

/// Why the kernel does not write cores into a process's own folder here, if it does not.
fn piped() -> Option<String> {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    let pattern = pattern.trim();
    (pattern != "core").then(|| format!("kernel.core_pattern is {pattern:?}, not \"core\""))
}

/// Starts a program that leaves a core when it dies.
fn dying(fixture: &Fixture, folder: &Folder) -> anyhow::Result<Child> {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c unlimited && exec \"$0\""]).arg(&fixture.path);
    command.current_dir(&folder.0).env("GOTRACEBACK", "crash").stderr(Stdio::null());
    Child::spawn(&mut command)
}

/// The core of a process that is about to die.
fn kernels_core(child: &mut Child, folder: &Folder) -> anyhow::Result<PathBuf> {
    child.wait(PATIENCE)?;
    let is_core =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("core"));
    let find = || fs::read_dir(&folder.0).ok()?.flatten().map(|entry| entry.path()).find(is_core);
    wait_until(PATIENCE, "a core of the kernel's", find)
}

fn bingo(arguments: &[&str]) -> anyhow::Result<Output> {
    Ok(Command::new(bingo_bin()?).args(arguments).output()?)
}

fn dump(core: &Path) -> anyhow::Result<Value> {
    let output = bingo(&["dump", "--all", "--format", "json", &core.display().to_string()])?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "bingo dump: {}: {said}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The goroutines of a dump by id, without what depends on the time of asking.
fn goroutines(dump: &Value) -> anyhow::Result<BTreeMap<u64, Value>> {
    let list = dump["goroutines"].as_array().context("no goroutines")?;
    list.iter()
        .map(|goroutine| {
            let id = goroutine["id"].as_u64().context("no id")?;
            let mut goroutine = goroutine.clone();
            goroutine.as_object_mut().context("no object")?.remove("blocked_for_ns");
            Ok((id, goroutine))
        })
        .collect()
}

/// What differs between what was seen live and in a core. A goroutine that runs has
/// its stack in a core alone.
fn compare(live: &Value, core: &Value, but: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
    let (live, mut core) = (goroutines(live)?, goroutines(core)?);
    for (id, expected) in &live {
        let mut found = core.remove(id).with_context(|| format!("goroutine {id} is not in the core"))?;
        if but(expected) {
            continue;
        }
        if expected["state"] == "running" {
            let stack = found.get_mut("stack").context("no stack")?;
            let calls = std::mem::replace(stack, expected["stack"].clone());
            anyhow::ensure!(calls != *stack, "no stack of {id}, which runs");
        }
        anyhow::ensure!(found == *expected, "live {expected}\ncore {found}");
    }
    anyhow::ensure!(core.is_empty(), "in the core alone: {:?}", core.keys());
    Ok(())
}

/// What is found, in words that do not depend on the time of asking.
fn findings(output: &Output) -> anyhow::Result<Vec<String>> {
    let report: &Value = &serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let bugs = report["bugs"].as_array().context("no bugs")?;
    let mut found: Vec<String> = bugs
        .iter()
        .filter(|bug| bug["confidence"] == "proven")
        .map(|bug| {
            let steps = bug["cycle"].as_array().into_iter().flatten();
            let steps: Vec<String> = steps.map(ToString::to_string).collect();
            format!("{} {} {} {} {steps:?}", bug["id"], bug["title"], bug["goroutines"], bug["blocked_on"])
        })
        .collect();
    found.sort();
    Ok(found)
}

/// A program of the corpus, and whether something is proven of it.
const ANALYZED: [(&str, bool); 4] = [
    ("leak/generator_abandoned/bug", true),
    ("leak/generator_abandoned/fixed", false),
    ("resource/abba_ring/bug", true),
    ("resource/abba_ring/fixed", false),
];

macro_rules! gdbs_cores {
    ($($test:ident: $minor:literal, $mode:ident;)*) => {
        $(#[test]
        fn $test() -> anyhow::Result<()> {
            let test = concat!("cores::", stringify!($test));
            let release = live_or_skip(test).then(|| release_or_skip(test, $minor)).flatten();
            release.map_or(Ok(()), |release| as_live(&release, Mode::$mode, test))
        })*
    };
}

gdbs_cores! {
    gdbs_core_of_1_19: 19, Pie;
    gdbs_core_of_1_23: 23, StrippedPie;
    gdbs_core_of_1_27: 27, Normal;
}

/// The dump of a stopped process, and that of its core.
fn as_live(release: &GoRelease, mode: Mode, test: &str) -> anyhow::Result<()> {
    let folder = Folder::new(&test.replace("::", "-"))?;
    let mut child = Child::start(&Fixture::build("waits", release, mode)?, &[])?;
    child.line(PATIENCE)?;
    signal(child.pid(), "STOP")?;
    let live = &agreement::dump_all(child.pid())?;
    let core = &dump(&gcore(child.pid(), &folder)?)?;
    for key in ["pid", "go_version", "binary"] {
        anyhow::ensure!(live[key] == core[key], "{key}: {} and {}", live[key], core[key]);
    }
    anyhow::ensure!(core["problems"].as_array().is_none_or(Vec::is_empty), "{}", core["problems"]);
    compare(live, core, |_| false)
}

#[test]
fn what_is_proven_of_a_process_is_of_its_core() -> anyhow::Result<()> {
    let test = "cores::what_is_proven_of_a_process_is_of_its_core";
    let release = live_or_skip(test).then(|| release_or_skip(test, 26)).flatten();
    let Some(release) = release else { return Ok(()) };
    for (program, bug) in ANALYZED {
        let folder = Folder::new("proven")?;
        let fixture = Fixture::build(program, &release, Mode::Normal)?;
        let child = Child::spawn(Command::new(&fixture.path).env("BINGO_STAY", "60s").stderr(Stdio::null()))?;
        std::thread::sleep(Duration::from_millis(1500));
        signal(child.pid(), "STOP")?;
        let live = bingo(&["analyze", &child.pid().to_string(), "--duration", "500ms", "--format", "json"])?;
        let core = gcore(child.pid(), &folder)?.display().to_string();
        let core = bingo(&["analyze", &core, "--format", "json"])?;
        let (live, core) = (findings(&live)?, findings(&core)?);
        anyhow::ensure!(live == core, "{program}\nlive {live:#?}\ncore {core:#?}");
        anyhow::ensure!(core.is_empty() != bug, "{program}: {core:#?}");
    }
    Ok(())
}

#[test]
fn the_kernels_core_of_every_release() -> anyhow::Result<()> {
    let test = "cores::the_kernels_core_of_every_release";
    if !live_or_skip(test) {
        return Ok(());
    }
    if let Some(why) = piped() {
        skip(test, &why);
        return Ok(());
    }
    let modes = [Mode::Normal, Mode::Pie, Mode::StrippedPie, Mode::Stripped, Mode::Cgo];
    for (minor, mode) in GoRelease::SUPPORTED.into_iter().zip(modes.into_iter().cycle()) {
        let Some(release) = release_or_skip(test, minor) else { continue };
        let folder = Folder::new(&format!("kernel-{minor}"))?;
        let mut child = dying(&Fixture::build("waits", &release, mode)?, &folder)?;
        child.line(PATIENCE)?;
        let live = agreement::dump_all(child.pid())?;
        signal(child.pid(), "QUIT")?;
        let core = dump(&kernels_core(&mut child, &folder)?)?;
        // Who waited for nothing in Go may have gone on; the runtime's own did.
        let moved = |one: &Value| one["state"] != "blocked" || one["system"] == true;
        compare(&live, &core, moved).with_context(|| format!("go1.{minor} {mode:?}"))?;
    }
    Ok(())
}

#[test]
fn a_goroutine_that_ran_has_its_stack() -> anyhow::Result<()> {
    let test = "cores::a_goroutine_that_ran_has_its_stack";
    if !live_or_skip(test) {
        return Ok(());
    }
    if let Some(why) = piped() {
        skip(test, &why);
        return Ok(());
    }
    for minor in [19, 22, 27] {
        let Some(release) = release_or_skip(test, minor) else { continue };
        let folder = Folder::new(&format!("ran-{minor}"))?;
        let mut child = dying(&Fixture::build("runs", &release, Mode::Normal)?, &folder)?;
        child.line(PATIENCE)?;
        // One computes, one panics; the runtime stops all with a signal.
        child.send("panic")?;
        let core = &dump(&kernels_core(&mut child, &folder)?)?;
        let stack_of = |function: &str| {
            let all = core["goroutines"].as_array().into_iter().flatten();
            let calls = all.map(|one| {
                let calls = one["stack"].as_array().into_iter().flatten();
                calls.map(|call| call["function"].as_str().unwrap_or_default().to_owned()).collect()
            });
            calls.into_iter().find(|calls: &Vec<String>| calls.iter().any(|call| call == function))
        };
        for (leaf, outer) in [("main.turn", "main.compute"), ("main.fail", "main.main")] {
            let stack = stack_of(leaf).with_context(|| format!("go1.{minor}: {leaf} in {core:#}"))?;
            anyhow::ensure!(stack.iter().any(|call| call == outer), "go1.{minor}: {stack:?}");
        }
    }
    Ok(())
}

#[test]
fn what_is_wrong_is_said() -> anyhow::Result<()> {
    let test = "cores::what_is_wrong_is_said";
    let release = live_or_skip(test).then(|| release_or_skip(test, 27)).flatten();
    let Some(release) = release else { return Ok(()) };
    let folder = Folder::new("wrong")?;
    let fixture = Fixture::build("waits", &release, Mode::Normal)?;
    let copy = folder.0.join("waits");
    fs::copy(&fixture.path, &copy)?;
    let mut child = Child::spawn(&mut Command::new(&copy))?;
    child.line(PATIENCE)?;
    signal(child.pid(), "STOP")?;
    let core = gcore(child.pid(), &folder)?;
    let core = core.to_str().context("a path in UTF-8")?;
    child.kill();
    let check = |arguments: &[&str], words: &[&str]| {
        let output = bingo(arguments)?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.code() == Some(2), "{arguments:?}: {}: {said}", output.status);
        for word in words {
            anyhow::ensure!(said.contains(word), "{arguments:?} does not say {word:?}: {said}");
        }
        Ok(())
    };
    fs::remove_file(&copy)?;
    check(&["dump", core], &["its program", "cannot be opened", "--binary FILE"])?;
    let program = fixture.path.to_str().context("a path in UTF-8")?;
    anyhow::ensure!(bingo(&["dump", core, "--binary", program])?.status.success(), "--binary is not taken");
    let other = Fixture::build("waits", &release, Mode::Pie)?;
    let other = other.path.to_str().context("a path in UTF-8")?;
    check(
        &["dump", core, "--binary", other],
        &["the core is not of", "its build id is", "that of the file is"],
    )?;
    check(&["analyze", core, "--binary", "/bin/true"], &["/bin/true: not a Go program"])?;
    check(&["dump", program], &["is a program, no core file of one"])?;

    let file = |name: &str, bytes: &[u8]| -> anyhow::Result<String> {
        let path = folder.0.join(name);
        fs::write(&path, bytes)?;
        Ok(path.display().to_string())
    };
    let names_a_core = "name a core file, or a process by its number";
    for (name, bytes, says) in
        [("empty", &b""[..], "is empty"), ("odd", &b"\xff\xfe\x00\x01"[..], "is no core file")]
    {
        let file = file(name, bytes)?;
        check(&["dump", &file], &[says, names_a_core])?;
        check(&["inspect", &file, "1"], &[says, names_a_core])?;
    }
    check(&["export", program, "--to", "folded"], &["is a program", "go test -trace"])?;
    check(
        &["dump", &file("core.zst", b"\x28\xb5\x2f\xfd1234")?],
        &["compressed by zstd", "coredumpctl dump"],
    )?;
    check(&["analyze", &file("core.lz4", b"\x04\x22\x4d\x18")?], &["compressed by lz4", "lz4 -d"])?;
    check(
        &["dump", &folder.0.join("nothing").display().to_string()],
        &["cannot be opened", "pgrep -a NAME"],
    )?;
    let mut start = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(fs::File::open(core)?, 64), &mut start)?;
    *start.get_mut(18).context("a whole header")? = 183;
    check(&["dump", &file("arm", &start)?], &["a core file of an arm64 program"])?;
    check(
        &["dump", &file("cut", start.get(..40).context("a whole header")?)?],
        &["the core file is cut off"],
    )?;

    // Memory is missing: what is there is told, and what is not.
    let cut = folder.0.join("core.cut");
    fs::rename(core, &cut)?;
    let cut_file = fs::OpenOptions::new().write(true).open(&cut)?;
    cut_file.set_len(cut_file.metadata()?.len() / 2)?;
    let output = bingo(&["dump", cut.to_str().context("UTF-8")?, "--binary", program, "--format", "json"])?;
    let dump: &Value = &serde_json::from_slice(&output.stdout).with_context(|| format!("{output:?}"))?;
    let problems = dump["problems"].to_string();
    anyhow::ensure!(problems.contains("bytes of memory are missing"), "{problems}");
    Ok(())
}

#[test]
fn a_c_programs_core() -> anyhow::Result<()> {
    let test = "cores::a_c_programs_core";
    if !live_or_skip(test) {
        return Ok(());
    }
    let folder = Folder::new("c")?;
    let child = Child::spawn(Command::new("sleep").arg("100"))?;
    let exe = format!("/proc/{}/exe", child.pid());
    wait_until(PATIENCE, "sleep", || fs::read_link(&exe).ok().filter(|exe| exe.ends_with("sleep")))?;
    let output = bingo(&["dump", &gcore(child.pid(), &folder)?.display().to_string()])?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.code() == Some(2) && said.contains("not a Go program"), "{said}");
    Ok(())
}
