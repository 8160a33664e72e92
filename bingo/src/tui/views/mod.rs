//! The views: a file each. In: pictures and keys. Out: a part of the screen.

pub(super) mod findings;
pub(super) mod goroutines;
