//! What a language model says of the findings, for who asks for it; it decides
//! nothing. In: findings and source text. Out: the question that is sent, the answer
//! as it comes, and what of the answer does not agree with what is known.
//!
//! ```text
//!  findings ─▶ Question ─▶ Model::ask ─▶ the answer ─▶ Question::check ─▶ remarks
//!                 │            (HTTP, streamed)            ▲
//!                 └── what was shown: lines, goroutines ───┘
//! ```

mod ask;
mod check;
mod question;
#[cfg(test)]
mod tests;
mod wire;

pub use ask::{AskError, Model};
pub use question::Question;
