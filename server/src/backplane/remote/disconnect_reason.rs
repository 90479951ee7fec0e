//! Why a node is without its backplane.

use std::time::Duration;

use super::{CarrierError, membership_table::NoRoster};
use crate::backplane::{Taken, lease::Lapsed};

/// Why a connection could not be made, or ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error(transparent)]
    Carrier(#[from] CarrierError),
    #[error(transparent)]
    Roster(#[from] NoRoster),
    #[error(transparent)]
    Taken(#[from] Taken),
    #[error("the others removed this node, or another took its place")]
    Removed,
    #[error(transparent)]
    Lapsed(#[from] Lapsed),
    #[error("no sign of life from the broker for {0:?}")]
    Silent(Duration),
    #[error("the roster was changed by others {0} times in a row")]
    Contended(u32),
}

/// How long a broker may take for one call.
const PATIENCE: Duration = Duration::from_secs(5);

/// A call to the broker, given up after some seconds.
pub(super) async fn within<T>(
    what: &'static str,
    call: impl Future<Output = Result<T, CarrierError>>,
) -> Result<T, CarrierError> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(outcome) => outcome,
        Err(_) => Err(CarrierError::Broken(format!(
            "the broker took longer than {PATIENCE:?} to {what}"
        ))),
    }
}
