//! The consumer groups of the embedded broker, for operators.
//!
//! Groups at other brokers are objects of the broker: its own tools list and remove them
//! (`docs/protocol.md`).

use super::{local, local_protocol::ConsumerGroupStatus, queue::QueueError};
use crate::{
    backplane::{BackplaneUrl, ClusterSecret},
    id::ConsumerGroup,
    net::broker_location::BrokerLocation,
};

/// The reason why groups cannot be listed or removed.
#[derive(Debug, thiserror::Error)]
pub enum GroupsError {
    /// The backplane is not the embedded broker.
    #[error("cannot list the groups of {0}: they are objects of that broker")]
    External(BackplaneUrl),
    /// The broker is unreachable or refuses.
    #[error("{0}")]
    Broker(String),
}

/// Removes a group of the embedded broker that has no consumers, if `removed` names one, and
/// returns all groups by name.
///
/// # Errors
/// [`GroupsError`].
pub async fn consumer_groups(
    url: &BackplaneUrl,
    secret: Option<&ClusterSecret>,
    removed: Option<&ConsumerGroup>,
) -> Result<Vec<ConsumerGroupStatus>, GroupsError> {
    let BrokerLocation::Embedded { authority } = url.location() else {
        return Err(GroupsError::External(url.clone()));
    };
    let groups = local::groups(authority, secret, removed).await;
    groups.map_err(|error| match error {
        QueueError::Disconnected(cause) | QueueError::Rejected(cause) => GroupsError::Broker(cause),
    })
}
