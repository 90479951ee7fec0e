//! One node: its state, its sockets, its end.
//!
//! In reading order: `run` (the life of a node), `state` (what its parts share),
//! `registry` (its sessions), `drain` (its end), `rebalance` (sending away what is
//! above its share), `own_load` and `report` (what gateways are told), `metrics` and
//! `message_metrics` (what it says about itself).

mod config;
mod drain;
pub(crate) mod http;
mod load_reporter;
mod message_metrics;
mod metrics;
pub(crate) mod rebalance;
mod registry;
mod reported_load;
mod run;
mod state;

pub use self::{
    config::NodeConfig,
    reported_load::{LoadSource, UnknownLoadSource},
    run::{NodeError, run},
};
pub(crate) use self::{
    load_reporter::load_report,
    metrics::render as metrics_text,
    state::{Node, NodePhase},
};
