//! What joins the nodes: the broker, and what goes through it.

use std::ops::Range;

use super::{processes::process_summary, run_window::RunWindow, source_series::SourceSeries};
use crate::{
    record::{
        SourceRole,
        names::{counter, gauge},
    },
    summary::{BackplaneSummary, BrokerSummary, CpuCores},
};

/// A sample of a whole second is taken within this time after it.
const SAMPLED_WITHIN_S: f64 = 0.5;

/// The summary's `broker`.
pub(crate) fn brokers(cut: &RunWindow) -> Vec<BrokerSummary> {
    cut.series
        .with_role(SourceRole::Broker)
        .map(|(id, track)| broker(cut, id, track))
        .collect()
}

fn broker(cut: &RunWindow, id: &str, track: &SourceSeries) -> BrokerSummary {
    let peak = |name| track.peak(name, cut.range()).map(|value| value as u64);
    let grown = |name| track.growth(name, cut.range()).map(|value| value as u64);
    let per_s = |name| {
        let steady = cut.distribution_range()?;
        Some(track.growth(name, sample_range(&steady))? / length_s(&steady)?)
    };
    BrokerSummary {
        process: process_summary(cut, SourceRole::Broker, id, track),
        clients_peak: peak(gauge::BROKER_CLIENTS),
        channels_peak: peak(gauge::BROKER_CHANNELS),
        backlog_peak: peak(gauge::BROKER_BACKLOG),
        messages_in: grown(gauge::BROKER_MESSAGES_IN),
        messages_out: grown(gauge::BROKER_MESSAGES_OUT),
        messages_in_per_s: per_s(gauge::BROKER_MESSAGES_IN),
        messages_out_per_s: per_s(gauge::BROKER_MESSAGES_OUT),
        bytes_in: grown(gauge::BROKER_BYTES_IN),
        bytes_out: grown(gauge::BROKER_BYTES_OUT),
        slow_consumers: grown(gauge::BROKER_SLOW_CONSUMERS),
    }
}

/// The summary's `backplane`; `None` when no node tells of it.
pub(crate) fn backplane(cut: &RunWindow) -> Option<BackplaneSummary> {
    let grown = |name, range| growth_of_role(cut, SourceRole::Node, name, range);
    let count = |name| grown(name, cut.range()).map(|value| value as u64);
    let per_command = |name| {
        let steady = cut.distribution_range()?;
        let commands = commands_as_sole_traffic(cut, &steady)?;
        Some(grown(name, sample_range(&steady))? / commands as f64)
    };
    let backplane = BackplaneSummary {
        sent: count(gauge::BACKPLANE_SENT),
        received: count(gauge::BACKPLANE_RECEIVED),
        sent_per_command: per_command(gauge::BACKPLANE_SENT),
        received_per_command: per_command(gauge::BACKPLANE_RECEIVED),
    };
    (backplane.sent.is_some() || backplane.received.is_some()).then_some(backplane)
}

/// Commands issued in `range`; `None` if there were none, or other things than
/// commands cross the backplane.
fn commands_as_sole_traffic(cut: &RunWindow, range: &Range<f64>) -> Option<u64> {
    let plan = &cut.record.manifest.plan;
    if !(plan.publish.is_empty() && plan.telemetry.is_empty()) {
        return None;
    }
    let issued: u64 = cut
        .series
        .with_role(SourceRole::Worker)
        .flat_map(|(_, track)| track.rows_in(range.clone()))
        .map(|line| line.counter(counter::COMMANDS_ISSUED))
        .sum();
    (issued > 0).then_some(issued)
}

/// The summary's `processors`.
pub(crate) fn cpu_cores(cut: &RunWindow) -> CpuCores {
    let busy = |role| {
        let steady = cut.distribution_range()?;
        let used_s = growth_of_role(cut, role, gauge::CPU, sample_range(&steady))?;
        Some(used_s / length_s(&steady)?)
    };
    CpuCores {
        nodes: busy(SourceRole::Node),
        broker: busy(SourceRole::Broker),
        balancers: busy(SourceRole::Balancer),
        workers: busy(SourceRole::Worker),
    }
}

/// Processors that one process kept busy in the steady phase.
pub(crate) fn cpu_cores_of(cut: &RunWindow, track: &SourceSeries) -> Option<f64> {
    let steady = cut.distribution_range()?;
    Some(growth_of(track, gauge::CPU, &steady)? / length_s(&steady)?)
}

/// How far a gauge of one process grew over a range of whole seconds.
pub(crate) fn growth_of(track: &SourceSeries, name: &str, range: &Range<f64>) -> Option<f64> {
    track.growth(name, sample_range(range))
}

/// How far a gauge of all sources of a role grew together; `None` if one of them
/// was there and does not show it.
fn growth_of_role(cut: &RunWindow, role: SourceRole, name: &str, range: Range<f64>) -> Option<f64> {
    let mut sum = None;
    for (_, track) in cut.series.with_role(role) {
        match track.growth(name, range.clone()) {
            Some(grown) => sum = Some(sum.unwrap_or(0.0) + grown),
            None if track.is_up_in(range.clone()) => return None,
            None => {}
        }
    }
    sum
}

/// Where the samples lie that show a range's growth: its phases begin at whole
/// seconds, and samples are taken a moment after those.
pub(crate) fn sample_range(range: &Range<f64>) -> Range<f64> {
    let from = match range.start {
        start if start > 0.0 => start + SAMPLED_WITHIN_S,
        start => start,
    };
    from..range.end + SAMPLED_WITHIN_S
}

fn length_s(range: &Range<f64>) -> Option<f64> {
    let length = range.end - range.start;
    (length > 0.0).then_some(length)
}
