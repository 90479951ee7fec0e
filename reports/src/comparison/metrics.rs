//! What a comparison of balancing looks at first: more than the catalogue's figures,
//! since most of it is there once for each event.

use std::collections::BTreeMap;

use highwater_scenarios::metrics::{Figure, Unit};

use super::change::Direction;
use crate::{
    record::action_title,
    summary::{AfterEvent, Balancer, Detection, NodeLoad, Storm, Summary},
};

/// A figure of one run under the name by which it is found in others.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) unit: Unit,
    pub(super) better: Direction,
    pub(super) value: Option<f64>,
    /// What it means that there is no value.
    pub(super) absent: &'static str,
}

/// Of most figures.
pub(super) const NOT_MEASURED: &str = "not measured";
/// Of times until something comes to pass.
const NOT_REACHED: &str = "not reached";
/// Of times that somebody else must tell.
const NOT_TOLD: &str = "not told";

impl Line {
    /// Of a figure of the catalogue; its values are found elsewhere.
    pub(super) fn of(figure: &Figure) -> Self {
        line(&figure.path, figure.unit, Direction::of(figure), None)
    }
}

/// Of the whole run, of each event, of the nodes, of what stands in front of them.
pub(super) fn lines(summary: &Summary) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(balance) = &summary.balance {
        let herding = balance.herding.as_ref().map(|herding| herding.share);
        let max_over_mean = balance.max_over_mean_at_end;
        let min_over_mean = balance.min_over_mean_at_end;
        lines.extend([
            lower(
                "fullest node over the mean, at the end",
                Unit::Ratio,
                max_over_mean,
            ),
            higher("emptiest node over the mean, at the end", min_over_mean),
            higher("Jain's index, at the end", balance.jain_at_end),
            lower(
                "most of a tenth of a second's openings at one node",
                Unit::Share,
                herding,
            ),
        ]);
        for (index, event) in balance.per_event.iter().enumerate() {
            lines.extend(of_event(index + 1, event));
        }
        lines.extend(of_skew(&balance.nodes));
    }
    lines.extend(of_balancers(&summary.balancer));
    lines
}

fn of_event(number: usize, event: &AfterEvent) -> Vec<Line> {
    let title = action_title(&event.event, &event.node);
    let named = |what: &str| format!("{number} {title}: {what}");
    let evenness = event.evenness;
    let herding = event.herding.as_ref().map(|herding| herding.share);
    let mut lines = vec![
        line(
            named("part of the new sockets that its node got"),
            Unit::Share,
            Direction::Neither,
            share_of_its_node(event),
        ),
        until(named("short of sockets for"), event.settled_after_s),
        until(named("uneven for"), event.balanced_after_s),
        lower(
            named("fullest node over the mean, before the next"),
            Unit::Ratio,
            evenness.map(|evenness| evenness.max_over_mean),
        ),
        lower(
            named("most of a tenth of a second's openings at one node"),
            Unit::Share,
            herding,
        ),
    ];
    if let Some(storm) = &event.storm {
        lines.extend(of_storm(storm, &named));
    }
    if let Some(detection) = &event.detection {
        lines.extend(of_detection(detection, &named));
    }
    lines
}

fn of_storm(storm: &Storm, named: &dyn Fn(&str) -> String) -> [Line; 7] {
    let count = |value: u64| Some(value as f64);
    let commands = storm.commands_failed.and_then(count);
    let peak = storm.peak_handshakes_per_s.and_then(count);
    [
        line(
            named("sockets lost"),
            Unit::Count,
            Direction::Neither,
            count(storm.lost),
        ),
        until(named("half of them back after"), storm.t50_s),
        until(named("95 % back after"), storm.t95_s),
        until(named("99 % back after"), storm.t99_s),
        lower(
            named("most handshakes in a second at one node"),
            Unit::Count,
            peak,
        ),
        lower(
            named("attempts that failed"),
            Unit::Count,
            count(storm.failed_attempts),
        ),
        lower(named("commands that failed"), Unit::Count, commands),
    ]
}

fn of_detection(detection: &Detection, named: &dyn Fn(&str) -> String) -> [Line; 5] {
    [
        ("clients had found out after", detection.clients_s),
        (
            "no more openings were lost on it after",
            detection.attempts_s,
        ),
        ("balancers had found out after", detection.balancers_s),
        ("the other nodes had found out after", detection.nodes_s),
        ("no more commands failed after", detection.commands_s),
    ]
    .map(|(what, seconds)| Line {
        absent: NOT_TOLD,
        ..until(named(what), seconds)
    })
}

/// What the fullest node paid beside the emptiest.
fn of_skew(nodes: &[NodeLoad]) -> Vec<Line> {
    let by_sockets = |a: &&NodeLoad, b: &&NodeLoad| a.sockets.cmp(&b.sockets);
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
                lower(named("heap at the end"), Unit::Bytes, heap),
                lower(named("processor"), Unit::Share, node.processors),
                lower(
                    named("its commands, service p99"),
                    Unit::Millis,
                    node.commands_ms.p99,
                ),
            ]
        })
        .collect()
}

/// All of them together.
fn of_balancers(balancers: &[Balancer]) -> Vec<Line> {
    if balancers.is_empty() {
        return Vec::new();
    }
    let sum = |value: fn(&Balancer) -> Option<f64>| -> Option<f64> {
        let values: Option<Vec<f64>> = balancers.iter().map(value).collect();
        Some(values?.iter().sum())
    };
    let cpu = sum(|balancer| balancer.cpu_us_per_socket_s);
    let cpu = cpu.map(|cpu| cpu / balancers.len() as f64);
    vec![
        lower(
            "balancers: resident memory, most",
            Unit::Bytes,
            sum(|balancer| Some(balancer.process.rss_peak? as f64)),
        ),
        lower(
            "balancers: open files, most",
            Unit::Count,
            sum(|balancer| Some(balancer.process.open_files_peak? as f64)),
        ),
        lower(
            "balancers: microseconds of processor for a socket and second",
            Unit::Count,
            cpu,
        ),
    ]
}

/// By the clients' count; by the nodes' where answers name no node. `None` where the
/// event's node was not there to get any, or nobody says.
fn share_of_its_node(event: &AfterEvent) -> Option<f64> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (node, count) in event.arrivals.iter().flat_map(|piece| &piece.by_node) {
        *counts.entry(node).or_default() += count;
    }
    if counts.is_empty() {
        let by_nodes = event.new_sockets_by_node.iter();
        counts = by_nodes
            .map(|(node, count)| (node.as_str(), *count))
            .collect();
    }
    let nothing = event.new_sockets_by_node.get(&event.node).map(|_| &0);
    let its = *counts.get(event.node.as_str()).or(nothing)?;
    let all: u64 = counts.values().sum();
    (all > 0).then(|| its as f64 / all as f64)
}

fn lower(name: impl Into<String>, unit: Unit, value: Option<f64>) -> Line {
    line(name, unit, Direction::Lower, value)
}

fn until(name: String, seconds: Option<f64>) -> Line {
    Line {
        absent: NOT_REACHED,
        ..lower(name, Unit::Seconds, seconds)
    }
}

/// Of ratios alone.
fn higher(name: impl Into<String>, value: Option<f64>) -> Line {
    line(name, Unit::Ratio, Direction::Higher, value)
}

fn line(name: impl Into<String>, unit: Unit, better: Direction, value: Option<f64>) -> Line {
    Line {
        name: name.into(),
        unit,
        better,
        value,
        absent: NOT_MEASURED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Arrivals;

    fn after<const N: usize>(nodes: [&str; N], arrived: &[(&str, u64)]) -> AfterEvent {
        let by_node = |counts: &[(&str, u64)]| -> BTreeMap<String, u64> {
            let counts = counts.iter();
            counts.map(|&(id, count)| (id.to_owned(), count)).collect()
        };
        AfterEvent {
            at_s: 0.0,
            event: "add-node".to_owned(),
            node: "n3".to_owned(),
            new_sockets_by_node: by_node(&nodes.map(|id| (id, 0))),
            arrivals: vec![Arrivals {
                from_s: 0.0,
                to_s: 1.0,
                by_node: by_node(arrived),
            }],
            settled_after_s: None,
            balanced_after_s: None,
            evenness: None,
            herding: None,
            storm: None,
            detection: None,
        }
    }

    #[test]
    fn a_node_that_was_there_and_got_nothing_got_nothing() {
        let share = |after| share_of_its_node(&after);
        assert_eq!(
            share(after(["n1", "n3"], &[("n1", 1), ("n3", 3)])),
            Some(0.75)
        );
        assert_eq!(share(after(["n1", "n3"], &[("n1", 4)])), Some(0.0));
        assert_eq!(share(after(["n1"], &[("n1", 4)])), None, "it was not there");
        assert_eq!(share(after(["n3"], &[])), None, "nobody got any");
    }
}
