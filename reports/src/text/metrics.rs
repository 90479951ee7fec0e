//! Metrics with their values, as the registry names them: a line for each part of the run.

use highwater_scenarios::metrics::{ItemMetric, Metric, find, item_tables};
use serde_json::Value;

use super::columns::truncate_to_width;
use crate::{
    analysis::summary_metrics::{SummaryMetrics, item_value},
    summary::Summary,
    unit_format,
};

/// Most nodes with a line of their own.
const MOST_NODES: usize = 3;

/// The lines of the terminal: name, and metrics in the order of the line.
const LINES: [(&str, &[&str]); 8] = [
    (
        "sockets",
        &[
            "sockets.opened",
            "sockets.failed",
            "sockets.connect.p50",
            "sockets.connect.p99",
        ],
    ),
    (
        "login",
        &[
            "login.succeeded",
            "login.failed",
            "login.response.p50",
            "login.response.p99",
        ],
    ),
    (
        "heartbeats",
        &[
            "heartbeats.due",
            "heartbeats.missed",
            "heartbeats.response.p50",
            "heartbeats.response.p99",
        ],
    ),
    (
        "commands",
        &[
            "commands.due",
            "commands.replied",
            "commands.response.p50",
            "commands.response.p99",
        ],
    ),
    (
        "exchanges",
        &[
            "exchanges.due",
            "exchanges.answered",
            "exchanges.response.p50",
            "exchanges.response.p99",
        ],
    ),
    (
        "messages",
        &[
            "messages.delivered",
            "messages.lost",
            "messages.latency.p50",
            "messages.latency.p99",
        ],
    ),
    (
        "telemetry",
        &[
            "telemetry.accepted",
            "telemetry.lost",
            "telemetry.response.p50",
            "telemetry.response.p99",
        ],
    ),
    (
        "per socket",
        &["cost_per_socket.node_rss", "cost_per_socket.node_heap"],
    ),
];

/// Prefix of the metrics of a node that are shown.
const PEAK: &str = "peak ";

/// Returns the lines of the metrics that were measured.
pub(super) fn metric_lines(summary: &Summary) -> Vec<String> {
    let metrics = SummaryMetrics::of(summary);
    // The cost stands below the nodes that it is about.
    let [sections @ .., cost] = &LINES;
    let of = |(name, paths): &(&str, &[&str])| line(name, &metric_values(&metrics, paths));
    let mut lines: Vec<String> = sections.iter().filter_map(of).collect();
    lines.extend(node_lines(metrics.items("nodes")));
    lines.extend(of(cost));
    lines
}

/// Lists metrics with their values: `due 4,000, missed 0, response time p50 50 ms, p99
/// 99 ms`. Fitted costs have half of their interval; unmeasured metrics are left out.
pub(crate) fn metric_values(metrics: &SummaryMetrics, paths: &[&str]) -> String {
    let mut family = String::new();
    let values = paths.iter().filter_map(|path| {
        let metric = find(path)?;
        let value = unit_format::with_unit(metric.unit, metrics.get(path)?);
        // Percentiles that follow each other name their distribution once.
        let text = match metric.label.rsplit_once(", ") {
            Some((name, part)) if name == family => format!("{part} {value}"),
            Some((name, part)) if metric.path.ends_with(&format!(".{part}")) => {
                family = name.to_owned();
                format!("{name} {part} {value}")
            }
            _ => format!("{} {value}{}", metric.label, margin(metrics, &metric)),
        };
        Some(text)
    });
    values.collect::<Vec<_>>().join(", ")
}

/// Formats half of the interval of a fitted cost: ` ±184 B`.
fn margin(metrics: &SummaryMetrics, metric: &Metric) -> String {
    let margin = metrics.fit_margin(metric);
    margin.map_or_else(String::new, |margin| {
        format!(" ±{}", unit_format::with_unit(metric.unit, margin))
    })
}

fn line(name: &str, values: &str) -> Option<String> {
    (!values.is_empty()).then(|| truncate_to_width(&format!("  {name:<11} {values}")))
}

/// Returns a line for each node, or one with the highest values of many.
fn node_lines(nodes: &[Value]) -> Vec<String> {
    let id = |node: &Value| node.get("id")?.as_str().map(str::to_owned);
    if nodes.len() > MOST_NODES {
        let name = format!("{} nodes", nodes.len());
        return line(&name, &node_values(nodes)).into_iter().collect();
    }
    let each = nodes.iter();
    each.filter_map(|node| {
        let name = format!("node {}", id(node)?);
        line(&name, &node_values(std::slice::from_ref(node)))
    })
    .collect()
}

/// Lists the highest values over some nodes: `peak sockets 500, RSS 9.54 MiB`.
fn node_values(nodes: &[Value]) -> String {
    let metrics = item_tables()
        .find(|table| table.list == "nodes")
        .map_or(&[][..], |table| table.metrics);
    let value = |metric: &ItemMetric| {
        let values = nodes
            .iter()
            .filter_map(|node| item_value(node, metric.key)?.as_f64());
        let highest = values.max_by(f64::total_cmp)?;
        let name = metric.label.strip_prefix(PEAK)?;
        Some(format!(
            "{name} {}",
            unit_format::with_unit(metric.unit, highest)
        ))
    };
    let values: Vec<String> = metrics.iter().filter_map(value).collect();
    match values.is_empty() {
        true => "not measured".to_owned(),
        false => format!("{PEAK}{}", values.join(", ")),
    }
}
