//! `GET /devices/{id}`: returns the node that a device is connected to.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tokio::time::Instant;

use super::token::{bearer_token, require_device_token};
use crate::{
    api::{ApiError, OWNER_HEADER},
    cluster::locate::locate,
    id::{DeviceId, NodeId},
    message::DeviceLocation,
    node::Node,
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
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let device: DeviceId = device.parse().map_err(|error: crate::InvalidName| {
        ApiError::bad_request(error.to_string(), "get /devices/ID")
    })?;
    require_device_token(&node, bearer_token(&headers), &device)?;
    match locate(&node.cluster, &device, Instant::now() + LOCATE_TIMEOUT).await {
        DeviceLocation::OnNode { owner, epoch } => {
            let header = HeaderValue::from_str(owner.as_str()).ok();
            let (owner, epoch) = (Some(owner), Some(epoch.raw()));
            let mut response = Json(DeviceStatus {
                device,
                connected: true,
                owner,
                epoch,
            })
            .into_response();
            if let Some(header) = header {
                response.headers_mut().insert(OWNER_HEADER, header);
            }
            Ok(response)
        }
        DeviceLocation::NotConnected => {
            let device = DeviceStatus {
                device,
                connected: false,
                owner: None,
                epoch: None,
            };
            Ok(Json(device).into_response())
        }
        DeviceLocation::Unknown => Err(ApiError::unavailable(
            "not every node has answered",
            "try again",
        )),
    }
}
