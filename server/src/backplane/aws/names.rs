//! The names and tags of what a cluster has at the provider.

use ring::digest::{SHA256, digest};

use crate::{
    backplane::remote::{Inbox, TransportError, TransportResult},
    id::ClusterName,
};

/// The table of the membership tables of all clusters: one item each.
pub(super) const MEMBERSHIP_TABLE: &str = "highwater-membership";
/// The table of the places up to which filters have read streams.
pub(super) const CHECKPOINT_TABLE: &str = "highwater-checkpoints";
/// The tag with the name of the cluster. A queue without it is not touched.
pub(super) const CLUSTER_TAG: &str = "highwater:cluster";
/// The tag with the name of the node.
pub(super) const NODE_TAG: &str = "highwater:node";
/// The tag with the start of the node's process.
pub(super) const INCARNATION_TAG: &str = "highwater:incarnation";

/// The longest name of a cluster. SQS allows 80 characters for the name of a queue.
const MAX_CLUSTER_BYTES: usize = 40;
/// The hexadecimal digits that tell one inbox of a cluster from another.
const ID_DIGITS: usize = 24;
/// The end of the names of topics and queues that keep the order.
const FIFO: &str = ".fifo";

/// The names of one cluster.
#[derive(Debug, Clone)]
pub(super) struct AwsNames {
    pub(super) cluster: ClusterName,
    /// The topic to which every node of the cluster subscribes.
    pub(super) topic: String,
    /// The beginning of the names of the queues. Queues of other clusters may have it too.
    pub(super) queue_prefix: String,
}

impl AwsNames {
    pub(super) fn new(cluster: &ClusterName) -> TransportResult<Self> {
        if cluster.as_str().len() > MAX_CLUSTER_BYTES {
            return Err(TransportError::Unsuitable {
                what: format!(
                    "the cluster's name {cluster} is longer than {MAX_CLUSTER_BYTES} characters, \
                     and so the names of its queues would be longer than SQS allows"
                ),
                hint: "choose a shorter --cluster",
            });
        }
        Ok(Self {
            topic: format!("highwater-{cluster}{FIFO}"),
            queue_prefix: format!("highwater-{cluster}-"),
            cluster: cluster.clone(),
        })
    }

    /// Returns the table of the cluster's actions, for routing through its stream.
    pub(super) fn action_table(&self) -> String {
        format!("highwater-actions-{}", self.cluster)
    }

    /// Returns the queue of an inbox. Members derive it, so that they need not look it up.
    pub(super) fn queue(&self, inbox: &Inbox) -> String {
        self.queue_of_id(&inbox_id(inbox))
    }

    /// Returns the queue of an inbox with this id.
    pub(super) fn queue_of_id(&self, inbox_id: &str) -> String {
        format!("{}{inbox_id}{FIFO}", self.queue_prefix)
    }

    /// Whether a queue can be one of this cluster by its name. The tags decide.
    pub(super) fn is_queue(&self, name: &str) -> bool {
        let id = name.strip_prefix(&self.queue_prefix);
        let id = id.and_then(|rest| rest.strip_suffix(FIFO));
        id.is_some_and(|id| {
            id.len() == ID_DIGITS
                && id
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    }
}

/// Returns the id of an inbox in names, groups and message ids.
pub(super) fn inbox_id(inbox: &Inbox) -> String {
    // A node's id may be longer than SQS allows, and may contain dots.
    let hash = digest(&SHA256, inbox.to_string().as_bytes());
    let bytes = &hash.as_ref()[..ID_DIGITS / 2];
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(cluster: &str) -> AwsNames {
        AwsNames::new(&cluster.parse().unwrap()).unwrap()
    }

    fn inbox(node: &str, connection: u64) -> Inbox {
        Inbox {
            node: node.parse().unwrap(),
            incarnation: 255,
            connection,
        }
    }

    #[test]
    fn queue_has_a_name_of_its_own_that_sqs_accepts() {
        let longest = "x".repeat(MAX_CLUSTER_BYTES);
        let node = ".".repeat(64);
        let queue = names(&longest).queue(&inbox(&node, 1));
        assert_eq!(queue.len(), 80);
        let (name, _) = queue.split_once(FIFO).unwrap();
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        assert_ne!(queue, names(&longest).queue(&inbox(&node, 2)));
        let error = AwsNames::new(&format!("{longest}x").parse().unwrap());
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("hint: choose a shorter")
        );
    }

    #[test]
    fn queue_of_another_cluster_is_not_one_of_this_cluster() {
        let (home, longer) = (names("home"), names("home-2"));
        let queue = longer.queue(&inbox("n", 1));
        assert!(queue.starts_with(&home.queue_prefix));
        assert!(!home.is_queue(&queue) && longer.is_queue(&queue));
        assert!(home.is_queue(&home.queue(&inbox("n", 1))));
        for other in ["highwater-home.fifo", "highwater-home-0.fifo", "queue"] {
            assert!(!home.is_queue(other), "{other}");
        }
    }
}
