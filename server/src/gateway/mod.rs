//! A gateway: one address in front of the nodes, which finds them by itself.
//!
//! A gateway is a member of the backplane, and takes its nodes from the membership. It owns no
//! slots of the directory. HTTP is hyper's; the choice of a node and the tunnel are written here.
//!
//! ```text
//! membership ──► discovery ──► backend_set ◄── probe ──► nodes
//!                                  │ policy: the choice
//! client ──► routes ──► forward ───┴─► upstream ──► node
//!                          └─► tunnel: an open socket ──► node
//! ```
//!
//! In reading order:
//! - `allowed_networks` (where nodes may be), `config`, `run` (start to end), `state` (shared by all tasks);
//! - `discovery` (members and their reports), `probe` and `health` (health checks);
//! - `backend_set` (all nodes) with `backend`, `backend_load` and `upstream` (connections);
//! - `slow_start` and `policy` (the choice of a node);
//! - `via` (loops), `forward` (requests and upgrades), `tunnel` and `tunnels` (open sockets);
//! - `drain`, `routes`, `metrics` and `export`;
//! - tests: `simulation` (policies on a virtual clock).

mod allowed_networks;
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
mod via;

pub use self::{
    allowed_networks::AllowedNetworks,
    config::{GatewayConfig, GatewayLimits, LoadMetric},
    policy::GatewayPolicy,
    run::{GatewayError, run},
};
