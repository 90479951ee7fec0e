//! Follows the members of the cluster, and hears what they carry.

use std::{future::pending, sync::Arc};

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{probe, state::Gateway};
use crate::{
    backplane::{Inbound, View},
    cluster::message::{Note, decode},
};

/// Runs as long as the gateway is a member. The probes of the nodes end with it.
pub(super) async fn run(gateway: Arc<Gateway>, mut inbox: mpsc::Receiver<Inbound>) {
    let mut views = gateway.backplane.view();
    let mut probes = JoinSet::new();
    adopt(&gateway, &views.borrow_and_update().clone(), &mut probes);
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
            () = reached(gateway.fleet.awaits_until()) => None,
        };
        // Before what was heard: nothing arrives before the view that its sender is in.
        if views.has_changed().unwrap_or(false) || heard.is_none() {
            adopt(&gateway, &views.borrow_and_update().clone(), &mut probes);
        }
        if let Some(inbound) = heard {
            hear(&gateway, inbound);
        }
    }
}

fn adopt(gateway: &Arc<Gateway>, view: &View, probes: &mut JoinSet<()>) {
    for newcomer in gateway.fleet.adopt(view, Instant::now()) {
        tracing::info!(node = %newcomer.id, address = newcomer.address, "a node has come");
        probes.spawn(probe::watch(Arc::clone(gateway), newcomer));
    }
    // Those of nodes that have gone.
    while probes.try_join_next().is_some() {}
}

/// Ends at that moment; never without one.
async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

/// Nobody asks a gateway anything, and it subscribes to nothing.
fn hear(gateway: &Gateway, inbound: Inbound) {
    if let Inbound::Message { from, payload } = inbound
        && let Some(Note::Load(report)) = decode(&payload)
    {
        gateway.fleet.report(&from, &report);
    }
}
