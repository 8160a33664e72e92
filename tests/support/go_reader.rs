//! Go's own reader of traces, as a program: `testdata/gotrace`, laid into the
//! newest release's GOROOT by an overlay, which alone may import `internal/trace`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;

use crate::{GoRelease, target_dir, workspace};

/// The built program.
#[derive(Clone, Debug)]
pub struct GoReader {
    /// The executable.
    pub path: PathBuf,
}

impl GoReader {
    /// The oldest release whose reader knows all that newer ones write.
    const SINCE: u32 = 26;

    /// The newest release that has such a reader.
    #[must_use]
    pub fn release() -> Option<GoRelease> {
        GoRelease::newest().filter(|release| release.minor >= Self::SINCE)
    }

    /// Builds it, unless it is there already.
    ///
    /// # Errors
    /// When it does not build.
    pub fn build(release: &GoRelease) -> anyhow::Result<GoReader> {
        let folder = target_dir().join("fixtures");
        fs::create_dir_all(&folder)?;
        let source = workspace().join("testdata/gotrace/main.go");
        let path = folder.join(format!("gotrace-{}", release.version));
        let lock = File::create(path.with_extension("lock"))?;
        lock.lock()?;
        if newer(&path, &source)? {
            return Ok(GoReader { path });
        }
        let place = goroot(release)?.join("src/cmd/bingo_gotrace/main.go");
        let overlay = path.with_extension("json");
        let replace = serde_json::json!({ "Replace": { place.to_string_lossy(): source } });
        fs::write(&overlay, replace.to_string())?;
        let unfinished = path.with_extension("unfinished");
        let mut go = release.command();
        go.args(["build", "-overlay"]).arg(&overlay).arg("-o").arg(&unfinished).arg("cmd/bingo_gotrace");
        let output = go.output().with_context(|| format!("start of {}", release.go.display()))?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::rename(unfinished, &path)?;
        Ok(GoReader { path })
    }

    /// Starts it on a trace: each event's text comes on its standard output.
    ///
    /// # Errors
    /// When it does not start.
    pub fn print(&self, trace: &Path) -> anyhow::Result<Child> {
        let mut print = Command::new(&self.path);
        print.arg("print").arg(trace).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(print.spawn()?)
    }
}

/// The folder of a release.
///
/// # Errors
/// When its `go` does not tell.
pub fn goroot(release: &GoRelease) -> anyhow::Result<PathBuf> {
    let output = release.command().args(["env", "GOROOT"]).output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

/// Whether `built` is there and newer than `source`.
fn newer(built: &Path, source: &Path) -> anyhow::Result<bool> {
    let Ok(built) = fs::metadata(built) else { return Ok(false) };
    Ok(built.modified()? > fs::metadata(source)?.modified()?)
}
