//! Starts the cluster that a scenario asks for, does its events to it, and
//! stops it.
//!
//! - [`cluster`]: the [`Testbed`], what the coordinator holds;
//! - [`actions`]: what an event does to a node or the broker, one file each;
//! - [`node`]: a process that comes and goes;
//! - [`consumer`]: one of those that handle readings;
//! - [`backplane`]: the broker that joins them, of the testbed's own or not;
//! - [`balancer`]: what stands in front of the nodes;
//! - [`credentials`]: certificates and secrets, made for one run;
//! - [`roster`]: who belongs to the cluster, and what is shown of it;
//! - [`ready`]: waits until nodes are ready and see each other;
//! - [`http`]: what is asked of a node;
//! - [`startup`]: the line in which a process says where it listens;
//! - [`error`]: what can go wrong.

mod actions;
mod backplane;
mod balancer;
pub mod cluster;
mod consumer;
mod credentials;
pub mod error;
mod node;
mod node_client;
mod node_registry;
mod readiness;
mod startup;

pub use balancer::BalancerChange;
pub use cluster::{NodeExit, Testbed};
pub use error::TestbedError;
