//! The connection of a node to the other nodes.

use std::{path::Path, time::Duration};

use clap::Args;
use highwater_server::{
    BackplaneUrl, ClusterName, TelemetryUrl,
    tls::{BrokerCa, BrokerCaError},
};

use super::{cluster_secret::ClusterSecretArgs, time::parse_duration_within};

const MIN_LEASE: Duration = Duration::from_millis(500);
const MAX_LEASE: Duration = Duration::from_secs(600);

#[derive(Debug, Args)]
#[command(next_help_heading = "Backplane")]
pub(crate) struct ServeBackplane {
    /// Broker of the cluster: local://HOST:PORT, redis://HOST, nats://HOST or
    /// amqp://HOST, or several servers of one, HOST,HOST [default: a cluster of
    /// one node]
    #[arg(
        long,
        value_name = "URL",
        env = "HIGHWATER_BACKPLANE",
        hide_env_values = true
    )]
    pub(crate) backplane: Option<BackplaneUrl>,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryQueue,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) lease: MembershipLease,
}

/// The queue of telemetry, where it is not at the broker of the backplane.
#[derive(Debug, Args)]
pub(crate) struct TelemetryQueue {
    /// Queue of telemetry at another broker than the backplane's: local://, redis://, nats://,
    /// amqp:// or kafka://HOST[:PORT], or pubsub://PROJECT; the same at every node and consumer
    /// [default: at the broker of the backplane]
    #[arg(
        id = "telemetry",
        long = "telemetry",
        value_name = "URL",
        env = "HIGHWATER_TELEMETRY",
        hide_env_values = true
    )]
    pub(crate) url: Option<TelemetryUrl>,
}

/// The cluster of a process at its broker.
#[derive(Debug, Args)]
pub(crate) struct ClusterArgs {
    /// Name of the cluster, where others use the same broker
    #[arg(id = "cluster", long = "cluster", value_name = "NAME", default_value_t)]
    pub(crate) name: ClusterName,
    #[command(flatten)]
    pub(crate) secret: ClusterSecretArgs,
    #[command(flatten)]
    pub(crate) broker_tls: BrokerTls,
}

/// The lease of a member.
#[derive(Debug, Args)]
pub(crate) struct MembershipLease {
    /// Time without a heartbeat after which the others remove this process, 500ms to
    /// 10m; the embedded broker uses a rule of its own
    #[arg(
        long,
        value_name = "TIME",
        default_value = "5s",
        value_parser = parse_duration_within(MIN_LEASE..=MAX_LEASE)
    )]
    pub(crate) membership_lease: Duration,
}

/// TLS to the broker.
#[derive(Debug, Args)]
pub(crate) struct BrokerTls {
    /// Authorities in PEM that sign the broker's certificates, for rediss://, tls:// and
    /// amqps:// [default: those of the machine]
    #[arg(
        long,
        value_name = "FILE",
        env = "HIGHWATER_BROKER_CA",
        hide_env_values = true,
        value_parser = read_ca
    )]
    pub(crate) broker_ca: Option<BrokerCa>,
}

impl ServeBackplane {
    /// Returns the URL of the backplane, with the authorities for it.
    pub(crate) fn url(&self) -> Option<BackplaneUrl> {
        let url = self.backplane.clone()?;
        Some(self.cluster.broker_tls.add_to(url))
    }

    /// Returns the URL of the telemetry queue, with the authorities for it; `None` is the queue
    /// of the backplane.
    pub(crate) fn telemetry_url(&self) -> Option<TelemetryUrl> {
        self.telemetry.url_with(&self.cluster.broker_tls)
    }

    /// Returns the address of a broker that needs a cluster secret.
    pub(crate) fn needs_secret_at(&self) -> Option<String> {
        let backplane = self.backplane.as_ref();
        let of_backplane = backplane.filter(|url| url.needs_cluster_secret());
        let of_backplane = of_backplane.map(ToString::to_string);
        of_backplane.or_else(|| self.telemetry.needs_secret_at())
    }
}

impl TelemetryQueue {
    fn url_with(&self, tls: &BrokerTls) -> Option<TelemetryUrl> {
        let url = self.url.clone()?;
        Some(match &tls.broker_ca {
            Some(ca) => url.with_ca(ca),
            None => url,
        })
    }

    fn needs_secret_at(&self) -> Option<String> {
        let url = self.url.as_ref().filter(|url| url.needs_cluster_secret())?;
        Some(url.to_string())
    }
}

impl NodesBackplane {
    /// Returns the URL, with the authorities for it.
    pub(crate) fn url(&self) -> BackplaneUrl {
        self.cluster.broker_tls.add_to(self.backplane.clone())
    }

    /// Returns the address of a broker that needs a cluster secret.
    pub(crate) fn needs_secret_at(&self) -> Option<String> {
        let needs_secret = self.backplane.needs_cluster_secret();
        needs_secret.then(|| self.backplane.to_string())
    }
}

impl NodesTelemetry {
    /// Returns the URL of the queue, with the authorities for it; `None` if the broker of the
    /// backplane has none.
    pub(crate) fn url(&self) -> Option<TelemetryUrl> {
        let tls = &self.cluster.broker_tls;
        let of_backplane = || {
            let url = tls.add_to(self.backplane.clone()?);
            TelemetryUrl::of_backplane(&url)
        };
        self.telemetry.url_with(tls).or_else(of_backplane)
    }
}

impl BrokerTls {
    fn add_to(&self, url: BackplaneUrl) -> BackplaneUrl {
        match &self.broker_ca {
            Some(ca) => url.with_ca(ca),
            None => url,
        }
    }
}

fn read_ca(path: &str) -> Result<BrokerCa, BrokerCaError> {
    BrokerCa::from_file(Path::new(path))
}

/// The backplane of the nodes that a gateway serves.
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
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// The telemetry queue of the nodes that a consumer serves, named as the nodes name it.
#[derive(Debug, Args)]
pub(crate) struct NodesTelemetry {
    /// The backplane of the nodes, if its broker has the queue: local://, redis://, nats:// or
    /// amqp://HOST[:PORT]
    #[arg(
        long,
        value_name = "URL",
        env = "HIGHWATER_BACKPLANE",
        hide_env_values = true,
        required_unless_present = "telemetry"
    )]
    pub(crate) backplane: Option<BackplaneUrl>,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryQueue,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}
