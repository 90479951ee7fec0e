//! `POST /topics/{topic}/messages`: publishes a message to every subscribed device.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::token::{bearer_token, require_token};
use crate::{
    api::{ApiError, read_json},
    cluster::fan_out::{self, MessageOrigin},
    id::Topic,
    node::Node,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishBody {
    body: Box<RawValue>,
}

#[derive(Serialize)]
struct PublishResponse {
    topic: Topic,
    /// Nodes that get the message, this one included.
    nodes: usize,
    /// Devices of this node that subscribe to the topic.
    subscribers_here: usize,
}

pub(super) async fn publish(
    State(node): State<Arc<Node>>,
    Path(topic): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    require_token(&node, bearer_token(request.headers()))?;
    let topic: Topic = topic.parse().map_err(|error: crate::InvalidName| {
        ApiError::bad_request(error.to_string(), "post to /topics/TOPIC/messages")
    })?;
    let (parts, body) = request.into_parts();
    let message: PublishBody = read_json(&parts.headers, body, &node.sessions.limits).await?;
    let body = message.body.get();
    let subscribers_here = fan_out::publish(&node.cluster, &topic, body, MessageOrigin::Http)
        .map_err(|error| {
            ApiError::unavailable(error.to_string(), "no device got the message; try again")
        })?;
    let nodes = node.cluster.table().view.nodes().count();
    let published = PublishResponse {
        topic,
        nodes,
        subscribers_here,
    };
    Ok((StatusCode::ACCEPTED, Json(published)).into_response())
}
