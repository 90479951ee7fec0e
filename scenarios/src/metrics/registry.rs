//! The table of metrics.

use super::{Metric, Unit};

/// What a scenario must have for a metric to exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricRequirement {
    Nothing,
    /// `[cluster]`.
    Cluster,
    /// Something in front of the cluster's nodes.
    Balancer,
    /// `[[commands]]`.
    Commands,
    /// `[[publish]]`.
    Messages,
    /// `[[telemetry]]`.
    Telemetry,
    /// Readings, and consumers of the harness's own.
    Consumers,
    /// Commands, and answers that name the node that owned the socket.
    ReportedOwner,
    /// The same, and two nodes to cross between.
    TwoNodes,
    /// Counts of sockets from the nodes themselves.
    NodeSockets,
    /// Processes of nodes to sample.
    NodeProcess,
    /// Nodes that tell of their heap.
    NodeHeap,
}

/// One line of the table: a metric or a family of them.
pub(super) struct RegistryEntry {
    path: &'static str,
    shape: MetricShape,
    requirement: MetricRequirement,
    about: &'static str,
}

/// How a metric lies in the summary.
enum MetricShape {
    /// A number of things that happened in a window.
    Counter,
    /// A number with a moment of its own.
    PointInTime(Unit),
    /// A time in seconds with a moment of its own.
    Seconds,
    /// Per second, over a window.
    Rate,
    /// One quantity over another, in a window.
    Windowed(Unit),
    /// `{count, mean, p50, …}` of times, over a window.
    Distribution,
    /// `{value, low, high}` of a fit over the run.
    Fit(Unit),
}

/// The parts of a distribution, and what each says of it.
const DISTRIBUTION_PARTS: [(&str, &str); 7] = [
    ("count", "how many"),
    ("mean", "mean"),
    ("p50", "median"),
    ("p90", "90th percentile"),
    ("p99", "99th percentile"),
    ("p999", "99.9th percentile"),
    ("max", "longest"),
];

const fn entry(
    path: &'static str,
    shape: MetricShape,
    needs: MetricRequirement,
    about: &'static str,
) -> RegistryEntry {
    RegistryEntry {
        path,
        shape,
        requirement: needs,
        about,
    }
}

use MetricRequirement::{
    Balancer, Cluster, Commands, Consumers, Messages, NodeHeap, NodeProcess, NodeSockets, Nothing,
    ReportedOwner, Telemetry, TwoNodes,
};
use MetricShape::{Counter, Distribution, Fit, PointInTime, Rate, Seconds, Windowed};

/// Every metric, in the order of the summary.
#[rustfmt::skip]
pub(super) static ENTRIES: &[RegistryEntry] = &[
    entry("sockets.requested", PointInTime(Unit::Count), Nothing, "sockets that the scenario asks for"),
    entry("sockets.opened", Counter, Nothing, "sockets that opened, each counted once"),
    entry("sockets.failed", Counter, Nothing, "sockets that could not be opened"),
    entry("sockets.dropped", Counter, Nothing, "open sockets that ended before the drain other than by a close with 1012"),
    entry("sockets.open_peak", Counter, Nothing, "most sockets open at once, counted by the workers"),
    entry("sockets.open_at_end", PointInTime(Unit::Count), Nothing, "sockets open before the drain"),
    entry("sockets.server_open_peak", Counter, NodeSockets, "most sockets open at once, counted by the nodes"),
    entry("sockets.connect_rate", Rate, Nothing, "sockets opened per second in the ramp"),
    entry("sockets.connect", Distribution, Nothing, "time to open a socket"),
    entry("sockets.reconnect", Distribution, Nothing, "time from losing a socket to having it open again"),
    entry("heartbeats.due", Counter, Nothing, "heartbeats due on open sockets"),
    entry("heartbeats.sent", Counter, Nothing, "heartbeats sent"),
    entry("heartbeats.acknowledged", Counter, Nothing, "heartbeats that were answered before the next was due"),
    entry("heartbeats.missed", Counter, Nothing, "heartbeats without an answer by the time the next was due"),
    entry("heartbeats.late", Counter, Nothing, "heartbeats answered after more than a second"),
    entry("heartbeats.response", Distribution, Nothing, "answer to a heartbeat, from when it was due"),
    entry("heartbeats.service", Distribution, Nothing, "answer to a heartbeat, from when it was sent"),
    entry("commands.due", Counter, Commands, "commands due"),
    entry("commands.dropped", Counter, Commands, "arrivals dropped because too many were in flight"),
    entry("commands.issued", Counter, Commands, "commands sent"),
    entry("commands.replied", Counter, Commands, "commands that got their reply"),
    entry("commands.timed_out", Counter, Commands, "commands without an answer in time"),
    entry("commands.not_connected", Counter, Commands, "commands whose device was not connected, or was replaced meanwhile"),
    entry("commands.rejected", Counter, Commands, "commands that the system shed"),
    entry("commands.failed", Counter, Commands, "commands with any other status, a broken connection or a wrong reply"),
    entry("commands.lost", Counter, Commands, "commands without a known outcome at the end"),
    entry("commands.response", Distribution, Commands, "reply to a command, from when it was due"),
    entry("commands.service", Distribution, Commands, "reply to a command, from when it was sent"),
    entry("commands.same_node", Distribution, ReportedOwner, "reply when the node that took the call owned the socket"),
    entry("commands.cross_node", Distribution, TwoNodes, "reply when another node owned the socket"),
    entry("messages.scheduled", Counter, Messages, "messages whose time to be published came"),
    entry("messages.published", Counter, Messages, "messages that the system took"),
    entry("messages.dropped", Counter, Messages, "messages that could not be sent: their publisher was not connected, or the drain came"),
    entry("messages.rejected", Counter, Messages, "messages that the system rejected"),
    entry("messages.unconfirmed", Counter, Messages, "messages sent whose publication was not answered"),
    entry("messages.due", Counter, Messages, "deliveries due: each message once for every subscriber whose subscription counted"),
    entry("messages.delivered", Counter, Messages, "of these, delivered"),
    entry("messages.lost", Counter, Messages, "of these, not delivered"),
    entry("messages.duplicated", Counter, Messages, "deliveries that came again"),
    entry("messages.reordered", Counter, Messages, "deliveries that came after a later message of the same publisher"),
    entry("messages.latency", Distribution, Messages, "delivery of a message, from when it was due"),
    entry("messages.service", Distribution, Messages, "delivery of a message, from when it was sent"),
    entry("backplane.sent", Counter, NodeSockets, "messages that the nodes put on the backplane, each counted for each node it is for"),
    entry("backplane.received", Counter, NodeSockets, "messages that the nodes took from the backplane"),
    entry("backplane.sent_per_command", Windowed(Unit::Count), TwoNodes, "messages put on the backplane over commands sent, where nothing but commands crosses it"),
    entry("backplane.received_per_command", Windowed(Unit::Count), TwoNodes, "messages taken from the backplane over commands sent, where nothing but commands crosses it"),
    entry("cpu_cores.nodes", Windowed(Unit::Share), NodeProcess, "CPU cores that all nodes together kept busy; 100 % is one core"),
    entry("cpu_cores.broker", Windowed(Unit::Share), Cluster, "CPU cores that the backplane's broker kept busy"),
    entry("cpu_cores.balancers", Windowed(Unit::Share), Balancer, "CPU cores that all balancers together kept busy"),
    entry("cpu_cores.workers", Windowed(Unit::Share), Nothing, "CPU cores that all workers together kept busy"),
    entry("exits.clean", Counter, Cluster, "processes that an event asked to end and that ended with exit code 0"),
    entry("exits.unclean", Counter, Cluster, "processes that an event asked to end and that ended otherwise"),
    entry("telemetry.due", Counter, Telemetry, "telemetry records whose time came"),
    entry("telemetry.sent", Counter, Telemetry, "telemetry records sent, each counted once"),
    entry("telemetry.resent", Counter, Telemetry, "times that a telemetry record was sent again"),
    entry("telemetry.accepted", Counter, Telemetry, "telemetry records that the queue accepted"),
    entry("telemetry.rejected", Counter, Telemetry, "times that a telemetry record was rejected"),
    entry("telemetry.handled", PointInTime(Unit::Count), Consumers, "different telemetry records that a consumer handled"),
    entry("telemetry.duplicated", PointInTime(Unit::Count), Consumers, "times that a telemetry record was handled again"),
    entry("telemetry.redelivered", PointInTime(Unit::Count), Consumers, "telemetry records handled that were marked as delivered before"),
    entry("telemetry.lost", PointInTime(Unit::Count), Consumers, "telemetry records accepted that no consumer handled"),
    entry("telemetry.response", Distribution, Telemetry, "acceptance of a telemetry record, from when it was due"),
    entry("telemetry.service", Distribution, Telemetry, "acceptance of a telemetry record, from when it was last sent"),
    entry("balance.max_over_mean_at_end", PointInTime(Unit::Ratio), NodeSockets, "sockets of the fullest node over the mean"),
    entry("balance.min_over_mean_at_end", PointInTime(Unit::Ratio), NodeSockets, "sockets of the emptiest node over the mean"),
    entry("balance.jain_at_end", PointInTime(Unit::Ratio), NodeSockets, "Jain's fairness index of sockets per node; 1 is even"),
    entry("balance.herding.share", PointInTime(Unit::Share), NodeSockets, "largest part of the sockets of a tenth of a second that one node got, where at least ten opened"),
    entry("balance.longest_recovery", Seconds, NodeSockets, "longest time after an event until 99 % of the sockets were back"),
    entry("balance.longest_balancing", Seconds, NodeSockets, "longest time after an event until the fullest node held at most 5 % more than the mean"),
    entry("balance.longest_failed_connects", Seconds, NodeSockets, "longest time for which connects to a killed or paused node still failed"),
    entry("cost_per_socket.node_rss", Fit(Unit::Bytes), NodeProcess, "resident memory of a node per socket"),
    entry("cost_per_socket.node_heap", Fit(Unit::Bytes), NodeHeap, "heap of a node per socket"),
    entry("cost_per_socket.node_open_files", Fit(Unit::Count), NodeProcess, "open files of a node per socket"),
    entry("cost_per_socket.worker_rss", Fit(Unit::Bytes), Nothing, "resident memory of a worker per socket"),
    entry("cost_per_socket.balancer_rss", Fit(Unit::Bytes), Balancer, "resident memory of a balancer per socket that it forwards"),
    entry("cost_per_socket.balancer_open_files", Fit(Unit::Count), Balancer, "open files of a balancer per socket that it forwards"),
    entry("cost_per_socket.kernel", Fit(Unit::Bytes), Nothing, "kernel memory of the load's host per socket"),
];

impl RegistryEntry {
    /// The metrics of this line.
    pub(super) fn metrics(&self) -> Vec<Metric> {
        match self.shape {
            Counter => vec![self.metric("", "", Unit::Count, self.about.to_owned())],
            PointInTime(unit) | Windowed(unit) => {
                vec![self.metric("", "", unit, self.about.to_owned())]
            }
            Seconds => vec![self.metric("_s", "", Unit::Seconds, self.about.to_owned())],
            Rate => vec![self.metric("_per_s", "", Unit::PerSecond, self.about.to_owned())],
            Fit(unit) => vec![self.metric("", "value", unit, self.about.to_owned())],
            Distribution => DISTRIBUTION_PARTS
                .iter()
                .map(|part| self.distribution_part(part))
                .collect(),
        }
    }

    fn distribution_part(&self, (name, about): &(&str, &str)) -> Metric {
        let unit = if *name == "count" {
            Unit::Count
        } else {
            Unit::Millis
        };
        let mut figure = self.metric("_ms", name, unit, format!("{}: {about}", self.about));
        figure.path = format!("{}.{name}", self.path);
        figure
    }

    fn metric(&self, suffix: &str, below: &str, unit: Unit, about: String) -> Metric {
        let with_suffix = format!("{}{suffix}", self.path);
        let below = (!below.is_empty()).then_some(below);
        Metric {
            path: self.path.to_owned(),
            unit,
            about,
            json_path: with_suffix
                .split('.')
                .chain(below)
                .map(str::to_owned)
                .collect(),
            windowed: matches!(self.shape, Counter | Rate | Windowed(_) | Distribution),
            requirement: self.requirement,
        }
    }
}
