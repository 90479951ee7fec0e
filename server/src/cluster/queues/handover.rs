//! Waiting messages that move to the node that stores their queue from now on.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    broker::{Queues, SEND_TIMEOUT, slot_of_queue},
    store::StoredMessage,
};
use crate::{
    backplane::View,
    cluster::slots::{SlotOwner, SlotTable},
    id::NodeId,
    message::{ClusterRequest, ClusterResponse, QueueMessage, QueueSendResult},
};

/// The messages of one queue that move at a time.
const MOVED_AT_ONCE: usize = 64;

impl Queues {
    /// Passes the waiting messages of queues that this node does not own to their slot owners.
    pub(super) async fn move_foreign(self: &Arc<Self>) {
        let names = self.store.lock().waiting_names();
        for name in names {
            if let SlotOwner::Remote(owner) = self.owner(&name) {
                self.move_queue(&name, &owner).await;
            }
        }
    }

    /// Passes every waiting message to the node that will own its queue once this one has left.
    pub(crate) async fn leave(self: &Arc<Self>) {
        let view = Arc::clone(&self.table.borrow().view);
        let members = view.members.iter().filter(|member| member.id != self.me);
        let rest = SlotTable::new(Arc::new(View {
            members: members.cloned().collect(),
            ..View::clone(&view)
        }));
        let names = self.store.lock().waiting_names();
        for name in names {
            let slot = slot_of_queue(&name);
            if let Some(owner) = rest.owner_of_slot(slot) {
                self.move_queue(&name, &owner.id).await;
            }
        }
    }

    async fn move_queue(self: &Arc<Self>, name: &Arc<str>, owner: &NodeId) {
        loop {
            let taken = self.store.lock().take_waiting(name, MOVED_AT_ONCE);
            if taken.is_empty() {
                return;
            }
            let is_full_batch = taken.len() == MOVED_AT_ONCE;
            let kept = self.move_batch(name, owner, taken).await;
            let has_failed = !kept.is_empty();
            let now = Instant::now();
            for stored in kept {
                self.store.lock().put_back(name, stored, now);
            }
            if has_failed || !is_full_batch {
                return;
            }
        }
    }

    /// Sends messages to another node, and returns those that it did not take.
    async fn move_batch(
        &self,
        name: &Arc<str>,
        owner: &NodeId,
        batch: Vec<StoredMessage>,
    ) -> Vec<StoredMessage> {
        let sending: Vec<_> = batch
            .into_iter()
            .map(|stored| {
                let message = QueueMessage::clone(&stored.message);
                let request = ClusterRequest::QueueSend(name.as_ref().to_owned(), message);
                (self.request(owner, &request, SEND_TIMEOUT), stored)
            })
            .collect();
        let mut kept = Vec::new();
        for (request, stored) in sending {
            match request.await {
                Ok(ClusterResponse::QueueSent(QueueSendResult::Accepted)) => {}
                // Lost with its new owner, or stored there: twice is better than never.
                _ => kept.push(stored),
            }
        }
        kept
    }
}
