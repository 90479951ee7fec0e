//! Samples every process of a run once a second, on the run's clock.
//!
//! ```text
//! /proc/PID, control group ──────► process, cgroup ──────┐
//! metrics endpoint ─► scrape ────► known, own metrics ───┤
//! broker, balancer ──────────────► gauges ───────────────┼─► sampler ─► one Interval a process,
//! /proc/{meminfo,stat,net} ──────► machine ──────────────┘              one for the machine
//! ```
//!
//! A value that could not be measured is absent from a sample; no value is filled in.
//!
//! - [`target`]: the processes that are sampled;
//! - [`sampler`]: one sample of every process at one instant;
//! - [`process`], [`process_tree`]: a process of this machine and its children, from `/proc`;
//! - [`cgroup`], [`cgroup_v1`], [`container`]: control groups, and containers with theirs;
//! - [`cgroup_text`]: the values in files of both versions of control groups;
//! - [`scrape`], [`exposition`]: the text of an endpoint, and the samples in it;
//! - [`prometheus`], [`known_metrics`], [`own_metrics`]: the gauges in samples, by names that
//!   the harness knows or the scenario gives;
//! - [`named_metrics`]: metrics that a scenario names and answers lack;
//! - [`start_check`]: the check, before the load, that every process of a target can be observed;
//! - [`scrape_failures`]: endpoints that fail, each reported once;
//! - [`gauges`]: the map that a sample consists of, and processes that report it themselves;
//! - [`machine`]: memory and CPU time of the whole machine;
//! - [`host`]: the machine's description and its limit of open files;
//! - [`port_owner`]: the process that listens on a port.

pub(crate) mod cgroup;
mod cgroup_text;
mod cgroup_v1;
pub mod container;
pub(crate) mod exposition;
pub mod gauges;
pub mod host;
pub mod known_metrics;
pub mod machine;
mod named_metrics;
mod own_metrics;
pub mod port_owner;
pub mod process;
pub mod process_tree;
pub mod prometheus;
pub mod sampler;
pub mod scrape;
mod scrape_failures;
pub mod start_check;
pub mod target;

pub use gauges::{GaugeSource, Gauges};
pub use host::{host, host_name, raise_open_files};
pub use process::own_process;
pub use sampler::Sampler;
pub use start_check::ObserveError;
pub use target::{MetricsEndpoint, ProcessScope, SampleEndpoint, SampleTarget};
