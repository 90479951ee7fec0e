//! Failures of the target that no gate has to name: nothing of what the scenario asked for
//! happened.

use highwater_scenarios::plan::PhaseWindow;
use highwater_types::format;

use super::{
    failure_words::cause,
    harness::HarnessHealth,
    run_window::RunWindow,
    sockets::{has_silent_node, turnover},
    summary::Summary,
};
use crate::record::{
    RecordEvent, RunEnd, SourceRole,
    names::{counter, gauge},
};

/// Seconds within which both ends are sampled.
const SAMPLED_WITHIN_S: f64 = 2.0;

/// Ratio of two counts of the same sockets from which one of them is wrong.
const SOCKETS_RATIO: f64 = 2.0;

/// Returns why the run has failed whatever its gates say, in words.
pub(super) fn target_failures(
    window: &RunWindow,
    summary: &Summary,
    harness: &HarnessHealth,
) -> Vec<String> {
    let mut failures = ended_processes(window);
    // A run that was cut short, or whose load the harness lost, shows nothing about what the
    // target would have done. The verdict is inconclusive for these reasons already.
    let is_whole = summary.ended == RunEnd::Completed && !harness.worker_lost;
    if is_whole && !harness.only_own_connect_failures {
        let checks = [
            no_socket_opened(summary),
            all_sockets_lost(window, summary, harness),
            no_heartbeat_acknowledged(summary),
            no_command_replied(summary),
            no_exchange_answered(summary),
            no_message_published(summary),
            no_telemetry_accepted(summary),
            socket_counts_differ(window),
        ];
        failures.extend(checks.into_iter().flatten());
    }
    failures
}

/// Processes of the cluster that ended although no event of the scenario ended them.
fn ended_processes(window: &RunWindow) -> Vec<String> {
    let events = window.record.events.iter();
    let ended = events.filter_map(|event| match &event.kind {
        RecordEvent::ProcessEnded { id, status } => Some(format!(
            "{id} ended by itself at {}: {status}",
            format::seconds(event.at)
        )),
        _ => None,
    });
    ended.collect()
}

fn no_socket_opened(summary: &Summary) -> Option<String> {
    let sockets = &summary.sockets;
    (sockets.requested > 0 && sockets.opened == 0).then(|| {
        format!(
            "none of {} sockets opened{}",
            format::count(sockets.requested),
            cause(&summary.failures, counter::CONNECT_FAILED)
        )
    })
}

fn all_sockets_lost(
    window: &RunWindow,
    summary: &Summary,
    harness: &HarnessHealth,
) -> Option<String> {
    // The verdict is inconclusive for this reason already.
    if harness.only_own_disconnects {
        return None;
    }
    let steady_end = window.record.phases.end_of(PhaseWindow::Steady)?;
    let open = window.sum_at(SourceRole::Worker, gauge::SOCKETS_OPEN, steady_end)?;
    (summary.sockets.opened > 0 && open == 0.0).then(|| {
        format!(
            "none of {} sockets was open at the end of the steady phase{}",
            format::count(summary.sockets.opened),
            cause(&summary.failures, counter::DISCONNECT)
        )
    })
}

fn no_heartbeat_acknowledged(summary: &Summary) -> Option<String> {
    let heartbeats = &summary.heartbeats;
    (heartbeats.missed > 0 && heartbeats.acknowledged == 0).then(|| {
        format!(
            "none of {} heartbeats was answered",
            format::count(heartbeats.missed)
        )
    })
}

fn no_command_replied(summary: &Summary) -> Option<String> {
    let commands = summary.commands.as_ref()?;
    // Dropped commands alone are the harness's: too many were in flight.
    let of_target = commands.issued + commands.no_device;
    (of_target > 0 && commands.replied == 0).then(|| {
        format!(
            "none of {} commands got a reply{}",
            format::count(of_target),
            cause(&summary.failures, "commands")
        )
    })
}

fn no_exchange_answered(summary: &Summary) -> Option<String> {
    let exchanges = summary.exchanges.as_ref()?;
    let expected = exchanges.sent.saturating_sub(exchanges.one_way);
    (expected > 0 && exchanges.answered == 0).then(|| {
        format!(
            "none of {} messages of devices was answered",
            format::count(expected)
        )
    })
}

fn no_message_published(summary: &Summary) -> Option<String> {
    let messages = summary.messages.as_ref()?;
    (messages.scheduled > messages.dropped && messages.published == 0).then(|| {
        format!(
            "none of {} messages was accepted",
            format::count(messages.scheduled - messages.dropped)
        )
    })
}

fn no_telemetry_accepted(summary: &Summary) -> Option<String> {
    let telemetry = summary.telemetry.as_ref()?;
    (telemetry.sent > 0 && telemetry.accepted == 0).then(|| {
        format!(
            "none of {} telemetry records was accepted",
            format::count(telemetry.sent)
        )
    })
}

/// Compares the sockets that the clients hold open with those that the nodes count. Counts
/// that differ by less than [`SOCKETS_RATIO`] are a problem, and do not fail the run.
fn socket_counts_differ(window: &RunWindow) -> Option<String> {
    // The clients' count covers all nodes, so it is not comparable when one counts nothing.
    if has_silent_node(window) {
        return None;
    }
    let end = window.record.phases.end_of(PhaseWindow::Steady)?;
    // A worker that is silent holds sockets that the clients' count lacks.
    let mut workers = window.sources.with_role(SourceRole::Worker);
    if workers.any(|(_, worker)| worker.value_at(gauge::SOCKETS_OPEN, end).is_none()) {
        return None;
    }
    let clients = window.sum_at(SourceRole::Worker, gauge::SOCKETS_OPEN, end)?;
    let nodes = window.sum_at(SourceRole::Node, gauge::SOCKETS_OPEN, end)?;
    // Sockets that opened or ended while the processes were sampled may be in one count.
    let tolerance = turnover(window, end - SAMPLED_WITHIN_S, end) as f64;
    let differ = |more: f64, less: f64| more >= SOCKETS_RATIO * less && more - less > tolerance;
    // Sockets of other clients may be among the nodes', so only those that came since the
    // start are held against the clients'.
    let new_at_nodes = nodes - sockets_before(window);
    (differ(clients, nodes) || differ(new_at_nodes, clients)).then(|| {
        format!(
            "the nodes counted {} sockets where the clients had {} open",
            format::count(nodes as u64),
            format::count(clients as u64)
        )
    })
}

/// Returns the sockets that a target's nodes held before the load. A cluster starts with the
/// run and holds none.
fn sockets_before(window: &RunWindow) -> f64 {
    if window.record.manifest.plan.cluster().is_some() {
        return 0.0;
    }
    let nodes = window.sources.with_role(SourceRole::Node);
    let first = nodes.filter_map(|(_, series)| series.gauge(gauge::SOCKETS_OPEN).next());
    first.map(|sample| sample.value).sum()
}
