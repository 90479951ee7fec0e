//! The sort of process that a metric is about.

use strum::IntoStaticStr;

use crate::record::{SourceRole, names::gauge};

/// Name of the source of what all workers counted together.
pub(crate) const ALL_SOURCES: &str = "all";

/// The sort of process or machine that a metric is about. As text it is `client`, `node`, ….
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum SourceKind {
    /// The devices and callers of the load, as their workers count them.
    Client,
    /// A node of the system.
    Node,
    /// A balancer in front of the nodes.
    Balancer,
    /// A broker of the backplane or of telemetry.
    Broker,
    /// A consumer of telemetry.
    Consumer,
    /// The machine of the coordinator.
    Host,
    /// A process of the harness itself: a worker or the coordinator.
    Harness,
}

/// Gauges of a process. At a worker they are about the harness, and not about its devices.
const PROCESS_GAUGES: [&str; 8] = [
    gauge::RSS,
    gauge::HEAP,
    gauge::OPEN_FILES,
    gauge::CPU,
    gauge::STARTED_AT,
    gauge::UP,
    gauge::CLOCK_OFFSET_US,
    gauge::CLOCK_BOUND_US,
];

/// Returns the kind and the name of the source of a metric in a line of `role` and `id`.
pub(crate) fn source_kind<'i>(
    role: SourceRole,
    id: &'i str,
    metric: &str,
    is_counter: bool,
) -> (SourceKind, &'i str) {
    let kind = match role {
        SourceRole::Node => SourceKind::Node,
        SourceRole::Broker => SourceKind::Broker,
        SourceRole::Balancer => SourceKind::Balancer,
        SourceRole::Consumer => SourceKind::Consumer,
        SourceRole::Host => SourceKind::Host,
        SourceRole::Worker if PROCESS_GAUGES.contains(&metric) => SourceKind::Harness,
        SourceRole::Worker => SourceKind::Client,
        // The coordinator counts sockets that opened and ended over all workers.
        SourceRole::Coordinator if is_counter => return (SourceKind::Client, ALL_SOURCES),
        SourceRole::Coordinator => SourceKind::Harness,
    };
    (kind, id)
}
