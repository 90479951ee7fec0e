//! Renaming of the contents of records of schema 1, while they are read.
//!
//! The two schemas differ in names alone. The code behind the reader uses schema 2 only.

use highwater_scenarios::renamed::{renamed_key, renamed_metric, renamed_path};
use serde_json::{Map, Value};

use super::{TimedEvent, texts::escape_texts};

/// Version of the format that this module renames.
pub(super) const SCHEMA: u32 = 1;

/// Counters, gauges and latency tags whose name or first part changed: old, new. The longer of
/// two matching names stands first.
const NAMES: [(&str, &str); 9] = [
    ("readings.refused", "telemetry.rejected"),
    ("readings.taken", "telemetry.accepted"),
    ("readings", "telemetry"),
    ("arrived", "opened"),
    ("returned", "reconnected"),
    ("departed", "lost"),
    ("refused", "failed"),
    ("turned_away", "rejected"),
    ("balancer.handshaking", "balancer.pending"),
];

/// Counters whose last part is a kind, which has hyphens in schema 1. Other last parts are
/// names of nodes and workers, which keep their hyphens.
const BY_KIND: [&str; 4] = [
    "connect.failed.",
    "disconnect.",
    "commands.failed.",
    "readings.refused.",
];

/// Name in place of a node for nodes beyond the most that are counted separately.
const OTHER_NODES: (&str, &str) = (".(elsewhere)", ".(other)");

/// Kinds of events whose word changed.
const EVENT_KINDS: [(&str, &str); 3] = [
    ("readings", "telemetry"),
    ("balancer-told", "balancer_reconfigured"),
    ("process-left", "process_stopped"),
];

/// Returns the name in schema 2 of a counter, gauge or latency tag that had another one.
pub(super) fn renamed(old: &str) -> Option<String> {
    if BY_KIND.iter().any(|kinds| old.starts_with(kinds)) {
        let (name, kind) = old.rsplit_once('.')?;
        // Kinds have hyphens in schema 1 and underscores in schema 2.
        let kind = match kind {
            "away" => "unavailable".to_owned(),
            kind => kind.replace('-', "_"),
        };
        return Some(format!(
            "{}.{kind}",
            renamed_path(&NAMES, name).as_deref().unwrap_or(name)
        ));
    }
    let new = renamed_path(&NAMES, old)?;
    Some(match new.strip_suffix(OTHER_NODES.0) {
        Some(name) => format!("{name}{}", OTHER_NODES.1),
        None => new,
    })
}

/// Reads a line of `events.jsonl`.
pub(super) fn event(line: &[u8]) -> Result<TimedEvent, String> {
    let read = || -> serde_json::Result<TimedEvent> {
        let mut event: Value = serde_json::from_slice(line)?;
        escape_texts(&mut event);
        if let Some(Value::String(kind)) = event.get_mut("kind") {
            let known = EVENT_KINDS.iter().find(|(old, _)| old == kind);
            *kind = known.map_or_else(|| kind.replace('-', "_"), |(_, new)| (*new).to_owned());
        }
        serde_json::from_value(event)
    };
    read().map_err(|error| error.to_string())
}

/// Renames the keys of the plan in a manifest, and the metrics of its gates. The text of
/// the scenario stays as it was written.
pub(super) fn rename_plan(manifest: &mut Value) {
    let Some(plan) = manifest.get_mut("plan") else {
        return;
    };
    rename_keys(plan);
    let gates = plan.get_mut("gates").and_then(Value::as_array_mut);
    for gate in gates.into_iter().flatten() {
        rename_gate(gate);
    }
}

fn rename_keys(value: &mut Value) {
    match value {
        Value::Object(object) => {
            let entries = std::mem::take(object).into_iter();
            *object = entries
                .map(|(key, mut value)| {
                    rename_keys(&mut value);
                    (new_key(key), value)
                })
                .collect::<Map<_, _>>();
        }
        Value::Array(values) => values.iter_mut().for_each(rename_keys),
        _ => {}
    }
}

fn new_key(key: String) -> String {
    match key.as_str() {
        "figure" => "metric".to_owned(),
        old => renamed_key(old).map_or(key, str::to_owned),
    }
}

/// Renames the metric of a gate. A gate without a name of its own is named by its check.
fn rename_gate(gate: &mut Value) {
    let text_of = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let check = gate.get("check");
    let (Some(metric), Some(text)) = (
        text_of(check.and_then(|check| check.get("metric"))),
        text_of(check.and_then(|check| check.get("text"))),
    ) else {
        return;
    };
    let Some(new) = renamed_metric(&metric) else {
        return;
    };
    let new_text = text.replacen(&metric, &new, 1);
    // A gate that the scenario named keeps its name.
    if text_of(gate.get("name")) == Some(text) {
        gate["name"] = new_text.clone().into();
    }
    gate["check"]["metric"] = new.into();
    gate["check"]["text"] = new_text.into();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RecordEvent;

    #[test]
    fn only_old_names_are_renamed() {
        for (old, new) in [
            ("readings.sent", "telemetry.sent"),
            ("readings.refused", "telemetry.rejected"),
            ("readings.refused.no-group", "telemetry.rejected.no_group"),
            ("readings.refused.away", "telemetry.rejected.unavailable"),
            ("readings.taken", "telemetry.accepted"),
            ("readings.response", "telemetry.response"),
            ("arrived.home-n1", "opened.home-n1"),
            ("arrived.(elsewhere)", "opened.(other)"),
            ("refused", "failed"),
            ("turned_away", "rejected"),
            ("connect.failed.no-port", "connect.failed.no_port"),
            ("connect.failed.refused", "connect.failed.refused"),
            ("disconnect.closed-1012", "disconnect.closed_1012"),
            ("commands.failed.status-502", "commands.failed.status_502"),
            ("balancer.handshaking", "balancer.pending"),
        ] {
            assert_eq!(renamed(old).as_deref(), Some(new), "{old}");
        }
        for present in [
            "commands.owner@home-n1",
            "commands.failed",
            "sockets.opened",
        ] {
            assert_eq!(renamed(present), None, "{present}");
        }
    }

    #[test]
    fn old_kind_of_event_is_read() {
        let read = |text: &str| event(text.as_bytes()).unwrap().kind;
        assert!(matches!(
            read(r#"{"at":1,"kind":"process-left","id":"n1","status":"exit status: 0","code":0}"#),
            RecordEvent::ProcessStopped { .. }
        ));
        assert!(matches!(
            read(r#"{"at":1,"kind":"balancer-told","id":"b1","how":"reload","text":"t"}"#),
            RecordEvent::BalancerReconfigured { .. }
        ));
        assert!(matches!(
            read(r#"{"at":1,"kind":"worker-lost","id":"w1","reason":"silent"}"#),
            RecordEvent::WorkerLost { .. }
        ));
        assert!(event(br#"{"at":1,"kind":"new-year"}"#).is_err());
    }
}
