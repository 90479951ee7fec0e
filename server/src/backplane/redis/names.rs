//! Channels and keys. None of the names in them contains a `:` but the topic,
//! which is last.

use bytes::Bytes;

use super::{Arrived, Inbox};
use crate::id::{ClusterName, Topic};

/// The names of one cluster.
#[derive(Clone)]
pub(super) struct Names {
    prefix: String,
    roster: String,
}

impl Names {
    pub(super) fn new(cluster: &ClusterName) -> Self {
        let prefix = format!("highwater:{cluster}:");
        let roster = format!("{prefix}roster");
        Self { prefix, roster }
    }

    pub(super) fn roster(&self) -> &str {
        &self.roster
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

    /// What a frame is, by its channel; `None` for a channel that is none of ours.
    pub(super) fn sort(&self, channel: &[u8], frame: Bytes) -> Option<Arrived> {
        let channel = std::str::from_utf8(channel).ok()?;
        let name = channel.strip_prefix(&self.prefix)?;
        match name.split_once(':') {
            None if name == "everyone" => Some(Arrived::Everyone(frame)),
            Some(("inbox", _)) => Some(Arrived::Inbox(frame)),
            Some(("topic", topic)) => Some(Arrived::Topic(topic.parse().ok()?, frame)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_told_apart() {
        let names = Names::new(&"c".parse().unwrap());
        let sort = |channel: &str| names.sort(channel.as_bytes(), Bytes::new());
        assert!(matches!(
            sort(&names.everyone()),
            Some(Arrived::Everyone(_))
        ));
        let inbox = Inbox {
            node: "n.1".parse().unwrap(),
            boot: 255,
            connection: 16,
        };
        assert_eq!(names.inbox(&inbox), "highwater:c:inbox:n.1-ff-10");
        assert!(matches!(
            sort(&names.inbox(&inbox)),
            Some(Arrived::Inbox(_))
        ));
        let topic: Topic = "inbox:a:b".parse().unwrap();
        let Some(Arrived::Topic(sorted, _)) = sort(&names.topic(&topic)) else {
            panic!()
        };
        assert_eq!(sorted, topic);
        let other = Names::new(&"c2".parse().unwrap());
        assert!(sort(&other.everyone()).is_none());
        assert!(sort("highwater:c:roster").is_none());
    }
}
