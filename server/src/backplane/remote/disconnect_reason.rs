//! The reasons for which a node has no connection to its backplane.

use std::time::Duration;

use tokio::time::timeout;

use super::{TransportError, TransportResult, membership_table::InvalidMembership};
use crate::backplane::{IdConflict, lease::LeaseExpired};

/// A reason why a connection could not join, or has ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum DisconnectReason {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error(transparent)]
    InvalidMembership(#[from] InvalidMembership),
    #[error(transparent)]
    IdConflict(#[from] IdConflict),
    #[error("another member removed this node, or a later process replaced it")]
    Removed,
    #[error(transparent)]
    LeaseExpired(#[from] LeaseExpired),
    #[error("the broker delivered nothing for {0:?}")]
    BrokerTimeout(Duration),
    #[error("cannot change the membership table: other members changed it {0} times in a row")]
    Contended(u32),
}

impl DisconnectReason {
    /// Whether the broker can be expected to answer further calls.
    pub(super) fn broker_answers(&self) -> bool {
        // The other reasons come from the cluster, by way of a broker that works.
        !matches!(self, Self::Transport(_) | Self::BrokerTimeout(_))
    }
}

/// The time that a broker gets for one call, which normally takes milliseconds.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes a call to the broker, which fails after [`CALL_TIMEOUT`]. `action` completes
/// "cannot …" in the error.
pub(super) async fn with_timeout<T>(
    action: &'static str,
    call: impl Future<Output = TransportResult<T>>,
) -> TransportResult<T> {
    timeout(CALL_TIMEOUT, call).await.unwrap_or_else(|_| {
        Err(TransportError::Broken(format!(
            "cannot {action}: the broker did not answer within {CALL_TIMEOUT:?}"
        )))
    })
}
