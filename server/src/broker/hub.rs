//! Who is there, and who hears what.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;

use crate::{
    backplane::{
        IdConflict, Member, MemberRole, View, encode_frame, initial_version,
        local_protocol::FromBroker,
    },
    id::{NodeId, Topic},
    net::bounded_queue,
};

/// The broker's state, behind one short lock.
#[derive(Default)]
pub(super) struct Hub {
    version: u64,
    /// Ordered, as views are.
    nodes: BTreeMap<NodeId, NodeConnection>,
    topics: HashMap<Topic, HashSet<NodeId>>,
}

struct NodeConnection {
    member: Member,
    /// What waits for the node is bounded, so that one that does not read stalls
    /// nobody and costs no memory without end.
    queue: bounded_queue::BoundedSender<Bytes>,
}

impl NodeConnection {
    /// Queues or drops; what is dropped is counted.
    fn push(&self, frame: Bytes) {
        let _ = self.queue.push(frame);
    }
}

/// Who asks to join.
pub(super) struct JoinRequest {
    pub(super) id: NodeId,
    pub(super) incarnation: u64,
    pub(super) address: Option<String>,
    pub(super) role: MemberRole,
    pub(super) last_version: u64,
}

impl Hub {
    /// A broker that starts now.
    pub(super) fn starting_now() -> Self {
        Self {
            version: initial_version(),
            ..Self::default()
        }
    }

    /// Seats a node and tells everyone. A seat held by an older life of the node,
    /// or by an older connection of the same life, is taken over: that connection
    /// ends, since nothing else holds its queue. Answers the `joined` number.
    pub(super) fn join(
        &mut self,
        newcomer: JoinRequest,
        queue: bounded_queue::BoundedSender<Bytes>,
    ) -> Result<u64, IdConflict> {
        let JoinRequest {
            id,
            incarnation: boot,
            address,
            role,
            last_version,
        } = newcomer;
        if let Some(seat) = self.nodes.get(&id)
            && seat.member.incarnation > boot
        {
            return Err(IdConflict {
                id,
                taken: seat.member.incarnation,
                found: boot,
            });
        }
        self.unsubscribe_all(&id);
        self.version = self.version.max(last_version) + 1;
        let joined = self.version;
        let member = Member {
            id: id.clone(),
            incarnation: boot,
            generation: joined,
            address,
            role,
        };
        self.nodes.insert(id, NodeConnection { member, queue });
        self.broadcast_view();
        Ok(joined)
    }

    /// Frees the seat, if it is still the one taken with that number.
    pub(super) fn leave(&mut self, id: &NodeId, joined: u64) {
        if self
            .nodes
            .get(id)
            .is_some_and(|seat| seat.member.generation == joined)
        {
            if let Some(seat) = self.nodes.remove(id) {
                let dropped = seat.queue.rejected();
                tracing::info!(node = %id, dropped, "node left");
            }
            self.unsubscribe_all(id);
            self.version += 1;
            self.broadcast_view();
        }
    }

    /// Whether the seat is still the one taken with that number.
    pub(super) fn is_current(&self, id: &NodeId, joined: u64) -> bool {
        self.nodes
            .get(id)
            .is_some_and(|seat| seat.member.generation == joined)
    }

    /// To one node; to nobody when it is not there, or is again with another seat.
    pub(super) fn unicast(&self, from: &NodeId, to: &NodeId, joined: u64, payload: &[u8]) {
        if let Some(seat) = self.nodes.get(to)
            && seat.member.generation == joined
        {
            seat.push(encode_frame(
                &FromBroker::Unicast { from: from.clone() },
                payload,
            ));
        }
    }

    /// To every subscriber but the publisher.
    pub(super) fn publish(&self, from: &NodeId, topic: &Topic, payload: &[u8]) {
        let Some(subscribers) = self.topics.get(topic) else {
            return;
        };
        let frame: Bytes = encode_frame(
            &FromBroker::Published {
                topic: topic.clone(),
            },
            payload,
        );
        for node in subscribers.iter().filter(|node| *node != from) {
            if let Some(seat) = self.nodes.get(node) {
                seat.push(frame.clone());
            }
        }
    }

    pub(super) fn subscribe(&mut self, node: &NodeId, topic: Topic) {
        self.topics.entry(topic).or_default().insert(node.clone());
    }

    pub(super) fn unsubscribe(&mut self, node: &NodeId, topic: &Topic) {
        if let Some(subscribers) = self.topics.get_mut(topic) {
            subscribers.remove(node);
            if subscribers.is_empty() {
                self.topics.remove(topic);
            }
        }
    }

    fn unsubscribe_all(&mut self, node: &NodeId) {
        self.topics.retain(|_, subscribers| {
            subscribers.remove(node);
            !subscribers.is_empty()
        });
    }

    fn broadcast_view(&self) {
        let members = self
            .nodes
            .values()
            .map(|seat| seat.member.clone())
            .collect();
        let view = View {
            version: self.version,
            members,
            connected: true,
        };
        let frame = encode_frame(&FromBroker::View(view), &[]);
        for seat in self.nodes.values() {
            seat.push(frame.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newcomer(id: &str, boot: u64, last_version: u64) -> JoinRequest {
        JoinRequest {
            id: id.parse().unwrap(),
            incarnation: boot,
            address: None,
            role: MemberRole::Node,
            last_version,
        }
    }

    #[test]
    fn an_older_life_is_refused_and_a_newer_one_takes_over() {
        let mut switch = Hub::default();
        let (queue, _waiting) = bounded_queue::channel(10, 1000);
        let first = switch.join(newcomer("a", 5, 0), queue.clone()).unwrap();
        assert!(switch.join(newcomer("a", 4, 0), queue.clone()).is_err());
        let second = switch.join(newcomer("a", 6, 0), queue).unwrap();
        let id = "a".parse().unwrap();
        switch.leave(&id, first);
        assert!(
            switch.is_current(&id, second),
            "the old connection's end changes nothing"
        );
    }

    #[test]
    fn versions_grow_across_restarts() {
        let mut switch = Hub::default();
        let (queue, _waiting) = bounded_queue::channel(10, 1000);
        assert_eq!(switch.join(newcomer("a", 1, 41), queue).unwrap(), 42);
    }
}
