//! What made a figure doubtful, in words.

use highwater_scenarios::plan::PhaseWindow;

use super::{
    heartbeats::pending, ledger, messages, run_window::RunWindow, sockets::turnover,
    source_series::SourceSeries, telemetry,
};
use crate::{
    human,
    record::{RecordEvent, SourceRole, action_title, names::gauge},
    summary::Summary,
};

/// Both ends are sampled within this of each other.
const SAMPLED_WITHIN_S: f64 = 2.0;

/// Everything but the harness's own part, in the order of importance.
pub(crate) fn problems(cut: &RunWindow, summary: &Summary) -> Vec<String> {
    let mut problems = Vec::new();
    problems.extend(cut.record.events.iter().filter_map(|event| {
        let at = human::seconds(event.at);
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
                "{} at {at} could not be done: {error}",
                action_title(action, node)
            )),
            RecordEvent::ProcessStopped { id, status, code } if *code != Some(0) => {
                Some(format!("{id} was asked to end, and at {at} it {status}"))
            }
            _ => None,
        }
    }));
    problems.extend(open_sockets_mismatch(cut));
    problems.extend(heartbeats_mismatch(cut, summary));
    problems.extend(commands_mismatch(summary));
    if let Some(figures) = &summary.telemetry {
        problems.extend(telemetry::doubts(cut, figures));
    }
    if let Some(figures) = &summary.messages {
        problems.extend(messages::doubts(cut, figures));
    }
    problems.extend(ledger::differences(&summary.ledger));
    if cut.record.phases.steady.is_none() {
        problems.push("the steady phase was not reached".to_owned());
    }
    problems.extend(cut.record.problems.iter().cloned());
    problems
}

/// Clients and nodes must count the same sockets at the end of the steady
/// phase, but for what opened and ended while they were asked. A node that is
/// observed and does not count leaves nothing to compare.
fn open_sockets_mismatch(cut: &RunWindow) -> Option<String> {
    let end = cut.record.phases.end_of(PhaseWindow::Steady)?;
    let mut nodes = cut.series.with_role(SourceRole::Node);
    let silent = |track: &SourceSeries| {
        track.is_up_in(cut.range()) && track.gauge(gauge::SOCKETS_OPEN).next().is_none()
    };
    if nodes.any(|(_, track)| silent(track)) {
        return None;
    }
    let sum = |role| {
        let open: Vec<f64> = cut
            .series
            .with_role(role)
            .filter_map(|(_, track)| track.value_at(gauge::SOCKETS_OPEN, end))
            .collect();
        (!open.is_empty()).then(|| open.iter().sum::<f64>())
    };
    let (clients, nodes) = (sum(SourceRole::Worker)?, sum(SourceRole::Node)?);
    let tolerance = turnover(cut, end - SAMPLED_WITHIN_S, end) as f64;
    ((clients - nodes).abs() > tolerance).then(|| {
        format!(
            "at the end of the steady phase the clients had {} sockets open and the nodes {}",
            human::count(clients as u64),
            human::count(nodes as u64)
        )
    })
}

fn heartbeats_mismatch(cut: &RunWindow, summary: &Summary) -> Option<String> {
    let heartbeats = &summary.heartbeats;
    let known = heartbeats.acknowledged + heartbeats.missed;
    let pending = pending(cut);
    let adds_up = match pending {
        Some(pending) => heartbeats.due == known + pending,
        None => heartbeats.due >= known,
    };
    (!adds_up).then(|| {
        format!(
            "heartbeats do not add up: {} due, {} acknowledged, {} missed, {} pending at the end",
            human::count(heartbeats.due),
            human::count(heartbeats.acknowledged),
            human::count(heartbeats.missed),
            pending.map_or_else(|| "an unknown number".to_owned(), human::count)
        )
    })
}

fn commands_mismatch(summary: &Summary) -> Option<String> {
    let commands = summary.commands.as_ref()?;
    let known = super::commands::outcomes(commands);
    (known > commands.issued).then(|| {
        format!(
            "commands do not add up: {} issued, {} outcomes",
            human::count(commands.issued),
            human::count(known)
        )
    })
}
