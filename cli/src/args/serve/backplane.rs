//! What joins a node with the others.

use std::time::Duration;

use clap::Args;
use highwater_server::{BackplaneUrl, ClusterName};

use super::time::parse_duration_within;

pub(super) const MIN_LEASE: Duration = Duration::from_millis(500);
pub(super) const MAX_LEASE: Duration = Duration::from_secs(600);

#[derive(Debug, Args)]
#[command(next_help_heading = "Backplane")]
pub(crate) struct ServeBackplane {
    /// What joins the nodes: local://HOST:PORT, redis://HOST, nats://HOST or
    /// amqp://HOST; without it, a cluster of one
    #[arg(
        long,
        value_name = "URL",
        env = "HIGHWATER_BACKPLANE",
        hide_env_values = true
    )]
    pub(crate) backplane: Option<BackplaneUrl>,
    /// Name of the cluster, where others use the same broker
    #[arg(long, value_name = "NAME", default_value_t)]
    pub(crate) cluster: ClusterName,
    /// How long this node may be silent before the others take it for dead, 500ms to
    /// 10m; the embedded broker decides by itself
    #[arg(
        long,
        value_name = "TIME",
        default_value = "5s",
        value_parser = parse_duration_within(MIN_LEASE..=MAX_LEASE)
    )]
    pub(crate) membership_lease: Duration,
}
