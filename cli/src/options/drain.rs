//! The steps by which a node or a gateway drains.

use std::time::Duration;

use clap::Args;
use highwater_server::Rate;

use super::time::parse_duration_within;

/// Longest time that is taken.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(600);
/// A socket that lives shorter costs more than it is of use.
const SHORTEST_MAX_AGE: Duration = Duration::from_secs(10);
const LONGEST_MAX_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// The steps that a node and a gateway have in common.
#[derive(Debug, Args)]
#[command(next_help_heading = "Drain")]
pub(crate) struct DrainArgs {
    /// Time during which /readyz fails before anything is refused
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration_within(Duration::ZERO..=MAX_DURATION))]
    pub(crate) drain_delay: Duration,
    /// Sockets closed, a second
    #[arg(long, value_name = "RATE", default_value = "500/s")]
    pub(crate) drain_rate: Rate,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Drain")]
pub(crate) struct ServeDrain {
    #[command(flatten)]
    pub(crate) steps: DrainArgs,
    /// Longest time over which a device is asked to spread its return
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration_within(Duration::ZERO..=MAX_DURATION))]
    pub(crate) drain_window: Duration,
    /// Send a socket away when it has been open for three quarters to all of this,
    /// 10s to 720h
    #[arg(long, value_name = "TIME", value_parser = parse_duration_within(SHORTEST_MAX_AGE..=LONGEST_MAX_AGE))]
    pub(crate) max_age: Option<Duration>,
}
