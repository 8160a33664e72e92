//! Where the race detector of a test binary writes what it has to say. In: the
//! user's `GORACE`. Out: one that has it write to files of ours, where no other
//! output gets in between, unless the user wants it in files of their own; and
//! these files, when it has ended.
//!
//! Source: `log_path` and the other flags of `SanitizerCommonFlags`
//! (`compiler-rt/lib/sanitizer_common`), which `GORACE` takes.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The variable.
pub(super) const GORACE: &str = "GORACE";

/// Where it writes: to `<prefix>.<pid>`, each process to its own.
pub(super) struct RaceLog {
    /// What is to stand in the environment.
    pub(super) options: OsString,
    prefix: PathBuf,
    /// Whether it is the user's place.
    own: bool,
    halts: bool,
}

impl RaceLog {
    /// The user's `options`, and `prefix` to write to where they name no file.
    pub(super) fn new(options: OsString, prefix: PathBuf) -> RaceLog {
        let text = options.to_string_lossy().into_owned();
        let separators = |c: char| c.is_whitespace() || matches!(c, ',' | ':');
        let value = |name: &str| {
            let of = text.split(separators).filter_map(|flag| flag.split_once('='));
            of.filter(|(flag, _)| *flag == name).map(|(_, value)| value.trim_matches(['"', '\''])).next_back()
        };
        let halts = value("halt_on_error").is_some_and(|value| !matches!(value, "0" | "false" | "no"));
        match value("log_path").filter(|path| !matches!(*path, "" | "stdout" | "stderr")) {
            Some(path) => RaceLog { prefix: PathBuf::from(path), own: true, halts, options },
            None => {
                let mut with = options.clone();
                // Of several the last one counts.
                with.push(" log_path=");
                with.push(&prefix);
                RaceLog { options: with, prefix, own: false, halts }
            }
        }
    }

    /// Whether the program goes on after a race.
    pub(super) fn goes_on(&self) -> bool {
        !self.halts
    }

    /// What was written: by all processes to our place, by `leader` to the user's,
    /// where others may write too.
    pub(super) fn files(&self, leader: u32) -> Vec<PathBuf> {
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        if self.own {
            let mut path = self.prefix.clone().into_os_string();
            path.push(format!(".{leader}"));
            return Some(PathBuf::from(path)).filter(|path| path.is_file()).into_iter().collect();
        }
        let begin = format!("{}.", name(&self.prefix).unwrap_or_default());
        let entries = self.prefix.parent().and_then(|folder| fs::read_dir(folder).ok());
        let mut files: Vec<PathBuf> = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| name(path).is_some_and(|name| name.starts_with(&begin)))
            .collect();
        files.sort();
        files
    }

    /// Whether the user gets to see it only if we show it.
    pub(super) fn is_ours(&self) -> bool {
        !self.own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(options: &str, expect: &str, own: bool, halts: bool) {
        let log = RaceLog::new(options.into(), PathBuf::from("/ours"));
        assert_eq!(log.options, OsString::from(expect), "{options}");
        assert_eq!((log.own, !log.goes_on()), (own, halts), "{options}");
    }

    #[test]
    fn the_users_options_are_kept() {
        check("", " log_path=/ours", false, false);
        check("history_size=7", "history_size=7 log_path=/ours", false, false);
        check(
            "log_path=stderr halt_on_error=1",
            "log_path=stderr halt_on_error=1 log_path=/ours",
            false,
            true,
        );
        check("log_path=/theirs:halt_on_error=0", "log_path=/theirs:halt_on_error=0", true, false);
    }

    #[test]
    fn the_files_of_all_processes_are_ours() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["7.race.12", "7.race.13", "8.race.14", "7.ran"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let ours = RaceLog::new(OsString::new(), folder.path().join("7.race"));
        assert_eq!(ours.files(1), [folder.path().join("7.race.12"), folder.path().join("7.race.13")]);
        let theirs = format!("log_path={}", folder.path().join("8.race").display());
        let theirs = RaceLog::new(theirs.into(), PathBuf::from("/ours"));
        assert_eq!((theirs.files(14).len(), theirs.files(15).len()), (1, 0));
    }
}
