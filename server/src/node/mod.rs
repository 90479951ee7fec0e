//! One node: its state, its sockets, its end.
//!
//! In reading order: `run` (the life of a node), `state` (what its parts share),
//! `registry` (its sessions), `drain` (its end), `metrics`, `message_metrics` and
//! `process` (what it says about itself).

mod drain;
mod message_metrics;
mod metrics;
mod process;
mod registry;
mod run;
mod state;

pub use self::run::{Listeners, NodeError, run};
pub(crate) use self::state::{Node, Phase};
pub(crate) use self::{metrics::text as metrics_text, process::ProcessStats};
