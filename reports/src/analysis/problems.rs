//! Problems of a run: everything that makes a metric doubtful, in words.

use highwater_scenarios::plan::{Compression, PhaseWindow, SystemSpec};
use highwater_types::format;

use super::{
    exchanges,
    heartbeats::pending,
    leaks, ledger, login, messages,
    observed_processes::mixed_nodes,
    ramp,
    run_window::RunWindow,
    sockets::{has_silent_node, turnover},
    summary::Summary,
    telemetry,
};
use crate::record::{
    RecordEvent, SourceRole, TimedEvent, action_title,
    names::{counter, gauge},
};

/// Seconds within which both ends are sampled.
const SAMPLED_WITHIN_S: f64 = 2.0;

/// Returns all problems except the harness's own, in order of importance.
pub(super) fn problems(window: &RunWindow, summary: &Summary) -> Vec<String> {
    let record = window.record;
    let mut problems: Vec<String> = record.events.iter().filter_map(event_problem).collect();
    problems.extend(open_sockets_mismatch(window));
    problems.extend(ramp::problems(window, &summary.sockets));
    problems.extend(mixed_nodes(window));
    problems.extend(heartbeats_mismatch(window, summary));
    problems.extend(commands_mismatch(summary));
    problems.extend(commands_without_device(summary));
    problems.extend(uncompressed_sockets(window));
    problems.extend(summary.login.as_ref().and_then(login::problems));
    if let Some(section) = &summary.exchanges {
        problems.extend(exchanges::problems(section));
    }
    if let Some(section) = &summary.telemetry {
        problems.extend(telemetry::problems(window, section));
    }
    if let Some(section) = &summary.messages {
        problems.extend(messages::problems(window, section));
    }
    problems.extend(ledger::differences(&summary.ledger));
    problems.extend(leaks::leaks(window));
    if record.phases.steady.is_none() {
        problems.push("the steady phase was not reached".to_owned());
    }
    problems.extend(record.problems.iter().cloned());
    problems
}

fn event_problem(event: &TimedEvent) -> Option<String> {
    let at = format::seconds(event.at);
    match &event.kind {
        RecordEvent::Problem { text } => Some(text.clone()),
        RecordEvent::ProcessEnded { id, status } => {
            Some(format!("{id} ended by itself at {at}: {status}"))
        }
        RecordEvent::Action {
            action,
            node,
            error: Some(error),
        } => Some(format!(
            "{} at {at} failed: {error}",
            action_title(action, node)
        )),
        // A clean exit after an event is what the scenario asked for.
        RecordEvent::ProcessStopped { id, status, code } if *code != Some(0) => Some(format!(
            "{id} was stopped by an event, and at {at} it {status}"
        )),
        _ => None,
    }
}

/// Compares the sockets that clients and nodes count at the end of the steady phase.
fn open_sockets_mismatch(window: &RunWindow) -> Option<String> {
    let end = window.record.phases.end_of(PhaseWindow::Steady)?;
    // The clients' count covers all nodes, so it is not comparable when one is missing.
    if has_silent_node(window) {
        return None;
    }
    let clients = window.sum_at(SourceRole::Worker, gauge::SOCKETS_OPEN, end)?;
    let nodes = window.sum_at(SourceRole::Node, gauge::SOCKETS_OPEN, end)?;
    // Sockets that opened or ended while the processes were sampled may be in one count.
    let tolerance = turnover(window, end - SAMPLED_WITHIN_S, end) as f64;
    ((clients - nodes).abs() > tolerance).then(|| {
        format!(
            "at the end of the steady phase the clients had {} sockets open and the nodes {}",
            format::count(clients as u64),
            format::count(nodes as u64)
        )
    })
}

fn heartbeats_mismatch(window: &RunWindow, summary: &Summary) -> Option<String> {
    let heartbeats = &summary.heartbeats;
    let known = heartbeats.acknowledged + heartbeats.missed + heartbeats.one_way;
    let pending = pending(window);
    let adds_up = match pending {
        Some(pending) => heartbeats.due == known + pending,
        // Without the pending count only an excess of outcomes is an error.
        None => heartbeats.due >= known,
    };
    (!adds_up).then(|| {
        format!(
            "heartbeats do not add up: {} due, {} acknowledged, {} missed, {} pending at the end",
            format::count(heartbeats.due),
            format::count(heartbeats.acknowledged),
            format::count(heartbeats.missed),
            pending.map_or_else(|| "an unknown number".to_owned(), format::count)
        )
    })
}

fn commands_without_device(summary: &Summary) -> Option<String> {
    let commands = summary.commands.as_ref()?;
    (commands.no_device > 0).then(|| {
        format!(
            "{} of {} commands due were not sent, because no device was connected",
            format::count(commands.no_device),
            format::count(commands.due)
        )
    })
}

/// Counts the sockets whose server declined the compression that the scenario offers.
fn uncompressed_sockets(window: &RunWindow) -> Option<String> {
    let SystemSpec::Target(target) = &window.record.manifest.plan.system else {
        return None;
    };
    let opened = window.counter_total(counter::SOCKETS_OPENED)
        + window.counter_total(counter::SOCKETS_REOPENED);
    let compressed = window.counter_total(counter::SOCKETS_COMPRESSED);
    let is_offered = target.compression != Compression::None;
    (is_offered && compressed < opened).then(|| {
        format!(
            "the target declined compression on {} of {} opened sockets",
            format::count(opened - compressed),
            format::count(opened)
        )
    })
}

fn commands_mismatch(summary: &Summary) -> Option<String> {
    let commands = summary.commands.as_ref()?;
    let known = commands.known_outcomes();
    (known > commands.issued).then(|| {
        format!(
            "commands do not add up: {} issued, {} outcomes",
            format::count(commands.issued),
            format::count(known)
        )
    })
}
