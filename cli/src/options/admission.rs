//! Limits on the sockets that a node accepts.

use std::{ops::RangeInclusive, time::Duration};

use clap::Args;
use highwater_server::Rate;

use super::{listen::ConnectionLimitArgs, number::at_least_one, time::parse_duration_within};

/// The accepted values of `--max-upgrade-delay`.
const UPGRADE_DELAYS: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(60);

#[derive(Debug, Args)]
#[command(next_help_heading = "Admission")]
pub(crate) struct ServeAdmission {
    /// Most device sockets; more get 503
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) max_sockets: Option<usize>,
    /// Most new device sockets a second, such as 500/s; more get 503
    #[arg(long, value_name = "RATE")]
    pub(crate) max_upgrades: Option<Rate>,
    /// New sockets that a burst may contain [default: one second's worth]
    #[arg(
        long,
        value_name = "N",
        requires = "max_upgrades",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub(crate) upgrade_burst: Option<u32>,
    /// Time that new device sockets may wait for a busy node, 10ms to 1m; later ones get 503
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration_within(UPGRADE_DELAYS))]
    pub(crate) max_upgrade_delay: Duration,
    /// Most device sockets of one client address; more get 429
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) max_sockets_per_address: Option<usize>,
    #[command(flatten)]
    pub(crate) connections: ConnectionLimitArgs,
}
