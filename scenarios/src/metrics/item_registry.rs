//! The metrics of each item of a list in the summary: of a process, of a node's load, of an
//! event. No gate can name them; the report and the comparison show them.

use super::{Direction, Unit};

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

static TABLES: [ItemTable; 12] = [
    table("nodes", "Nodes", PROCESS),
    table("nodes", "Control groups of the nodes", CGROUP),
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
    neutral("sockets_peak", Count, "peak sockets"),
    neutral("sockets_at_end", Count, "sockets before the drain"),
    lower("rss_peak", Bytes, "peak RSS"),
    lower("heap_peak", Bytes, "peak heap"),
    lower("open_files_peak", Count, "peak open files"),
    lower("cpu_s", Seconds, "CPU time"),
    neutral("restarts", Count, "restarts"),
    neutral("exit_code", Count, "exit code"),
];

const CGROUP: &[ItemMetric] = &[
    lower(
        "cgroup.memory_peak",
        Bytes,
        "most memory since the group was made, page cache included",
    ),
    lower("cgroup.anon_peak", Bytes, "peak anonymous memory"),
    neutral("cgroup.pids_peak", Count, "peak processes and threads"),
    lower("cgroup.throttled_s", Seconds, "throttled by its CPU quota"),
    lower("cgroup.cpu_pressure_s", Seconds, "waiting for a CPU"),
    lower("cgroup.memory_pressure_s", Seconds, "waiting for memory"),
    lower("cgroup.io_pressure_s", Seconds, "waiting for a disk"),
];

const BROKER: &[ItemMetric] = &[
    neutral("clients_peak", Count, "peak connections"),
    neutral("channels_peak", Count, "peak channels or queues"),
    lower("backlog_peak", Count, "peak messages waiting"),
    neutral("messages_in", Count, "messages in"),
    neutral("messages_in_per_s", PerSecond, "messages in, steady phase"),
    neutral("messages_out", Count, "messages out"),
    neutral(
        "messages_out_per_s",
        PerSecond,
        "messages out, steady phase",
    ),
    neutral("bytes_in", Bytes, "bytes in"),
    neutral("bytes_out", Bytes, "bytes out"),
    lower("slow_consumers", Count, "slow consumers disconnected"),
];

const BALANCER: &[ItemMetric] = &[
    lower("pending_peak", Count, "peak pending sockets"),
    neutral(
        "sockets_by_node_at_end",
        Count,
        "sockets of each node before the drain",
    ),
    lower(
        "cpu_us_per_socket_s",
        Count,
        "CPU time per socket and second, µs",
    ),
];

const WORKER: &[ItemMetric] = &[
    neutral("sockets_peak", Count, "peak sockets"),
    lower("rss_peak", Bytes, "peak RSS"),
    lower("open_files_peak", Count, "peak open files"),
    lower("cpu_s", Seconds, "CPU time"),
    lower("send_lag_ms.p99", Millis, "send lag, p99"),
    lower("send_lag_ms.max", Millis, "send lag, longest"),
    neutral("clock_offset_ms", Millis, "clock offset, largest"),
    neutral("clock_bound_ms", Millis, "bound of that offset"),
];

const NODE_LOAD: &[ItemMetric] = &[
    neutral("sockets", Count, "sockets"),
    neutral("over_mean", Ratio, "sockets over the mean"),
    lower("heap", Bytes, "heap"),
    lower("rss", Bytes, "RSS"),
    lower("cpu_cores", Share, "CPU cores"),
    lower(
        "commands_ms.p50",
        Millis,
        "service time of its commands, p50",
    ),
    lower(
        "commands_ms.p99",
        Millis,
        "service time of its commands, p99",
    ),
];

const EVENT: &[ItemMetric] = &[
    neutral("new_sockets_by_node", Count, "new sockets of each node"),
    neutral(
        "new_sockets_share",
        Share,
        "share of the new sockets at its node",
    ),
    until("settled_after_s", "recovery time"),
    until("balanced_after_s", "balancing time"),
    lower(
        "evenness.max_over_mean",
        Ratio,
        "fullest node over the mean",
    ),
    ItemMetric {
        direction: Direction::Higher,
        ..neutral(
            "evenness.min_over_mean",
            Ratio,
            "emptiest node over the mean",
        )
    },
    lower("herding.share", Share, "herding, largest share of a node"),
];

const STORM: &[ItemMetric] = &[
    neutral("storm.lost", Count, "sockets lost"),
    neutral("storm.back", Count, "sockets back"),
    until("storm.t50_s", "half back after"),
    until("storm.t95_s", "95 % back after"),
    until("storm.t99_s", "99 % back after"),
    lower(
        "storm.peak_handshakes_per_s",
        Count,
        "peak handshakes per second at a node",
    ),
    lower("storm.failed_attempts", Count, "failed attempts to open"),
    lower("storm.commands_failed", Count, "commands without a reply"),
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

/// A metric of which no value is better.
const fn neutral(key: &'static str, unit: Unit, label: &'static str) -> ItemMetric {
    ItemMetric {
        key,
        unit,
        direction: Direction::Neither,
        label,
        absent: NOT_MEASURED,
    }
}

/// A metric of which a lower value is better.
const fn lower(key: &'static str, unit: Unit, label: &'static str) -> ItemMetric {
    ItemMetric {
        direction: Direction::Lower,
        ..neutral(key, unit, label)
    }
}

/// A time until something happened.
const fn until(key: &'static str, label: &'static str) -> ItemMetric {
    ItemMetric {
        absent: NOT_REACHED,
        ..lower(key, Seconds, label)
    }
}

/// A time that another process must report.
const fn reported(key: &'static str, label: &'static str) -> ItemMetric {
    ItemMetric {
        absent: NOT_REPORTED,
        ..lower(key, Seconds, label)
    }
}
