//! Starts the cluster that a scenario asks for, applies its events, and stops it.
//!
//! ```text
//!  coordinator ──► handle ──► actions ──────┐
//!  (Testbed)          │    (events)         ▼
//!                     └─────────────────► cluster ──► consumer, balancer, node_launch
//!                                                       │      │            │
//!                                          readiness ◄──┴──────┴────────────┤
//!                                                                           ▼
//!                context: launcher, backplane, credentials, node_client, node_registry
//! ```
//!
//! Every arrow points at a module that the other one uses; no arrow goes back up.
//!
//! - [`handle`]: the [`Testbed`] that the coordinator holds;
//! - [`actions`]: the effect of each event;
//! - [`cluster`]: nodes, balancers, consumers and their exits;
//! - [`node_launch`], [`consumer`], [`balancer`]: the processes beside the broker;
//! - [`readiness`]: waits until a process serves and the nodes see each other;
//! - [`context`]: the parts that starting a process needs;
//! - [`backplane`]: the broker that joins the nodes, embedded or external;
//! - [`credentials`]: certificates and secrets of one run, in a `temp_folder`;
//! - [`node_registry`], [`node`]: the nodes, and what clients and the sampler see of them;
//! - [`node_client`]: requests to a node;
//! - [`scheme`]: addresses with or without TLS;
//! - [`launcher`], [`cluster_process`]: child processes;
//! - [`exits`]: exits that the coordinator has not taken yet;
//! - [`error`]: the errors.

mod actions;
mod backplane;
pub(crate) mod balancer;
mod cluster;
mod cluster_process;
mod consumer;
mod context;
mod credentials;
pub mod error;
mod exits;
pub mod handle;
mod launcher;
mod node;
mod node_client;
mod node_launch;
mod node_registry;
mod readiness;
mod scheme;
mod temp_folder;

pub use balancer::BalancerChange;
pub use error::TestbedError;
pub use exits::NodeExit;
pub use handle::Testbed;
