//! Messages that the nodes exchange over the backplane.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    growth::{growth_of_role, length_s, sample_range},
    list_price::usd,
    run_window::RunWindow,
};
use crate::record::{
    SourceRole,
    names::{counter, gauge},
};

/// The summary's `backplane`: messages on the backplane, counted by the nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the metric registry describes each field")]
pub struct BackplaneSummary {
    pub sent: Option<u64>,
    pub received: Option<u64>,
    pub sent_per_command: Option<f64>,
    pub received_per_command: Option<f64>,
    pub billed: Option<u64>,
    pub billed_per_command: Option<f64>,
    pub billed_per_idle_node_hour: Option<f64>,
    pub estimated_usd_per_million_commands: Option<f64>,
    pub estimated_usd_per_idle_node_hour: Option<f64>,
}

/// Computes the section; `None` when no node reports its traffic.
pub(crate) fn backplane(window: &RunWindow) -> Option<BackplaneSummary> {
    let growth = |name: &str, range| growth_of_role(window, SourceRole::Node, name, range);
    let count = |name: &str| growth(name, window.range()).map(|value| value as u64);
    let per_command = |name: &str| {
        let steady = window.distribution_range()?;
        let commands = commands_as_sole_traffic(window, &steady)?;
        Some(growth(name, sample_range(&steady))? / commands as f64)
    };
    let per_idle_node_hour = |name: &str| {
        let steady = window.distribution_range()?;
        let hours = idle_node_hours(window, &steady)?;
        Some(growth(name, sample_range(&steady))? / hours)
    };
    let backplane = BackplaneSummary {
        sent: count(gauge::BACKPLANE_SENT),
        received: count(gauge::BACKPLANE_RECEIVED),
        sent_per_command: per_command(gauge::BACKPLANE_SENT),
        received_per_command: per_command(gauge::BACKPLANE_RECEIVED),
        billed: count(gauge::BILLED),
        billed_per_command: per_command(gauge::BILLED),
        billed_per_idle_node_hour: per_idle_node_hour(gauge::BILLED),
        estimated_usd_per_million_commands: usd(per_command).map(|usd| usd * 1e6),
        estimated_usd_per_idle_node_hour: usd(per_idle_node_hour),
    };
    (backplane.sent.is_some() || backplane.received.is_some()).then_some(backplane)
}

/// Counts the commands issued in `range`; `None` when there were none, or when messages or
/// telemetry cross the backplane as well.
fn commands_as_sole_traffic(window: &RunWindow, range: &Range<f64>) -> Option<u64> {
    let plan = &window.record.manifest.plan;
    // Other traffic on the backplane would be counted as the commands'.
    if !(plan.publish.is_empty() && plan.telemetry.is_empty()) {
        return None;
    }
    let issued: u64 = window
        .sources
        .with_role(SourceRole::Worker)
        .flat_map(|(_, series)| series.rows_in(range.clone()))
        .map(|row| row.counter(counter::COMMANDS_ISSUED))
        .sum();
    (issued > 0).then_some(issued)
}

/// Returns the hours of all nodes together in which nothing used the backplane except the
/// membership; `None` when the plan has anything that does.
fn idle_node_hours(window: &RunWindow, range: &Range<f64>) -> Option<f64> {
    let plan = &window.record.manifest.plan;
    let is_idle = plan.commands.is_empty() && plan.publish.is_empty() && plan.telemetry.is_empty();
    let nodes = window.sources.with_role(SourceRole::Node);
    let up = nodes.filter(|(_, series)| series.is_up_in(sample_range(range)));
    let hours = length_s(range)? * up.count() as f64 / 3600.0;
    (is_idle && hours > 0.0).then_some(hours)
}
