//! The source files of a program, as `analyze` and `run` read them: in comes the
//! path that a trace or a binary has recorded, out comes the text. Where there is no
//! such file, the longest tail of the path that is a file below `--source` is it.
//! A file that was edited since is read all the same: who asks has to look whether
//! its lines fit.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::Texts;

/// The largest file that is read, and how much is read at all.
const FILE_LIMIT: u64 = 4 << 20;
const LIMIT: u64 = 128 << 20;

/// Reads files when they are asked for, each once.
#[derive(Debug)]
pub(super) struct SourceFiles {
    below: Option<PathBuf>,
    known: RefCell<HashMap<Arc<str>, Option<Arc<str>>>>,
    left: Cell<u64>,
}

impl SourceFiles {
    /// Those that are where the program was built, and those below this folder.
    pub(super) fn new(below: Option<PathBuf>) -> SourceFiles {
        // Paths that are told have to mean the same elsewhere.
        let below = below.map(|below| std::path::absolute(&below).unwrap_or(below));
        SourceFiles { below, known: RefCell::default(), left: Cell::new(LIMIT) }
    }

    fn read(&self, file: &str) -> Option<Arc<str>> {
        if Path::new(file).extension().is_none_or(|extension| extension != "go") {
            return None;
        }
        let path = self.find(file, Path::is_file)?;
        let size = fs::metadata(&path).ok()?.len();
        let left = self.left.get().checked_sub(size).filter(|_| size <= FILE_LIMIT)?;
        self.left.set(left);
        fs::read_to_string(path).ok().map(Arc::from)
    }

    /// Where a recorded path leads to.
    fn find(&self, recorded: &str, is_it: impl Fn(&Path) -> bool) -> Option<PathBuf> {
        let recorded = Path::new(recorded);
        // Of a program that was built with -trimpath the paths are relative to its
        // module, which says nothing of where it is.
        if recorded.is_absolute() && is_it(recorded) {
            return Some(recorded.to_path_buf());
        }
        let below = self.below.as_deref()?;
        let mut tail = recorded.components();
        loop {
            let path = below.join(tail.as_path().strip_prefix("/").unwrap_or(tail.as_path()));
            if is_it(&path) {
                return Some(path);
            }
            tail.next()?;
        }
    }
}

impl Texts for SourceFiles {
    fn text(&self, file: &str) -> Option<Arc<str>> {
        if let Some(known) = self.known.borrow().get(file) {
            return known.clone();
        }
        let text = self.read(file);
        self.known.borrow_mut().insert(file.into(), text.clone());
        text
    }

    fn files(&self, folder: &str) -> Vec<Arc<str>> {
        let entries = self.find(folder, Path::is_dir).and_then(|path| fs::read_dir(path).ok());
        let names =
            entries.into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut files: Vec<Arc<str>> = names
            .filter(|name| name.ends_with(".go"))
            .map(|name| format!("{folder}/{name}").into())
            .collect();
        files.sort();
        files
    }

    fn path(&self, file: &str) -> Option<PathBuf> {
        self.find(file, Path::is_file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_tail_below_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("shop/orders/main.go", "orders");
        write("main.go", "top");
        write("notes.txt", "notes");
        let files = SourceFiles::new(Some(folder.path().to_path_buf()));
        assert_eq!(files.text("/build/shop/orders/main.go").as_deref(), Some("orders"));
        assert_eq!(files.text("/elsewhere/main.go").as_deref(), Some("top"));
        assert_eq!(files.text("example.com/shop/orders/main.go").as_deref(), Some("orders"));
        assert_eq!(files.text("/build/shop/other.go"), None);
        assert_eq!(files.text("/build/notes.txt"), None);
        assert_eq!(files.files("/build/shop/orders"), ["/build/shop/orders/main.go".into()]);
        assert_eq!(files.path("/build/shop/orders/main.go"), Some(folder.path().join("shop/orders/main.go")));
        assert_eq!(files.path("/build/shop/other.go"), None);
        let own = folder.path().join("main.go");
        assert_eq!(SourceFiles::new(None).text(own.to_str().unwrap()).as_deref(), Some("top"));
        assert_eq!(SourceFiles::new(None).text("shop/orders/main.go"), None);
    }

    #[test]
    fn what_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.go");
        fs::File::create(&path).unwrap().set_len(FILE_LIMIT + 1).unwrap();
        assert_eq!(SourceFiles::new(None).text(path.to_str().unwrap()), None);
    }
}
