//! A Go program built so that it traces itself from its first package on. In: a
//! main package, as `go build` takes it. Out: an executable in a folder of ours;
//! no source is touched, and nothing is left in the user's folders.
//!
//! `go build -overlay` lays one file beside the program's own, which imports
//! `container/ring`, and three into that package of the standard library
//! (`overlay/`): nobody else in the program is built anew for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::toolchain::start;
use super::{GoToolError, Toolchain};

/// The package that starts the tracer, and its files.
const CARRIER: &str = "container/ring";
const CARRIED: [(&str, &str); 3] = [
    ("bingo_start.go", include_str!("overlay/start.go")),
    ("bingo_exit.go", include_str!("overlay/exit.go")),
    ("bingo_exit_go122.go", include_str!("overlay/exit_go122.go")),
];
/// What the program imports it by.
const IMPORT: &str = include_str!("overlay/import.go");

/// The variable by which the program is told where to write its trace: the number
/// of an open file.
pub const TRACE_FILE: &str = "BINGO_COLLECT_TRACE";

/// What to build.
pub struct TracedBuild<'a> {
    /// The package: `.`, `./cmd/x`, `example.com/x`, or its files: `main.go`.
    pub package: &'a str,
    /// Flags for `go build`.
    pub flags: &'a [String],
    /// An empty folder of ours.
    pub into: &'a Path,
}

impl TracedBuild<'_> {
    /// Builds it, and answers where it is. What `go` says of it goes to standard error.
    ///
    /// # Errors
    /// Where `go` cannot be started, there is no such program, or it does not build.
    pub fn build(&self) -> Result<PathBuf, GoToolError> {
        let about = self.list(&["-f", "{{.Name}}\t{{.Dir}}\t{{.ImportPath}}"], self.package)?;
        let lines: Vec<&str> = about.lines().collect();
        let [line] = lines[..] else {
            return Err(GoToolError::NotOne { package: self.package.to_owned(), count: lines.len() });
        };
        let parts: Vec<&str> = line.split('\t').collect();
        let [name, folder, import_path] = parts[..] else { return Err(GoToolError::NotBuilt) };
        if name != "main" {
            return Err(GoToolError::NoProgram { package: import_path.to_owned() });
        }
        let carrier = self.list(&["-f", "{{.Dir}}"], CARRIER)?;
        let import = unused(Path::new(folder));
        let overlay = self.overlay(Path::new(carrier.trim()), &import)?;

        let path = self.into.join(executable(self.package, import_path));
        let mut go = Toolchain::command();
        go.arg("build").args(self.flags).arg("-overlay").arg(&overlay).arg("-o").arg(&path);
        go.arg(self.package);
        if self.package.ends_with(".go") {
            // Files that are named are all that there is, and all named by one folder.
            go.arg(Path::new(self.package).with_file_name(import.file_name().unwrap_or_default()));
        }
        if run(go)? { Ok(path) } else { Err(GoToolError::NotBuilt) }
    }

    /// What `go list` says of `package`.
    fn list(&self, form: &[&str], package: &str) -> Result<String, GoToolError> {
        let mut go = Toolchain::command();
        go.arg("list").args(self.flags).args(form).arg(package).stderr(Stdio::inherit());
        let output = go.output().map_err(start)?;
        if !output.status.success() {
            return Err(GoToolError::NotBuilt);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Writes the files that are laid over, and the list of them.
    fn overlay(&self, carrier: &Path, import: &Path) -> Result<PathBuf, GoToolError> {
        let write = |name: &str, text: &str| {
            let path = self.into.join(name);
            match fs::write(&path, text) {
                Ok(()) => Ok(path),
                Err(error) => Err(GoToolError::File { path, error }),
            }
        };
        let mut replace = serde_json::Map::new();
        for (name, text) in CARRIED {
            let ours = write(name, text)?;
            replace.insert(carrier.join(name).display().to_string(), ours.display().to_string().into());
        }
        let ours = write("bingo_import.go", IMPORT)?;
        replace.insert(import.display().to_string(), ours.display().to_string().into());
        write("overlay.json", &serde_json::json!({ "Replace": replace }).to_string())
    }
}

/// What `go build` would call it: by its file, or by its import path, where a last
/// `v2` is a version.
fn executable(package: &str, import_path: &str) -> String {
    if let Some(file) = package.strip_suffix(".go") {
        return file.rsplit(['/', '\\']).next().unwrap_or(file).to_owned();
    }
    let is_version = |part: &&str| {
        part.strip_prefix('v').is_some_and(|number| number.parse::<u32>().is_ok_and(|number| number > 1))
    };
    let mut parts = import_path.rsplit('/').skip_while(is_version);
    parts.next().unwrap_or("program").to_owned()
}

/// A name that no file of the program has.
fn unused(folder: &Path) -> PathBuf {
    let names = (0..).map(|number| folder.join(format!("bingo_import{number}.go")));
    let mut free = names.filter(|path| !path.exists());
    free.next().unwrap_or_else(|| folder.join("bingo_import.go"))
}

/// Runs it with its words on standard error: whether it went well.
fn run(mut go: Command) -> Result<bool, GoToolError> {
    let output = go.stdin(Stdio::null()).stderr(Stdio::inherit()).output().map_err(start)?;
    Ok(output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_called_as_go_would_call_it() {
        assert_eq!(executable("./cmd/x", "example.com/shop/cmd/x"), "x");
        assert_eq!(executable(".", "example.com/shop/v2"), "shop");
        assert_eq!(executable("cmd/one.go", "command-line-arguments"), "one");
    }
}
