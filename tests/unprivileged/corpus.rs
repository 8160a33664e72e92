//! The corpus keeps the rules that `testdata/programs/README.md` gives it.
//! In: the files; nothing is built. Out: each rule that is broken, by its file.

use std::fs;

use bingo_tests::{Assertion, Program, Variant, workspace};

/// At least so many pairs of bug and fixed twin, and so many clean programs.
const LEAST: (usize, usize) = (80, 30);

#[test]
fn every_program_says_what_is_to_be_found() {
    let programs = Program::all().expect("the corpus can be listed");
    let clean = programs.iter().filter(|program| program.class == "clean").count();
    assert!(programs.len() - clean >= LEAST.0 && clean >= LEAST.1, "{} programs", programs.len());
    let broken: Vec<String> = programs
        .iter()
        .flat_map(|program| program.variants().iter().map(move |variant| (program, *variant)))
        .filter_map(|(program, variant)| {
            let why = check(program, variant).err()?;
            Some(format!("{}: {why:#}", program.fixture(variant)))
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_pair_is_its_two_files() {
    for program in Program::all().expect("the corpus can be listed") {
        if program.class == "clean" {
            continue;
        }
        let folder = workspace().join("testdata/programs").join(program.to_string());
        let mut files: Vec<_> = fs::read_dir(&folder)
            .expect("the folder can be listed")
            .map(|entry| entry.expect("the folder can be listed").file_name())
            .collect();
        files.sort();
        assert_eq!(files, ["bug.go", "fixed.go"], "{program}");
    }
}

fn check(program: &Program, variant: Variant) -> anyhow::Result<()> {
    let header = program.header(variant)?;
    let assertions = program.assertions(variant)?;
    let wants = assertions.iter().any(|(.., assertion)| matches!(assertion, Assertion::Want { .. }));
    anyhow::ensure!(wants == (variant == Variant::Bug), "a bug has a `want`, and nothing else has");
    let class = header.class.map_or_else(|| "clean".to_owned(), |(class, _)| class);
    anyhow::ensure!(class == program.class, "`class: {class}` lies in {}/", program.class);
    anyhow::ensure!(variant == Variant::Bug || !header.sometimes, "`shows:` is said of bugs alone");
    for source in program.sources(variant)? {
        // Of several files, the one with main says it for all.
        let text = fs::read_to_string(&source)?;
        let says = text.starts_with("// ") || !text.contains("\nfunc main() {");
        anyhow::ensure!(says, "{} does not say at its head what it is", source.display());
    }
    Ok(())
}
