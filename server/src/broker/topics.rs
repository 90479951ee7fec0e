//! The subscriptions of the members at the embedded broker.

use std::collections::{HashMap, HashSet};

use crate::id::{NodeId, Topic};

/// The subscribers of each topic, and the topics of each subscriber.
pub(super) struct Subscriptions {
    limits: SubscriptionLimits,
    subscribers: HashMap<Topic, HashSet<NodeId>>,
    /// The topics of each node: the end of one costs no search through the topics of all.
    topics: HashMap<NodeId, HashSet<Topic>>,
    /// The subscriptions of all members.
    count: usize,
}

/// The bounds of subscriptions.
#[derive(Debug, Clone, Copy)]
pub(super) struct SubscriptionLimits {
    pub(super) per_member: usize,
    pub(super) all: usize,
}

impl Subscriptions {
    pub(super) fn new(limits: SubscriptionLimits) -> Self {
        Self {
            limits,
            subscribers: HashMap::new(),
            topics: HashMap::new(),
            count: 0,
        }
    }

    /// Returns the number of topics that have subscribers.
    pub(super) fn topic_count(&self) -> usize {
        self.subscribers.len()
    }

    /// Returns the number of subscriptions of all members.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn of(&self, topic: &Topic) -> Option<&HashSet<NodeId>> {
        self.subscribers.get(topic)
    }

    /// Subscribes a member. Returns `false` beyond a bound.
    pub(super) fn add(&mut self, node: &NodeId, topic: Topic) -> bool {
        let topics = self.topics.entry(node.clone()).or_default();
        if topics.contains(&topic) {
            return true;
        }
        if topics.len() >= self.limits.per_member || self.count >= self.limits.all {
            return false;
        }
        topics.insert(topic.clone());
        self.count += 1;
        let subscribers = self.subscribers.entry(topic).or_default();
        subscribers.insert(node.clone());
        true
    }

    pub(super) fn remove(&mut self, node: &NodeId, topic: &Topic) {
        if let Some(topics) = self.topics.get_mut(node)
            && topics.remove(topic)
        {
            self.count -= 1;
            self.remove_subscriber(node, topic);
        }
    }

    pub(super) fn remove_all(&mut self, node: &NodeId) {
        let topics = self.topics.remove(node).unwrap_or_default();
        self.count -= topics.len();
        for topic in &topics {
            self.remove_subscriber(node, topic);
        }
    }

    fn remove_subscriber(&mut self, node: &NodeId, topic: &Topic) {
        if let Some(subscribers) = self.subscribers.get_mut(topic) {
            subscribers.remove(node);
            // Otherwise the map would keep every topic that ever had a subscriber.
            if subscribers.is_empty() {
                self.subscribers.remove(topic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str) -> NodeId {
        id.parse().unwrap()
    }

    fn topic(name: &str) -> Topic {
        name.parse().unwrap()
    }

    #[test]
    fn topics_of_one_member_and_of_all_are_bounded() {
        let limits = SubscriptionLimits {
            per_member: 2,
            all: 3,
        };
        let mut subscriptions = Subscriptions::new(limits);
        let mut add = |id, name| subscriptions.add(&node(id), topic(name));
        assert!(add("a", "1") && add("a", "2") && add("a", "2"));
        assert!(!add("a", "3"), "the member's bound");
        assert!(add("b", "1"));
        assert!(!add("c", "1"), "the bound of all");
        subscriptions.remove(&node("a"), &topic("1"));
        subscriptions.remove(&node("a"), &topic("never"));
        assert!(
            subscriptions.add(&node("c"), topic("1")),
            "a removed one is free"
        );
    }

    #[test]
    fn end_of_a_member_removes_its_topics_only() {
        let limits = SubscriptionLimits {
            per_member: 9,
            all: 9,
        };
        let mut subscriptions = Subscriptions::new(limits);
        for (id, name) in [("a", "1"), ("a", "2"), ("b", "1")] {
            assert!(subscriptions.add(&node(id), topic(name)));
        }
        subscriptions.remove_all(&node("a"));
        assert_eq!((subscriptions.count(), subscriptions.topic_count()), (1, 1));
        assert!(subscriptions.of(&topic("2")).is_none());
        assert_eq!(
            subscriptions.of(&topic("1")),
            Some(&HashSet::from([node("b")]))
        );
    }
}
