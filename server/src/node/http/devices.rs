//! `GET /devices/{id}`: returns the node that a device is connected to.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    api::{ApiError, OWNER_HEADER, bearer_token, parse_name},
    cluster::locate::locate,
    id::{DeviceId, NodeId},
    message::DeviceLocation,
    node::{
        Node,
        token::{client_address, require_device_token},
    },
};

const LOCATE_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct DeviceStatus {
    device: DeviceId,
    connected: bool,
    owner: Option<NodeId>,
    /// The connection's epoch: a newer connection of the device has a greater one.
    epoch: Option<u64>,
}

pub(super) async fn show(
    State(node): State<Arc<Node>>,
    Path(device): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let device = parse_name(&device, "get /devices/ID")?;
    let client = client_address(request.extensions());
    require_device_token(&node, bearer_token(request.headers()), &device, client)?;
    let (owner, epoch) = match locate(&node.cluster, &device, Instant::now() + LOCATE_TIMEOUT).await
    {
        DeviceLocation::OnNode { owner, epoch } => (Some(owner), Some(epoch.raw())),
        DeviceLocation::NotConnected => (None, None),
        // Not "not connected": a node that has not answered may have the device.
        DeviceLocation::Unknown => {
            return Err(ApiError::unavailable(
                "not every node has answered",
                "try again",
            ));
        }
    };
    let header = owner.as_ref().map(|id| [(OWNER_HEADER, id.to_string())]);
    let status = DeviceStatus {
        device,
        connected: owner.is_some(),
        owner,
        epoch,
    };
    Ok((header, Json(status)).into_response())
}
