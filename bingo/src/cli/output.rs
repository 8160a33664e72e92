//! Where results go: standard output, or a file.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::report::Style;

/// Where results go.
pub(crate) struct Output {
    to: Box<dyn Write + Send>,
    path: Option<PathBuf>,
}

impl Output {
    /// The file, made anew, or standard output, which `-` names too.
    pub(crate) fn open(path: Option<&Path>) -> Result<Output, Failure> {
        let path = path.filter(|path| !is_standard(path));
        let to: Box<dyn Write + Send> = match path {
            Some(path) => Box::new(File::create(path).map_err(|error| unwritable(path, &error))?),
            None => Box::new(io::stdout()),
        };
        Ok(Output { to, path: path.map(Path::to_owned) })
    }

    /// That the file can be written; what is in it stays.
    pub(crate) fn check(path: &Path) -> Result<(), Failure> {
        if is_standard(path) {
            return Ok(());
        }
        let opened = File::options().append(true).create(true).open(path);
        opened.map(drop).map_err(|error| unwritable(path, &error))
    }

    /// Whether a person looks at it, at once.
    pub(crate) fn is_terminal(&self) -> bool {
        self.path.is_none() && io::stdout().is_terminal()
    }

    /// With colour, where a person looks who did not decline (`NO_COLOR`).
    pub(crate) fn style(&self) -> Style {
        let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if self.is_terminal() && !declined { Style::Colour } else { Style::Plain }
    }

    /// Writes all of it.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.to.write_all(bytes).and_then(|()| self.to.flush());
        written.map_err(|error| Failure::output(self.name(), &error))
    }

    /// Writes what `face` writes, in large pieces: it may be more than should
    /// stand in memory at once.
    pub(crate) fn write_with(
        &mut self,
        face: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let mut buffered = io::BufWriter::with_capacity(1 << 18, &mut self.to);
        let written = face(&mut buffered).and_then(|()| buffered.flush());
        drop(buffered);
        written.map_err(|error| Failure::output(self.name(), &error))
    }

    /// What to call it in a message.
    pub(crate) fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Whether `input` outlives that `output` is written.
pub(super) fn keeps(input: &str, output: &Path) -> Result<(), Failure> {
    let same =
        fs::canonicalize(input).is_ok_and(|input| fs::canonicalize(output).is_ok_and(|it| it == input));
    if !same {
        return Ok(());
    }
    let what = format!("{} is the input itself", output.display());
    Err(Failure::bad_input(what).remedy("write to another file"))
}

/// Whether it is no file but standard output.
pub(super) fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// A file that cannot be written.
pub(super) fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::output(path.display(), error)
}
