//! Whether a topic has a consumer group.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    super::queue::{QueueError, with_timeout},
    resources::{CALL_TIMEOUT, QueueTopic},
};

/// The time between two lists of subscriptions. The service limits such calls for each project.
const INTERVAL: Duration = Duration::from_secs(10);
/// The time while there is no group, so that the first one is found soon.
const FIRST_INTERVAL: Duration = Duration::from_secs(1);
/// The most subscriptions of one answer. A topic with more of them has a group.
const PAGE_SIZE: i32 = 1_000;

/// The last answer of the service.
#[derive(Default)]
pub(super) struct GroupCheck {
    has_group: bool,
    /// The time of the answer; `None` before the first.
    checked_at: Option<Instant>,
}

impl GroupCheck {
    /// Whether there was a group at the last check.
    pub(super) fn has_group(&self) -> bool {
        self.has_group
    }

    /// Asks the service, if the last answer is old.
    pub(super) async fn refresh(&mut self, topic: &QueueTopic) -> Result<(), QueueError> {
        let interval = match self.has_group {
            true => INTERVAL,
            false => FIRST_INTERVAL,
        };
        if self.checked_at.is_some_and(|at| at.elapsed() < interval) {
            return Ok(());
        }
        self.has_group = with_timeout(CALL_TIMEOUT, list(topic)).await?;
        self.checked_at = Some(Instant::now());
        Ok(())
    }
}

/// Whether the topic has a subscription of a group, and not only those of others.
async fn list(topic: &QueueTopic) -> Result<bool, QueueError> {
    let listing = topic.clients.topics.list_topic_subscriptions();
    let listing = listing
        .set_topic(topic.names.topic())
        .set_page_size(PAGE_SIZE);
    let page = listing.send().await?;
    let prefix = topic.names.subscription_prefix();
    let mut found = page.subscriptions.iter();
    Ok(!page.next_page_token.is_empty() || found.any(|name| name.starts_with(&prefix)))
}
