//! The hash that indexes names: bytes in, a number out that is the same within
//! one run of Bingo.

use std::hash::{DefaultHasher, Hasher};

/// The hash of a name.
pub(crate) fn name_hash(name: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(name);
    hasher.finish()
}
