//! The names of channels and keys.
//!
//! `:` separates the parts of a name. Only a topic may contain a `:` itself, so it stands
//! last.

use bytes::Bytes;

use crate::{
    backplane::remote::{InboundFrame, Inbox},
    id::{ClusterName, Topic},
};

/// The names of one cluster.
#[derive(Clone)]
pub(super) struct RedisNames {
    prefix: String,
    /// The key of the membership table.
    pub(super) membership_table: String,
}

impl RedisNames {
    pub(super) fn new(cluster: &ClusterName) -> Self {
        let prefix = format!("highwater:{cluster}:");
        let membership_table = format!("{prefix}membership_table");
        Self {
            prefix,
            membership_table,
        }
    }

    pub(super) fn everyone(&self) -> String {
        format!("{}everyone", self.prefix)
    }

    pub(super) fn inbox(&self, inbox: &Inbox) -> String {
        format!("{}inbox:{inbox}", self.prefix)
    }

    pub(super) fn topic(&self, topic: &Topic) -> String {
        format!("{}topic:{topic}", self.prefix)
    }

    /// Returns the frame by the kind of its channel, or `None` for a foreign channel.
    pub(super) fn classify(&self, channel: &[u8], frame: Bytes) -> Option<InboundFrame> {
        let channel = std::str::from_utf8(channel).ok()?;
        let name = channel.strip_prefix(&self.prefix)?;
        match name.split_once(':') {
            // An inbox channel is always the own one, because no other is subscribed.
            None if name == "everyone" => Some(InboundFrame::Everyone(frame)),
            Some(("inbox", _)) => Some(InboundFrame::Inbox(frame)),
            Some(("topic", topic)) => Some(InboundFrame::Topic(topic.parse().ok()?, frame)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_names_are_classified_by_cluster_and_kind() {
        let names = RedisNames::new(&"c".parse().unwrap());
        let other = RedisNames::new(&"c2".parse().unwrap());
        let inbox = Inbox {
            node: "n.1".parse().unwrap(),
            incarnation: 255,
            connection: 16,
        };
        let topic: Topic = "inbox:a:b".parse().unwrap();
        for (channel, expected) in [
            (names.everyone(), "Some(Everyone(b\"\"))"),
            (names.inbox(&inbox), "Some(Inbox(b\"\"))"),
            (names.topic(&topic), "Some(Topic(inbox:a:b, b\"\"))"),
            (other.everyone(), "None"),
            (names.membership_table.clone(), "None"),
        ] {
            let classified = names.classify(channel.as_bytes(), Bytes::new());
            assert_eq!(format!("{classified:?}"), expected, "{channel}");
        }
        assert_eq!(names.inbox(&inbox), "highwater:c:inbox:n.1-ff-10");
    }
}
