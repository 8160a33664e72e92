//! Integration tests that need no privilege.

mod bad_input;
mod runtime_places;
mod symbols;
