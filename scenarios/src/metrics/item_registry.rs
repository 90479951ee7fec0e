//! The metrics of each item of a list in the summary: of a process, of a node's load, of an
//! event. No gate can name them; the report and the comparison show them.

use super::{Direction, Unit};

use Direction::{Higher, Lower, Neither};
use Unit::{Bytes, Count, Millis, PerSecond, Ratio, Seconds, Share};

/// A table of metrics with a row for each item of a list.
#[derive(Debug)]
pub struct ItemTable {
    /// Path of the list in `summary.json`: `nodes`.
    pub list: &'static str,
    /// Title of the table.
    pub title: &'static str,
    /// Metrics of an item, in the order of the columns.
    pub metrics: &'static [ItemMetric],
}

/// A metric of an item.
#[derive(Debug)]
pub struct ItemMetric {
    /// Path within the item: `storm.t50_s`.
    pub key: &'static str,
    /// Unit of the number.
    pub unit: Unit,
    /// Whether a lower or a higher value is better.
    pub direction: Direction,
    /// Name of the metric.
    pub label: &'static str,
    /// Meaning of a missing value.
    pub absent: &'static str,
}

/// Returns all tables, in the order of the report.
pub fn item_tables() -> impl Iterator<Item = &'static ItemTable> {
    TABLES.iter()
}

/// Meaning of a value that no source reports.
const NOT_MEASURED: &str = "not measured";
/// Meaning of a time until something that did not happen.
const NOT_REACHED: &str = "not reached";
/// Meaning of a time that another process must report.
const NOT_REPORTED: &str = "not reported";

static TABLES: [ItemTable; 11] = [
    table("nodes", "Nodes", PROCESS),
    table("brokers", "Brokers", PROCESS),
    table("brokers", "Traffic of the brokers", BROKER),
    table("consumers", "Consumers", PROCESS),
    table("balancers", "Balancers", PROCESS),
    table("balancers", "Sockets forwarded by the balancers", BALANCER),
    table("workers", "Workers", WORKER),
    table(
        "balance.nodes",
        "Load of each node before the drain",
        NODE_LOAD,
    ),
    table("balance.per_event", "After each event", EVENT),
    table("balance.per_event", "Lost sockets after each event", STORM),
    table(
        "balance.per_event",
        "Failure detection after each event",
        DETECTION,
    ),
];

const PROCESS: &[ItemMetric] = &[
    item("sockets_peak", Count, Neither, "peak sockets"),
    item("sockets_at_end", Count, Neither, "sockets before the drain"),
    item("rss_peak", Bytes, Lower, "peak RSS"),
    item("heap_peak", Bytes, Lower, "peak heap"),
    item("open_files_peak", Count, Lower, "peak open files"),
    item("cpu_s", Seconds, Lower, "CPU time"),
    item("restarts", Count, Neither, "restarts"),
    item("exit_code", Count, Neither, "exit code"),
];

const BROKER: &[ItemMetric] = &[
    item("clients_peak", Count, Neither, "peak connections"),
    item("channels_peak", Count, Neither, "peak channels or queues"),
    item("backlog_peak", Count, Lower, "peak messages waiting"),
    item("messages_in", Count, Neither, "messages in"),
    item(
        "messages_in_per_s",
        PerSecond,
        Neither,
        "messages in, steady phase",
    ),
    item("messages_out", Count, Neither, "messages out"),
    item(
        "messages_out_per_s",
        PerSecond,
        Neither,
        "messages out, steady phase",
    ),
    item("bytes_in", Bytes, Neither, "bytes in"),
    item("bytes_out", Bytes, Neither, "bytes out"),
    item(
        "slow_consumers",
        Count,
        Lower,
        "slow consumers disconnected",
    ),
];

const BALANCER: &[ItemMetric] = &[
    item("pending_peak", Count, Lower, "peak pending sockets"),
    item(
        "sockets_by_node_at_end",
        Count,
        Neither,
        "sockets of each node before the drain",
    ),
    item(
        "cpu_us_per_socket_s",
        Count,
        Lower,
        "CPU time per socket and second, µs",
    ),
];

const WORKER: &[ItemMetric] = &[
    item("sockets_peak", Count, Neither, "peak sockets"),
    item("rss_peak", Bytes, Lower, "peak RSS"),
    item("open_files_peak", Count, Lower, "peak open files"),
    item("cpu_s", Seconds, Lower, "CPU time"),
    item("send_lag_ms.p99", Millis, Lower, "send lag, p99"),
    item("send_lag_ms.max", Millis, Lower, "send lag, longest"),
];

const NODE_LOAD: &[ItemMetric] = &[
    item("sockets", Count, Neither, "sockets"),
    item("over_mean", Ratio, Neither, "sockets over the mean"),
    item("heap", Bytes, Lower, "heap"),
    item("rss", Bytes, Lower, "RSS"),
    item("cpu_cores", Share, Lower, "CPU cores"),
    item(
        "commands_ms.p50",
        Millis,
        Lower,
        "service time of its commands, p50",
    ),
    item(
        "commands_ms.p99",
        Millis,
        Lower,
        "service time of its commands, p99",
    ),
];

const EVENT: &[ItemMetric] = &[
    item(
        "new_sockets_by_node",
        Count,
        Neither,
        "new sockets of each node",
    ),
    item(
        "new_sockets_share",
        Share,
        Neither,
        "share of the new sockets at its node",
    ),
    until("settled_after_s", "recovery time"),
    until("balanced_after_s", "balancing time"),
    item(
        "evenness.max_over_mean",
        Ratio,
        Lower,
        "fullest node over the mean",
    ),
    item(
        "evenness.min_over_mean",
        Ratio,
        Higher,
        "emptiest node over the mean",
    ),
    item(
        "herding.share",
        Share,
        Lower,
        "herding, largest share of a node",
    ),
];

const STORM: &[ItemMetric] = &[
    item("storm.lost", Count, Neither, "sockets lost"),
    item("storm.back", Count, Neither, "sockets back"),
    until("storm.t50_s", "half back after"),
    until("storm.t95_s", "95 % back after"),
    until("storm.t99_s", "99 % back after"),
    item(
        "storm.peak_handshakes_per_s",
        Count,
        Lower,
        "peak handshakes per second at a node",
    ),
    item(
        "storm.failed_attempts",
        Count,
        Lower,
        "failed attempts to open",
    ),
    item(
        "storm.commands_failed",
        Count,
        Lower,
        "commands without a reply",
    ),
];

const DETECTION: &[ItemMetric] = &[
    reported("detection.clients_s", "clients detected it after"),
    reported(
        "detection.failed_connects_after_s",
        "connects to it failed for",
    ),
    reported("detection.balancers_s", "balancers detected it after"),
    reported("detection.nodes_s", "other nodes detected it after"),
    reported("detection.commands_s", "commands failed for"),
];

const fn table(
    list: &'static str,
    title: &'static str,
    metrics: &'static [ItemMetric],
) -> ItemTable {
    ItemTable {
        list,
        title,
        metrics,
    }
}

const fn item(
    key: &'static str,
    unit: Unit,
    direction: Direction,
    label: &'static str,
) -> ItemMetric {
    ItemMetric {
        key,
        unit,
        direction,
        label,
        absent: NOT_MEASURED,
    }
}

/// A time until something happened.
const fn until(key: &'static str, label: &'static str) -> ItemMetric {
    ItemMetric {
        absent: NOT_REACHED,
        ..item(key, Seconds, Lower, label)
    }
}

/// A time that another process must report.
const fn reported(key: &'static str, label: &'static str) -> ItemMetric {
    ItemMetric {
        absent: NOT_REPORTED,
        ..item(key, Seconds, Lower, label)
    }
}
