//! Faces that write: text and the formats that other programs read.
//!
//! In comes a [`crate::session::View`] and what to show of it as [`Selection`];
//! out go strings and bytes. Nothing here knows a source, a clock or a terminal.

mod baseline;
mod dot;
mod each;
mod filter;
mod findings;
mod folded;
mod groups;
mod inspection;
mod inspection_json;
mod json;
mod object;
mod object_json;
mod pprof;
mod style;
mod table;
mod words;

#[cfg(test)]
pub(crate) mod tests;

pub use baseline::{Baseline, BaselineError};
pub use dot::dot;
pub use each::{each, grouped};
pub use filter::{Filter, Selection};
#[cfg(test)]
pub(crate) use findings::tests::analysis as told_analysis;
pub use findings::{Context, findings, findings_json, findings_jsonl, github, html, junit, markdown, sarif};
pub use folded::folded;
pub use groups::{Group, Urgency, groups};
pub use inspection::{Closely, inspection};
pub use inspection_json::inspection_json;
pub use json::json;
pub use object::{ObjectClosely, object};
pub use object_json::object_json;
pub use pprof::pprof;
pub use style::Style;
pub use table::{Screen, changed_line, gone_line, header_lines, observed_line, table};
pub use words::{Detail, count, duration, place, place_within, waits_on, waits_on_in, wrapped};
