//! Topic messages: published ones, and their delivery to each subscriber.

use highwater_types::format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{distribution::Distribution, run_window::RunWindow};
use crate::record::names::{counter, latency};

/// The summary's `messages`: counts over the whole run, times over the steady phase.
///
/// `scheduled = published + dropped + rejected + unconfirmed` counts messages. The other
/// counts are deliveries, one for each subscriber of a message: `due = delivered + lost`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the metric registry describes each field")]
pub struct MessageSummary {
    pub scheduled: u64,
    pub published: u64,
    pub dropped: u64,
    pub rejected: u64,
    pub unconfirmed: u64,
    pub due: u64,
    pub delivered: u64,
    pub lost: u64,
    pub duplicated: u64,
    pub reordered: u64,
    #[serde(default)]
    pub response_ms: Distribution,
    pub latency_ms: Distribution,
    pub service_ms: Distribution,
}

/// Computes the section; `None` when the scenario publishes no messages.
pub(super) fn messages(window: &RunWindow) -> Option<MessageSummary> {
    if window.record.manifest.plan.publish.is_empty() {
        return None;
    }
    let delivered = window.counter_total(counter::MESSAGES_DELIVERED);
    let reordered = window.counter_total(counter::MESSAGES_REORDERED);
    // A late message fills a gap in its publisher's sequence, so that gap was no loss.
    let gaps = window
        .counter_total(counter::MESSAGES_MISSING)
        .saturating_sub(reordered);
    // No later message shows a gap at the end of a sequence. The plan alone does, which
    // holds only when every message of the plan was published.
    let missing_at_end = match all_published(window) {
        true => window.counter_total(counter::MESSAGES_MISSING_AT_END),
        false => 0,
    };
    let lost = gaps + missing_at_end;
    Some(MessageSummary {
        scheduled: window.counter_total(counter::MESSAGES_SCHEDULED),
        published: window.counter_total(counter::MESSAGES_PUBLISHED),
        dropped: window.counter_total(counter::MESSAGES_DROPPED),
        rejected: window.counter_total(counter::MESSAGES_REJECTED),
        unconfirmed: window.counter_total(counter::MESSAGES_UNCONFIRMED),
        due: delivered + lost,
        delivered,
        lost,
        duplicated: window.counter_total(counter::MESSAGES_DUPLICATED),
        reordered,
        response_ms: window.distribution_of(latency::MESSAGE_RESPONSE),
        latency_ms: window.distribution_of(latency::MESSAGE_LATENCY),
        service_ms: window.distribution_of(latency::MESSAGE_SERVICE),
    })
}

/// Returns reasons to doubt the section, in words.
pub(super) fn problems(window: &RunWindow, messages: &MessageSummary) -> Vec<String> {
    let mut problems = Vec::new();
    let missing = window.counter_total(counter::MESSAGES_MISSING_AT_END);
    if missing > 0 && !all_published(window) {
        problems.push(format!(
            "{} deliveries were missing at the end; they do not count as lost, because \
             messages were dropped or rejected and may never have been published",
            format::count(missing)
        ));
    }
    if messages.lost > 0 && messages.unconfirmed > 0 {
        problems.push(format!(
            "some of the {} lost deliveries may belong to the {} messages that were sent and \
             never confirmed",
            format::count(messages.lost),
            format::count(messages.unconfirmed)
        ));
    }
    problems
}

/// Whether each message of the plan was at least sent.
fn all_published(window: &RunWindow) -> bool {
    window.counter_total(counter::MESSAGES_DROPPED) == 0
        // Unconfirmed messages may have been published, so they do not count here.
        && window.counter_total(counter::MESSAGES_REJECTED) == 0
}
