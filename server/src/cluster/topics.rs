//! Who of this node subscribes to what.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::topic_hub::{Message, Room, Seat};
use crate::{backplane::Backplane, config::Limits, id::Topic, node::Node, session::Session};

/// The rooms of a node: one for each topic that a device of it subscribes to.
#[derive(Default)]
pub(crate) struct Topics(Mutex<HashMap<Topic, Room>>);

impl Topics {
    /// Adds a subscriber; the first one brings the node to subscribe.
    pub(crate) fn add(
        &self,
        topic: &Topic,
        session: &Arc<Session>,
        backplane: &dyn Backplane,
    ) -> Seat {
        let mut rooms = self.lock();
        let room = rooms.entry(topic.clone()).or_insert_with(Room::new);
        if room.subscribers() == 0 {
            // Under the lock, so that it cannot overtake an unsubscription.
            backplane.subscribe(topic);
        }
        room.enter(session)
    }

    /// Removes a subscriber; with the last one the node's subscription ends.
    pub(crate) fn remove(&self, topic: &Topic, seat: Seat, backplane: &dyn Backplane) {
        let mut rooms = self.lock();
        let Some(room) = rooms.get_mut(topic) else {
            return;
        };
        room.leave(seat);
        if room.subscribers() == 0 {
            rooms.remove(topic);
            backplane.unsubscribe(topic);
        }
    }

    /// Whether more messages wait for the topic's subscribers than may.
    pub(crate) fn is_full(&self, topic: &Topic, limits: &Limits) -> bool {
        let rooms = self.lock();
        rooms.get(topic).is_some_and(|room| room.is_full(limits))
    }

    /// Queues a message for every subscriber of the topic. Answers how many there
    /// are.
    pub(crate) fn announce(
        &self,
        node: &Arc<Node>,
        topic: &Topic,
        message: impl FnOnce() -> Message,
    ) -> usize {
        // Under the lock: every subscriber gets the messages in one order.
        let rooms = self.lock();
        let Some(room) = rooms.get(topic) else {
            return 0;
        };
        room.announce(node, &message());
        room.subscribers()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Topic, Room>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
