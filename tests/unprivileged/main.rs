//! Integration tests that need no privilege.

mod runtime_places;
mod symbols;
