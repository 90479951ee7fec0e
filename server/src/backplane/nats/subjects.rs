//! Where frames go, as NATS subjects.
//!
//! A subject is a row of words joined by dots. Names of nodes and topics may hold
//! dots anywhere, so each is made one word: `.` becomes `%`, which no name holds.

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
        // A prefix of our own, lest a cluster be named like one of the server's.
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

    /// A subject that nobody listens to.
    pub(super) fn no_responder(&self) -> Subject {
        format!("{}.nobody", self.prefix).into()
    }
}

/// The key-value bucket of a cluster.
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
    fn names_that_a_subject_does_not_allow_become_words() {
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
            one in "[A-Za-z0-9._:-]{1,128}",
            other in "[A-Za-z0-9._:-]{1,128}",
        ) {
            let subjects = Subjects::new(&"c".parse().unwrap());
            let one: Topic = one.parse().unwrap();
            let other: Topic = other.parse().unwrap();
            prop_assert!(subjects.topic(&one).is_valid());
            prop_assert_eq!(one == other, subjects.topic(&one) == subjects.topic(&other));
        }
    }
}
