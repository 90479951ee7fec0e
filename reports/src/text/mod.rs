//! A run in words, for a terminal of 80 columns and 24 lines.
//!
//! - `screen`: the whole text, in the order of reading;
//! - `verdict`: the verdict in a sentence; `metrics`: metrics with their values; `gates`:
//!   the table of gates; `failures`: what failed;
//! - `columns`: lines that fit the terminal.

mod columns;
mod failures;
mod gates;
mod metrics;
mod screen;
mod verdict;

pub(crate) use columns::{aligned, wrapped};
pub(crate) use failures::failure_sentences;
pub(crate) use gates::{actual, gate_claim, gate_text, limit, metric_of};
pub(crate) use metrics::metric_values;
pub use screen::verdict_text;
pub(crate) use verdict::{verdict_reason, verdict_sentence, verdict_word};
