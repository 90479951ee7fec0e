//! Samples every process that can be seen, on one clock.
//!
//! - [`sampler`]: one sample of everything at an instant;
//! - [`process`]: what the kernel says of a process on this machine;
//! - [`open_files`]: how many files it has open;
//! - [`scrape`]: asks a Prometheus endpoint;
//! - [`prometheus`]: finds gauges in what it answers;
//! - [`broker`]: asks a broker, each kind in its own way;
//! - [`balancer`]: asks a balancer, each kind in its own way;
//! - `family`: a program that works through children of its process;
//! - [`listener`]: which process listens on a port;
//! - `failures`: which endpoints give no figures, and why;
//! - [`machine`]: the memory and CPU time of the whole machine;
//! - [`host`]: what the machine is, and its limits;
//! - [`own`]: the process that asks.
//!
//! What could not be measured is absent from a sample; nothing is filled in.

pub mod balancer;
mod child_processes;
pub mod host;
pub mod machine;
pub mod open_files;
pub mod own_usage;
pub mod port_owner;
pub mod process;
pub mod prometheus;
pub mod sampler;
pub mod scrape;
mod scrape_failures;

use std::collections::BTreeMap;

pub use balancer::BalancerEndpoint;
pub use host::{host, raise_open_files};
pub use own_usage::own_process;
pub use sampler::{SampleEndpoint, SampleTarget, Sampler};

/// Gauges by [`name`](highwater_reports::record::names::gauge); sizes in bytes,
/// times in seconds.
pub type Gauges = BTreeMap<String, f64>;
