//! One node of the cluster.
//!
//! ```text
//!              run: joins the backplane, starts the tasks, serves, drains
//!               │
//!  http ──► state: Node ◄── handler: frames of device sockets
//!               │
//!     ┌─────────┼───────────┬───────────┐
//!  sessions   cluster     intake     backplane
//! ```
//!
//! Reading order: `run` is the life cycle, `config` what it starts from, `state` the
//! node that its parts share, `handler` connects device sockets to these parts, [`http`]
//! serves callers and operators. `drain` and [`rebalance`] ask devices to leave;
//! `command` sends a caller's command, `token` checks tokens, and [`stomp`] serves STOMP clients;
//! `reported_load` and `load_reporter` send the node's load to gateways; `metrics` exports
//! counters.

mod command;
mod config;
mod drain;
mod handler;
pub(crate) mod http;
mod load_reporter;
mod metrics;
pub(crate) mod rebalance;
mod reported_load;
mod run;
mod state;
#[cfg(feature = "stomp")]
pub(crate) mod stomp;
mod token;

pub(crate) use self::state::{Node, NodePhase, SocketPermits};
pub use self::{
    config::NodeConfig,
    reported_load::{LoadSource, UnknownLoadSource},
    run::{NodeError, run},
};
