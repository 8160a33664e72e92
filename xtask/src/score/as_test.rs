//! A program of the corpus as a package of tests, which `bingo run` runs, as nobody
//! where this is root. In: a program. Out: the report, and what the tests said.
//!
//! ```text
//! score/tests/bug/leak/first_answer/bug.go       as in the corpus
//!                                  /run_test.go  starts main, and returns later
//!                                  /go.mod
//! score/nobody/                                  what `go` keeps: its cache
//! ```
//!
//! Where the bug has the whole program stand, the test calls main, hangs with it, and
//! is given up on at its `-timeout`. There main is not the program's main goroutine, and
//! not all stand: what is a deadlock as a whole is parked for good here, and of who only
//! waits for those that are, nothing need be said (`range_never_closed`, line 33).

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use bingo_tests::{Assertion, GoRelease, Program, Variant, workspace};

use super::judge::Place;
use crate::workspace::{is_root, target};

/// Who owns nothing.
const NOBODY: u32 = 65534;

/// A package of tests.
pub(super) struct AsTest {
    /// Its Go files.
    pub(super) sources: Vec<PathBuf>,
    folder: PathBuf,
    hangs: bool,
}

impl AsTest {
    /// Writes it.
    pub(super) fn of(program: &Program, variant: Variant) -> anyhow::Result<AsTest> {
        let class = program.header(variant)?.class;
        let hangs = variant == Variant::Bug && class.is_some_and(|(_, kind)| kind.ends_with("whole program"));
        let package = format!("{}/{program}", format!("{variant:?}").to_lowercase());
        let folder = target().join("score/tests").join(&package);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("go.mod"), format!("module example.com/{package}\n\ngo 1.22\n"))?;
        let mut sources = Vec::new();
        for source in program.sources(variant)? {
            let copy = folder.join(source.file_name().context("a file")?);
            fs::copy(&source, &copy)?;
            sources.push(copy);
        }
        fs::copy(workspace().join("testdata/programs/harness/run_test.go"), folder.join("run_test.go"))?;
        Ok(AsTest { sources, folder, hangs })
    }

    /// What is asserted of the program at `place`, asserted of this.
    pub(super) fn asserted(&self, place: Place, mut assertion: Assertion) -> (Place, Assertion) {
        if let Assertion::Want { types, .. } = &mut assertion
            && *types == ["deadlock"]
        {
            types.push("goroutine_leak");
        }
        let copy = self.sources.iter().find(|source| source.file_name() == place.file.file_name());
        (Place { file: copy.cloned().unwrap_or(place.file), line: place.line }, assertion)
    }

    /// Runs it with what `bingo` is given beside; the test lives for `stay`.
    pub(super) fn run(
        &self,
        (bingo, arguments): (&Path, &[&str]),
        release: &GoRelease,
        (stay, stacks): (Duration, bool),
    ) -> anyhow::Result<(String, String)> {
        let home = target().join("score/nobody");
        fs::create_dir_all(home.join("tmp"))?;
        let stay = format!("{}ms", stay.as_millis());
        let go = release.go.parent().context("the folder of go")?;
        let mut run = Command::new(bingo);
        run.args(["run", "--format", "json", "--fail-on", "never"]).args(arguments);
        run.args(["-v", "-vet=off", "-run=^TestProgram$"]);
        run.args(self.hangs.then(|| format!("-timeout={stay}")));
        run.arg(".").current_dir(&self.folder);
        run.env_clear().env("PATH", format!("{}:/usr/bin:/bin", go.display())).env("BINGO_STAY", stay);
        run.env("HOME", &home).env("TMPDIR", home.join("tmp"));
        for (name, value) in [("GOTOOLCHAIN", "local"), ("GOPROXY", "off"), ("GOENV", "off")] {
            run.env(name, value);
        }
        run.envs(stacks.then_some(("BINGO_STACKS", "1"))).envs(self.hangs.then_some(("BINGO_HANGS", "1")));
        if is_root() {
            for folder in [home.clone(), home.join("tmp")] {
                fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
                chown(&folder, Some(NOBODY), Some(NOBODY))?;
            }
            run.uid(NOBODY).gid(NOBODY);
        }
        let output = run.output().with_context(|| format!("{} did not start", bingo.display()))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // A test that hangs has failed.
        anyhow::ensure!(matches!(output.status.code(), Some(0 | 1)), "{}: {said}", output.status);
        anyhow::ensure!(!said.contains("could not be looked at"), "{said}");
        Ok((String::from_utf8(output.stdout)?, said))
    }
}
