//! A gateway: one address in front of the nodes, which finds them by itself.
//!
//! Nodes come and go by membership of the backplane, which a gateway joins without
//! being home of anything; no configuration names them. HTTP is hyper's; the choice
//! of a node and the idle tunnel are this module's.
//!
//! In reading order: `config` (what a gateway is told), `run` (its life), `state`
//! (what its parts share), `follow` (who the nodes are and what they carry), `probe`
//! (asking them how they are), `fleet` (all nodes), with `backend` (one of them),
//! `account` (what it carries), `health`, `slow_start` and `policy` (who gets what
//! comes next), `upstream` (the way there), `forward` (requests and sockets on their
//! way), `tunnel` (an open socket) and `tunnels` (all of them), `drain` (the end),
//! `routes` and `metrics` (what it says about itself).

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
