//! A cluster whose nodes are counts, with fleets of gateways in front.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use crate::{
    backplane::{Member, Role, View},
    cluster::message::LoadReport,
    gateway::{
        Policy,
        backend_load::SocketLease,
        backend_set::{Assigned, Fleet},
        config::GatewayConfig,
        health::Checked,
    },
    id::NodeId,
};

/// Between two reports, as nodes make them.
const REPORTS: Duration = Duration::from_millis(250);

/// A cluster whose nodes are counts.
pub(super) struct Cluster {
    pub(super) gateways: Vec<Fleet>,
    pub(super) nodes: BTreeMap<NodeId, SimNode>,
    version: u64,
    pub(super) now: Instant,
    reported: Instant,
    /// Held so that sockets stay open.
    leases: Vec<SocketLease>,
}

pub(super) struct SimNode {
    pub(super) epoch: u64,
    pub(super) sockets: u64,
    pub(super) accepts: bool,
    pub(super) own: Option<f64>,
}

impl Cluster {
    pub(super) fn new(gateways: usize, change: impl Fn(&mut GatewayConfig)) -> Self {
        let now = Instant::now();
        let gateway = |number: usize| {
            let backplane = "local://127.0.0.1:1".parse().unwrap();
            let id = format!("g{number}").parse().unwrap();
            let mut config = GatewayConfig::new(id, backplane);
            change(&mut config);
            Fleet::new(&config, 100 * number as u64)
        };
        Self {
            gateways: (1..=gateways).map(gateway).collect(),
            nodes: BTreeMap::new(),
            version: 1,
            now,
            reported: now,
            leases: Vec::new(),
        }
    }

    /// Nodes that were there before the gateways.
    pub(super) fn with_nodes(mut self, sockets: &[u64]) -> Self {
        for (at, sockets) in sockets.iter().enumerate() {
            self.put(&format!("n{}", at + 1), 1, *sockets);
        }
        self.announce();
        self
    }

    pub(super) fn put(&mut self, id: &str, epoch: u64, sockets: u64) {
        let node = SimNode {
            epoch,
            sockets,
            accepts: true,
            own: None,
        };
        self.nodes.insert(id.parse().unwrap(), node);
    }

    /// Every gateway hears who is there, and finds the newcomers ready.
    pub(super) fn announce(&mut self) {
        self.version += 1;
        self.show(&self.view());
        self.report();
    }

    pub(super) fn view(&self) -> View {
        let members = self.nodes.iter().map(|(id, node)| Member {
            id: id.clone(),
            boot: node.epoch,
            joined: node.epoch,
            address: Some(format!("{id}:1")),
            role: Role::Node,
        });
        View {
            version: self.version,
            members: members.collect(),
            connected: true,
        }
    }

    /// Every gateway goes over to a view, and finds its newcomers ready.
    pub(super) fn show(&self, view: &View) {
        for gateway in &self.gateways {
            for newcomer in gateway.adopt(view, self.now) {
                assert!(gateway.checked(&newcomer, Checked::Ready, self.now));
            }
        }
    }

    /// The names that the first gateway knows.
    pub(super) fn known(&self) -> Vec<String> {
        let figures = self.gateways[0].figures();
        figures.iter().map(|node| node.id.to_string()).collect()
    }

    /// So many requests at the first gateway, each over before the next one comes; how
    /// many each node got.
    pub(super) fn ask(&self, count: usize) -> BTreeMap<String, usize> {
        let mut asked = BTreeMap::new();
        for _ in 0..count {
            let requested = self.gateways[0].request(&[], self.now).unwrap();
            *asked.entry(requested.upstream.id.to_string()).or_default() += 1;
        }
        asked
    }

    pub(super) fn report(&mut self) {
        self.reported = self.now;
        for (id, node) in &self.nodes {
            let report = LoadReport {
                epoch: node.epoch,
                sockets: node.sockets,
                own: node.own,
                accepts: node.accepts,
            };
            for gateway in &self.gateways {
                gateway.report(id, &report);
            }
        }
    }

    /// Sockets arrive evenly, at one gateway after the other.
    pub(super) fn arrive(&mut self, count: u32, per_s: u32) {
        for number in 0..count {
            self.now += Duration::from_secs(1) / per_s;
            if self.now - self.reported >= REPORTS {
                self.report();
            }
            let gateway = &self.gateways[number as usize % self.gateways.len()];
            let Assigned {
                upstream,
                mut lease,
                ..
            } = gateway.assign(&[], self.now).unwrap();
            lease.establish();
            self.leases.push(lease);
            self.nodes.get_mut(&upstream.id).unwrap().sockets += 1;
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

/// Of that policy, and else as usual.
pub(super) fn with(policy: Policy) -> impl Fn(&mut GatewayConfig) {
    move |config| config.policy = policy
}

impl Fleet {
    /// A check of whichever life the node has now.
    pub(super) fn check(&self, id: &NodeId, checked: Checked) {
        let upstream = self.upstream(id);
        if let Some(upstream) = upstream {
            assert!(self.checked(&upstream, checked, Instant::now()));
        }
    }
}
