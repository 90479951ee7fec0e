//! A cluster that the harness starts.

use std::time::Duration;

use highwater_types::{BrokerUrl, duration};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::{
    balancing::{self, BalancerKind, BalancerLoadMetric, BalancerPolicy, Join},
    telemetry::Consumers,
};

/// A cluster of the reference server, each node a process of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterSpec {
    /// Nodes at the start, `n1`, `n2`, …
    pub nodes: u32,
    /// The backplane that joins the nodes.
    pub backplane: BackplaneSpec,
    /// The broker that carries telemetry; `None` is the one of the backplane.
    // Keys with a default are younger than the first records, which are still read.
    #[serde(default)]
    pub telemetry: Option<BrokerSpec>,
    /// The balancer in front of the nodes.
    pub balancer: BalancerKind,
    /// The policy by which new sockets are spread.
    pub policy: BalancerPolicy,
    /// The load of a node that the policy compares.
    #[serde(default)]
    pub load_metric: BalancerLoadMetric,
    /// The way in which the balancer learns of a node that comes or goes in order.
    #[serde(default)]
    pub join: Join,
    /// Balancers side by side, `b1`, `b2`, …; clients rotate over them.
    #[serde(default = "balancing::default_balancers")]
    pub balancers: u32,
    /// Whether clients speak TLS to the balancer, which speaks plain HTTP to the nodes.
    #[serde(default)]
    pub balancer_tls: bool,
    /// The age at which a node closes a socket; `None` is never.
    #[serde(default, with = "duration::optional_millis")]
    pub max_age: Option<Duration>,
    /// The way in which a command finds the node that owns its device.
    pub routing: Routing,
    /// Whether sockets and commands go over TLS.
    #[serde(default)]
    pub tls: bool,
    /// Whether nodes require tokens.
    #[serde(default)]
    pub auth: bool,
    /// The consumers that handle telemetry records.
    #[serde(default)]
    pub consumers: Consumers,
}

/// The backplane that joins the nodes of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackplaneSpec {
    /// The embedded broker, a process of its own on this machine.
    Local,
    /// A broker that is running already.
    Broker(BrokerSpec),
}

/// A broker that is running already, and where it is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerSpec {
    /// The address that nodes connect to.
    pub url: BrokerUrl,
    /// Address of the broker's monitoring: NATS's monitoring port, RabbitMQ's Prometheus
    /// plugin. `None` for Redis, which reports on a connection like any other.
    pub monitor: Option<String>,
    /// The broker's process on this machine, where the scenario gives it.
    pub pid: Option<u32>,
    /// PEM file of the authorities that sign the certificates of the broker's servers.
    #[serde(default)]
    pub ca: Option<String>,
}

/// The way in which a command finds the node that owns its device.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Routing {
    /// Asks the owner directory, then goes to that node alone.
    Directory,
    /// Asks every node.
    Broadcast,
}

impl ClusterSpec {
    /// Returns the brokers that are running already: of the backplane, and of telemetry.
    pub fn external_brokers(&self) -> impl Iterator<Item = &BrokerSpec> {
        let backplane = match &self.backplane {
            BackplaneSpec::Local => None,
            BackplaneSpec::Broker(broker) => Some(broker),
        };
        backplane.into_iter().chain(&self.telemetry)
    }

    /// Returns the brokers that are running already, to be changed.
    pub(crate) fn external_brokers_mut(&mut self) -> impl Iterator<Item = &mut BrokerSpec> {
        let backplane = match &mut self.backplane {
            BackplaneSpec::Local => None,
            BackplaneSpec::Broker(broker) => Some(broker),
        };
        backplane.into_iter().chain(&mut self.telemetry)
    }
}
