//! The hub: the routing core of the embedded broker.
//!
//! The hub holds the members of the cluster and the subscribers of each topic. It puts frames
//! into the queues of the members' connections.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;

use super::topics::{SubscriptionLimits, Subscriptions};
use crate::{
    backplane::{
        IdConflict, Identity, MemberEntry, MemberList, MemberRole, encode_frame, initial_version,
        local::protocol::FromBroker,
    },
    id::{NodeId, Topic},
    net::bounded_queue::BoundedSender,
};

/// The members and the topics. The broker keeps it behind one lock, which no task holds while
/// it waits.
pub(super) struct Hub {
    /// The members, each with the queue of its connection. The queue is bounded: a node that
    /// does not read loses frames, so that it neither delays the others nor fills memory.
    members: MemberList<BoundedSender<Bytes>>,
    subscriptions: Subscriptions,
    name_rule: NameRule,
    /// Notified when the members have changed since the last view.
    view_changed: Arc<Notify>,
    /// The version of the last view that was shown.
    shown_version: u64,
    /// The members whose queue had no room for that view.
    unshown: Vec<NodeId>,
    /// Whether a member has seen views of an earlier broker.
    is_restarted: bool,
}

/// The rule for a peer that wants the name of a connected member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameRule {
    /// A process that started later replaces the member. For peers that have proved that
    /// they belong to the cluster.
    LaterReplaces,
    /// The member keeps its name until its connection ends.
    HolderKeeps,
}

/// The reason why a peer does not become a member.
#[derive(Debug, thiserror::Error)]
pub(super) enum JoinError {
    #[error(transparent)]
    IdConflict(#[from] IdConflict),
    #[error(
        "cannot join as node {0}: a connected process holds this id; \
         hint: with a cluster secret, a process that starts later replaces it"
    )]
    NameTaken(NodeId),
}

impl Hub {
    /// Creates the hub of a broker that starts now.
    pub(super) fn starting_now(name_rule: NameRule, limits: SubscriptionLimits) -> Self {
        Self {
            members: MemberList::starting_at(initial_version()),
            subscriptions: Subscriptions::new(limits),
            name_rule,
            view_changed: Arc::default(),
            shown_version: 0,
            unshown: Vec::new(),
            is_restarted: false,
        }
    }

    /// Returns the notice that the members have changed. The caller shows the view then.
    pub(super) fn view_changed(&self) -> Arc<Notify> {
        Arc::clone(&self.view_changed)
    }

    /// Whether a member has seen views of an earlier broker, so that others return too.
    pub(super) fn is_restarted(&self) -> bool {
        self.is_restarted
    }

    /// Adds a node and returns the generation of its entry. The members learn it with the
    /// next view.
    ///
    /// The new version is greater than `last_version`, which is the last version that the
    /// node has seen. An earlier connection of the node ends, because its queue is dropped
    /// here.
    pub(super) fn join(
        &mut self,
        identity: Identity,
        queue: BoundedSender<Bytes>,
        last_version: u64,
    ) -> Result<u64, JoinError> {
        let id = identity.id.clone();
        // An entry is here as long as its connection is.
        if self.name_rule == NameRule::HolderKeeps && self.members.entry(&id).is_some() {
            return Err(JoinError::NameTaken(id));
        }
        self.members.join(identity, queue, last_version)?;
        self.is_restarted |= last_version > 0;
        // A new connection starts without the subscriptions of the one that it replaces.
        self.subscriptions.remove_all(&id);
        self.view_changed.notify_one();
        Ok(self.members.version())
    }

    /// Removes a node, if it still has this generation. The end of a replaced connection
    /// therefore leaves the new one in place.
    pub(super) fn leave(&mut self, id: &NodeId, generation: u64) {
        let is_leaving = |entry: &MemberEntry<_>| {
            entry.member.id == *id && entry.member.generation == generation
        };
        // 0: the version only has to exceed its own last value. At most one entry matches.
        for left in self.members.remove(0, is_leaving) {
            let dropped = left.connection.rejected();
            tracing::info!(node = %id, dropped, "a node left");
            self.subscriptions.remove_all(id);
            self.view_changed.notify_one();
        }
    }

    /// Whether a node still has this generation.
    pub(super) fn is_current(&self, id: &NodeId, generation: u64) -> bool {
        self.members.entry_of(id, generation).is_some()
    }

    /// Sends to one node, if it still has this generation. A message for an earlier connection
    /// of the node is dropped.
    pub(super) fn unicast(&self, from: &NodeId, to: &NodeId, generation: u64, payload: &[u8]) {
        if let Some(entry) = self.members.entry_of(to, generation) {
            let header = FromBroker::Unicast { from: from.clone() };
            push(entry, encode_frame(&header, payload));
        }
    }

    /// Sends to every subscriber except the publisher.
    pub(super) fn publish(&self, from: &NodeId, topic: &Topic, payload: &[u8]) {
        let Some(subscribers) = self.subscriptions.of(topic) else {
            return;
        };
        let topic = topic.clone();
        // Encoded once: the clones below share the bytes.
        let frame = encode_frame(&FromBroker::Published { topic }, payload);
        // The publisher delivers to its own subscribers without the broker.
        for id in subscribers.iter().filter(|id| *id != from) {
            if let Some(entry) = self.members.entry(id) {
                push(entry, frame.clone());
            }
        }
    }

    /// Subscribes a node. Returns `false` beyond a bound.
    pub(super) fn subscribe(&mut self, node: &NodeId, topic: Topic) -> bool {
        self.subscriptions.add(node, topic)
    }

    pub(super) fn unsubscribe(&mut self, node: &NodeId, topic: &Topic) {
        self.subscriptions.remove(node, topic);
    }

    /// Returns the number of members that play this part in the cluster.
    pub(super) fn member_count(&self, role: MemberRole) -> usize {
        let entries = self.members.entries().iter();
        entries.filter(|entry| entry.member.role == role).count()
    }

    pub(super) fn subscriptions(&self) -> &Subscriptions {
        &self.subscriptions
    }

    /// Sends the present view to every member that has not got it.
    ///
    /// A member that missed a view would keep the one before until the next change. It gets
    /// the view again, in the next window, until its queue has room.
    pub(super) fn show_view(&mut self) {
        let frame = encode_frame(&FromBroker::View(self.members.view()), &[]);
        let version = self.members.version();
        let is_new = std::mem::replace(&mut self.shown_version, version) != version;
        let entries = self.members.entries().iter();
        let behind = entries
            .filter(|entry| is_new || self.unshown.contains(&entry.member.id))
            .filter(|entry| !push(entry, frame.clone()));
        let behind: Vec<NodeId> = behind.map(|entry| entry.member.id.clone()).collect();
        if !behind.is_empty() {
            self.view_changed.notify_one();
        }
        self.unshown = behind;
    }
}

/// Queues a frame for a node. Returns whether its queue had room.
fn push(entry: &MemberEntry<BoundedSender<Bytes>>, frame: Bytes) -> bool {
    // A full queue drops and counts the frame: messages are delivered at most once.
    entry.connection.push(frame).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::bounded_queue;

    fn hub(name_rule: NameRule) -> Hub {
        let limits = SubscriptionLimits {
            per_member: 10,
            all: 10,
        };
        Hub::starting_now(name_rule, limits)
    }

    #[test]
    fn end_of_a_replaced_connection_keeps_the_new_one() {
        let mut hub = hub(NameRule::LaterReplaces);
        let (queue, _frames) = bounded_queue::channel(10, 1000);
        let first = hub
            .join(Identity::of_node("a", 5), queue.clone(), 0)
            .unwrap();
        assert!(
            hub.join(Identity::of_node("a", 4), queue.clone(), 0)
                .is_err()
        );
        let second = hub.join(Identity::of_node("a", 6), queue, 0).unwrap();
        let id = "a".parse().unwrap();
        hub.leave(&id, first);
        assert!(hub.is_current(&id, second));
        hub.leave(&id, second);
        assert!(!hub.is_current(&id, second));
    }

    #[tokio::test]
    async fn member_without_room_gets_the_view_later() {
        let mut hub = hub(NameRule::LaterReplaces);
        let [(first, mut first_frames), (second, mut second_frames)] =
            [(); 2].map(|()| bounded_queue::channel(1, 10_000));
        hub.join(Identity::of_node("a", 1), first, 0).unwrap();
        hub.join(Identity::of_node("b", 1), second, 0).unwrap();
        let changed = hub.view_changed();
        changed.notified().await;
        let id = |name: &str| name.parse::<NodeId>().unwrap();
        let generation = hub.members.entry(&id("b")).unwrap().member.generation;
        hub.unicast(&id("a"), &id("b"), generation, b"fills the queue");
        hub.show_view();
        assert!(first_frames.try_recv().is_some());
        changed.notified().await;
        assert!(second_frames.try_recv().is_some());
        hub.show_view();
        assert!(second_frames.try_recv().is_some(), "no view");
        assert!(first_frames.try_recv().is_none(), "a second view");
        assert!(hub.unshown.is_empty());
    }

    #[test]
    fn unproved_peer_cannot_take_the_name_of_a_member() {
        let mut hub = hub(NameRule::HolderKeeps);
        let (queue, _frames) = bounded_queue::channel(10, 1000);
        let holder = hub
            .join(Identity::of_node("a", 5), queue.clone(), 0)
            .unwrap();
        // The same incarnation as well: anybody can read it in a view.
        for incarnation in [5, 6] {
            let taken = hub.join(Identity::of_node("a", incarnation), queue.clone(), 0);
            assert!(matches!(taken, Err(JoinError::NameTaken(_))));
        }
        hub.leave(&"a".parse().unwrap(), holder);
        assert!(hub.join(Identity::of_node("a", 6), queue, 0).is_ok());
    }
}
