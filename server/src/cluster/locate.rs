//! The search for the node that owns a device.

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::Instant;

use super::{context::ClusterContext, routing::Routing, slots::SlotOwner};
use crate::{
    id::{DeviceId, NodeId},
    message::{ClusterRequest, ClusterResponse, DeviceLocation},
};

/// Asks the slot owner, or every node when the slot owner does not know. Returns
/// `Unknown` when no node has the device and not every node has answered.
pub(crate) async fn locate(
    cluster: &ClusterContext,
    device: &DeviceId,
    deadline: Instant,
) -> DeviceLocation {
    let local = locate_local(cluster, device);
    if matches!(local, DeviceLocation::OnNode { .. }) {
        return local;
    }
    let location = match cluster.slot_owner(device) {
        // Nodes in broadcast routing register as well, and skip only the lookup.
        _ if cluster.routing == Routing::Broadcast => DeviceLocation::Unknown,
        SlotOwner::Unknown => return DeviceLocation::Unknown,
        SlotOwner::Local => cluster.locate_entry(device),
        SlotOwner::Remote(owner) => {
            let request = ClusterRequest::Locate(device.clone());
            request_location(cluster, &owner, &request, deadline)
                .await
                .unwrap_or(DeviceLocation::Unknown)
        }
    };
    if location == DeviceLocation::Unknown {
        request_from_all(cluster, device, deadline).await
    } else {
        location
    }
}

/// Returns whether the device is connected to this node, from the registry alone. A closing
/// session is not: the device may have connected to another node.
pub(super) fn locate_local(cluster: &ClusterContext, device: &DeviceId) -> DeviceLocation {
    let session = cluster.sessions.registry.get_open(device);
    match session.and_then(|session| session.epoch()) {
        Some(epoch) => DeviceLocation::OnNode {
            owner: cluster.me.clone(),
            epoch,
        },
        // Without an epoch the connection is not open yet.
        None => DeviceLocation::NotConnected,
    }
}

async fn request_from_all(
    cluster: &ClusterContext,
    device: &DeviceId,
    deadline: Instant,
) -> DeviceLocation {
    let request = ClusterRequest::LocateLocal(device.clone());
    let others = cluster.other_nodes();
    let mut responses: FuturesUnordered<_> = others
        .iter()
        .map(|node| request_location(cluster, node, &request, deadline))
        .collect();
    let mut location = DeviceLocation::NotConnected;
    while let Some(response) = responses.next().await {
        match response {
            Some(found @ DeviceLocation::OnNode { .. }) => return found,
            Some(DeviceLocation::NotConnected) => {}
            Some(DeviceLocation::Unknown) | None => location = DeviceLocation::Unknown,
        }
    }
    location
}

async fn request_location(
    cluster: &ClusterContext,
    to: &NodeId,
    request: &ClusterRequest,
    deadline: Instant,
) -> Option<DeviceLocation> {
    match cluster.request(to, request, deadline).await.ok()? {
        ClusterResponse::Located(location) => Some(location),
        _ => None,
    }
}
