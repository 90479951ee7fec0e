//! The names of a cluster's exchanges and queues.

use lapin::types::ShortString;

use crate::{backplane::remote::Inbox, id::ClusterName};

/// The names of one cluster.
pub(super) struct AmqpNames {
    prefix: String,
    /// The exchange that copies each message to every inbox.
    pub(super) everyone: ShortString,
    /// The exchange that copies each message to the inboxes bound to its routing key, a
    /// topic.
    pub(super) topics: ShortString,
    /// The queue that holds the membership table.
    pub(super) membership_table: ShortString,
    /// The queue that exists while a node creates the membership table.
    pub(super) membership_lock: ShortString,
}

impl AmqpNames {
    pub(super) fn new(cluster: &ClusterName) -> Self {
        // A prefix, because other programs may use the same broker.
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
    fn longest_name_fits_into_255_bytes() {
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
