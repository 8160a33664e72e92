//! Where the text of a program's source comes from: whoever reads files.

use std::path::PathBuf;
use std::sync::Arc;

/// Source text by the name that a binary or a trace gives its file.
pub trait Texts {
    /// The text of `file`; `None` where it is not to be had, or has changed since
    /// the program was built.
    fn text(&self, file: &str) -> Option<Arc<str>>;

    /// The `.go` files in a folder, as a binary would name them. Empty where the
    /// folder is not to be had.
    fn files(&self, folder: &str) -> Vec<Arc<str>>;

    /// The path here of the file that a binary or a trace names so; `None` where it
    /// is not to be had.
    fn path(&self, file: &str) -> Option<PathBuf> {
        self.text(file).map(|_| PathBuf::from(file))
    }
}

/// No text at all.
impl Texts for () {
    fn text(&self, _: &str) -> Option<Arc<str>> {
        None
    }

    fn files(&self, _: &str) -> Vec<Arc<str>> {
        Vec::new()
    }
}
