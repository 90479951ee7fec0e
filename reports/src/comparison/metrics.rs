//! What a comparison of balancing looks at first: more than the catalogue's figures,
//! since most of it is there once for each event.

use highwater_scenarios::metrics::{Direction, Metric, Unit};

use crate::{
    record::action_title,
    summary::{AfterEvent, BalancerSummary, Detection, NodeLoadSummary, ReconnectStorm, Summary},
};

/// A figure of one run under the name by which it is found in others.
pub(super) struct BalancingMetric {
    pub(super) name: String,
    pub(super) unit: Unit,
    pub(super) better: Direction,
    pub(super) value: Option<f64>,
    /// What it means that there is no value.
    pub(super) absent_text: &'static str,
}

/// Of most figures.
pub(super) const NOT_MEASURED: &str = "not measured";
/// Of times until something comes to pass.
const NOT_REACHED: &str = "not reached";
/// Of times that somebody else must tell.
const NOT_REPORTED: &str = "not reported";

impl BalancingMetric {
    /// Of a figure of the catalogue; its values are found elsewhere.
    pub(super) fn of(figure: &Metric) -> Self {
        balancing_metric(&figure.path, figure.unit, figure.direction(), None)
    }
}

/// Of the whole run, of each event, of the nodes, of what stands in front of them.
pub(super) fn balancing_metrics(summary: &Summary) -> Vec<BalancingMetric> {
    let mut lines = Vec::new();
    if let Some(balance) = &summary.balance {
        let herding = balance.herding.as_ref().map(|herding| herding.share);
        let max_over_mean = balance.max_over_mean_at_end;
        let min_over_mean = balance.min_over_mean_at_end;
        lines.extend([
            lower_is_better(
                "fullest node over the mean, at the end",
                Unit::Ratio,
                max_over_mean,
            ),
            higher_is_better("emptiest node over the mean, at the end", min_over_mean),
            higher_is_better("Jain's index, at the end", balance.jain_at_end),
            lower_is_better(
                "most of a tenth of a second's openings at one node",
                Unit::Share,
                herding,
            ),
        ]);
        for (index, event) in balance.per_event.iter().enumerate() {
            lines.extend(event_metrics(index + 1, event));
        }
        lines.extend(skew_metrics(&balance.nodes));
    }
    lines.extend(balancer_metrics(&summary.balancers));
    lines
}

fn event_metrics(number: usize, event: &AfterEvent) -> Vec<BalancingMetric> {
    let title = action_title(&event.event, &event.node);
    let named = |what: &str| format!("{number} {title}: {what}");
    let evenness = event.evenness;
    let herding = event.herding.as_ref().map(|herding| herding.share);
    let mut lines = vec![
        balancing_metric(
            named("part of the new sockets that its node got"),
            Unit::Share,
            Direction::Neither,
            event.new_sockets_share,
        ),
        time_until(named("short of sockets for"), event.settled_after_s),
        time_until(named("uneven for"), event.balanced_after_s),
        lower_is_better(
            named("fullest node over the mean, before the next"),
            Unit::Ratio,
            evenness.map(|evenness| evenness.max_over_mean),
        ),
        lower_is_better(
            named("most of a tenth of a second's openings at one node"),
            Unit::Share,
            herding,
        ),
    ];
    if let Some(storm) = &event.storm {
        lines.extend(storm_metrics(storm, &named));
    }
    if let Some(detection) = &event.detection {
        lines.extend(detection_metrics(detection, &named));
    }
    lines
}

fn storm_metrics(storm: &ReconnectStorm, named: &dyn Fn(&str) -> String) -> [BalancingMetric; 7] {
    let count = |value: u64| Some(value as f64);
    let commands = storm.commands_failed.and_then(count);
    let peak = storm.peak_handshakes_per_s.and_then(count);
    [
        balancing_metric(
            named("sockets lost"),
            Unit::Count,
            Direction::Neither,
            count(storm.lost),
        ),
        time_until(named("half of them back after"), storm.t50_s),
        time_until(named("95 % back after"), storm.t95_s),
        time_until(named("99 % back after"), storm.t99_s),
        lower_is_better(
            named("most handshakes in a second at one node"),
            Unit::Count,
            peak,
        ),
        lower_is_better(
            named("attempts that failed"),
            Unit::Count,
            count(storm.failed_attempts),
        ),
        lower_is_better(named("commands that failed"), Unit::Count, commands),
    ]
}

fn detection_metrics(
    detection: &Detection,
    named: &dyn Fn(&str) -> String,
) -> [BalancingMetric; 5] {
    [
        ("clients detected it after", detection.clients_s),
        (
            "connections to it failed for",
            detection.failed_connects_after_s,
        ),
        ("balancers detected it after", detection.balancers_s),
        ("the other nodes detected it after", detection.nodes_s),
        ("commands failed for", detection.commands_s),
    ]
    .map(|(what, seconds)| BalancingMetric {
        absent_text: NOT_REPORTED,
        ..time_until(named(what), seconds)
    })
}

/// What the fullest node paid beside the emptiest.
fn skew_metrics(nodes: &[NodeLoadSummary]) -> Vec<BalancingMetric> {
    let by_sockets = |a: &&NodeLoadSummary, b: &&NodeLoadSummary| a.sockets.cmp(&b.sockets);
    let (Some(fullest), Some(emptiest)) = (
        nodes.iter().max_by(by_sockets),
        nodes.iter().min_by(by_sockets),
    ) else {
        return Vec::new();
    };
    [("fullest", fullest), ("emptiest", emptiest)]
        .into_iter()
        .flat_map(|(which, node)| {
            let named = |what: &str| format!("{which} node: {what}");
            let heap = node.heap.map(|bytes| bytes as f64);
            [
                lower_is_better(named("heap at the end"), Unit::Bytes, heap),
                lower_is_better(named("CPU cores"), Unit::Share, node.cpu_cores),
                lower_is_better(
                    named("its commands, service p99"),
                    Unit::Millis,
                    node.commands_ms.p99,
                ),
            ]
        })
        .collect()
}

/// All of them together.
fn balancer_metrics(balancers: &[BalancerSummary]) -> Vec<BalancingMetric> {
    if balancers.is_empty() {
        return Vec::new();
    }
    let sum = |value: fn(&BalancerSummary) -> Option<f64>| -> Option<f64> {
        let values: Option<Vec<f64>> = balancers.iter().map(value).collect();
        Some(values?.iter().sum())
    };
    let cpu = sum(|balancer| balancer.cpu_us_per_socket_s);
    let cpu = cpu.map(|cpu| cpu / balancers.len() as f64);
    vec![
        lower_is_better(
            "balancers: resident memory, most",
            Unit::Bytes,
            sum(|balancer| Some(balancer.process.rss_peak? as f64)),
        ),
        lower_is_better(
            "balancers: open files, most",
            Unit::Count,
            sum(|balancer| Some(balancer.process.open_files_peak? as f64)),
        ),
        lower_is_better(
            "balancers: microseconds of CPU time for a socket and second",
            Unit::Count,
            cpu,
        ),
    ]
}

fn lower_is_better(name: impl Into<String>, unit: Unit, value: Option<f64>) -> BalancingMetric {
    balancing_metric(name, unit, Direction::Lower, value)
}

fn time_until(name: String, seconds: Option<f64>) -> BalancingMetric {
    BalancingMetric {
        absent_text: NOT_REACHED,
        ..lower_is_better(name, Unit::Seconds, seconds)
    }
}

/// Of ratios alone.
fn higher_is_better(name: impl Into<String>, value: Option<f64>) -> BalancingMetric {
    balancing_metric(name, Unit::Ratio, Direction::Higher, value)
}

fn balancing_metric(
    name: impl Into<String>,
    unit: Unit,
    better: Direction,
    value: Option<f64>,
) -> BalancingMetric {
    BalancingMetric {
        name: name.into(),
        unit,
        better,
        value,
        absent_text: NOT_MEASURED,
    }
}
