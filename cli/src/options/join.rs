//! The time in which coordinator and workers of a run on a bus find each other.

use std::time::Duration;

use clap::Args;
use highwater_types::duration::{DAY, SECOND};

use super::time::parse_duration_within;

/// Bounds of the time that workers may take to join.
const SHORTEST_JOIN: Duration = SECOND;
/// See [`SHORTEST_JOIN`].
pub(crate) const LONGEST_JOIN: Duration = DAY;

#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// Longest wait until all workers have joined the run, 1s to 1d
    ///
    /// A worker waits as long for the bus and the run. Every 10 s the coordinator
    /// says which workers are missing.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "2m",
        value_parser = parse_duration_within(SHORTEST_JOIN..=LONGEST_JOIN)
    )]
    pub(crate) join_timeout: Duration,
}
