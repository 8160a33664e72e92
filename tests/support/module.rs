//! A Go module of a test's own, for the commands that drive `go`, and what they
//! leave behind in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::Context;

use crate::{GoRelease, bingo_bin, target_dir};

/// A Go module, and a folder for what is temporary.
#[derive(Debug)]
pub struct Module {
    /// Where its `go.mod` is.
    pub folder: PathBuf,
    /// The folder that `TMPDIR` names.
    pub temporary: PathBuf,
    release: GoRelease,
}

impl Module {
    /// Writes the module `example.com/shop` of these files, anew.
    ///
    /// # Errors
    /// Those of the files.
    pub fn new(name: &str, release: GoRelease, files: &[(&str, &str)]) -> anyhow::Result<Module> {
        let folder = target_dir().join("go-modules").join(format!("{name}-{}", release.minor));
        // What an earlier run of the tests left.
        let _ = fs::remove_dir_all(&folder);
        let module = Module { temporary: folder.join("tmp"), folder: folder.join("src"), release };
        let own = [("go.mod", "module example.com/shop\n\ngo 1.21\n")];
        for (path, text) in own.iter().chain(files) {
            let path = module.folder.join(path);
            fs::create_dir_all(path.parent().context("a folder")?)?;
            fs::write(path, text)?;
        }
        fs::create_dir_all(&module.temporary)?;
        Ok(module)
    }

    /// `bingo` in the module's folder, with its `go` on the PATH, and cut off from the
    /// network and from the user's settings.
    ///
    /// # Errors
    /// Where there is no `bingo`.
    pub fn bingo(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut bingo = Command::new(bingo_bin()?);
        let go = self.release.go.parent().context("the folder of go")?;
        bingo.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        bingo.env("PATH", format!("{}:/usr/bin:/bin", go.display())).env("TMPDIR", &self.temporary);
        for (name, value) in [("GOTOOLCHAIN", "local"), ("GOPROXY", "off"), ("GOENV", "off")] {
            bingo.env(name, value);
        }
        for name in ["GOFLAGS", "GOROOT", "GOEXPERIMENT", "GO111MODULE", "GOWORK"] {
            bingo.env_remove(name);
        }
        Ok(bingo)
    }

    /// Nothing of Bingo's is left among what is temporary.
    ///
    /// # Errors
    /// When there is.
    pub fn ensure_clean(&self) -> anyhow::Result<()> {
        let left = files(&self.temporary)?;
        let ours: Vec<_> = left.iter().filter(|path| path.to_string_lossy().contains("bingo")).collect();
        anyhow::ensure!(ours.is_empty(), "left behind: {ours:?}");
        Ok(())
    }
}

/// What came of a command.
#[derive(Debug)]
pub struct Ran {
    /// Its exit status.
    pub status: Option<i32>,
    /// Its standard output.
    pub text: String,
    /// Its standard error.
    pub said: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            status: output.status.code(),
            text: String::from_utf8_lossy(&output.stdout).into_owned(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// All that is below `folder`.
///
/// # Errors
/// Where a folder cannot be read.
pub fn files(folder: &Path) -> anyhow::Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        }
        found.insert(path);
    }
    Ok(found)
}
