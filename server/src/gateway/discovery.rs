//! Follows the members of the cluster, and hears what they carry.

use std::{future::pending, sync::Arc};

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{probe, state::GatewayState};
use crate::{
    backplane::{Inbound, View},
    message::{ClusterNotification, decode},
};

/// Runs as long as the gateway is a member. The probes of the nodes end with it.
pub(super) async fn run(gateway: Arc<GatewayState>, mut inbox: mpsc::Receiver<Inbound>) {
    let mut views = gateway.backplane.view();
    let mut probes = JoinSet::new();
    apply_view(&gateway, &views.borrow_and_update().clone(), &mut probes);
    loop {
        let heard = tokio::select! {
            changed = views.changed() => match changed {
                Ok(()) => None,
                Err(_) => return,
            },
            inbound = inbox.recv() => match inbound {
                Some(inbound) => Some(inbound),
                None => return,
            },
            () = sleep_until_deadline(gateway.backends.next_rejoin_deadline()) => None,
        };
        // Runs before the message is handled: a sender is in the view before its messages
        // arrive.
        if views.has_changed().unwrap_or(false) || heard.is_none() {
            apply_view(&gateway, &views.borrow_and_update().clone(), &mut probes);
        }
        if let Some(inbound) = heard {
            handle_inbound(&gateway, inbound);
        }
    }
}

fn apply_view(gateway: &Arc<GatewayState>, view: &View, probes: &mut JoinSet<()>) {
    for newcomer in gateway.backends.apply_view(view, Instant::now()) {
        tracing::info!(node = %newcomer.id, address = newcomer.address, "a node has come");
        probes.spawn(probe::probe_loop(Arc::clone(gateway), newcomer));
    }
    // Those of nodes that have gone.
    while probes.try_join_next().is_some() {}
}

/// Ends at that moment; never without one.
async fn sleep_until_deadline(deadline: Option<Instant>) {
    match deadline {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

/// A gateway serves no requests of members and subscribes to no topics.
fn handle_inbound(gateway: &GatewayState, inbound: Inbound) {
    if let Inbound::Message { from, payload } = inbound
        && let Some(ClusterNotification::Load(report)) = decode(&payload)
    {
        gateway.backends.record_report(&from, &report);
    }
}
