//! The clean-up of what dead processes of a cluster have left at its broker.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    BackplaneConfig, BackplaneUrl, CleanUpError, CleanedUp, Identity, MemberRole,
    reconnect::JoiningNode, transports::transport,
};
use crate::{id::NodeId, net::broker_location::BrokerLocation};

/// Removes the silent members of a cluster and everything that they have left at the broker.
///
/// Joins the cluster as a gateway does, for as long as the removal takes: at most a few leases
/// of the members, as long as some of them live. Ends early when `leave` is cancelled.
///
/// # Errors
/// [`CleanUpError`].
pub async fn clean_up(
    config: &BackplaneConfig,
    leave: CancellationToken,
) -> Result<CleanedUp, CleanUpError> {
    let url = match config.url.as_ref().map(BackplaneUrl::location) {
        Some(BrokerLocation::External(url)) => url.clone(),
        Some(embedded) => return Err(CleanUpError::NotNeeded(embedded.to_string())),
        None => return Ok(CleanedUp::default()),
    };
    let Ok(transport) = transport(url.kind()) else {
        unreachable!("no client for {url}: BackplaneUrl rejects it")
    };
    // Nothing that arrives is of interest: without a receiver it is dropped.
    let (deliver, _) = mpsc::channel(1);
    let node = JoiningNode {
        identity: Identity::starting_now(reaper_id(), None, MemberRole::Gateway),
        secret: config.secret.clone(),
        deliver,
        leave,
    };
    (transport.clean_up)(url, config.cluster.clone(), config.lease, node).await
}

/// Returns a name that no other member has.
fn reaper_id() -> NodeId {
    let name = format!("reaper-{:08x}", rand::random::<u32>());
    match name.parse() {
        Ok(id) => id,
        Err(error) => unreachable!("letters, digits and a hyphen: {error}"),
    }
}
