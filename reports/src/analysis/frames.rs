//! Frames of the system that a scenario declares.

use highwater_scenarios::plan::PoolFrames;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{distribution::Distribution, run_window::RunWindow};
use crate::record::names::{counter, latency};

/// The summary's `frames`: counts over the whole run, times over the steady phase.
///
/// `received` and `gap_ms` are `null` where no pool counts messages or subscribes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the metric registry describes each field")]
pub struct FrameSummary {
    pub received: Option<u64>,
    pub gap_ms: Option<Distribution>,
    pub answered: u64,
    pub unanswered: u64,
    pub unmatched: u64,
}

/// Computes the section; `None` when no pool declares frames or subscribes.
pub(super) fn frames(window: &RunWindow) -> Option<FrameSummary> {
    let pools = window.record.manifest.plan.devices.iter();
    let subscribes = pools.clone().any(|pool| !pool.subscribe.is_empty());
    let frames: Vec<&PoolFrames> = pools.filter_map(|pool| pool.frames.as_deref()).collect();
    if frames.is_empty() && !subscribes {
        return None;
    }
    let counts_messages = subscribes || frames.iter().any(|frames| frames.count_messages.is_some());
    Some(FrameSummary {
        received: counts_messages.then(|| window.counter_total(counter::MESSAGES_RECEIVED)),
        gap_ms: counts_messages.then(|| window.distribution_of(latency::MESSAGE_GAP)),
        answered: window.counter_total(counter::FRAMES_ANSWERED),
        unanswered: window.counter_total(counter::FRAMES_UNANSWERED),
        unmatched: window.counter_total(counter::FRAMES_UNMATCHED),
    })
}
