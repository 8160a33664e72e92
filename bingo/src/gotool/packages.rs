//! What packages are called. In: their folders. Out: their import paths.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Toolchain;

/// The import paths of the packages in `folders`, as `go list` tells them from
/// within `from`. Those that it does not know are not among them.
#[must_use]
pub fn import_paths(from: Option<&Path>, folders: &[PathBuf]) -> HashMap<PathBuf, String> {
    if folders.is_empty() {
        return HashMap::new();
    }
    let mut go = Toolchain::command();
    if let Some(from) = from {
        go.current_dir(from);
    }
    go.args(["list", "-e", "-find", "-f", "{{.Dir}}\t{{.ImportPath}}"]).args(folders);
    let Ok(output) = go.output() else { return HashMap::new() };
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = listed.lines().filter_map(|line| line.split_once('\t'));
    lines
        .filter(|(folder, _)| !folder.is_empty())
        .map(|(folder, path)| (folder.into(), path.to_owned()))
        .collect()
}
