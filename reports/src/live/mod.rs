//! The metrics of a run that lasts, for scrapes.
//!
//! ```text
//! intervals, histograms, events ─► LiveMetrics ─► families ─► text of Prometheus
//!                                      └─► gates
//! ```
//!
//! Names, types and units are those of an export for Prometheus, so that a dashboard shows a run
//! that lasts and one that was loaded later. What the clients count is summed over all workers.
//!
//! - [`metrics`]: the latest values; `gates`: the gates as of now;
//! - `families`: the values as families of series; `text`: their text.

mod families;
mod gates;
pub mod metrics;
mod text;

pub use self::metrics::LiveMetrics;
pub use crate::exposition::TextFormat;
