//! Integration tests that need no privilege.

mod addresses;
mod analyze;
mod bad_input;
mod collect;
mod corpus;
mod exports;
mod findings_docs;
mod hostile;
mod recordings;
mod reports;
mod run;
mod runtime_places;
mod symbols;
mod traces;
