//! Failures of the target that no gate has to name: nothing of what the scenario asked for
//! happened.

use highwater_scenarios::plan::PhaseWindow;
use highwater_types::format;

use super::{
    failures::failures, harness::HarnessHealth, run_window::RunWindow, sockets::turnover,
    summary::Summary,
};
use crate::record::{RecordEvent, RunEnd, SourceRole, names::counter, names::gauge};

/// Seconds within which both ends are sampled.
const SAMPLED_WITHIN_S: f64 = 2.0;

/// Kinds of failures that a sentence names.
const MAX_KINDS: usize = 3;

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
            no_socket_opened(window, summary),
            all_sockets_lost(window, summary),
            no_heartbeat_acknowledged(summary),
            no_command_replied(window, summary),
            no_exchange_answered(summary),
            no_message_published(summary),
            no_telemetry_accepted(summary),
            few_sockets_at_nodes(window),
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

fn no_socket_opened(window: &RunWindow, summary: &Summary) -> Option<String> {
    let sockets = &summary.sockets;
    (sockets.requested > 0 && sockets.opened == 0).then(|| {
        format!(
            "none of {} sockets opened{}",
            format::count(sockets.requested),
            kinds(window, counter::CONNECT_FAILED)
        )
    })
}

fn all_sockets_lost(window: &RunWindow, summary: &Summary) -> Option<String> {
    let steady_end = window.record.phases.end_of(PhaseWindow::Steady)?;
    let open = window.sum_at(SourceRole::Worker, gauge::SOCKETS_OPEN, steady_end)?;
    (summary.sockets.opened > 0 && open == 0.0).then(|| {
        format!(
            "none of {} sockets was open at the end of the steady phase{}",
            format::count(summary.sockets.opened),
            kinds(window, counter::DISCONNECT)
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

fn no_command_replied(window: &RunWindow, summary: &Summary) -> Option<String> {
    let commands = summary.commands.as_ref()?;
    // Dropped commands alone are the harness's: too many were in flight.
    let of_target = commands.issued + commands.no_device;
    (of_target > 0 && commands.replied == 0).then(|| {
        format!(
            "none of {} commands got a reply{}",
            format::count(of_target),
            kinds(window, "commands")
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

/// Finds nodes that count less than half of the sockets that the clients hold open. A
/// difference below is a problem, and does not fail the run.
fn few_sockets_at_nodes(window: &RunWindow) -> Option<String> {
    let end = window.record.phases.end_of(PhaseWindow::Steady)?;
    let clients = window.sum_at(SourceRole::Worker, gauge::SOCKETS_OPEN, end)?;
    let nodes = window.sum_at(SourceRole::Node, gauge::SOCKETS_OPEN, end)?;
    // Sockets that opened or ended while the processes were sampled may be in one count.
    let tolerance = turnover(window, end - SAMPLED_WITHIN_S, end) as f64;
    (clients > 2.0 * nodes && clients - nodes > tolerance).then(|| {
        format!(
            "the nodes counted {} sockets where the clients had {} open",
            format::count(nodes as u64),
            format::count(clients as u64)
        )
    })
}

/// Lists the most frequent kinds of a family of failures: `: 60 × status_401`.
fn kinds(window: &RunWindow, family: &str) -> String {
    let mut counts: Vec<(u64, String)> = failures(window)
        .into_iter()
        .filter_map(|failure| {
            let kind = failure.counter.strip_prefix(family)?.strip_prefix('.')?;
            Some((failure.count, kind.to_owned()))
        })
        .collect();
    counts.sort_by(|(left, _), (right, _)| right.cmp(left));
    let named: Vec<String> = counts
        .iter()
        .take(MAX_KINDS)
        .map(|(count, kind)| format!("{} × {kind}", format::count(*count)))
        .collect();
    match named.as_slice() {
        [] => String::new(),
        named => format!(": {}", named.join(", ")),
    }
}
