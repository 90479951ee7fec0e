//! Where a device is, for whoever asks.

use std::sync::Arc;

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::Instant;

use super::{Routing, state::SlotOwner};
use crate::{
    id::{DeviceId, NodeId},
    message::{ClusterRequest, ClusterResponse, DeviceLocation, decode, encode},
    node::Node,
};

/// Asks the device's home, or every member when the home does not know. `Unknown`
/// when nobody said yes and not everybody said no.
pub(crate) async fn locate(
    node: &Arc<Node>,
    device: &DeviceId,
    deadline: Instant,
) -> DeviceLocation {
    let here = node.locate_local(device);
    if matches!(here, DeviceLocation::OnNode { .. }) {
        return here;
    }
    let known = match node.cluster.slot_owner(device) {
        _ if node.config.routing == Routing::Broadcast => DeviceLocation::Unknown,
        SlotOwner::Unknown => return DeviceLocation::Unknown,
        SlotOwner::Local => node.cluster.directory().locate(device),
        SlotOwner::Remote(home) => {
            let request = ClusterRequest::Locate(device.clone());
            request_location(node, &home, &request, deadline)
                .await
                .unwrap_or(DeviceLocation::Unknown)
        }
    };
    if known == DeviceLocation::Unknown {
        request_from_all(node, device, deadline).await
    } else {
        known
    }
}

async fn request_from_all(
    node: &Arc<Node>,
    device: &DeviceId,
    deadline: Instant,
) -> DeviceLocation {
    let request = ClusterRequest::LocateLocal(device.clone());
    let others = node.cluster.other_nodes();
    let mut responses: FuturesUnordered<_> = others
        .iter()
        .map(|member| request_location(node, member, &request, deadline))
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
    node: &Node,
    to: &NodeId,
    request: &ClusterRequest,
    deadline: Instant,
) -> Option<DeviceLocation> {
    let response = node
        .cluster
        .backplane
        .request(to, encode(request), deadline)
        .await
        .ok()?;
    match decode(&response)? {
        ClusterResponse::Located(located) => Some(located),
        _ => None,
    }
}
