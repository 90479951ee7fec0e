//! The binary, as a user or a CI job calls it, with real processes.
//!
//! - [`clean`]: a run without faults has no problems;
//! - [`truth`]: faults of known size must be found;
//! - [`doctor`]: what this machine can hold, and the check before a run;
//! - [`balancing`]: balancers in front of the nodes;
//! - [`brokers`]: clusters joined by the embedded broker and by real ones;
//! - `sns`: clusters over SNS and SQS, in a build with the feature `aws`;
//! - [`bus`]: runs whose workers join over a bus;
//! - [`containers`]: docker-compose.yml, with a container engine;
//! - [`deploy`]: the manifests of `deploy/`, and docker-compose.yml;
//! - [`documented`]: every command that the documents show;
//! - [`endings`]: interrupted, killed, refused;
//! - [`errors`]: the texts of errors;
//! - [`export`]: tables of a run, read by pandas, DuckDB and promtool;
//! - [`help`]: help texts, completions, man pages;
//! - [`matrix`]: several runs of one scenario, and their comparison;
//! - [`messages`], [`telemetry`], [`streams`]: messages of topics, telemetry, event streams;
//! - [`telemetry_brokers`]: telemetry through brokers, also through the death of one;
//! - [`unwritable`]: a full disk, a closed pipe or a stopped reader of what is printed;
//! - [`secure`]: TLS, tokens, header fields, nodes that are full;
//! - [`example_targets`]: servers that are not ours, with the scenarios of the examples;
//! - [`foreign`]: servers that are not ours, with answers that a test scripts;
//! - [`target`]: a system that the test starts itself;
//! - [`presets`]: protocols that the harness brings along, and `init` and `try`;
//! - [`scrapes`]: metrics that Prometheus scrapes, of a run and of the cluster's parts;
//! - [`server_logs`]: lines in the logs that a person acts on;
//! - [`server`]: a part of the reference cluster that a test starts itself;
//! - [`harness`]: a run of the binary in a directory of its own, and what holds of
//!   every run.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod balancing;
mod brokers;
mod bus;
mod chat;
mod clean;
mod containers;
mod deploy;
mod doctor;
mod documented;
mod endings;
mod errors;
mod example_targets;
mod export;
mod foreign;
mod harness;
mod help;
mod matrix;
mod messages;
mod overload;
mod presets;
mod scrapes;
mod secure;
mod server;
mod server_logs;
#[cfg(feature = "aws")]
mod sns;
mod source_addresses;
mod stomp;
mod streams;
mod target;
mod telemetry;
mod telemetry_brokers;
mod truth;
mod unwritable;
