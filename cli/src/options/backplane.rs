//! The connection of a node to the other nodes.

use std::time::Duration;

use clap::Args;
use highwater_server::{BackplaneUrl, ClusterName};

use super::{cluster_secret::ClusterSecretArgs, time::parse_duration_within};

pub(crate) const MIN_LEASE: Duration = Duration::from_millis(500);
pub(crate) const MAX_LEASE: Duration = Duration::from_secs(600);

#[derive(Debug, Args)]
#[command(next_help_heading = "Backplane")]
pub(crate) struct ServeBackplane {
    /// Broker of the cluster: local://HOST:PORT, redis://HOST, nats://HOST or
    /// amqp://HOST [default: a cluster of one node]
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
    #[command(flatten)]
    pub(crate) secret: ClusterSecretArgs,
    /// Time without a heartbeat after which the others remove this node, 500ms to
    /// 10m; the embedded broker uses a rule of its own
    #[arg(
        long,
        value_name = "TIME",
        default_value = "5s",
        value_parser = parse_duration_within(MIN_LEASE..=MAX_LEASE)
    )]
    pub(crate) membership_lease: Duration,
}

/// The backplane of the nodes that a gateway or a consumer serves.
#[derive(Debug, Args)]
pub(crate) struct NodesBackplane {
    /// The backplane of the nodes: local://, redis://, nats:// or amqp://HOST[:PORT]
    #[arg(
        long,
        value_name = "URL",
        env = "HIGHWATER_BACKPLANE",
        hide_env_values = true
    )]
    pub(crate) backplane: BackplaneUrl,
    /// Name of the nodes' cluster, where others use the same broker
    #[arg(long, value_name = "NAME", default_value_t)]
    pub(crate) cluster: ClusterName,
    #[command(flatten)]
    pub(crate) secret: ClusterSecretArgs,
}
