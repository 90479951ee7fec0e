//! What a gateway says about itself to Prometheus.

use std::collections::BTreeMap;

use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::{backend_load::Counts, backend_set::Figures, state::Gateway};
use crate::{
    id::NodeId,
    listener::{DoorMetrics, HandshakeMetrics},
    metric::{self, add, constant, counter, counters, look_up_backplane, look_up_process, set},
};

/// The counters that tasks write; gauges that can be looked up are, when asked.
pub(super) struct Metrics {
    registry: Registry,
    /// Of all listeners.
    pub(super) door: DoorMetrics,
    pub(super) handshakes: HandshakeMetrics,
    pub(super) retries: IntCounter,
    requests: IntCounterVec,
    sockets: IntCounterVec,
}

/// What became of a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum RequestOutcome {
    /// A node answered, whatever it said.
    Answered,
    /// A node was asked, and did not answer in time.
    TimedOut,
    /// A node was asked, and its connection broke.
    Broken,
    /// There was nobody to ask.
    NoNode,
}

/// What became of an upgrade to WebSocket.
#[derive(Debug, Clone, Copy)]
pub(super) enum SocketOutcome {
    /// A node took it.
    Opened,
    /// A node, or the last of several, did not want it.
    Refused,
    /// A node was asked, and did not answer in time.
    TimedOut,
    /// A node was asked, and its connection broke.
    Broken,
    /// There was nobody to ask.
    NoNode,
}

impl RequestOutcome {
    const ALL: [Self; 4] = [Self::Answered, Self::TimedOut, Self::Broken, Self::NoNode];

    fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::TimedOut => "timed-out",
            Self::Broken => "broken",
            Self::NoNode => "no-node",
        }
    }
}

impl SocketOutcome {
    const ALL: [Self; 5] = [
        Self::Opened,
        Self::Refused,
        Self::TimedOut,
        Self::Broken,
        Self::NoNode,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Refused => "refused",
            Self::TimedOut => "timed-out",
            Self::Broken => "broken",
            Self::NoNode => "no-node",
        }
    }
}

impl Metrics {
    pub(super) fn new() -> Self {
        let metrics = Self {
            registry: Registry::new(),
            door: DoorMetrics::default(),
            handshakes: HandshakeMetrics::default(),
            retries: counter(
                "highwater_gateway_retries_total",
                "Requests and sockets that were tried at another node.",
            ),
            requests: counters(
                "highwater_gateway_requests_total",
                "Requests of clients, by outcome.",
                "outcome",
            ),
            sockets: counters(
                "highwater_gateway_upgrades_total",
                "Upgrades to WebSocket that clients asked for, by outcome.",
                "outcome",
            ),
        };
        // Known label values exist from the start, at zero: a rate needs a first value.
        for outcome in RequestOutcome::ALL {
            metrics.requests.with_label_values(&[outcome.label()]);
        }
        for outcome in SocketOutcome::ALL {
            metrics.sockets.with_label_values(&[outcome.label()]);
        }
        metrics.door.register(&metrics.registry);
        metrics.handshakes.register(&metrics.registry);
        add(&metrics.registry, &metrics.retries);
        add(&metrics.registry, &metrics.requests);
        add(&metrics.registry, &metrics.sockets);
        metrics
    }

    pub(super) fn request(&self, outcome: RequestOutcome) {
        self.requests.with_label_values(&[outcome.label()]).inc();
    }

    pub(super) fn socket(&self, outcome: SocketOutcome) {
        self.sockets.with_label_values(&[outcome.label()]).inc();
    }
}

/// The gateway's metrics in the Prometheus text format.
pub(super) fn text(gateway: &Gateway) -> String {
    let looked_up = Registry::new();
    set(
        &looked_up,
        "highwater_gateway_sockets",
        "Open sockets that this gateway forwards.",
        Some(gateway.tunnels.count() as f64),
    );
    look_up_counts(&gateway.fleet.counts(), &looked_up);
    look_up_nodes(&gateway.fleet.figures(), &looked_up);
    look_up_backplane(&*gateway.backplane, &looked_up);
    let heap = gateway.config.heap_probe.and_then(|probe| probe());
    look_up_process(heap, &looked_up);
    let mut families = gateway.metrics.registry.gather();
    families.extend(looked_up.gather());
    metric::text(&families)
}

/// What this gateway has at each node, one that has left with sockets open included.
fn look_up_counts(counts: &BTreeMap<NodeId, Counts>, registry: &Registry) {
    let by_node = |name, help, count: fn(&Counts) -> u64| {
        let samples = counts.iter().map(|(id, counts)| (id, count(counts) as f64));
        register(registry, name, help, samples);
    };
    by_node(
        "highwater_gateway_established",
        "Open sockets that this gateway forwards to the node.",
        |counts| counts.established,
    );
    by_node(
        "highwater_gateway_handshaking",
        "Sockets on their way to the node.",
        |counts| counts.handshaking,
    );
    by_node(
        "highwater_gateway_requests",
        "Requests under way at the node.",
        |counts| counts.requests,
    );
}

/// What is known of each node of the view.
fn look_up_nodes(nodes: &[Figures], registry: &Registry) {
    let by_node = |name, help, figure: fn(&Figures) -> Option<f64>| {
        let samples = nodes
            .iter()
            .filter_map(|node| Some((&node.id, figure(node)?)));
        register(registry, name, help, samples);
    };
    by_node(
        "highwater_gateway_node_sockets",
        "Sockets that the node said last that it has, through whichever gateway.",
        |node| node.reported.map(|sockets| sockets as f64),
    );
    by_node(
        "highwater_gateway_node_load",
        "What the policy goes by.",
        |node| node.load,
    );
    by_node(
        "highwater_gateway_node_up",
        "Whether the node is given new sockets: 0 or 1.",
        |node| Some(f64::from(u8::from(node.takes_sockets))),
    );
    if nodes.is_empty() {
        return;
    }
    let assigned = counters(
        "highwater_gateway_assigned_total",
        "Sockets ever assigned to the node.",
        "node",
    );
    let states = constant(IntGaugeVec::new(
        Opts::new(
            "highwater_gateway_node_state",
            "1 for the state that the node is in: joining, up, not-ready, draining or down.",
        ),
        &["node", "state"],
    ));
    for node in nodes {
        let id = node.id.as_str();
        assigned.with_label_values(&[id]).inc_by(node.assigned);
        states.with_label_values(&[id, node.state]).set(1);
    }
    add(registry, &assigned);
    add(registry, &states);
}

/// A gauge with a sample for each node; none where nothing is known, and without any
/// no gauge at all.
fn register<'n>(
    registry: &Registry,
    name: &str,
    help: &str,
    samples: impl Iterator<Item = (&'n NodeId, f64)>,
) {
    let gauges = constant(GaugeVec::new(Opts::new(name, help), &["node"]));
    let mut has_samples = false;
    for (id, value) in samples {
        gauges.with_label_values(&[id.as_str()]).set(value);
        has_samples = true;
    }
    if has_samples {
        add(registry, &gauges);
    }
}
