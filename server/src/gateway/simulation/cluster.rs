//! A cluster whose nodes are counts, with the backend sets of gateways in front.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use crate::{
    backplane::{Member, MemberRole, View},
    gateway::{
        GatewayPolicy, backend_load::ConnectionGuard, backend_set::BackendSet,
        config::GatewayConfig, health::ProbeResult,
    },
    id::NodeId,
    message::LoadReport,
};

/// Interval between two reports of a node, as in production.
const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// A cluster whose nodes are counts.
pub(super) struct SimCluster {
    pub(super) gateways: Vec<BackendSet>,
    pub(super) nodes: BTreeMap<NodeId, SimNode>,
    version: u64,
    pub(super) now: Instant,
    last_report: Instant,
    /// Held so that sockets stay open.
    guards: Vec<ConnectionGuard>,
}

pub(super) struct SimNode {
    pub(super) incarnation: u64,
    pub(super) sockets: u64,
    pub(super) accepts_sockets: bool,
    pub(super) reported_load: Option<f64>,
}

impl SimCluster {
    pub(super) fn new(gateways: usize, change: impl Fn(&mut GatewayConfig)) -> Self {
        let now = Instant::now();
        let gateway = |number: usize| {
            let backplane = "local://127.0.0.1:1".parse().unwrap();
            let id = format!("g{number}").parse().unwrap();
            let mut config = GatewayConfig::new(id, backplane);
            change(&mut config);
            BackendSet::new(&config, 100 * number as u64)
        };
        Self {
            gateways: (1..=gateways).map(gateway).collect(),
            nodes: BTreeMap::new(),
            version: 1,
            now,
            last_report: now,
            guards: Vec::new(),
        }
    }

    /// Adds nodes that ran before the gateways started.
    pub(super) fn with_nodes(mut self, sockets: &[u64]) -> Self {
        for (at, sockets) in sockets.iter().enumerate() {
            self.add_node(&format!("n{}", at + 1), 1, *sockets);
        }
        self.publish_view();
        self
    }

    pub(super) fn add_node(&mut self, id: &str, incarnation: u64, sockets: u64) {
        let node = SimNode {
            incarnation,
            sockets,
            accepts_sockets: true,
            reported_load: None,
        };
        self.nodes.insert(id.parse().unwrap(), node);
    }

    /// Gives every gateway the current view and reports.
    pub(super) fn publish_view(&mut self) {
        self.version += 1;
        self.apply_view(&self.view());
        self.send_reports();
    }

    pub(super) fn view(&self) -> View {
        let members = self.nodes.iter().map(|(id, node)| Member {
            id: id.clone(),
            incarnation: node.incarnation,
            generation: node.incarnation,
            address: Some(format!("{id}:1")),
            role: MemberRole::Node,
        });
        View {
            version: self.version,
            members: members.collect(),
            connected: true,
        }
    }

    /// Gives every gateway a view. The new nodes pass their first health check.
    pub(super) fn apply_view(&self, view: &View) {
        for gateway in &self.gateways {
            for upstream in gateway.apply_view(view, self.now) {
                let health = gateway.record_probe(&upstream, ProbeResult::Ready, self.now);
                assert!(health.is_some());
            }
        }
    }

    /// Returns the names of the first gateway's backends.
    pub(super) fn known_nodes(&self) -> Vec<String> {
        let statuses = self.gateways[0].statuses();
        statuses.iter().map(|node| node.id.to_string()).collect()
    }

    /// Sends requests through the first gateway, one after the other. Returns the number at
    /// each node.
    pub(super) fn send_requests(&self, count: usize) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for _ in 0..count {
            let pick = self.gateways[0].pick_for_request(&[], self.now).unwrap();
            *counts.entry(pick.upstream.id.to_string()).or_default() += 1;
        }
        counts
    }

    pub(super) fn send_reports(&mut self) {
        self.last_report = self.now;
        for (id, node) in &self.nodes {
            let report = LoadReport {
                incarnation: node.incarnation,
                sockets: node.sockets,
                reported_load: node.reported_load,
                accepts_sockets: node.accepts_sockets,
            };
            for gateway in &self.gateways {
                gateway.record_report(id, &report);
            }
        }
    }

    /// Opens sockets evenly over time, at one gateway after the other.
    pub(super) fn open_sockets(&mut self, count: u32, per_s: u32) {
        for number in 0..count {
            self.now += Duration::from_secs(1) / per_s;
            if self.now - self.last_report >= REPORT_INTERVAL {
                self.send_reports();
            }
            let gateway = &self.gateways[number as usize % self.gateways.len()];
            let mut pick = gateway.pick_for_socket(&[], self.now).unwrap();
            pick.guard.mark_active();
            self.guards.push(pick.guard);
            self.nodes.get_mut(&pick.upstream.id).unwrap().sockets += 1;
        }
    }

    pub(super) fn sockets(&self) -> Vec<u64> {
        self.nodes.values().map(|node| node.sockets).collect()
    }

    pub(super) fn max_over_mean(&self) -> f64 {
        let sockets = self.sockets();
        let mean = sockets.iter().sum::<u64>() as f64 / sockets.len() as f64;
        *sockets.iter().max().unwrap() as f64 / mean
    }
}

/// Returns a configuration with that policy and the defaults.
pub(super) fn with_policy(policy: GatewayPolicy) -> impl Fn(&mut GatewayConfig) {
    move |config| config.policy = policy
}

impl BackendSet {
    /// Records a health check of the node's current incarnation, if there is one.
    pub(super) fn record_probe_of(&self, id: &NodeId, checked: ProbeResult) {
        if let Some(upstream) = self.upstream(id) {
            let health = self.record_probe(&upstream, checked, Instant::now());
            assert!(health.is_some());
        }
    }
}
