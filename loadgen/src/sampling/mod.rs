//! Samples every process of a run once a second, on the run's clock.
//!
//! ```text
//! /proc/PID ─────────────────────► process ──────────────┐
//! Prometheus text ─► scrape ─────► known_metrics ────────┤
//! broker, balancer ──────────────► gauge_source ─────────┼─► sampler ─► one Interval a process,
//! /proc/{meminfo,stat,net} ──────► machine ──────────────┘              one for the machine
//! ```
//!
//! A value that could not be measured is absent from a sample; no value is filled in.
//!
//! - [`sampler`]: one sample of every process at one instant;
//! - [`process`], [`child_processes`], [`open_files`]: a process of this machine, from `/proc`;
//! - [`scrape`], [`exposition`], [`prometheus`], [`known_metrics`]: Prometheus text, its
//!   samples and the gauges in them;
//! - [`named_metrics`]: metrics that a scenario names and no answer has;
//! - [`scrape_failures`]: endpoints that fail, each reported once;
//! - [`gauge_source`]: the trait of a process that describes itself in its own protocol;
//! - [`machine`]: memory and CPU time of the whole machine;
//! - [`host`]: the machine's description and its limit of open files;
//! - [`own_usage`]: the process that samples;
//! - [`port_owner`]: the process that listens on a port;
//! - [`gauges`]: the map that a sample consists of.

mod child_processes;
pub(crate) mod exposition;
pub mod gauge_source;
pub mod gauges;
pub mod host;
pub mod known_metrics;
pub mod machine;
mod named_metrics;
pub mod open_files;
pub mod own_usage;
pub mod port_owner;
pub mod process;
pub mod prometheus;
pub mod sampler;
pub mod scrape;
mod scrape_failures;

pub use gauge_source::GaugeSource;
pub use gauges::Gauges;
pub use host::{host, raise_open_files};
pub use own_usage::own_process;
pub use sampler::{SampleEndpoint, SampleTarget, Sampler};
