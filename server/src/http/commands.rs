//! `POST /devices/{id}/commands`: a command to a device, and its outcome.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{
    body::read_json,
    error::ApiError,
    router::OWNER,
    token::{bearer, require, require_for},
};
use crate::{
    cluster::{
        command::{Outcome, command},
        message::Call,
    },
    config::Limits,
    id::{DeviceId, NodeId},
    node::Node,
};

const TIMEOUT: &str = "x-highwater-timeout-ms";
const DEFAULT_TIMEOUT_MS: u32 = 5000;
const MAX_TIMEOUT_MS: u32 = 60_000;
/// Between two comments on a silent event stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    name: String,
    #[serde(default)]
    body: Option<Box<RawValue>>,
}

/// The reply, as the caller reads it.
#[derive(Serialize)]
struct Replied<'a> {
    device: &'a DeviceId,
    node: &'a NodeId,
    owner: &'a NodeId,
    body: &'a RawValue,
}

/// Waits for the outcome, or streams it when the caller accepts events.
pub(super) async fn create(
    State(node): State<Arc<Node>>,
    Path(device): Path<String>,
    request: Request,
) -> Response {
    let started = Instant::now();
    if let Err(error) = authorize(&node, &device, request.headers()) {
        return error.into_response();
    }
    let flight = match Flight::begin(&node) {
        Ok(flight) => flight,
        Err(error) => return error.into_response(),
    };
    let (parts, body) = request.into_parts();
    let call = match read_call(&device, &parts.headers, body, &node.config.limits).await {
        Ok(call) => call,
        Err(error) => {
            flight.land("invalid");
            return error.into_response();
        }
    };
    let deadline = started + Duration::from_millis(call.timeout_ms.into());
    if wants_events(&parts.headers) {
        return events(flight, call, deadline);
    }
    let device = call.device.clone();
    match conclude(flight, call, deadline).await {
        Ok((owner, body)) => replied(&node, &device, owner, &body),
        Err(error) => error.into_response(),
    }
}

/// A name that is none is told of later: nobody may do anything to it.
fn authorize(node: &Node, device: &str, headers: &HeaderMap) -> Result<(), ApiError> {
    let token = bearer(headers);
    match device.parse() {
        Ok(device) => require_for(node, token, &device)?,
        Err(_) => require(node, token)?,
    };
    Ok(())
}

/// Reads what is asked of which device.
pub(crate) async fn read_call(
    device: &str,
    headers: &HeaderMap,
    body: Body,
    limits: &Limits,
) -> Result<Call, ApiError> {
    let device = device.parse().map_err(|error: crate::InvalidName| {
        ApiError::bad_request(error.to_string(), "post to /devices/ID/commands")
    })?;
    let timeout_ms = timeout_ms(headers)?;
    let Command { name, body } = read_json(headers, body, limits).await?;
    let body = body.as_deref().unwrap_or(RawValue::NULL).get().to_owned();
    Ok(Call {
        device,
        name,
        body,
        timeout_ms,
    })
}

/// How long the caller waits for the outcome, in milliseconds.
pub(crate) fn timeout_ms(headers: &HeaderMap) -> Result<u32, ApiError> {
    let Some(value) = headers.get(TIMEOUT) else {
        return Ok(DEFAULT_TIMEOUT_MS);
    };
    let parsed: Option<u64> = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let Some(timeout_ms) = parsed else {
        return Err(ApiError::bad_request(
            "X-Highwater-Timeout-Ms is not a number",
            "give milliseconds, 1 to 60000",
        ));
    };
    Ok(u32::try_from(timeout_ms)
        .unwrap_or(u32::MAX)
        .clamp(1, MAX_TIMEOUT_MS))
}

/// Whether the caller takes an event stream.
pub(crate) fn wants_events(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("text/event-stream"))
}

/// `accepted` at once, then `reply` or `error`.
fn events(flight: Flight, call: Call, deadline: Instant) -> Response {
    let node = Arc::clone(&flight.node);
    let accepted = Event::default()
        .event("accepted")
        .data(node.config.id.as_str());
    let outcome = async move {
        let device = call.device.clone();
        match conclude(flight, call, deadline).await {
            Ok((owner, body)) => Event::default()
                .event("reply")
                .data(reply_text(&node, &device, &owner, &body)),
            Err(error) => Event::default().event("error").data(error.event_text()),
        }
    };
    let stream = stream::iter([accepted])
        .chain(stream::once(outcome))
        .map(Ok::<_, Infallible>);
    Sse::new(stream)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

/// The owner and the JSON text of its device's reply, or what to say instead.
async fn conclude(
    flight: Flight,
    call: Call,
    deadline: Instant,
) -> Result<(NodeId, String), ApiError> {
    let outcome = command(&flight.node, call, deadline).await;
    let (label, result) = judge(outcome);
    flight.land(label);
    result
}

/// An outcome's label and its answer: the one table of a command's statuses.
fn judge(outcome: Outcome) -> (&'static str, Result<(NodeId, String), ApiError>) {
    let gateway_timeout = |error, hint, owner: Option<NodeId>| {
        Err(ApiError::new(StatusCode::GATEWAY_TIMEOUT, error, hint).owner(owner))
    };
    match outcome {
        Outcome::Replied { owner, body } => ("replied", Ok((owner, body))),
        Outcome::NotConnected => (
            "not_connected",
            Err(ApiError::new(
                StatusCode::NOT_FOUND,
                "the device is not connected",
                "wait until it is",
            )),
        ),
        Outcome::Gone { owner } => (
            "not_connected",
            Err(ApiError::new(
                StatusCode::NOT_FOUND,
                "the device's connection ended before it replied",
                "whether it acted is not known; ask it when it is back",
            )
            .owner(owner)),
        ),
        Outcome::Replaced { owner } => (
            "replaced",
            Err(ApiError::new(
                StatusCode::CONFLICT,
                "a newer connection of the device took over before it replied",
                "whether it acted is not known; ask it again",
            )
            .owner(owner)),
        ),
        Outcome::Busy { owner: Some(owner) } => (
            "rejected",
            Err(ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too many commands wait for this device",
                "send them more slowly",
            )
            .retry_after(1)
            .owner(owner)),
        ),
        Outcome::Busy { owner: None } => (
            "rejected",
            Err(ApiError::unavailable(
                "the queue to the other nodes is full",
                "try again",
            )),
        ),
        Outcome::Unreachable => (
            "rejected",
            Err(ApiError::unavailable(
                "the other nodes cannot be reached",
                "try again",
            )),
        ),
        Outcome::OwnerLost { owner } => (
            "timed_out",
            gateway_timeout(
                "the node that was to answer left the cluster",
                "whether the device acted is not known; ask it when it is back",
                Some(owner),
            ),
        ),
        Outcome::TimedOut { owner } => (
            "timed_out",
            gateway_timeout(
                "no reply by the deadline",
                "X-Highwater-Timeout-Ms sets it, up to 60000",
                owner,
            ),
        ),
    }
}

fn replied(node: &Node, device: &DeviceId, owner: NodeId, body: &str) -> Response {
    let text = reply_text(node, device, &owner, body);
    let mut response = ([(header::CONTENT_TYPE, "application/json")], text).into_response();
    if let Ok(owner) = HeaderValue::from_str(owner.as_str()) {
        response.headers_mut().insert(OWNER, owner);
    }
    response
}

fn reply_text(node: &Node, device: &DeviceId, owner: &NodeId, body: &str) -> String {
    // It was JSON when the device's node took it.
    let body = serde_json::from_str(body).unwrap_or(RawValue::NULL);
    let replied = Replied {
        device,
        node: &node.config.id,
        owner,
        body,
    };
    serde_json::to_string(&replied).unwrap_or_default()
}

/// A command this node has taken: counted in flight until it lands, and counted
/// with exactly one outcome, whatever happens to the caller.
struct Flight {
    node: Arc<Node>,
    outcome: &'static str,
}

impl Flight {
    fn begin(node: &Arc<Node>) -> Result<Self, ApiError> {
        let metrics = &node.metrics;
        if metrics.in_flight.get() >= node.config.limits.commands_in_flight as i64 {
            metrics.commands.with_label_values(&["rejected"]).inc();
            return Err(ApiError::unavailable(
                "too many commands are in flight here",
                "try again",
            ));
        }
        metrics.in_flight.inc();
        Ok(Self {
            node: Arc::clone(node),
            outcome: "abandoned",
        })
    }

    fn land(mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.node.metrics.in_flight.dec();
        self.node
            .metrics
            .commands
            .with_label_values(&[self.outcome])
            .inc();
    }
}
