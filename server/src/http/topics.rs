//! `POST /topics/{topic}/messages`: one message to every subscribed device.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    body::read_json,
    error::ApiError,
    token::{bearer, require},
};
use crate::{cluster::fan_out, id::Topic, node::Node};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    body: Box<RawValue>,
}

#[derive(Serialize)]
struct Published {
    topic: Topic,
    /// Members it is for, this node included.
    nodes: usize,
    /// Devices of this node that it was queued for.
    delivered_here: usize,
}

pub(super) async fn publish(
    State(node): State<Arc<Node>>,
    Path(topic): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    require(&node, bearer(request.headers()))?;
    let topic: Topic = topic.parse().map_err(|error: crate::InvalidName| {
        ApiError::bad_request(error.to_string(), "post to /topics/TOPIC/messages")
    })?;
    let (parts, body) = request.into_parts();
    let message: Message = read_json(&parts.headers, body, node.config.limits.body_bytes).await?;
    let (delivered_here, published) = fan_out::publish(&node, &topic, &message.body);
    published.map_err(|error| {
        let error = format!("only devices of this node got the message: {error}");
        ApiError::unavailable(error, "sent again, devices of this node get it twice")
    })?;
    let nodes = node.cluster.table().view.members.len();
    let published = Published {
        topic,
        nodes,
        delivered_here,
    };
    Ok((StatusCode::ACCEPTED, Json(published)).into_response())
}
