//! Follows the members of the cluster, and receives their load reports.

use std::sync::Arc;

use futures_util::future::OptionFuture;
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until},
};

use super::{probe, state::GatewayState};
use crate::{
    backplane::{Inbound, View},
    message::{ClusterNotification, decode},
};

/// Runs as long as the gateway is a member. The probes of the nodes end with it, and a panic in
/// one of them ends it.
pub(super) async fn run(gateway: Arc<GatewayState>, mut inbox: mpsc::Receiver<Inbound>) {
    let mut views = gateway.backplane.view();
    let mut probes = JoinSet::new();
    apply_view(&gateway, &views.borrow_and_update().clone(), &mut probes);
    loop {
        let deadline = gateway.backends.next_rejoin_deadline();
        let received = tokio::select! {
            changed = views.changed() => match changed {
                Ok(()) => None,
                Err(_) => return,
            },
            inbound = inbox.recv() => match inbound {
                Some(inbound) => Some(inbound),
                None => return,
            },
            Some(()) = OptionFuture::from(deadline.map(sleep_until)) => None,
            Some(ended) = probes.join_next() => {
                resume_panic(ended);
                continue;
            }
        };
        // Runs before the message is handled: a sender is in the view before its messages
        // arrive.
        if views.has_changed().unwrap_or(false) || received.is_none() {
            apply_view(&gateway, &views.borrow_and_update().clone(), &mut probes);
        }
        if let Some(inbound) = received {
            handle_inbound(&gateway, inbound);
        }
    }
}

fn apply_view(gateway: &Arc<GatewayState>, view: &View, probes: &mut JoinSet<()>) {
    for upstream in gateway.backends.apply_view(view, Instant::now()) {
        tracing::info!(node = %upstream.id, address = upstream.address, "a node joined");
        probes.spawn(probe::probe_loop(Arc::clone(gateway), upstream));
    }
}

/// Panics if a probe did: its node would keep its last health for good.
fn resume_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}

fn handle_inbound(gateway: &GatewayState, inbound: Inbound) {
    // Only reports: a gateway serves no requests of members and subscribes to no topics.
    if let Inbound::Message { from, payload } = inbound
        && let Some(ClusterNotification::Load(report)) = decode(&payload)
    {
        gateway.backends.record_report(&from, &report);
    }
}
