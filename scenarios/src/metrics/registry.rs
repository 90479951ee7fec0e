//! The table of metrics.
//!
//! A new metric is one line here, and one field of the same name in the file of its section
//! (`reports/src/analysis/SECTION.rs`).

use super::{Direction, FamilyKind, Metric, Unit};

use Direction::{Higher, Lower, Neither};
use MetricRequirement::{
    Answers, Balancer, Cluster, Commands, Consumers, CountedMessages, Exchanges, Frames, Logins,
    Messages, NodeHeap, NodeProcess, NodeSockets, Nothing, OpenSteps, ReportedOwner, Telemetry,
    TwoNodes,
};
use MetricShape::{Counter, Distribution, Fit, PointInTime, Rate, Seconds, Windowed};
use Unit::{Bytes, Count, Ratio, Share};

/// A condition on the scenario without which a metric cannot be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricRequirement {
    /// No condition.
    Nothing,
    /// A `[cluster]`.
    Cluster,
    /// A balancer in front of the cluster's nodes.
    Balancer,
    /// A pool with a `login`.
    Logins,
    /// `[[commands]]`.
    Commands,
    /// `[[messages]]`.
    Exchanges,
    /// `[[messages]]` with `expect`.
    Answers,
    /// `[[publish]]`.
    Messages,
    /// A pool that declares frames.
    Frames,
    /// A pool with steps in `open`.
    OpenSteps,
    /// A pool with `count_messages` or `subscribe`.
    CountedMessages,
    /// `[[telemetry]]`.
    Telemetry,
    /// Telemetry, and consumers that the harness starts itself.
    Consumers,
    /// Commands, and answers that name the node that owned the socket.
    ReportedOwner,
    /// The conditions of `ReportedOwner`, and two nodes.
    TwoNodes,
    /// Nodes that report their sockets.
    NodeSockets,
    /// Nodes whose processes can be sampled.
    NodeProcess,
    /// Nodes that report their heap.
    NodeHeap,
    /// An observed process, and a metric of it that the scenario names.
    OwnMetric,
}

/// The form of a metric in the summary.
#[derive(Clone, Copy)]
enum MetricShape {
    /// A number of things that happened in a window.
    Counter,
    /// A number taken at an instant of its own.
    PointInTime(Unit),
    /// A time in seconds that belongs to an instant of its own.
    Seconds,
    /// A number per second, over a window.
    Rate,
    /// A ratio of two quantities, over a window.
    Windowed(Unit),
    /// A distribution of times over a window: `{count, mean, p50, …}`.
    Distribution,
    /// A slope fitted over the run: `{value, low, high}`.
    Fit(Unit),
}

/// A line of the registry: one number, one distribution or one fit.
pub struct MetricFamily {
    /// Path in `summary.json` without the unit's suffix: `heartbeats.response`.
    pub path: &'static str,
    shape: MetricShape,
    direction: Direction,
    requirement: MetricRequirement,
    /// Name within its section: `response time`.
    pub label: &'static str,
    /// Meaning, in a phrase.
    pub about: &'static str,
}

/// The section of the highest values over all nodes.
const NODES: &str = "nodes";
/// The key of this section in `summary.json`, where `nodes` is the list of nodes.
const NODES_KEY: &str = "node_maxima";

/// The sections of the summary that have metrics, each with its title.
pub(super) static SECTIONS: [(&str, &str); 14] = [
    ("sockets", "Sockets"),
    ("login", "Logins"),
    ("heartbeats", "Heartbeats"),
    ("frames", "Frames"),
    ("commands", "Commands"),
    ("exchanges", "Messages of devices"),
    ("messages", "Messages to topics"),
    ("backplane", "Backplane"),
    (NODES, "Nodes, the highest of all"),
    ("cpu_cores", "CPU cores in use (100 % is one core)"),
    ("exits", "Stopped processes"),
    ("telemetry", "Telemetry"),
    ("balance", "Balance"),
    ("cost_per_socket", "Cost per socket"),
];

/// The parts of a distribution, each with its meaning.
const DISTRIBUTION_PARTS: [(&str, &str); 7] = [
    ("count", "number of values"),
    ("mean", "mean"),
    ("p50", "median"),
    ("p90", "90th percentile"),
    ("p99", "99th percentile"),
    ("p999", "99.9th percentile"),
    ("max", "longest"),
];

/// All metrics in the order of the summary: path, shape, better direction, requirement,
/// label within the section, meaning.
#[rustfmt::skip]
pub(super) static FAMILIES: &[MetricFamily] = &[
    entry("sockets.requested", PointInTime(Count), Neither, Nothing, "requested", "sockets that were due to open"),
    entry("sockets.opened", Counter, Neither, Nothing, "opened", "sockets that opened, each counted once"),
    entry("sockets.failed", Counter, Lower, Nothing, "failed", "sockets that were due to open and never opened"),
    entry("sockets.dropped", Counter, Lower, Nothing, "dropped", "open sockets that ended before the drain otherwise than by a close with 1012"),
    entry("sockets.open_peak", Counter, Neither, Nothing, "open at once", "most sockets open at once, counted by the workers"),
    entry("sockets.open_at_end", PointInTime(Count), Neither, Nothing, "open before the drain", "sockets open before the drain, counted by the workers"),
    entry("sockets.server_open_peak", Counter, Neither, NodeSockets, "open at once at the nodes", "most sockets open at once, counted by the nodes"),
    entry("sockets.connect_rate", Rate, Higher, Nothing, "connect rate", "sockets opened per second between the first and the last one of the ramp"),
    entry("sockets.connect", Distribution, Lower, Nothing, "connect time", "time from the start of an attempt to the 101 response"),
    entry("sockets.connect_open", Distribution, Lower, OpenSteps, "connect time with its steps", "time from the start of an attempt to the end of the last step of `open`"),
    entry("sockets.reconnect", Distribution, Lower, Nothing, "reconnect time", "time from losing a socket to having it open again"),
    entry("login.due", Counter, Neither, Logins, "due", "logins that began"),
    entry("login.succeeded", Counter, Neither, Logins, "succeeded", "logins that were answered with the expected status and all values"),
    entry("login.failed", Counter, Lower, Logins, "failed", "logins with another status, without a value, without an answer in time or with a broken connection"),
    entry("login.renewed", Counter, Lower, Logins, "renewed", "logins after a handshake that was refused with 401 or 403"),
    entry("login.response", Distribution, Lower, Logins, "response time", "time from when a login was due to its whole answer"),
    entry("login.service", Distribution, Lower, Logins, "service time", "time from when a login was sent to its whole answer"),
    entry("heartbeats.due", Counter, Neither, Nothing, "due", "heartbeats due on open sockets"),
    entry("heartbeats.sent", Counter, Neither, Nothing, "sent", "heartbeats sent"),
    entry("heartbeats.acknowledged", Counter, Neither, Nothing, "acknowledged", "heartbeats answered before the next was due"),
    entry("heartbeats.missed", Counter, Lower, Nothing, "missed", "heartbeats without an answer by the time the next was due"),
    entry("heartbeats.late", Counter, Lower, Nothing, "late", "heartbeats answered after more than a second"),
    entry("heartbeats.one_way", Counter, Neither, Nothing, "one-way", "heartbeats sent for which the scenario expects no answer"),
    entry("heartbeats.response", Distribution, Lower, Nothing, "response time", "time from when a heartbeat was due to its answer"),
    entry("heartbeats.service", Distribution, Lower, Nothing, "service time", "time from when a heartbeat was sent to its answer"),
    entry("frames.received", Counter, Neither, CountedMessages, "messages received", "frames of the system that `count_messages` counted, or messages of `subscribe`"),
    entry("frames.gap", Distribution, Neither, CountedMessages, "time between messages", "time between two counted messages of one socket"),
    entry("frames.answered", Counter, Neither, Frames, "answered", "frames of the system that were answered"),
    entry("frames.unanswered", Counter, Lower, Frames, "unanswered", "frames of the system that got no answer, because a socket answers at most 100 in a second"),
    entry("frames.unmatched", Counter, Neither, Frames, "unmatched", "frames of the system that no part of the scenario is for"),
    entry("commands.due", Counter, Neither, Commands, "due", "commands due"),
    entry("commands.dropped", Counter, Lower, Commands, "dropped", "commands never sent, because too many were in flight"),
    entry("commands.no_device", Counter, Lower, Commands, "no device", "commands never sent, because no device was connected"),
    entry("commands.issued", Counter, Neither, Commands, "issued", "commands sent"),
    entry("commands.replied", Counter, Neither, Commands, "replied", "commands that got their reply"),
    entry("commands.timed_out", Counter, Lower, Commands, "timed out", "commands without an answer in time"),
    entry("commands.not_connected", Counter, Lower, Commands, "not connected", "commands whose device was not connected, or was replaced meanwhile"),
    entry("commands.rejected", Counter, Lower, Commands, "rejected", "commands that the system rejected to shed load"),
    entry("commands.failed", Counter, Lower, Commands, "failed", "commands with any other status, a broken connection or a wrong reply"),
    entry("commands.lost", Counter, Neither, Commands, "lost", "commands without a known outcome at the end"),
    entry("commands.response", Distribution, Lower, Commands, "response time", "time from when a command was due to its reply"),
    entry("commands.service", Distribution, Lower, Commands, "service time", "time from when a command was sent to its reply"),
    entry("commands.same_node", Distribution, Lower, ReportedOwner, "service time, same node", "service time when the node that received the call owned the socket"),
    entry("commands.cross_node", Distribution, Lower, TwoNodes, "service time, other node", "service time when another node owned the socket"),
    entry("exchanges.due", Counter, Neither, Exchanges, "due", "messages of devices due"),
    entry("exchanges.dropped", Counter, Lower, Exchanges, "dropped", "messages of devices never sent, because too many were in flight"),
    entry("exchanges.no_device", Counter, Lower, Exchanges, "no device", "messages of devices never sent, because no device of their pool was connected"),
    entry("exchanges.sent", Counter, Neither, Exchanges, "sent", "messages of devices sent"),
    entry("exchanges.answered", Counter, Neither, Answers, "answered", "messages of devices that the expected frame answered"),
    entry("exchanges.rejected", Counter, Lower, Answers, "rejected", "messages of devices that a frame of `reject` answered"),
    entry("exchanges.timed_out", Counter, Lower, Answers, "timed out", "messages of devices without an answer in time"),
    entry("exchanges.lost", Counter, Lower, Answers, "lost", "messages of devices whose socket ended before the answer"),
    entry("exchanges.one_way", Counter, Neither, Exchanges, "one-way", "messages of devices sent without an expected answer"),
    entry("exchanges.response", Distribution, Lower, Answers, "response time", "time from when a message of a device was due to its answer"),
    entry("exchanges.service", Distribution, Lower, Answers, "service time", "time from when a message of a device was sent to its answer"),
    entry("messages.scheduled", Counter, Neither, Messages, "scheduled", "messages due to be published"),
    entry("messages.published", Counter, Neither, Messages, "published", "messages that the system accepted"),
    entry("messages.dropped", Counter, Lower, Messages, "dropped", "messages never sent, because their publisher was not connected or the drain began"),
    entry("messages.rejected", Counter, Lower, Messages, "rejected", "messages that the system rejected"),
    entry("messages.unconfirmed", Counter, Lower, Messages, "unconfirmed", "messages sent whose publication was not answered"),
    entry("messages.due", Counter, Neither, Messages, "deliveries due", "deliveries due: each message once for every confirmed subscriber"),
    entry("messages.delivered", Counter, Neither, Messages, "delivered", "deliveries that arrived"),
    entry("messages.lost", Counter, Lower, Messages, "lost", "deliveries that never arrived"),
    entry("messages.duplicated", Counter, Lower, Messages, "duplicated", "deliveries that arrived again"),
    entry("messages.reordered", Counter, Lower, Messages, "reordered", "deliveries that arrived after a later message of the same publisher"),
    entry("messages.response", Distribution, Lower, Messages, "response time", "time from when a message was due to the system's acceptance"),
    entry("messages.latency", Distribution, Lower, Messages, "latency", "time from when a message was due to its delivery"),
    entry("messages.service", Distribution, Lower, Messages, "service time", "time from when a message was sent to its delivery"),
    entry("backplane.sent", Counter, Neither, NodeSockets, "messages sent", "messages that the nodes sent over the backplane, each counted for each node that it is for"),
    entry("backplane.received", Counter, Neither, NodeSockets, "messages received", "messages that the nodes received over the backplane"),
    entry("backplane.sent_per_command", Windowed(Count), Neither, TwoNodes, "messages sent per command", "messages sent over the backplane per command, where only commands cross it"),
    entry("backplane.received_per_command", Windowed(Count), Neither, TwoNodes, "messages received per command", "messages received over the backplane per command, where only commands cross it"),
    entry("backplane.billed", Counter, Neither, NodeSockets, "billed operations", "requests and deliveries that the backplane's provider bills, such as SNS and SQS"),
    entry("backplane.billed_per_command", Windowed(Count), Lower, TwoNodes, "billed per command", "billed operations per command, where only commands cross the backplane"),
    entry("backplane.billed_per_idle_node_hour", Windowed(Count), Lower, NodeSockets, "billed per idle node-hour", "billed operations of a node in an hour in which nothing except the membership uses the backplane"),
    entry("backplane.estimated_usd_per_million_commands", Windowed(Count), Lower, TwoNodes, "USD per million commands", "estimate: US dollars for a million commands at the provider's list price, see docs/backplanes.md"),
    entry("backplane.estimated_usd_per_idle_node_hour", Windowed(Count), Lower, NodeSockets, "USD per idle node-hour", "estimate: US dollars for an idle node in an hour at the provider's list price, see docs/backplanes.md"),
    entry("nodes.rss.max", Windowed(Bytes), Lower, NodeProcess, "peak RSS", "highest resident memory of a node"),
    entry("nodes.rss.growth_per_hour", Windowed(Bytes), Lower, NodeProcess, "RSS growth per hour", "fastest growth of a node's resident memory per hour, fitted while the number of open sockets is constant"),
    entry("nodes.heap.max", Windowed(Bytes), Lower, NodeHeap, "peak heap", "highest heap of a node"),
    entry("nodes.heap.growth_per_hour", Windowed(Bytes), Lower, NodeHeap, "heap growth per hour", "fastest growth of a node's heap per hour, fitted while the number of open sockets is constant"),
    entry("nodes.open_files.max", Windowed(Count), Lower, NodeProcess, "peak open files", "most open files of a node"),
    entry("nodes.open_files.growth_per_hour", Windowed(Count), Lower, NodeProcess, "open files growth per hour", "fastest growth of a node's open files per hour, fitted while the number of open sockets is constant"),
    entry("cpu_cores.nodes", Windowed(Share), Neither, NodeProcess, "nodes", "CPU cores that all nodes together use; 100 % is one core"),
    entry("cpu_cores.broker", Windowed(Share), Neither, Cluster, "broker", "CPU cores that the backplane's broker uses"),
    entry("cpu_cores.balancers", Windowed(Share), Neither, Balancer, "balancers", "CPU cores that all balancers together use"),
    entry("cpu_cores.consumers", Windowed(Share), Neither, Consumers, "consumers", "CPU cores that all consumers together use"),
    entry("cpu_cores.workers", Windowed(Share), Neither, Nothing, "workers", "CPU cores that all workers together use"),
    entry("exits.clean", Counter, Neither, Cluster, "exit code 0", "processes that an event stopped and that ended with exit code 0"),
    entry("exits.unclean", Counter, Neither, Cluster, "any other exit", "processes that an event stopped and that ended otherwise"),
    entry("telemetry.due", Counter, Neither, Telemetry, "due", "telemetry records due"),
    entry("telemetry.sent", Counter, Neither, Telemetry, "sent", "telemetry records sent, each counted once"),
    entry("telemetry.resent", Counter, Neither, Telemetry, "sent again", "times that a telemetry record was sent again, after a rejection or on another socket"),
    entry("telemetry.accepted", Counter, Neither, Telemetry, "accepted", "telemetry records that the queue accepted, each counted once"),
    entry("telemetry.rejected", Counter, Lower, Telemetry, "rejected", "times that a telemetry record was rejected"),
    entry("telemetry.handled", PointInTime(Count), Neither, Consumers, "handled", "different telemetry records that a consumer handled"),
    entry("telemetry.duplicated", PointInTime(Count), Lower, Consumers, "handled again", "times that a telemetry record was handled again"),
    entry("telemetry.redelivered", PointInTime(Count), Neither, Consumers, "redelivered", "telemetry records handled that the queue marked as delivered before"),
    entry("telemetry.lost", PointInTime(Count), Lower, Consumers, "lost", "telemetry records accepted that no consumer handled"),
    entry("telemetry.response", Distribution, Lower, Telemetry, "response time", "time from when a telemetry record was due to its acceptance"),
    entry("telemetry.service", Distribution, Lower, Telemetry, "service time", "time from when a telemetry record was last sent to its acceptance"),
    entry("telemetry.latency", Distribution, Lower, Consumers, "latency", "time from when a telemetry record was due to when a consumer had handled it"),
    entry("balance.max_over_mean_at_end", PointInTime(Ratio), Lower, NodeSockets, "fullest node over the mean", "sockets of the fullest node over the mean, before the drain"),
    entry("balance.min_over_mean_at_end", PointInTime(Ratio), Higher, NodeSockets, "emptiest node over the mean", "sockets of the emptiest node over the mean, before the drain"),
    entry("balance.jain_at_end", PointInTime(Ratio), Higher, NodeSockets, "Jain's index", "Jain's fairness index of sockets per node, before the drain; 1 is even"),
    entry("balance.herding.share", PointInTime(Share), Lower, NodeSockets, "herding, largest share of a node", "largest share of a tenth of a second's new sockets at one node, where at least ten opened"),
    entry("balance.longest_recovery", Seconds, Lower, NodeSockets, "longest recovery time", "longest time after an event until 99 % of the sockets were back"),
    entry("balance.longest_balancing", Seconds, Lower, NodeSockets, "longest balancing time", "longest time after an event until the fullest node held at most 5 % more than the mean"),
    entry("balance.longest_failed_connects", Seconds, Lower, NodeSockets, "longest time of failed connects", "longest time for which connects to a killed or paused node still failed"),
    entry("cost_per_socket.node_rss", Fit(Bytes), Lower, NodeProcess, "node memory (RSS)", "resident memory of a node per socket"),
    entry("cost_per_socket.node_heap", Fit(Bytes), Lower, NodeHeap, "node heap", "heap of a node per socket"),
    entry("cost_per_socket.node_open_files", Fit(Count), Lower, NodeProcess, "node open files", "open files of a node per socket"),
    entry("cost_per_socket.worker_rss", Fit(Bytes), Lower, Nothing, "worker memory (RSS)", "resident memory of a worker per socket"),
    entry("cost_per_socket.balancer_rss", Fit(Bytes), Lower, Balancer, "balancer memory (RSS)", "resident memory of a balancer per socket that it forwards"),
    entry("cost_per_socket.balancer_open_files", Fit(Count), Lower, Balancer, "balancer open files", "open files of a balancer per socket that it forwards"),
    entry("cost_per_socket.kernel", Fit(Bytes), Lower, Nothing, "kernel memory per socket end", "kernel memory of the load's host per end of a socket"),
];

const fn entry(
    path: &'static str,
    shape: MetricShape,
    direction: Direction,
    requirement: MetricRequirement,
    label: &'static str,
    about: &'static str,
) -> MetricFamily {
    MetricFamily {
        path,
        shape,
        direction,
        requirement,
        label,
        about,
    }
}

impl MetricShape {
    /// Returns the unit of the number, the times or the slope.
    fn unit(self) -> Unit {
        match self {
            Counter => Unit::Count,
            PointInTime(unit) | Windowed(unit) | Fit(unit) => unit,
            Seconds => Unit::Seconds,
            Rate => Unit::PerSecond,
            Distribution => Unit::Millis,
        }
    }

    /// Returns the suffix of the unit in `summary.json`.
    fn suffix(self) -> &'static str {
        match self {
            Seconds => "_s",
            Rate => "_per_s",
            Distribution => "_ms",
            Counter | PointInTime(_) | Windowed(_) | Fit(_) => "",
        }
    }
}

impl MetricFamily {
    /// Name of the section: `heartbeats`.
    pub fn section(&self) -> &'static str {
        self.path.split('.').next().unwrap_or_default()
    }

    /// Form in the summary.
    pub fn kind(&self) -> FamilyKind {
        match self.shape {
            Distribution => FamilyKind::Distribution,
            Fit(_) => FamilyKind::Fit,
            _ => FamilyKind::Number,
        }
    }

    /// Unit of the number, the times or the slope.
    pub fn unit(&self) -> Unit {
        self.shape.unit()
    }

    /// Returns the keys that lead to the family in `summary.json`: `heartbeats.response_ms`.
    pub fn json_path(&self) -> String {
        // Keys of `summary.json` carry their unit, paths of gates do not: there the limit does.
        let path = match self.path.split_once('.') {
            Some((NODES, rest)) => format!("{NODES_KEY}.{rest}"),
            _ => self.path.to_owned(),
        };
        path + self.shape.suffix()
    }

    /// Returns the metrics of this line: one, or one for each part of a distribution.
    pub(super) fn metrics(&self) -> Vec<Metric> {
        match self.shape {
            Distribution => DISTRIBUTION_PARTS
                .iter()
                .map(|part| self.distribution_part(part))
                .collect(),
            // A gate holds the slope, not the ends of its interval.
            Fit(_) => vec![self.metric(".value")],
            _ => vec![self.metric("")],
        }
    }

    fn distribution_part(&self, (name, about): &(&str, &str)) -> Metric {
        let metric = Metric {
            path: format!("{}.{name}", self.path),
            label: format!("{}, {name}", self.label),
            about: format!("{}: {about}", self.about),
            ..self.metric(&format!(".{name}"))
        };
        match *name {
            // A number of values is neither a time nor good or bad.
            "count" => Metric {
                unit: Unit::Count,
                direction: Neither,
                ..metric
            },
            _ => metric,
        }
    }

    /// Returns the metric at `below` in the family; empty for the family itself.
    fn metric(&self, below: &str) -> Metric {
        Metric {
            path: self.path.to_owned(),
            unit: self.shape.unit(),
            direction: self.direction,
            label: self.label.to_owned(),
            about: self.about.to_owned(),
            json_path: self.json_path() + below,
            // A slope needs the growth of the whole run, and a moment has no length.
            is_windowed: matches!(self.shape, Counter | Rate | Windowed(_) | Distribution),
            counts_failures: matches!(self.shape, Counter | PointInTime(Unit::Count))
                && self.direction == Lower,
            requirement: self.requirement,
        }
    }
}
