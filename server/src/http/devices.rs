//! `GET /devices/{id}`: where a device is connected.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tokio::time::Instant;

use super::{
    error::ApiError,
    router::OWNER,
    token::{bearer, require_for},
};
use crate::{
    cluster::{locate::locate, message::Located},
    id::{DeviceId, NodeId},
    node::Node,
};

const TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Device {
    device: DeviceId,
    connected: bool,
    owner: Option<NodeId>,
    /// Orders the connections of one device.
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
    require_for(&node, bearer(&headers), &device)?;
    match locate(&node, &device, Instant::now() + TIMEOUT).await {
        Located::At { owner, epoch } => {
            let header = HeaderValue::from_str(owner.as_str()).ok();
            let (owner, epoch) = (Some(owner), Some(epoch.raw()));
            let mut response = Json(Device {
                device,
                connected: true,
                owner,
                epoch,
            })
            .into_response();
            if let Some(header) = header {
                response.headers_mut().insert(OWNER, header);
            }
            Ok(response)
        }
        Located::Nowhere => {
            let device = Device {
                device,
                connected: false,
                owner: None,
                epoch: None,
            };
            Ok(Json(device).into_response())
        }
        Located::Unsure => Err(ApiError::unavailable(
            "not every node could be asked",
            "try again",
        )),
    }
}
