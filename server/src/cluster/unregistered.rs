//! The devices that connected while this node had no backplane.
//!
//! The node serves them like others, but no other node finds them. Their number is bounded.
//! Each has a provisional epoch, under which it is registered when the backplane is back:
//! a few at a time, because all nodes return at once.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    context::ClusterContext,
    directory_client::{RegisterError, reassign_entry, register},
};
use crate::{clock::now_ms, message::Epoch, net::ws::close::CloseReason, session::Session};

/// The pause after each batch: about a thousand devices a second from each node.
const BATCH_PAUSE: Duration = Duration::from_millis(60);

/// Takes a session that cannot be registered now. Returns `false` beyond the bound.
pub(crate) fn take_unregistered(cluster: &ClusterContext, session: &Arc<Session>) -> bool {
    let version = cluster.table().view.version;
    // Before it is added: from then on it may be registered.
    session.set_epoch(Epoch::provisional(version, now_ms()));
    let max = cluster.sessions.limits.max_unregistered;
    cluster.unregistered.try_add(session, max)
}

/// Registers sessions whenever the backplane is connected, for as long as the node.
pub(crate) async fn run(cluster: Arc<ClusterContext>) {
    let mut views = cluster.backplane.view();
    while views.wait_for(|view| view.connected).await.is_ok() {
        let batch = cluster.unregistered.take_batch();
        if batch.is_empty() {
            cluster.unregistered.added.notified().await;
            continue;
        }
        let registering = batch.iter().map(|session| register_late(&cluster, session));
        futures_util::future::join_all(registering).await;
        sleep(BATCH_PAUSE).await;
    }
}

async fn register_late(cluster: &ClusterContext, session: &Arc<Session>) {
    let deadline = Instant::now() + cluster.sessions.limits.register_timeout;
    match register(cluster, session, deadline).await {
        Ok(()) => {
            // It may have ended while its registration was in flight.
            if let Some(epoch) = session.epoch()
                && !cluster.sessions.registry.is_current(session)
            {
                reassign_entry(cluster, session, epoch);
            }
        }
        Err(RegisterError::Superseded) => {
            session.write_queue.close(CloseReason::Replaced);
        }
        Err(RegisterError::Timeout) => cluster.unregistered.put_back(session),
    }
}
