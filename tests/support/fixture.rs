//! Go programs of `testdata/programs`, built on demand and kept.
//!
//! A program is a folder of Go files, or one file (`leak/senders/bug` is
//! `leak/senders/bug.go`). One of the corpus is built with the harness, laid in
//! by an overlay. The built file's name is a hash of the sources, the release and
//! the mode, so an edit builds anew and nothing is built twice.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::{GoRelease, corpus, target_dir, workspace};

/// A built Go program.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// The executable.
    pub path: PathBuf,
    /// The Go files that it was built of; of the corpus, the harness too.
    pub sources: Vec<PathBuf>,
    /// What built it.
    pub release: GoRelease,
    /// How it was built.
    pub mode: Mode,
}

/// How a program is built.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mode {
    /// As `go build` does, without cgo.
    Normal,
    /// Without symbol table and DWARF: `-ldflags "-s -w"`.
    Stripped,
    /// Position independent: `-buildmode=pie`.
    Pie,
    /// Position independent, without symbol table and DWARF.
    StrippedPie,
    /// With the race detector: `-race`.
    Race,
    /// With cgo.
    Cgo,
    /// Its own package without optimisation: `-gcflags "-N -l"`.
    Unoptimised,
}

impl Mode {
    fn flags(self) -> &'static [&'static str] {
        match self {
            Mode::Normal | Mode::Cgo => &[],
            Mode::Stripped => &["-ldflags=-s -w"],
            Mode::Pie => &["-buildmode=pie"],
            Mode::StrippedPie => &["-buildmode=pie", "-ldflags=-s -w"],
            Mode::Race => &["-race"],
            Mode::Unoptimised => &["-gcflags=-N -l"],
        }
    }

    fn cgo_enabled(self) -> &'static str {
        if matches!(self, Mode::Race | Mode::Cgo) { "1" } else { "0" }
    }
}

impl Fixture {
    /// Builds `program` of `testdata/programs`, unless it is there already.
    ///
    /// # Errors
    /// When there is no such program, or it does not build.
    pub fn build(program: &str, release: &GoRelease, mode: Mode) -> anyhow::Result<Fixture> {
        let program_path = workspace().join("testdata/programs").join(program);
        let mut sources = sources(&program_path)?;
        let harness = corpus::harness(program);
        sources.extend(harness.clone());
        let folder = target_dir().join("fixtures");
        fs::create_dir_all(&folder)?;
        let name = format!(
            "{}-{}-{}-{:016x}",
            program.replace('/', "-"),
            release.version,
            format!("{mode:?}").to_lowercase(),
            hash(&sources, release, mode)?
        );
        let path = folder.join(&name);
        // Tests run in parallel, each in a process of its own: one builds, the others wait.
        let lock = File::create(folder.join(format!("{name}.lock")))?;
        lock.lock()?;
        if !path.is_file() {
            compile(&program_path, harness.as_deref(), release, mode, &path)
                .with_context(|| format!("build of {name}"))?;
        }
        Ok(Fixture { path, sources, release: release.clone(), mode })
    }
}

/// The Go files of a program, which is a folder or a file without its ending.
pub(crate) fn sources(program: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !program.is_dir() {
        return Ok(vec![program.with_extension("go")]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(program)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "go") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn hash(sources: &[PathBuf], release: &GoRelease, mode: Mode) -> anyhow::Result<u64> {
    let mut hasher = DefaultHasher::new();
    (&release.version, mode).hash(&mut hasher);
    for source in sources {
        let text = fs::read(source).with_context(|| format!("no program {}", source.display()))?;
        (source, text).hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn compile(
    program: &Path,
    harness: Option<&Path>,
    release: &GoRelease,
    mode: Mode,
    path: &Path,
) -> anyhow::Result<()> {
    let unfinished = beside(path, ".unfinished");
    let mut go = release.command();
    go.env("CGO_ENABLED", mode.cgo_enabled()).arg("build").args(mode.flags()).arg("-o").arg(&unfinished);
    let folder = if program.is_dir() { Some(program) } else { program.parent() };
    let folder = folder.context("a program lies in a folder")?;
    if let Some(harness) = harness {
        let overlay = beside(path, ".overlay.json");
        let replace =
            serde_json::json!({ "Replace": { folder.join("harness.go").display().to_string(): harness } });
        fs::write(&overlay, replace.to_string())?;
        go.arg("-overlay").arg(overlay);
    }
    go.current_dir(folder);
    if program.is_dir() {
        go.arg(".");
    } else {
        go.arg(program.with_extension("go")).args(harness.map(|_| folder.join("harness.go")));
    }
    let output = go.output().with_context(|| format!("start of {}", release.go.display()))?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(fs::rename(unfinished, path)?)
}

/// The file's name with something behind it. Not `with_extension`: a release's
/// number has dots of its own, and what is behind the last one would go.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
