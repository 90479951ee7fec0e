//! Why a node is without its backplane.

use std::time::Duration;

use super::{TransportError, membership_table::InvalidMembership};
use crate::backplane::{IdConflict, lease::LeaseExpired};

/// Why a connection could not be made, or ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum DisconnectReason {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error(transparent)]
    InvalidMembership(#[from] InvalidMembership),
    #[error(transparent)]
    IdConflict(#[from] IdConflict),
    #[error("the others removed this node, or another took its place")]
    Removed,
    #[error(transparent)]
    LeaseExpired(#[from] LeaseExpired),
    #[error("no sign of life from the broker for {0:?}")]
    BrokerTimeout(Duration),
    #[error("the membership table was changed by others {0} times in a row")]
    Contended(u32),
}

/// How long a broker may take for one call.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// A call to the broker, given up after some seconds.
pub(super) async fn with_timeout<T>(
    what: &'static str,
    call: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    match tokio::time::timeout(CALL_TIMEOUT, call).await {
        Ok(outcome) => outcome,
        Err(_) => Err(TransportError::Broken(format!(
            "the broker took longer than {CALL_TIMEOUT:?} to {what}"
        ))),
    }
}
