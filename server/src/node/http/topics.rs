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

use crate::{
    api::{ApiError, bearer_token, parse_name, read_json},
    cluster::fan_out::{self, Publisher},
    id::Topic,
    message::TopicMessage,
    node::{
        Node,
        token::{client_address, require_token},
    },
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
    let client = client_address(request.extensions());
    require_token(&node, bearer_token(request.headers()), client)?;
    let topic = parse_name(&topic, "post to /topics/TOPIC/messages")?;
    let message: PublishBody = read_json(request, &node.sessions.limits).await?;
    reject_reserved(&topic)?;
    let message = TopicMessage::from_json(topic.clone(), message.body.get());
    let subscribers_here =
        fan_out::publish(&node.cluster, message, Publisher::Http).map_err(|error| {
            ApiError::unavailable(error.to_string(), "no device got the message; try again")
        })?;
    let published = PublishResponse {
        topic,
        nodes: node.cluster.table().view.nodes().count(),
        subscribers_here,
    };
    Ok((StatusCode::ACCEPTED, Json(published)).into_response())
}

/// Rejects the topics that stand for the destinations of single users.
fn reject_reserved(topic: &Topic) -> Result<(), ApiError> {
    match topic.is_reserved() {
        true => Err(ApiError::bad_request(
            "topics of users are reserved",
            "use another name",
        )),
        false => Ok(()),
    }
}
