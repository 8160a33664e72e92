//! What Bingo reads out of an executable against what the runtime in it says of
//! itself: the program `symbols` prints its stacks and, for every few bytes of
//! its code, the innermost function, file and line.

use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use bingo::binary::{Binary, FuncId, Symbolizer};
use bingo::model::{Addr, Frame, LoadBias, Pc, StaticAddr};
use bingo_tests::{Fixture, Mode, release_or_skip};

/// Every so many bytes of code are compared; a prime, so that all alignments occur.
const STEP: usize = 29;

fn check(minor: u32, modes: &[Mode]) {
    let Some(release) = release_or_skip(&format!("symbols::go_1_{minor}"), minor) else { return };
    for &mode in modes {
        let compared = Fixture::build("symbols", &release, mode).and_then(|fixture| compare(&fixture));
        compared.unwrap_or_else(|error| panic!("Go {} {mode:?}: {error:#}", release.version));
    }
}

const PLAIN: [Mode; 4] = [Mode::Normal, Mode::Stripped, Mode::Pie, Mode::StrippedPie];

#[test]
fn go_1_19() {
    check(19, &PLAIN);
}

#[test]
fn go_1_21() {
    check(21, &PLAIN);
}

#[test]
fn go_1_22() {
    check(22, &PLAIN);
}

#[test]
fn go_1_23() {
    check(23, &PLAIN);
}

#[test]
fn go_1_24() {
    check(24, &PLAIN);
}

#[test]
fn go_1_25() {
    check(25, &PLAIN);
}

#[test]
fn go_1_26() {
    check(26, &PLAIN);
}

#[test]
fn go_1_27() {
    check(27, &PLAIN);
}

#[test]
fn race_1_19() {
    check(19, &[Mode::Race]);
}

#[test]
fn race_1_27() {
    check(27, &[Mode::Race]);
}

fn compare(fixture: &Fixture) -> anyhow::Result<()> {
    let binary = Arc::new(Binary::open(&fixture.path)?);
    ensure!(binary.build_info().go_version.minor == fixture.release.minor, "{:?}", binary.build_info());
    ensure!(binary.is_pie() == matches!(fixture.mode, Mode::Pie | Mode::StrippedPie));
    version_without_build_info(fixture)?;
    let main = binary.functions().function_named("main.main").context("no main.main")?;
    let text = binary.module_data();
    let said = Command::new(&fixture.path)
        .args([main.entry, text.text, text.etext].map(|address| format!("{:x}", address.0)))
        .arg(format!("{STEP:x}"))
        .output()?;
    ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let said = String::from_utf8(said.stdout)?;
    // The program took the bias off its addresses.
    let symbolizer = Symbolizer::new(Arc::clone(&binary), LoadBias(0));
    let stacks = compare_stacks(&symbolizer, &said)?;
    let addresses = compare_runs(&symbolizer, &said)?;
    ensure!(stacks >= 15 && addresses > 10_000, "only {stacks} stacks, {addresses} addresses");
    Ok(())
}

/// Some programs leave their build information out; the runtime still knows.
fn version_without_build_info(fixture: &Fixture) -> anyhow::Result<()> {
    let magic = b"\xff Go buildinf:";
    let mut bytes = std::fs::read(&fixture.path)?;
    let places: Vec<usize> = bytes
        .windows(magic.len())
        .enumerate()
        .filter(|(_, at)| at == magic)
        .map(|(place, _)| place)
        .collect();
    ensure!(!places.is_empty(), "no build information to leave out");
    for place in places {
        bytes.get_mut(place..place + magic.len()).context("within the file")?.fill(0);
    }
    let built = Binary::from_bytes(bytes)?.build_info().clone();
    ensure!(
        built.settings.is_empty() && built.go_version.text.ends_with(&fixture.release.version),
        "{built:?}"
    );
    Ok(())
}

/// What a line says of a frame.
#[derive(PartialEq, Eq, Debug)]
struct Said<'t> {
    function: &'t str,
    file: &'t str,
    line: u32,
}

impl<'t> Said<'t> {
    fn parse(words: &[&'t str]) -> anyhow::Result<Said<'t>> {
        let &[function, file, line] = words else { bail!("not a frame: {words:?}") };
        // The runtime's words for a file that it does not know.
        let file = if file == "?" { "" } else { file };
        Ok(Said { function, file, line: line.parse()? })
    }

    fn of(frame: &'t Frame) -> Said<'t> {
        Said { function: &frame.function, file: &frame.file, line: frame.line }
    }
}

/// Compares the stacks; how many there were. The runtime prints an address for
/// each call, inlined or not: the first of each frame has to give all its calls.
fn compare_stacks(symbolizer: &Symbolizer, said: &str) -> anyhow::Result<usize> {
    let mut count = 0;
    for stack in said.split("S\t").skip(1) {
        let mut frames = Vec::new();
        for line in stack.lines().skip(1) {
            let words: Vec<&str> = line.split('\t').collect();
            if let ["F", pc, said @ ..] = &words[..] {
                frames.push((u64::from_str_radix(pc, 16)?, Said::parse(said)?));
            }
        }
        let mut pcs = Vec::new();
        let mut found = symbolizer.stack(&pcs);
        while let Some((pc, _)) = frames.get(found.frames().len()) {
            pcs.push(Pc::Return(Addr(*pc)));
            let more = symbolizer.stack(&pcs);
            ensure!(more.frames().len() > found.frames().len(), "no call at {pc:#x}");
            found = more;
        }
        let name = stack.lines().next().unwrap_or_default();
        let found: Vec<Said<'_>> = found.frames().iter().map(Said::of).collect();
        let said: Vec<Said<'_>> = frames.into_iter().map(|(_, said)| said).collect();
        ensure!(found == said, "stack {name:?}:\nfound {found:#?}\nsaid {said:#?}");
        count += 1;
    }
    Ok(count)
}

/// Compares the innermost frames; how many addresses there were.
fn compare_runs(symbolizer: &Symbolizer, said: &str) -> anyhow::Result<usize> {
    let mut count = 0;
    for line in said.lines().filter(|line| line.starts_with("R\t")) {
        let words: Vec<&str> = line.split('\t').collect();
        let ["R", first, last, said @ ..] = &words[..] else { bail!("not a run: {line}") };
        let said = Said::parse(said)?;
        let run = u64::from_str_radix(first, 16)?..=u64::from_str_radix(last, 16)?;
        for address in run.step_by(STEP) {
            let frames = symbolizer.frames(Pc::Instruction(Addr(address)));
            let table = symbolizer.binary().functions();
            let function = table.function_at(StaticAddr(address)).context("no function")?;
            if function.end.0 == address + 1 {
                // The return address that was asked for is another function's entry.
                continue;
            }
            match frames.first() {
                Some(frame) => {
                    let mut found = Said::of(frame);
                    if said.function.is_empty() {
                        // The runtime takes the first name of its table for none.
                        found.function = "";
                    }
                    ensure!(found == said, "{address:#x}: {frame:?}, said {said:?}");
                }
                // A wrapper has a name and no frame.
                None => ensure!(function.func_id == FuncId::Wrapper, "{address:#x}: no frame, said {said:?}"),
            }
            count += 1;
        }
    }
    Ok(count)
}
