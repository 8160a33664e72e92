//! `cargo xtask ebpf`: builds the eBPF object that is checked in.
//!
//! In: `bingo-ebpf/src`, `bingo-common/src`, `bingo-ebpf/Cargo.{toml,lock}`, the
//! compiler and the linker that `cargo xtask setup` installs. Out:
//! `bingo-ebpf/object/bingo.bpf.o` and `built-from.txt` beside it, which says
//! what it was built from. `--check` builds into the target folder and compares.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::workspace::{on_path, output_of, root, target, tools};

const TRIPLE: &str = "bpfel-unknown-none";

/// Debian's `rustc-web`, whose `core` for BPF is in `libstd-rust-web-dev-bpf`.
const RUSTC: &str = "/usr/bin/rustc";

/// What the object is built from, below the root.
const SOURCES: [&str; 4] =
    ["bingo-common/src", "bingo-ebpf/Cargo.lock", "bingo-ebpf/Cargo.toml", "bingo-ebpf/src"];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Build into the target folder and compare with the object that is checked in
    #[arg(long)]
    pub(crate) check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let fresh = build()?;
    let fresh_bytes = fs::read(&fresh)?;
    let record = record(&fresh_bytes)?;
    let (object, built_from) = (object_file(), record_file());
    if !arguments.check {
        fs::create_dir_all(object.parent().expect("the object lies in a folder"))?;
        fs::write(&object, &fresh_bytes)?;
        fs::write(&built_from, &record)?;
        println!("{} ({} bytes)\n{record}", object.display(), fresh_bytes.len());
        return Ok(());
    }
    if let Some(stale) = stale()? {
        bail!(stale);
    }
    let recorded = fs::read_to_string(&built_from)?;
    if tools_of(&recorded) == tools_of(&record) {
        ensure!(
            fs::read(&object)? == fresh_bytes,
            "the same compiler and linker made other bytes than {}: compare it with {}",
            object.display(),
            fresh.display()
        );
        println!("{} is what its sources build to, to the byte", object.display());
    } else {
        println!("{} was built by other tools; a fresh one is {}", object.display(), fresh.display());
    }
    Ok(())
}

/// Says what is wrong where the object is not of the sources as they are now.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn stale() -> anyhow::Result<Option<String>> {
    let file = record_file();
    let recorded = fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?;
    let object = fs::read(object_file())?;
    let remedy = "run `cargo xtask ebpf`";
    if line(&recorded, "sources") != Some(&hash_of_sources()?) {
        return Ok(Some(format!("the eBPF object is not of the sources as they are: {remedy}")));
    }
    if line(&recorded, "object") != Some(&hex(fnv1a(FNV_START, &object))) {
        return Ok(Some(format!("the eBPF object is not the one that was built: {remedy}")));
    }
    Ok(None)
}

/// Builds the object in the target folder.
///
/// Ordinary builds of Bingo use stable Rust. This one needs a `core` for BPF and
/// `asm_experimental_arch` (aya-ebpf uses it), which `RUSTC_BOOTSTRAP` allows.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    if let Some(missing) = missing_tool() {
        bail!(missing);
    }
    let linker = linker()?;
    // bpf-linker loads the LLVM of the rustup toolchain that it was built by.
    let sysroot = output_of(Command::new("rustc").args(["+stable", "--print", "sysroot"]))?;
    let folder = target().join("ebpf");
    output_of(
        Command::new("cargo")
            .current_dir(root().join("bingo-ebpf"))
            .args(["build", "--release", "--locked", "--target", TRIPLE, "--target-dir"])
            .arg(&folder)
            .env("RUSTC", RUSTC)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("LD_LIBRARY_PATH", Path::new(sysroot.trim()).join("lib"))
            .env("CARGO_TARGET_BPFEL_UNKNOWN_NONE_LINKER", &linker)
            // v3: 32-bit registers and jumps, Linux 5.1; the ring buffer is of 5.8.
            .env("CARGO_ENCODED_RUSTFLAGS", "-Clinker-plugin-lto\u{1f}-Ctarget-cpu=v3")
            .env_remove("RUSTFLAGS")
            .env_remove("RUSTC_WRAPPER"),
    )?;
    let built = folder.join(TRIPLE).join("release/bingo");
    let object = folder.join("bingo.bpf.o");
    fs::copy(&built, &object).with_context(|| format!("{} was not built", built.display()))?;
    Ok(object)
}

/// What is missing to build the object, with its remedy, if anything is.
pub(crate) fn missing_tool() -> Option<String> {
    if !Path::new(RUSTC).is_file() {
        return Some(format!("no {RUSTC}: `cargo xtask setup rustc-bpf` installs it"));
    }
    linker().err().map(|error| error.to_string())
}

fn linker() -> anyhow::Result<PathBuf> {
    let installed = tools().join("bin/bpf-linker");
    if installed.is_file() {
        return Ok(installed);
    }
    on_path("bpf-linker").context("no bpf-linker: `cargo xtask setup bpf-linker` installs it")
}

/// The object that is checked in.
pub(crate) fn object_file() -> PathBuf {
    root().join("bingo-ebpf/object/bingo.bpf.o")
}

fn record_file() -> PathBuf {
    root().join("bingo-ebpf/object/built-from.txt")
}

/// What an object was built from and by, a line each.
fn record(object: &[u8]) -> anyhow::Result<String> {
    let sysroot = output_of(Command::new("rustc").args(["+stable", "--print", "sysroot"]))?;
    let linker = output_of(
        Command::new(linker()?)
            .arg("--version")
            .env("LD_LIBRARY_PATH", Path::new(sysroot.trim()).join("lib")),
    )?;
    let mut record = String::new();
    writeln!(record, "sources {}", hash_of_sources()?)?;
    writeln!(record, "object {}", hex(fnv1a(FNV_START, object)))?;
    writeln!(record, "compiler {}", output_of(Command::new(RUSTC).arg("--version"))?.trim())?;
    writeln!(record, "linker {}", linker.trim())?;
    Ok(record)
}

/// The value of a line of a record.
fn line<'a>(record: &'a str, key: &str) -> Option<&'a str> {
    record.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
}

fn tools_of(record: &str) -> (Option<&str>, Option<&str>) {
    (line(record, "compiler"), line(record, "linker"))
}

/// A hash of the names and contents of all that the object is built from.
fn hash_of_sources() -> anyhow::Result<String> {
    let root = root();
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&root.join(source), &mut files)?;
    }
    files.sort();
    let mut hash = FNV_START;
    for file in &files {
        let name = file.strip_prefix(&root).unwrap_or(file).to_string_lossy();
        let content = fs::read(file)?;
        hash = fnv1a(hash, name.as_bytes());
        hash = fnv1a(hash, &content.len().to_le_bytes());
        hash = fnv1a(hash, &content);
    }
    Ok(hex(hash))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else {
        ensure!(path.is_file(), "no {}", path.display());
        files.push(path.to_path_buf());
    }
    Ok(())
}

/// FNV-1a's offset basis, 128 bits.
const FNV_START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;

/// FNV-1a of 128 bits: tells an edit from no edit, which is all it is for.
fn fnv1a(start: u128, bytes: &[u8]) -> u128 {
    const PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(start, |hash, &byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

fn hex(hash: u128) -> String {
    format!("{hash:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_is_of_these_sources() {
        assert_eq!(stale().unwrap(), None);
    }

    #[test]
    fn fnv_is_as_published() {
        assert_eq!(hex(fnv1a(FNV_START, b"")), "6c62272e07bb014262b821756295c58d");
        assert_eq!(hex(fnv1a(FNV_START, b"a")), "d228cb696f1a8caf78912b704e4a8964");
    }

    #[test]
    fn records_read_back() {
        let record = "sources 01\nobject 02\ncompiler rustc 1\nlinker bpf-linker 0\n";
        assert_eq!(line(record, "sources"), Some("01"));
        assert_eq!(tools_of(record), (Some("rustc 1"), Some("bpf-linker 0")));
    }
}
