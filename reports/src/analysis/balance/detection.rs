//! When each layer had found out that a node was gone or hung.

use std::ops::Range;

use super::reconnect_storm::commands_without_reply;
use crate::{
    analysis::{
        conn_events::{ConnEventBucket, ConnEvents},
        run_window::RunWindow,
        sockets::by_kind_of_gauge,
        source_series::SourceSeries,
    },
    record::{SourceRole, names::gauge},
    summary::Detection,
};

/// After which there is something to find out.
const DETECTABLE_EVENTS: [&str; 2] = ["kill-node", "pause-node"];

/// What one process has to say about it.
enum DetectionState {
    /// It is not asked, or was not there.
    NotObserved,
    /// It had not found out when the looking ended.
    Undetected,
    /// At this instant on the run's clock it had.
    DetectedAt(f64),
}

/// `None` after events that leave their node alive.
pub(super) fn detection(
    cut: &RunWindow,
    movement: &ConnEvents,
    (event, node): (&str, &str),
    after: &Range<f64>,
) -> Option<Detection> {
    if !DETECTABLE_EVENTS.contains(&event) {
        return None;
    }
    let tenths = movement.buckets_in(after.clone());
    let since = |at_s: f64| at_s - after.start;
    let balancers = cut.series.with_role(SourceRole::Balancer);
    let others = cut
        .series
        .with_role(SourceRole::Node)
        .filter(|(id, _)| *id != node);
    Some(Detection {
        clients_s: half_lost_at(tenths).map(since),
        failed_connects_after_s: last_failed_connect(movement, node, tenths, after).map(since),
        balancers_s: last_detection(
            balancers.map(|(_, track)| balancer_detection(track, node, after)),
        )
        .map(since),
        nodes_s: last_detection(others.map(|(_, track)| node_detection(track, after))).map(since),
        commands_s: last_failed_command(cut, after).map(since),
    })
}

/// When the last of those who say anything had found out; `None` if one had not, or
/// none says anything.
fn last_detection(words: impl Iterator<Item = DetectionState>) -> Option<f64> {
    let mut last: Option<f64> = None;
    for word in words {
        match word {
            DetectionState::NotObserved => {}
            DetectionState::Undetected => return None,
            DetectionState::DetectedAt(at_s) => {
                last = Some(last.map_or(at_s, |last| last.max(at_s)))
            }
        }
    }
    last
}

fn half_lost_at(tenths: &[ConnEventBucket]) -> Option<f64> {
    let lost: u64 = tenths.iter().map(|tenth| tenth.lost).sum();
    let mut gone = 0_u64;
    let half = tenths.iter().find(|tenth| {
        gone += tenth.lost;
        gone > 0 && gone * 2 >= lost
    });
    Some(half?.end_s())
}

/// `None` where attempts were not counted at all.
fn last_failed_connect(
    movement: &ConnEvents,
    node: &str,
    tenths: &[ConnEventBucket],
    after: &Range<f64>,
) -> Option<f64> {
    if movement.buckets().is_empty() {
        return None;
    }
    let last = tenths.iter().rfind(|tenth| has_failed_connect(tenth, node));
    Some(last.map_or(after.start, ConnEventBucket::end_s))
}

/// Whether an attempt began in it that was sent to the node: it failed, or had to wait
/// until the node went on, or for longer than the run. Who is turned away for want of
/// room was sent to somebody who lives.
fn has_failed_connect(tenth: &ConnEventBucket, node: &str) -> bool {
    tenth.failed > tenth.rejected || tenth.unanswered > 0 || tenth.delayed.contains_key(node)
}

/// A balancer that gave sockets to the node does so no more: it says so, or speaks
/// of the other nodes alone.
fn balancer_detection(track: &SourceSeries, node: &str, after: &Range<f64>) -> DetectionState {
    let name = format!("{}.{node}", gauge::BALANCER_NODE_UP);
    let mut asked = false;
    for line in track.rows() {
        if by_kind_of_gauge(line, gauge::BALANCER_NODE_UP)
            .next()
            .is_none()
        {
            continue;
        }
        let up = line.gauge(&name).unwrap_or(0.0) > 0.0;
        if line.end() <= after.start {
            asked = up;
        } else if line.end() > after.end {
            break;
        } else if asked && !up {
            return DetectionState::DetectedAt(line.end());
        }
    }
    if asked {
        DetectionState::Undetected
    } else {
        DetectionState::NotObserved
    }
}

/// A node sees fewer nodes than before. One that was down itself is not asked.
fn node_detection(track: &SourceSeries, after: &Range<f64>) -> DetectionState {
    let Some(before) = track.value_at(gauge::BACKPLANE_MEMBERS, after.start) else {
        return DetectionState::NotObserved;
    };
    let mut seen = track.gauge(gauge::BACKPLANE_MEMBERS);
    let fewer =
        seen.find(|seen| seen.at_s > after.start && seen.at_s <= after.end && seen.value < before);
    fewer.map_or(DetectionState::Undetected, |seen| {
        DetectionState::DetectedAt(seen.at_s)
    })
}

/// `None` when the scenario sends none.
fn last_failed_command(cut: &RunWindow, after: &Range<f64>) -> Option<f64> {
    if cut.record.manifest.plan.commands.is_empty() {
        return None;
    }
    let workers = cut.series.with_role(SourceRole::Worker);
    let last = workers
        .flat_map(|(_, track)| track.rows())
        .filter(|line| line.end() > after.start && line.end() <= after.end)
        .filter(|line| commands_without_reply(line) > 0)
        .map(|line| line.end())
        .fold(after.start, f64::max);
    Some(last)
}
