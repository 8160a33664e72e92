//! Damaged executables: a real one, cut down to a few functions (`fuzz/seeds/elf`),
//! is cut off everywhere and has its bytes turned. Whatever comes of it is an
//! error or an answer; never a panic, never a wait.

use std::fs;
use std::time::{Duration, Instant};

use bingo::binary::{Binary, BinaryError, Unwind};
use bingo::model::StaticAddr;
use bingo_tests::workspace;

/// Every so many bytes the file is cut or turned; a prime.
const STEP: usize = 7;
/// How long one damaged file may take, here with seven tests beside it.
const PATIENCE: Duration = Duration::from_secs(5);

fn seeds() -> Vec<(String, Vec<u8>)> {
    let folder = fs::read_dir(workspace().join("fuzz/seeds/elf")).expect("the seeds are in the tree");
    let paths = folder.map(|entry| entry.expect("a folder that can be read").path());
    paths
        .map(|path| (path.display().to_string(), fs::read(&path).expect("a seed that can be read")))
        .collect()
}

/// Asks for everything; how many functions have a name and lines.
fn ask(bytes: Vec<u8>) -> Result<usize, BinaryError> {
    let start = Instant::now();
    let binary = Binary::from_bytes(bytes)?;
    let functions = binary.functions();
    let whole = |function: &bingo::binary::Function<'_>| {
        let last = StaticAddr(function.end.0.saturating_sub(1));
        let calls = function.calls_at(last).len() + function.calls_at(function.entry).len();
        let known = function.unwind_at(function.entry) != Unwind::Unknown;
        let lines = function.line_at(function.entry).is_some();
        (known || lines || calls > 1) && !function.name().is_empty()
    };
    let count = functions.functions().filter(whole).count();
    let _ = functions.function_named("runtime.gopark");
    assert!(start.elapsed() < PATIENCE, "took {:?}", start.elapsed());
    Ok(count)
}

#[test]
fn the_seeds_are_whole() {
    let seeds = seeds();
    assert!(seeds.len() >= 3);
    for (name, bytes) in seeds {
        let count = ask(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(count >= 30, "{name}: {count} functions");
    }
}

#[test]
fn cut_off_anywhere() {
    for (name, bytes) in seeds() {
        for end in (0..bytes.len()).step_by(STEP) {
            let cut = bytes.get(..end).expect("within the file");
            assert!(ask(cut.to_vec()).is_err(), "{name} cut off at {end} still opens");
        }
    }
}

#[test]
fn bytes_turned_anywhere() {
    for (_, bytes) in seeds() {
        for (at, turned) in (0..bytes.len()).step_by(STEP).zip([0xff_u8, 0x80, 0x01].into_iter().cycle()) {
            let mut damaged = bytes.clone();
            if let Some(byte) = damaged.get_mut(at) {
                *byte ^= turned;
            }
            // An error or an answer.
            let _ = ask(damaged);
        }
    }
}

#[test]
fn what_it_is_instead_is_said() {
    let check = |bytes: &[u8], expect: &str| {
        let error = ask(bytes.to_vec()).unwrap_err().to_string();
        assert!(error.contains(expect), "{error:?} has no {expect:?}");
    };
    let (_, seed) = seeds().remove(0);
    let with = |at: usize, value: u8| {
        let mut bytes = seed.clone();
        *bytes.get_mut(at).unwrap() = value;
        bytes
    };
    check(b"", "not an ELF file");
    check(b"#!/bin/sh\n", "not an ELF file");
    check(&seed[..20], "file cut off");
    check(&with(4, 1), "a 32-bit program");
    check(&with(5, 2), "a big-endian program");
    check(&with(16, 4), "a core file, not an executable");
    check(&with(16, 1), "an object file");
    check(&with(18, 183), "a program for arm64");
    check(&fs::read("/bin/ls").unwrap(), "not a Go program");
}
