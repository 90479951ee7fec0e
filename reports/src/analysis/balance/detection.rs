//! The time until each layer detected that a node was dead or hung.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reconnect_storm::commands_without_reply;
use crate::{
    analysis::{
        conn_events::{ConnEventBucket, ConnEvents},
        run_window::RunWindow,
        source_series::SourceSeries,
    },
    record::{SourceRole, names::gauge},
};

/// Events after which there is a failure to detect.
const DETECTABLE_EVENTS: [&str; 2] = ["kill-node", "pause-node"];

/// Seconds from an event until each layer detected that a node was dead or hung; `null`
/// where it did not, or where it does not report it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Detection {
    /// Clients: until half of all sockets that ended had ended.
    pub clients_s: Option<f64>,
    /// New sockets: until the last attempt began that was sent to the node.
    ///
    /// Such an attempt failed without a rejection, was answered by this node after more
    /// than a second, or had no answer when the run ended. 0 when there was none, as behind
    /// a balancer that retries unanswered attempts at another node.
    pub failed_connects_after_s: Option<f64>,
    /// Balancers, by their own report: until none of them assigned new sockets to the node,
    /// to the next sample.
    pub balancers_s: Option<f64>,
    /// Other nodes: until each counted fewer members than before, to the next sample.
    pub nodes_s: Option<f64>,
    /// Commands: until the last one that did not get its reply, to the end of a second; 0
    /// when each got it.
    pub commands_s: Option<f64>,
}

/// The detection by one process.
enum DetectionState {
    /// The process does not report it, or was absent.
    NotObserved,
    /// The process had not detected the failure by the end.
    Undetected,
    /// The process detected it at this instant on the run's clock.
    DetectedAt(f64),
}

/// Computes the detection times; `None` after events that leave their node alive.
pub(super) fn detection(
    window: &RunWindow,
    conn_events: &ConnEvents,
    (event, node): (&str, &str),
    after: &Range<f64>,
) -> Option<Detection> {
    if !DETECTABLE_EVENTS.contains(&event) {
        return None;
    }
    let buckets = conn_events.buckets_in(after.clone());
    let failed_connect = last_failed_connect(conn_events, node, after);
    let balancers = window.sources.with_role(SourceRole::Balancer);
    let balancers = balancers.map(|(_, series)| balancer_detection(series, node, after));
    let nodes = window.sources.with_role(SourceRole::Node);
    let others = nodes.filter(|(id, _)| *id != node);
    let others = others.map(|(_, series)| node_detection(series, after));
    // All instants are on the run's clock, and the section has seconds after the event.
    let since = |at_s: f64| at_s - after.start;
    Some(Detection {
        clients_s: half_lost_at(buckets).map(since),
        failed_connects_after_s: failed_connect.map(since),
        balancers_s: last_detection(balancers).map(since),
        nodes_s: last_detection(others).map(since),
        commands_s: last_failed_command(window, after).map(since),
    })
}

/// Returns the instant of the last detection; `None` if one process did not detect it, or
/// no process reports it.
fn last_detection(states: impl Iterator<Item = DetectionState>) -> Option<f64> {
    let mut last: Option<f64> = None;
    for state in states {
        match state {
            DetectionState::NotObserved => {}
            DetectionState::Undetected => return None,
            DetectionState::DetectedAt(at_s) => {
                last = Some(last.map_or(at_s, |last| last.max(at_s)))
            }
        }
    }
    last
}

fn half_lost_at(buckets: &[ConnEventBucket]) -> Option<f64> {
    let all: u64 = buckets.iter().map(|bucket| bucket.lost).sum();
    let mut lost = 0_u64;
    let half = buckets.iter().find(|bucket| {
        lost += bucket.lost;
        // Half of the losses: single sockets may end for other reasons at any time.
        lost > 0 && lost * 2 >= all
    });
    Some(half?.end_s())
}

/// Returns the end of the last bucket with a failed connect, or the event's instant without
/// one; `None` where attempts were not counted at all.
fn last_failed_connect(conn_events: &ConnEvents, node: &str, after: &Range<f64>) -> Option<f64> {
    if conn_events.buckets().is_empty() {
        return None;
    }
    let buckets = conn_events.buckets_in(after.clone());
    let last = buckets
        .iter()
        .rfind(|bucket| has_failed_connect(bucket, node));
    Some(last.map_or(after.start, ConnEventBucket::end_s))
}

/// Whether an attempt began in the bucket that was sent to the dead or hung node.
fn has_failed_connect(bucket: &ConnEventBucket, node: &str) -> bool {
    // A rejection comes from a process that is alive, so it was not sent to this node.
    bucket.failed > bucket.rejected || bucket.unanswered > 0 || bucket.delayed.contains_key(node)
}

/// Returns when a balancer stopped assigning sockets to the node: it reports the node as
/// down, or reports other nodes only.
fn balancer_detection(series: &SourceSeries, node: &str, after: &Range<f64>) -> DetectionState {
    let name = format!("{}.{node}", gauge::BALANCER_NODE_UP);
    // A node that the balancer never used cannot be removed by it.
    let mut was_up = false;
    for row in series.rows() {
        let reports_nodes = row.gauge_family(gauge::BALANCER_NODE_UP).next().is_some();
        if !reports_nodes {
            continue;
        }
        let up = row.gauge(&name).unwrap_or(0.0) > 0.0;
        if row.end() <= after.start {
            was_up = up;
        } else if row.end() > after.end {
            break;
        } else if was_up && !up {
            return DetectionState::DetectedAt(row.end());
        }
    }
    match was_up {
        true => DetectionState::Undetected,
        false => DetectionState::NotObserved,
    }
}

/// Returns when a node first counted fewer members than before the event.
fn node_detection(series: &SourceSeries, after: &Range<f64>) -> DetectionState {
    // A node that was down itself has no value here and cannot detect anything.
    let Some(before) = series.value_at(gauge::BACKPLANE_MEMBERS, after.start) else {
        return DetectionState::NotObserved;
    };
    let mut samples = series.gauge(gauge::BACKPLANE_MEMBERS);
    let fewer = samples.find(|sample| {
        sample.at_s > after.start && sample.at_s <= after.end && sample.value < before
    });
    fewer.map_or(DetectionState::Undetected, |sample| {
        DetectionState::DetectedAt(sample.at_s)
    })
}

/// Returns the end of the last row with a failed command, or the event's instant without
/// one; `None` when the scenario sends no commands.
fn last_failed_command(window: &RunWindow, after: &Range<f64>) -> Option<f64> {
    if window.record.manifest.plan.commands.is_empty() {
        return None;
    }
    let rows = window.worker_rows_touching(after.start..f64::INFINITY);
    let last = rows
        .filter(|row| row.end() <= after.end && commands_without_reply(row) > 0)
        .map(|row| row.end())
        .fold(after.start, f64::max);
    Some(last)
}
