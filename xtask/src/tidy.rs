//! `cargo xtask tidy`: the house rules that the compiler cannot check.
//!
//! In: the Rust files of the workspace. Out: each broken rule with its file and
//! line. The layer table is ARCHITECTURE.md's; an import arrow that is not in it
//! fails here, and in `cargo test` too.

mod layers;
mod source;
mod words;

use std::fmt;
use std::fs;
use std::path::Path;

use crate::ebpf;
use crate::workspace::root;
use source::Source;

/// The longest a file may be, in lines. Past that a concept wants its own file.
const LONGEST: usize = 600;

/// Folders with Rust files of ours.
const FOLDERS: [&str; 6] = ["bingo", "bingo-common", "bingo-ebpf", "fuzz", "tests", "xtask"];

/// A broken rule.
#[derive(PartialEq, Eq, Debug)]
struct Broken {
    file: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.rule)
    }
}

pub(crate) fn run() -> anyhow::Result<()> {
    let broken = workspace()?;
    for one in &broken {
        println!("{one}");
    }
    if let Some(stale) = ebpf::stale()? {
        anyhow::bail!(stale);
    }
    anyhow::ensure!(broken.is_empty(), "{} rules are broken", broken.len());
    Ok(())
}

/// Checks every file of the workspace.
fn workspace() -> anyhow::Result<Vec<Broken>> {
    let root = root();
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut broken = Vec::new();
    for file in &files {
        let name = file.strip_prefix(&root).unwrap_or(file).to_string_lossy();
        broken.extend(check(&name, &fs::read_to_string(file)?));
    }
    Ok(broken)
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) -> anyhow::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// Checks one file: its path from the workspace's root on, and its text.
fn check(file: &str, text: &str) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut rule = |line: usize, rule: String| broken.push(Broken { file: file.to_owned(), line, rule });

    if !text.starts_with("//!") {
        rule(1, "opens without `//!`: say what it is, what comes in, what goes out".to_owned());
    }
    let lines = text.lines().count();
    // What a task writes is marked so, and as long as it has to be.
    let generated = text.lines().take(12).any(|line| line.contains("@generated"));
    if lines > LONGEST && !generated {
        rule(lines, format!("{lines} lines, {LONGEST} at the most: a concept in it wants its own file"));
    }
    let source = Source::of(text);
    layers::check(file, &source, &mut rule);
    words::check(file, &source, &mut rule);
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_keeps_the_rules() {
        let broken = workspace().unwrap();
        let listed: Vec<String> = broken.iter().map(ToString::to_string).collect();
        assert!(broken.is_empty(), "\n{}", listed.join("\n"));
    }

    /// What `check` says of `text` (without its module doc) in `file`.
    fn said(file: &str, text: &str) -> Vec<String> {
        check(file, &format!("//! Sample.\n{text}")).into_iter().map(|one| one.rule).collect()
    }

    fn breaks(file: &str, text: &str, rule: &str) {
        let said = said(file, text);
        assert!(said.iter().any(|one| one.contains(rule)), "{file}: {text}\nsaid {said:?}");
    }

    fn keeps(file: &str, text: &str) {
        assert_eq!(said(file, text), Vec::<String>::new(), "{file}: {text}");
    }

    #[test]
    fn arrows_to_the_left_alone() {
        keeps("bingo/src/world/apply.rs", "use crate::model::Event;");
        keeps("bingo/src/world/apply.rs", "use super::History; use crate::world::X;");
        breaks("bingo/src/world/apply.rs", "use crate::live::Probes;", "world may not import live");
        breaks("bingo/src/world/apply.rs", "use super::super::detect::X;", "world may not import detect");
        breaks("bingo/src/world/mod.rs", "use super::detect::X;", "world may not import detect");
        breaks("bingo/src/model/id.rs", "use crate::{model::GoId, binary::{A, B}};", "may not import binary");
        breaks("bingo/src/detect/leak.rs", "fn f() { crate::session::x(); }", "may not import session");
        breaks("bingo/src/report/text.rs", "use crate::detect::Finding;", "report may not import detect");
        breaks("bingo/src/nowhere/a.rs", "", "nowhere is in no layer");
    }

    #[test]
    fn inner_modules_and_comments_are_understood() {
        keeps("bingo/src/world/apply.rs", "#[cfg(test)] mod tests { use super::super::X; use super::*; }");
        breaks(
            "bingo/src/world/apply.rs",
            "mod tests { use super::super::super::cli::X; }",
            "world may not import cli",
        );
        keeps(
            "bingo/src/world/apply.rs",
            "// crate::cli::X\n/* crate::cli */ const A: &str = \"crate::cli\";",
        );
        keeps("bingo/src/world/apply.rs", "const A: &str = r#\"crate::cli \"x\" \"#; const B: char = '\"';");
        breaks("bingo/src/world/apply.rs", "fn f<'a>(x: &'a u8) { crate::cli::x() }", "may not import cli");
    }

    #[test]
    fn crates_stay_in_their_layers() {
        keeps("bingo/src/world/wait_graph.rs", "use petgraph::Graph;");
        breaks("bingo/src/report/dot.rs", "use petgraph::Graph;", "petgraph");
        breaks("bingo/src/session/mod.rs", "use tokio::time;", "tokio");
        breaks("bingo/src/binary/elf.rs", "fn f() -> anyhow::Result<()> { x }", "anyhow");
        breaks("bingo/src/model/id.rs", "use serde::Serialize;", "serde");
        keeps("bingo/src/report/json.rs", "use serde::Serialize;");
        keeps("bingo/src/cli/attach.rs", "use anyhow::Context;");
    }

    #[test]
    fn the_core_is_pure() {
        breaks("bingo/src/world/apply.rs", "use std::fs::File;", "no fs");
        breaks("bingo/src/detect/leak.rs", "let now = std::time::Instant::now();", "no Instant");
        breaks("bingo/src/detect/leak.rs", "fn f() { std::thread::sleep(x) }", "no thread");
    }

    #[test]
    fn words_that_are_not_used() {
        breaks("bingo/src/world/apply.rs", "struct GraphManager;", "GraphManager");
        breaks("bingo/src/world/utils.rs", "", "utils");
        breaks("bingo/src/world/apply.rs", "mod helpers;", "helpers");
        breaks("bingo/src/world/apply.rs", "enum EventData {}", "EventData");
        keeps("bingo/src/binary/build_info.rs", "pub struct BuildInfo; pub struct ModuleData;");
        breaks("bingo/src/world/apply.rs", "#[test] #[ignore] fn f() {}", "#[ignore]");
    }

    #[test]
    fn the_shape_of_a_file() {
        let missing = check("xtask/src/a.rs", "fn main() {}");
        assert!(missing[0].rule.contains("//!"));
        breaks("xtask/src/a.rs", &"\n".repeat(LONGEST), "lines");
        keeps("xtask/src/a.rs", &format!("// @generated by cargo xtask layouts\n{}", "\n".repeat(LONGEST)));
    }
}
