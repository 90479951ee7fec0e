//! Samples every process of a run once a second, on the run's clock.
//!
//! ```text
//! /proc/PID ─────────────────────► process ──────────────┐
//! Prometheus text ─► scrape ─────► known_metrics ────────┤
//! broker, balancer ──────────────► gauges ───────────────┼─► sampler ─► one Interval a process,
//! /proc/{meminfo,stat,net} ──────► machine ──────────────┘              one for the machine
//! ```
//!
//! A value that could not be measured is absent from a sample; no value is filled in.
//!
//! - [`sampler`]: one sample of every process at one instant;
//! - [`process`], [`child_processes`]: a process of this machine, from `/proc`;
//! - [`scrape`], [`exposition`], [`prometheus`], [`known_metrics`]: Prometheus text, its
//!   samples and the gauges in them;
//! - [`named_metrics`]: metrics that a scenario names and no answer has;
//! - [`scrape_failures`]: endpoints that fail, each reported once;
//! - [`gauges`]: the map that a sample consists of, and processes that report it themselves;
//! - [`machine`]: memory and CPU time of the whole machine;
//! - [`host`]: the machine's description and its limit of open files;
//! - [`port_owner`]: the process that listens on a port.

mod child_processes;
pub(crate) mod exposition;
pub mod gauges;
pub mod host;
pub mod known_metrics;
pub mod machine;
mod named_metrics;
pub mod port_owner;
pub mod process;
pub mod prometheus;
pub mod sampler;
pub mod scrape;
mod scrape_failures;

pub use gauges::{GaugeSource, Gauges};
pub use host::{host, raise_open_files};
pub use process::own_process;
pub use sampler::{SampleEndpoint, SampleTarget, Sampler};
