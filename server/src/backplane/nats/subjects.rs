//! The subjects of frames.
//!
//! A subject consists of tokens that dots separate. Names of nodes and topics may contain
//! dots, so `.` becomes `%` in them, which no name contains.

use async_nats::Subject;

use crate::{
    backplane::remote::{Destination, Inbox},
    id::{ClusterName, Topic},
};

/// The subjects of one cluster.
pub(super) struct Subjects {
    prefix: String,
}

impl Subjects {
    pub(super) fn new(cluster: &ClusterName) -> Self {
        // A prefix, because a cluster may have the name of a subject of the server.
        Self {
            prefix: format!("highwater.{cluster}"),
        }
    }

    pub(super) fn destination(&self, to: &Destination) -> Subject {
        match to {
            Destination::Inbox(inbox) => self.inbox(inbox),
            Destination::Topic(topic) => self.topic(topic),
            Destination::Everyone => self.everyone(),
        }
    }

    pub(super) fn everyone(&self) -> Subject {
        format!("{}.everyone", self.prefix).into()
    }

    pub(super) fn inbox(&self, inbox: &Inbox) -> Subject {
        format!("{}.inbox.{}", self.prefix, token(&inbox.to_string())).into()
    }

    pub(super) fn topic(&self, topic: &Topic) -> Subject {
        format!("{}.topic.{}", self.prefix, token(topic.as_str())).into()
    }

    /// Returns a subject without subscribers.
    pub(super) fn no_responder(&self) -> Subject {
        format!("{}.nobody", self.prefix).into()
    }
}

/// Returns the name of a cluster's key-value bucket.
pub(super) fn bucket_name(cluster: &ClusterName) -> String {
    format!("highwater-{cluster}")
}

fn token(name: &str) -> String {
    name.replace('.', "%")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dots_in_names_are_replaced() {
        let subjects = Subjects::new(&"c".parse().unwrap());
        let inbox = Inbox {
            node: ".n..1.".parse().unwrap(),
            incarnation: 255,
            connection: 1,
        };
        assert_eq!(&*subjects.inbox(&inbox), "highwater.c.inbox.%n%%1%-ff-1");
        let topic = "a:b.c".parse().unwrap();
        assert_eq!(&*subjects.topic(&topic), "highwater.c.topic.a:b%c");
        assert_eq!(&*subjects.everyone(), "highwater.c.everyone");
    }

    proptest! {
        #[test]
        fn every_topic_has_a_valid_subject_of_its_own(
            first in "[A-Za-z0-9._:-]{1,128}",
            second in "[A-Za-z0-9._:-]{1,128}",
        ) {
            let subjects = Subjects::new(&"c".parse().unwrap());
            let first: Topic = first.parse().unwrap();
            let second: Topic = second.parse().unwrap();
            prop_assert!(subjects.topic(&first).is_valid());
            prop_assert_eq!(first == second, subjects.topic(&first) == subjects.topic(&second));
        }
    }
}
