//! A run in words, for a terminal of 80 columns and 24 lines.
//!
//! - [`screen`](verdict_text): all of it, in the order in which it is read;
//! - `verdict`: the sentence; `figures`: the headline figures; `gates`: the
//!   table of gates;
//! - `columns`: what keeps lines within a screen.

mod columns;
mod gates;
mod metrics;
mod screen;
mod verdict;

pub(crate) use gates::{actual, gate_claim, gate_text, limit, metric_of};
pub use screen::verdict_text;
pub(crate) use verdict::{verdict_reason, verdict_sentence, verdict_word};
