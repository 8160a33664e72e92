//! Integration tests that need no privilege.

mod bad_input;
mod hostile;
mod runtime_places;
mod symbols;
mod traces;
