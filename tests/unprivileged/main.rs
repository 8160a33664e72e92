//! Integration tests that need no privilege.

mod bad_input;
mod hostile;
mod recordings;
mod runtime_places;
mod symbols;
mod traces;
