//! Names of exchanges and queues of one cluster.

use lapin::types::ShortString;

use crate::{backplane::remote::Inbox, id::ClusterName};

/// What a cluster has at the broker.
pub(super) struct AmqpNames {
    prefix: String,
    /// Copies what it gets to every inbox.
    pub(super) everyone: ShortString,
    /// Copies what it gets to the inboxes that are bound to its routing key, a topic.
    pub(super) topics: ShortString,
    /// Holds the roster.
    pub(super) membership_table: ShortString,
    /// Exists while somebody creates the roster.
    pub(super) membership_lock: ShortString,
}

impl AmqpNames {
    pub(super) fn new(cluster: &ClusterName) -> Self {
        // A prefix of our own: the broker may be shared with anything.
        let prefix = format!("highwater.{cluster}");
        let name = |what: &str| ShortString::from(format!("{prefix}.{what}"));
        Self {
            everyone: name("everyone"),
            topics: name("topics"),
            membership_table: name("membership_table"),
            membership_lock: name("membership_table.lock"),
            prefix,
        }
    }

    /// The queue of an inbox.
    pub(super) fn inbox(&self, inbox: &Inbox) -> ShortString {
        format!("{}.inbox.{inbox}", self.prefix).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_names_fit() {
        let longest = "x".repeat(64);
        let names = AmqpNames::new(&longest.parse().unwrap());
        let inbox = Inbox {
            node: longest.parse().unwrap(),
            incarnation: u64::MAX,
            connection: u64::MAX,
        };
        // `ShortString` panics beyond 255 bytes.
        assert!(names.inbox(&inbox).as_str().ends_with("-ffffffffffffffff"));
    }
}
