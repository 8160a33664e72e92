//! Go executables.

pub mod dwarf;
pub mod layout;
