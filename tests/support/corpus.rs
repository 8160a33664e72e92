//! The corpus: the programs of `testdata/programs` that detectors are scored on.
//!
//! Out: each [`Program`] with its [`Variant`]s, their sources, headers and
//! assertions. `testdata/programs/README.md` says what the corpus is.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::{Assertion, Header, fixture, workspace};

/// A bug with its fixed twin, or a clean program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// One of [`Program::CLASSES`].
    pub class: &'static str,
    /// Its folder's name.
    pub name: String,
}

/// What is built and run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Variant {
    /// The program with the bug.
    Bug,
    /// The same without the bug.
    Fixed,
    /// A program that has only ever been without one.
    Clean,
}

impl Program {
    /// The folders of the corpus.
    pub const CLASSES: [&str; 7] =
        ["resource", "communication", "mixed", "leak", "starvation", "nonblocking", "clean"];

    /// The whole corpus, class by class, in the order of the names.
    ///
    /// # Errors
    /// When a class cannot be listed.
    pub fn all() -> anyhow::Result<Vec<Program>> {
        let mut programs = Vec::new();
        for class in Program::CLASSES {
            let folder = corpus().join(class);
            let mut names = Vec::new();
            for entry in fs::read_dir(&folder).with_context(|| format!("no class {}", folder.display()))? {
                names.push(entry?.file_name().to_string_lossy().into_owned());
            }
            names.sort();
            programs.extend(names.into_iter().map(|name| Program { class, name }));
        }
        Ok(programs)
    }

    /// What there is of it.
    #[must_use]
    pub fn variants(&self) -> &'static [Variant] {
        if self.class == "clean" { &[Variant::Clean] } else { &[Variant::Bug, Variant::Fixed] }
    }

    /// What [`Fixture::build`](crate::Fixture::build) knows a variant by.
    #[must_use]
    pub fn fixture(&self, variant: Variant) -> String {
        match variant {
            Variant::Bug => format!("{self}/bug"),
            Variant::Fixed => format!("{self}/fixed"),
            Variant::Clean => self.to_string(),
        }
    }

    /// The variant's own Go files, without the harness.
    ///
    /// # Errors
    /// When its folder cannot be listed.
    pub fn sources(&self, variant: Variant) -> anyhow::Result<Vec<PathBuf>> {
        fixture::sources(&corpus().join(self.fixture(variant)))
    }

    /// What the variant's files assert, each with its file and line.
    ///
    /// # Errors
    /// When a file cannot be read, or a comment in it is no assertion.
    pub fn assertions(&self, variant: Variant) -> anyhow::Result<Vec<(PathBuf, u32, Assertion)>> {
        let mut all = Vec::new();
        for source in self.sources(variant)? {
            let found = Assertion::all(&read(&source)?).with_context(|| source.display().to_string())?;
            all.extend(found.into_iter().map(|(line, assertion)| (source.clone(), line, assertion)));
        }
        Ok(all)
    }

    /// What the variant's `bug.go`, `fixed.go` or `main.go` says at its head.
    ///
    /// # Errors
    /// When it cannot be read, or its head is malformed.
    pub fn header(&self, variant: Variant) -> anyhow::Result<Header> {
        let fixture = corpus().join(self.fixture(variant));
        let main =
            if variant == Variant::Clean { fixture.join("main.go") } else { fixture.with_extension("go") };
        Header::of(&read(&main)?).with_context(|| main.display().to_string())
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.class, self.name)
    }
}

/// The folder of the classes.
fn corpus() -> PathBuf {
    workspace().join("testdata/programs")
}

fn read(source: &Path) -> anyhow::Result<String> {
    fs::read_to_string(source).with_context(|| format!("no source {}", source.display()))
}

/// What is laid in beside a program of the corpus when it is built; nothing for
/// the other fixtures.
pub(crate) fn harness(program: &str) -> Option<PathBuf> {
    let class = program.split('/').next()?;
    Program::CLASSES.contains(&class).then(|| corpus().join("harness/harness.go"))
}
