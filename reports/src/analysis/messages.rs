//! Messages to topics: what was published, and what each subscriber heard.

use highwater_types::format;

use super::run_window::RunWindow;
use crate::{
    record::names::{counter, latency},
    summary::MessageSummary,
};

/// The summary's `messages`; `None` when the scenario publishes none.
///
/// A hole in a publisher's sequence that a late message filled was no loss. What
/// was missing when a socket closed in order, with no later message to show the
/// hole, is known from the plan alone; that holds only if every message of the
/// plan was published.
pub(crate) fn messages(cut: &RunWindow) -> Option<MessageSummary> {
    if cut.record.manifest.plan.publish.is_empty() {
        return None;
    }
    let delivered = cut.counter_total(counter::MESSAGES_DELIVERED);
    let reordered = cut.counter_total(counter::MESSAGES_REORDERED);
    let holes = cut
        .counter_total(counter::MESSAGES_MISSING)
        .saturating_sub(reordered);
    let tail = match all_published(cut) {
        true => cut.counter_total(counter::MESSAGES_MISSING_AT_END),
        false => 0,
    };
    Some(MessageSummary {
        scheduled: cut.counter_total(counter::MESSAGES_SCHEDULED),
        published: cut.counter_total(counter::MESSAGES_PUBLISHED),
        dropped: cut.counter_total(counter::MESSAGES_DROPPED),
        rejected: cut.counter_total(counter::MESSAGES_REJECTED),
        unconfirmed: cut.counter_total(counter::MESSAGES_UNCONFIRMED),
        due: delivered + holes + tail,
        delivered,
        lost: holes + tail,
        duplicated: cut.counter_total(counter::MESSAGES_DUPLICATED),
        reordered,
        latency_ms: cut.distribution_of(latency::MESSAGE_LATENCY),
        service_ms: cut.distribution_of(latency::MESSAGE_SERVICE),
    })
}

/// What makes the figures of messages doubtful.
pub(super) fn doubts(cut: &RunWindow, messages: &MessageSummary) -> Vec<String> {
    let mut doubts = Vec::new();
    let missing = cut.counter_total(counter::MESSAGES_MISSING_AT_END);
    if missing > 0 && !all_published(cut) {
        doubts.push(format!(
            "{} deliveries were missing at the end; since messages were dropped or rejected, they may never have been published and do not count as lost",
            format::count(missing)
        ));
    }
    if messages.lost > 0 && messages.unconfirmed > 0 {
        doubts.push(format!(
            "of the {} lost deliveries some may be of the {} messages that were sent and never confirmed",
            format::count(messages.lost),
            format::count(messages.unconfirmed)
        ));
    }
    doubts
}

/// Whether each message of the plan was at least sent.
fn all_published(cut: &RunWindow) -> bool {
    cut.counter_total(counter::MESSAGES_DROPPED) == 0
        && cut.counter_total(counter::MESSAGES_REJECTED) == 0
}
