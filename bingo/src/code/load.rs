//! Which source files are read. In: the stacks of goroutines, and the texts. Out:
//! the packages that the stacks are in and those that they import, as a
//! [`Program`]. The standard library is not read; a package that is one too many
//! counts as one of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::ir::{Name, PackageId, Program};
use super::lower::{Import, Lowering, declared, imports, parse};
use super::{Enough, LeftOut};
use crate::model::{Frame, Texts};

/// Packages and bytes that are read at most.
const PACKAGES: usize = 300;
pub(super) const BYTES: usize = 48 << 20;
/// Folders above a package that are looked in for what it imports.
const ABOVE: usize = 6;

/// The first part of the import paths that Go brings along.
const STANDARD: [&str; 53] = [
    "archive",
    "bufio",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "internal",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "slices",
    "sort",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "vendor",
    "weak",
    "C",
    "type",
    "cmd",
];

/// Files that are for other systems than Linux.
const ELSEWHERE: [&str; 12] = [
    "windows",
    "darwin",
    "freebsd",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "js",
    "wasip1",
    "aix",
    "dragonfly",
    "ios",
];

/// Whether a frame is of a package that is not of the program.
pub(super) fn is_foreign(frame: &Frame) -> bool {
    is_foreign_function(&frame.function, &frame.file)
}

/// The same of a function by its name and file. Tests of such a package are the
/// program's, where they are run.
pub(super) fn is_foreign_function(function: &str, file: &str) -> bool {
    if file.ends_with("_test.go") {
        return false;
    }
    let path = package_path(function);
    let first = path.split('/').next().unwrap_or_default();
    path.is_empty() || STANDARD.contains(&first) || !function.contains('.')
}

/// `example.com/shop/orders` of `example.com/shop/orders.(*Cart).Add`.
pub(super) fn package_path(function: &str) -> &str {
    let bare = function.split(['[', '(']).next().unwrap_or_default();
    let name = bare.rfind('/').map_or(0, |slash| slash + 1);
    let dot = function.get(name..).and_then(|rest| rest.find('.')).map_or(function.len(), |dot| name + dot);
    function.get(..dot).unwrap_or_default()
}

pub(super) fn folder(file: &str) -> &str {
    file.rfind('/').map_or("", |slash| file.get(..slash).unwrap_or_default())
}

struct Loader<'t> {
    texts: &'t dyn Texts,
    lowering: Lowering,
    packages: BTreeMap<Name, PackageId>,
    seen: BTreeMap<Name, BTreeSet<Name>>,
    /// Import path and folder of packages that stacks are in.
    known: Vec<(Name, Name)>,
    bytes: usize,
}

/// Reads the packages that these frames are in; `None` where there is no text.
pub(super) fn load<'f>(
    frames: impl Iterator<Item = (&'f str, &'f str)>,
    texts: &dyn Texts,
    enough: Enough<'_>,
) -> Result<Option<Program>, LeftOut> {
    let mut loader = Loader {
        texts,
        lowering: Lowering::new(),
        packages: BTreeMap::new(),
        seen: BTreeMap::new(),
        known: Vec::new(),
        bytes: 0,
    };
    for (function, file) in frames {
        let folder: Name = folder(file).into();
        let path: Name = package_path(function).into();
        if loader.seen.entry(Arc::clone(&folder)).or_default().insert(file.into())
            && !loader.known.iter().any(|(known, _)| *known == path)
        {
            loader.known.push((path, folder));
        }
    }
    let mut next: Vec<Name> = loader.seen.keys().cloned().collect();
    let mut resolved: HashMap<Name, HashMap<Name, Import>> = HashMap::new();
    let mut links: Vec<(Name, Name, Name)> = Vec::new();
    while let Some(folder) = next.pop() {
        if loader.packages.contains_key(&folder) || loader.packages.len() >= PACKAGES {
            continue;
        }
        for (file, path, name) in loader.package(&folder, enough)? {
            match loader.folder_of(&path, &folder) {
                Some(target) => {
                    next.push(Arc::clone(&target));
                    links.push((file, name, target));
                }
                None => {
                    resolved.entry(file).or_default().insert(name, Import::Foreign(path));
                }
            }
        }
    }
    for (file, name, target) in links {
        if let Some(package) = loader.packages.get(&target) {
            resolved.entry(file).or_default().insert(name, Import::Program(*package));
        }
    }
    Ok((loader.bytes > 0).then(|| loader.lowering.finish(&resolved)))
}

impl Loader<'_> {
    /// Reads the files of a folder. The answer is what they import, by file and the
    /// name it goes by there.
    fn package(&mut self, folder: &Name, enough: Enough<'_>) -> Result<Vec<(Name, Name, Name)>, LeftOut> {
        let id = PackageId(u32::try_from(self.packages.len()).unwrap_or(u32::MAX));
        self.packages.insert(Arc::clone(folder), id);
        let seen = self.seen.get(folder).cloned().unwrap_or_default();
        let tested = seen.iter().any(|file| file.ends_with("_test.go"));
        let mut files: Vec<Name> = seen.iter().cloned().collect();
        files.extend(self.texts.files(folder).into_iter().filter(|file| {
            !seen.contains(file) && (tested || !file.ends_with("_test.go")) && !is_for_elsewhere(file)
        }));
        let mut names: HashSet<Name> = HashSet::new();
        let mut clause: Option<String> = None;
        let mut found = Vec::new();
        for file in files {
            let Some(text) = self.texts.text(&file) else { continue };
            self.bytes += text.len();
            if self.bytes > BYTES {
                return Err(LeftOut::Size);
            }
            if enough() {
                return Err(LeftOut::Stopped);
            }
            let Some(tree) = parse(&text) else { continue };
            let declares = declared(&tree, &text);
            if !seen.contains(&file) {
                // Of two files that declare the same, one alone is part of a build.
                let ignored = text.lines().take(30).any(|line| line.starts_with("//go:build ignore"));
                if ignored || clause.as_deref().is_some_and(|known| package_clause(&text) != known) {
                    continue;
                }
                if declares.iter().any(|name| names.contains(name)) {
                    continue;
                }
            }
            clause.get_or_insert_with(|| package_clause(&text).to_owned());
            names.extend(declares);
            for (name, path) in imports(&tree, &text) {
                let name = name.unwrap_or_else(|| default_name(&path));
                found.push((Arc::clone(&file), path, name));
            }
            self.lowering.add(id, &file, text, tree);
        }
        Ok(found)
    }

    /// Where an imported package of the program is.
    fn folder_of(&mut self, path: &Name, from: &str) -> Option<Name> {
        let first = path.split('/').next().unwrap_or_default();
        if STANDARD.contains(&first) {
            return None;
        }
        let seen = self.known.iter().find(|(known, _)| known == path);
        if let Some((_, folder)) = seen {
            return Some(Arc::clone(folder));
        }
        let parts: Vec<&str> = path.split('/').collect();
        let mut above = from;
        for _ in 0..ABOVE {
            for start in 0..parts.len() {
                let tail = parts.get(start..)?.join("/");
                let vendored = if start == 0 { "vendor/" } else { "" };
                let candidate = format!("{above}/{vendored}{tail}");
                if candidate != from && !self.texts.files(&candidate).is_empty() {
                    return Some(candidate.into());
                }
            }
            above = folder(above);
            if above.is_empty() {
                break;
            }
        }
        None
    }
}

fn package_clause(text: &str) -> &str {
    let line = text.lines().find_map(|line| line.strip_prefix("package "));
    line.and_then(|rest| rest.split_whitespace().next()).unwrap_or_default()
}

/// The name that a package goes by where none is given.
fn default_name(path: &str) -> Name {
    let mut parts = path.rsplit('/');
    let last = parts.next().unwrap_or_default();
    let is_version = last.strip_prefix('v').is_some_and(|rest| rest.parse::<u32>().is_ok());
    let name = if is_version { parts.next().unwrap_or(last) } else { last };
    name.rsplit('-').next().unwrap_or(name).split('.').next().unwrap_or(name).into()
}

fn is_for_elsewhere(file: &str) -> bool {
    let stem = file.strip_suffix(".go").unwrap_or(file);
    let stem = stem.strip_suffix("_test").unwrap_or(stem);
    let mut parts = stem.rsplit('_');
    let (last, before) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    ELSEWHERE.contains(&last) || ELSEWHERE.contains(&before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_of_a_function() {
        assert_eq!(package_path("example.com/shop/v2/orders.(*Cart).Add"), "example.com/shop/v2/orders");
        assert_eq!(package_path("main.main.func1"), "main");
        assert_eq!(package_path("main.Map[go.shape.string,a/b.C]"), "main");
        assert_eq!(&*default_name("example.com/go-redis/v9"), "redis");
    }
}
