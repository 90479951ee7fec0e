//! One node: its state, its sockets, its end.
//!
//! In reading order: `run` (the life of a node), `state` (what its parts share),
//! `registry` (its sessions), `drain` (its end), `rebalance` (sending away what is
//! above its share), `own_load` and `report` (what gateways are told), `metrics` and
//! `message_metrics` (what it says about itself).

mod drain;
mod message_metrics;
mod metrics;
mod own_load;
pub(crate) mod rebalance;
mod registry;
mod report;
mod run;
mod state;

pub(crate) use self::{
    metrics::text as metrics_text,
    report::load_report,
    state::{Node, Phase},
};
pub use self::{
    own_load::{OwnLoad, UnknownOwnLoad},
    run::{NodeError, run},
};
