//! Pages in browsers that use a node.

use std::time::Duration;

use clap::Args;
use highwater_server::Origin;

use super::time::parse_duration_within;

/// Bounds of `--ping-interval`: below the 90 s after which a silent device is closed.
const MIN_PING_INTERVAL: Duration = Duration::from_secs(1);
const MAX_PING_INTERVAL: Duration = Duration::from_secs(80);

#[derive(Debug, Args)]
#[command(next_help_heading = "Browsers")]
pub(crate) struct ServeBrowsers {
    /// Origins whose pages may use this node besides those of its own host, such as
    /// https://app.example; * is any
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    pub(crate) allowed_origins: Vec<Origin>,
    /// Ping a device that has been silent for this long, 1s to 80s [default: never]
    #[arg(
        long,
        value_name = "TIME",
        value_parser = parse_duration_within(MIN_PING_INTERVAL..=MAX_PING_INTERVAL)
    )]
    pub(crate) ping_interval: Option<Duration>,
}
