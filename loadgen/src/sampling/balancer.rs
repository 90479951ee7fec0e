//! What a balancer says of itself, in the gauges of a record: how many sockets it
//! forwards, to which node, and which nodes it gives new ones.
//!
//! One file a kind; the next one is written by looking at its neighbour. What a
//! balancer does not tell is absent.

use std::path::PathBuf;

use highwater_reports::record::names::gauge;
use reqwest::Client;

use super::{Gauges, scrape::scrape};
use crate::testbed::balancer::{
    gateway::gauges as gateway, haproxy::gauges as haproxy, nginx::gauges as nginx,
};

/// Where a balancer is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BalancerEndpoint {
    /// Address of the gateway's Prometheus text.
    Gateway(String),
    /// Address of nginx's `stub_status`.
    Nginx(String),
    /// HAProxy's master socket.
    Haproxy(PathBuf),
}

impl BalancerEndpoint {
    /// Whether it is a program whose work is done by children of its process.
    pub(super) fn has_children(&self) -> bool {
        match self {
            Self::Gateway(_) => false,
            Self::Nginx(_) | Self::Haproxy(_) => true,
        }
    }

    /// What it says, within less than a second; `None` if it does not answer.
    pub(super) async fn gauges(&self, client: &Client) -> Option<Gauges> {
        match self {
            Self::Gateway(metrics) => {
                let text = scrape(client, metrics).await.ok()?;
                Some(gateway::gauges(&text))
            }
            Self::Nginx(status) => {
                let text = scrape(client, status).await.ok()?;
                nginx::gauges(&text)
            }
            Self::Haproxy(master) => haproxy::gauges(master).await,
        }
    }
}

/// What a balancer of each kind would have said with `text`; for fuzz targets.
pub(crate) fn read_as_each_kind(text: &str) -> [Gauges; 3] {
    let mut haproxy = Gauges::new();
    haproxy::add_stat(text, haproxy::HaproxyWorkerState::Current, &mut haproxy);
    [
        gateway::gauges(text),
        nginx::gauges(text).unwrap_or_default(),
        haproxy,
    ]
}

/// The gauge of sockets that are forwarded to `node`.
pub(crate) fn node_gauge(gauge: &str, node: &str) -> String {
    format!("{gauge}.{node}")
}

/// Adds to a node's count, and to that of all.
pub(crate) fn add_sockets(gauges: &mut Gauges, node: &str, sockets: f64) {
    let by_node = node_gauge(gauge::BALANCER_SOCKETS_BY_NODE, node);
    *gauges.entry(by_node).or_default() += sockets;
    *gauges.entry(gauge::BALANCER_SOCKETS.into()).or_default() += sockets;
}
