//! How a test binary was run: written beside its trace by the Bingo that stood
//! between `go test` and it, read by the one that started `go test`.

use std::fs;
use std::path::{Path, PathBuf};

use super::GoToolError;

/// A test binary that was run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObservedTest {
    /// The number of the process that ran it.
    pub observer: u32,
    /// The folder of its package, which it ran in.
    pub folder: PathBuf,
    /// Its trace, which is not there if it ended before its tests began.
    pub trace: PathBuf,
    /// How it ended, where that may have cut its trace short: `it ended with exit
    /// status 3`.
    pub cut_short: Option<String>,
    /// What its race detector wrote, if it had one and that saw something.
    pub races: Vec<PathBuf>,
}

/// The ending of a record's name.
const ENDING: &str = "ran";

impl ObservedTest {
    /// Writes it to `folder`, over what was written there before.
    ///
    /// # Errors
    /// Those of the file.
    pub(super) fn write(&self, folder: &Path) -> Result<(), GoToolError> {
        let path = folder.join(format!("{}.{ENDING}", self.observer));
        let cut_short = self.cut_short.as_deref().unwrap_or_default();
        let mut text = format!("{}\n{}\n{cut_short}\n", self.folder.display(), self.trace.display());
        for races in &self.races {
            text += &format!("{}\n", races.display());
        }
        fs::write(&path, text).map_err(|error| GoToolError::File { path, error })
    }

    /// All that were written to `folder`, by their packages' folders.
    ///
    /// # Errors
    /// Where the folder or a record cannot be read.
    pub(super) fn all(folder: &Path) -> Result<Vec<ObservedTest>, GoToolError> {
        let failed = |path: &Path, error| GoToolError::File { path: path.to_owned(), error };
        let mut all = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| failed(folder, error))? {
            let path = entry.map_err(|error| failed(folder, error))?.path();
            if path.extension().is_some_and(|ending| ending == ENDING) {
                let text = fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
                let name = path.file_stem().and_then(|name| name.to_str());
                all.extend(name.and_then(|name| ObservedTest::parse(name, &text)));
            }
        }
        all.sort_by(|a: &ObservedTest, b| (&a.folder, &a.trace).cmp(&(&b.folder, &b.trace)));
        Ok(all)
    }

    fn parse(name: &str, text: &str) -> Option<ObservedTest> {
        let observer = name.parse().ok()?;
        let mut lines = text.lines();
        let (folder, trace, cut_short) = (lines.next()?, lines.next()?, lines.next()?);
        let cut_short = (!cut_short.is_empty()).then(|| cut_short.to_owned());
        let races = lines.map(PathBuf::from).collect();
        let (folder, trace) = (PathBuf::from(folder), PathBuf::from(trace));
        Some(ObservedTest { observer, folder, trace, cut_short, races })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut observed = ObservedTest {
            observer: 7,
            folder: PathBuf::from("/src/my orders"),
            trace: PathBuf::from("/tmp/a b.out"),
            cut_short: Some("it ended with exit status 3".to_owned()),
            races: vec![PathBuf::from("/tmp/7.race.12")],
        };
        observed.write(folder.path()).unwrap();
        assert_eq!(ObservedTest::all(folder.path()).unwrap(), [observed.clone()]);
        observed.cut_short = None;
        observed.write(folder.path()).unwrap();
        fs::write(folder.path().join("1.out"), "a trace").unwrap();
        assert_eq!(ObservedTest::all(folder.path()).unwrap(), [observed]);
    }
}
