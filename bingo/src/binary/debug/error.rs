//! What can be wrong with the DWARF of variables.

/// Why variables are not known.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DebugError {
    /// gimli could not go on.
    #[error("damaged DWARF in the entries at .debug_info+{at:#x}: {source}")]
    Malformed {
        /// Where in `.debug_info` the entries begin that were read: a unit, or a type.
        at: usize,
        /// What was wrong.
        source: gimli::Error,
    },
    /// A reference leads nowhere.
    #[error("damaged DWARF: a reference to .debug_info+{at:#x}, where there is nothing to refer to")]
    Dangling {
        /// Where it leads.
        at: usize,
    },
    /// There is more of something than any program has.
    #[error("damaged DWARF at .debug_info+{at:#x}: {what}")]
    Excessive {
        /// Where in `.debug_info`.
        at: usize,
        /// Of what there is too much.
        what: &'static str,
    },
}
