//! The metrics of balancing: those of the whole run, of each event, of the fullest and the
//! emptiest node, and of the balancers. Names, units and directions are the registry's.

use highwater_scenarios::metrics::{Direction, ItemMetric, Metric, Unit, find, item_tables};
use serde_json::Value;

use crate::{
    analysis::summary_metrics::{SummaryMetrics, item_value},
    record::action_title,
    summary::Summary,
};

/// Metrics of the whole run.
const WHOLE_RUN: [&str; 4] = [
    "balance.max_over_mean_at_end",
    "balance.min_over_mean_at_end",
    "balance.jain_at_end",
    "balance.herding.share",
];

/// Metrics of the balancers, each with the way to combine several of them.
const BALANCERS: [(&str, Combine); 3] = [
    ("rss_peak", Combine::Sum),
    ("open_files_peak", Combine::Sum),
    // Each balancer holds a part of the sockets, so costs per socket are averaged.
    ("cpu_us_per_socket_s", Combine::Mean),
];

/// Meaning of a missing metric of the registry.
pub(super) const NOT_MEASURED: &str = "not measured";

/// A metric of one run, under the name by which other runs have it.
pub(super) struct BalancingMetric {
    pub(super) name: String,
    pub(super) unit: Unit,
    pub(super) direction: Direction,
    pub(super) value: Option<f64>,
    /// Meaning of a missing value.
    pub(super) absent: &'static str,
}

/// A way to combine a metric of several processes.
#[derive(Clone, Copy)]
enum Combine {
    Sum,
    Mean,
}

impl BalancingMetric {
    /// Describes a metric of the registry by its path, without a value.
    pub(super) fn of(metric: &Metric) -> Self {
        Self {
            name: metric.path.clone(),
            unit: metric.unit,
            direction: metric.direction,
            value: None,
            absent: NOT_MEASURED,
        }
    }

    fn of_item(name: String, metric: &ItemMetric, value: Option<f64>) -> Self {
        Self {
            name,
            unit: metric.unit,
            direction: metric.direction,
            value,
            absent: metric.absent,
        }
    }
}

/// Returns the metrics of balancing of one run.
pub(super) fn balancing_metrics(summary: &Summary) -> Vec<BalancingMetric> {
    let metrics = SummaryMetrics::of(summary);
    let mut found: Vec<BalancingMetric> = WHOLE_RUN
        .iter()
        .filter_map(|path| find(path))
        // Without the nodes' counts these rows would be empty in every column.
        .filter(|_| summary.balance.is_some())
        .map(|metric| BalancingMetric {
            name: metric.title(),
            value: metrics.get(&metric.path),
            ..BalancingMetric::of(&metric)
        })
        .collect();
    let events = metrics.items("balance.per_event").iter().enumerate();
    found.extend(events.flat_map(|(index, event)| event_metrics(index + 1, event)));
    found.extend(extreme_metrics(metrics.items("balance.nodes")));
    found.extend(balancer_metrics(metrics.items("balancers")));
    found
}

/// Returns the metrics of an event that apply to it.
fn event_metrics(number: usize, event: &Value) -> Vec<BalancingMetric> {
    let text = |key| {
        item_value(event, key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let title = action_title(text("event"), text("node"));
    let metrics = item_metrics("balance.per_event").filter_map(|metric| {
        let value = item_value(event, metric.key)?;
        // The new sockets of each node are a number for each node, not one number.
        (!value.is_object()).then(|| {
            let name = format!("{number} {title}: {}", metric.label);
            BalancingMetric::of_item(name, metric, value.as_f64())
        })
    });
    metrics.collect()
}

/// Returns the costs of the fullest and of the emptiest node.
fn extreme_metrics(nodes: &[Value]) -> Vec<BalancingMetric> {
    let sockets = |node: &&Value| item_value(node, "sockets").and_then(Value::as_u64);
    // The costs of the extremes show what an uneven spread costs.
    let extremes = [
        ("fullest node", nodes.iter().max_by_key(sockets)),
        ("emptiest node", nodes.iter().min_by_key(sockets)),
    ];
    let extremes = extremes
        .into_iter()
        .filter_map(|(name, node)| Some((name, node?)));
    extremes
        .flat_map(|(name, node)| {
            let costs = item_metrics("balance.nodes");
            let costs = costs.filter(|metric| metric.direction == Direction::Lower);
            costs.map(move |metric| {
                let value = item_value(node, metric.key).and_then(Value::as_f64);
                BalancingMetric::of_item(format!("{name}: {}", metric.label), metric, value)
            })
        })
        .collect()
}

/// Returns the costs of all balancers together.
fn balancer_metrics(balancers: &[Value]) -> Vec<BalancingMetric> {
    let costs = BALANCERS.iter().filter_map(|(key, combine)| {
        let metric = item_metrics("balancers").find(|metric| metric.key == *key)?;
        let values = balancers.iter();
        let values = values.map(|item| item_value(item, key).and_then(Value::as_f64));
        // One balancer without a report makes the sum unknown, not lower.
        let sum: Option<f64> = values.sum();
        let value = sum.map(|sum| match combine {
            Combine::Sum => sum,
            Combine::Mean => sum / balancers.len() as f64,
        });
        let name = format!("balancers: {}", metric.label);
        Some(BalancingMetric::of_item(name, metric, value))
    });
    // Without a balancer a sum of nothing would read as no cost.
    costs.filter(|_| !balancers.is_empty()).collect()
}

fn item_metrics(list: &str) -> impl Iterator<Item = &'static ItemMetric> {
    let tables = item_tables().filter(move |table| table.list == list);
    tables.flat_map(|table| table.metrics)
}
