//! Exit codes of processes that an event stopped.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::run_window::RunWindow;
use crate::record::RecordEvent;

/// The summary's `exits`: processes that an event stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the metric registry describes each field")]
pub struct Exits {
    pub clean: u64,
    pub unclean: u64,
}

/// Computes the section; `None` for a target, whose processes the harness does not stop.
pub(super) fn exits(window: &RunWindow) -> Option<Exits> {
    window.record.manifest.plan.cluster()?;
    let (clean, unclean): (Vec<_>, Vec<_>) =
        // A process that a signal ended has no exit code and counts as unclean.
        exit_codes(window).partition(|(_, code)| *code == Some(0));
    Some(Exits {
        clean: clean.len() as u64,
        unclean: unclean.len() as u64,
    })
}

/// Returns each process that ended because an event stopped it, with its exit code.
pub(super) fn exit_codes<'a>(
    window: &'a RunWindow,
) -> impl Iterator<Item = (&'a str, Option<i32>)> {
    let range = window.range();
    let events = window.record.events.iter();
    events.filter_map(move |event| match &event.kind {
        RecordEvent::ProcessStopped { id, code, .. } if range.contains(&event.at) => {
            Some((id.as_str(), *code))
        }
        _ => None,
    })
}
