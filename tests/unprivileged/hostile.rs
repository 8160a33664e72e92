//! Damaged executables: a real one, cut down to a few functions (`fuzz/seeds/elf`),
//! is cut off everywhere and has its bytes turned; so has the DWARF of real ones'
//! runtime (`fuzz/seeds/dwarf`), and so have cores (`fuzz/seeds/core`). Whatever comes of it is an error or an answer;
//! never a panic, never a wait.

use std::fs;
use std::time::{Duration, Instant};

use bingo::binary::dwarf::{DwarfError, DwarfSections, RuntimeDwarf};
use bingo::binary::layout::{Members, ReleaseTable, TYPES};
use bingo::binary::{Binary, BinaryError, Unwind};
use bingo::memory::Memory;
use bingo::memory::core_dump::CoreDump;
use bingo::model::{Addr, StaticAddr};
use bingo_tests::workspace;

/// Every so many bytes the file is cut or turned; a prime.
const STEP: usize = 7;
/// How long one damaged file may take, here with seven tests beside it.
const PATIENCE: Duration = Duration::from_secs(5);

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = workspace().join("fuzz/seeds").join(target);
    let folder = fs::read_dir(folder).expect("the seeds are in the tree");
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

/// Those that are named for a release are whole; what crashed once, for what was wrong.
fn is_whole((path, _): &(String, Vec<u8>)) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with("go"))
}

#[test]
fn what_crashed_once_is_answered() {
    let crashes: Vec<_> = seeds("elf").into_iter().filter(|seed| !is_whole(seed)).collect();
    assert!(!crashes.is_empty());
    for (_, bytes) in crashes {
        // An error or an answer.
        let _ = ask(bytes);
    }
}

#[test]
fn the_seeds_are_whole() {
    let seeds: Vec<_> = seeds("elf").into_iter().filter(is_whole).collect();
    assert!(seeds.len() >= 3);
    for (name, bytes) in seeds {
        let count = ask(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(count >= 30, "{name}: {count} functions");
    }
}

#[test]
fn cut_off_anywhere() {
    for (name, bytes) in seeds("elf").into_iter().filter(is_whole) {
        for end in (0..bytes.len()).step_by(STEP) {
            let cut = bytes.get(..end).expect("within the file");
            assert!(ask(cut.to_vec()).is_err(), "{name} cut off at {end} still opens");
        }
    }
}

#[test]
fn bytes_turned_anywhere() {
    for (_, bytes) in seeds("elf") {
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

/// The types of a `dwarf` seed, asked for as the fuzz target does.
fn types(bytes: &[u8]) -> Result<RuntimeDwarf, DwarfError> {
    let start = Instant::now();
    let (lengths, rest) = bytes.split_at(bytes.len().min(12));
    let mut lengths = lengths.as_chunks().0.iter().map(|length| u32::from_le_bytes(*length) as usize);
    let mut rest = rest;
    let mut section = || {
        let (section, behind) = rest.split_at(rest.len().min(lengths.next().unwrap_or(0)));
        rest = behind;
        section
    };
    let (abbrev, str, line_str) = (section(), section(), section());
    let found = RuntimeDwarf::read(DwarfSections { info: rest, abbrev, str, line_str }, TYPES);
    assert!(start.elapsed() < PATIENCE, "took {:?}", start.elapsed());
    found
}

#[test]
fn dwarf_seeds_are_whole() {
    let seeds = seeds("dwarf");
    for column in ReleaseTable::all() {
        let Some((_, bytes)) =
            seeds.iter().find(|(path, _)| path.ends_with(&format!("/go{}", column.name())))
        else {
            continue;
        };
        let found = types(bytes).unwrap();
        for ty in TYPES {
            assert_eq!(found.size(ty.name), column.size(ty.name), "{} of {}", ty.name, column.name());
            for path in ty.paths {
                let (found, expected) = (found.offset(ty.name, path), column.offset(ty.name, path));
                assert_eq!(found, expected, "{}.{path} of {}", ty.name, column.name());
            }
        }
    }
    assert!(seeds.len() >= 3);
}

#[test]
fn dwarf_cut_off_or_turned_anywhere() {
    for (_, bytes) in seeds("dwarf") {
        for (at, turned) in (0..bytes.len()).step_by(STEP).zip([0xff_u8, 0x80, 0x01].into_iter().cycle()) {
            let mut damaged = bytes.clone();
            if let Some(byte) = damaged.get_mut(at) {
                *byte ^= turned;
            }
            // An error or an answer, as for one that is cut off.
            let _ = (types(&damaged), types(bytes.get(..at).expect("within the file")));
        }
    }
}

#[test]
fn what_it_is_instead_is_said() {
    let check = |bytes: &[u8], expect: &str| {
        let error = ask(bytes.to_vec()).unwrap_err().to_string();
        assert!(error.contains(expect), "{error:?} has no {expect:?}");
    };
    let (_, seed) = seeds("elf").remove(0);
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

#[test]
fn cores_cut_off_or_turned_anywhere() {
    let seeds = seeds("core");
    assert!(seeds.len() >= 3);
    for (name, bytes) in seeds {
        let whole = CoreDump::from_bytes(bytes.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(whole.notes().threads.len(), 1, "{name}");
        assert_eq!(whole.problems().is_empty(), !name.ends_with("/cut-off"), "{name}");
        for (at, turned) in (0..bytes.len()).step_by(STEP).zip([0xff_u8, 0x80, 0x01].into_iter().cycle()) {
            let mut damaged = bytes.clone();
            if let Some(byte) = damaged.get_mut(at) {
                *byte ^= turned;
            }
            let cut = bytes.get(..at).expect("within the file").to_vec();
            for core in [damaged, cut].into_iter().filter_map(|bytes| CoreDump::from_bytes(bytes).ok()) {
                for thread in &core.notes().threads {
                    // Bytes, or none.
                    let _ = core.read(thread.registers.sp(), &mut [0; 64]);
                    let _ = core.read(Addr(thread.registers.pc), &mut [0; 8]);
                }
            }
        }
    }
}
