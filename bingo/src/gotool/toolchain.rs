//! The `go` command on the PATH, and which release it is.

use std::io;
use std::path::Path;
use std::process::Command;

use super::GoToolError;

/// The first minor release whose traces are of the form that is read.
const FIRST: u32 = 22;

/// The `go` command.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// As it says: `go1.27.3`.
    pub version: String,
}

impl Toolchain {
    /// The one that builds what is in `folder`, or in the current one: `go.mod`
    /// may ask for another release than the one on the PATH.
    ///
    /// # Errors
    /// Where there is none, or it is too old.
    pub fn find(folder: Option<&Path>) -> Result<Toolchain, GoToolError> {
        let mut go = Toolchain::command();
        if let Some(folder) = folder {
            go.current_dir(folder);
        }
        let output = go.args(["env", "GOVERSION"]).output().map_err(start)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(GoToolError::Refused { what: "env GOVERSION", said });
        }
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match minor(&version) {
            Some(minor) if minor < FIRST => Err(GoToolError::TooOld { version }),
            // A release that cannot be told is a newer one, or somebody's own.
            _ => Ok(Toolchain { version }),
        }
    }

    /// That programs with a race detector can be built in `folder`.
    ///
    /// # Errors
    /// Where they cannot, with what is missing.
    pub fn check_races(folder: Option<&Path>) -> Result<(), GoToolError> {
        let mut go = Toolchain::command();
        if let Some(folder) = folder {
            go.current_dir(folder);
        }
        let output = go.args(["env", "GOOS", "CGO_ENABLED", "CC"]).output().map_err(start)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = said.lines().map(str::trim);
        let (system, cgo, compiler) = (lines.next(), lines.next(), lines.next().unwrap_or_default());
        // There it goes without.
        if system == Some("darwin") {
            return Ok(());
        }
        if cgo != Some("1") {
            return Err(GoToolError::NoCgo { why: "`go env CGO_ENABLED` says 0".to_owned() });
        }
        let program = compiler.split_whitespace().next().unwrap_or_default();
        match Command::new(program).arg("--version").output() {
            Err(error) => Err(GoToolError::NoCgo { why: format!("`{program}` cannot be run: {error}") }),
            Ok(_) => Ok(()),
        }
    }

    /// Its minor number, 27 of Go 1.27.3, where it can be told.
    #[must_use]
    pub fn minor(&self) -> Option<u32> {
        minor(&self.version)
    }

    /// It, to be given arguments.
    #[must_use]
    pub fn command() -> Command {
        Command::new("go")
    }
}

/// Why `go` did not start.
pub(super) fn start(error: io::Error) -> GoToolError {
    match error.kind() {
        io::ErrorKind::NotFound => GoToolError::NoGo,
        _ => GoToolError::Start { program: "go".to_owned(), error },
    }
}

/// 27 of `go1.27.3`, `go1.27rc1`, `devel go1.27-d3adb3ef`.
fn minor(version: &str) -> Option<u32> {
    let (_, rest) = version.split_once("go1.")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_tells_its_number() {
        assert_eq!(minor("go1.27.3"), Some(27));
        assert_eq!(minor("go1.22"), Some(22));
        assert_eq!(minor("go1.28rc1"), Some(28));
        assert_eq!(minor("devel go1.28-d3adb3ef Mon"), Some(28));
        assert_eq!(minor("gccgo 12"), None);
    }
}
