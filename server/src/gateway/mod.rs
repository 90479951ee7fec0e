//! A gateway: one address in front of the nodes, which finds them by itself.
//!
//! Nodes come and go by membership of the backplane, which a gateway joins without
//! being home of anything; no configuration names them. HTTP is hyper's; the choice
//! of a node and the idle tunnel are this module's.
//!
//! In reading order:
//! - `config`, `run` (start to end), `state` (shared by all tasks);
//! - `discovery` (members and their reports), `probe` and `health` (health checks);
//! - `backend_set` (all nodes) with `backend`, `backend_load` and `upstream` (connections);
//! - `slow_start` and `policy` (the choice of a node);
//! - `forward` (requests and upgrades), `tunnel` and `tunnels` (open sockets);
//! - `drain`, `routes`, `metrics` and `export`.

mod backend;
mod backend_load;
mod backend_set;
pub mod config;
mod discovery;
mod drain;
mod export;
mod forward;
mod health;
mod metrics;
pub mod policy;
mod probe;
mod routes;
mod run;
#[cfg(test)]
mod simulation;
mod slow_start;
mod state;
mod tunnel;
mod tunnels;
mod upstream;

pub use self::{
    config::{GatewayConfig, GatewayLimits, LoadMetric},
    policy::GatewayPolicy,
    run::{GatewayError, run},
};
