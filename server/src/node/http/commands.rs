//! `POST /devices/{id}/commands`: sends a command to a device and returns its outcome.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Path, Request, State},
    http::{HeaderName, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::{
    api::{
        ApiError, OWNER_HEADER, accepts_event_stream, bearer_token, parse_name, read_json,
        timeout_ms,
    },
    id::{DeviceId, NodeId},
    limits::NodeLimits,
    message::CommandRequest,
    node::{
        Node,
        command::{InFlightCommand, run_command},
        token::{client_address, require_device_token, require_token},
    },
};

/// Interval of comments on a silent event stream. Proxies often close a connection that
/// is silent for 30 to 60 s.
const SSE_KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The header that turns buffering off in nginx. Otherwise `accepted` would wait for the reply
/// there.
const UNBUFFERED: [(HeaderName, &str); 1] = [(HeaderName::from_static("x-accel-buffering"), "no")];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandBody {
    name: String,
    #[serde(default)]
    body: Option<Box<RawValue>>,
}

/// The reply to the caller.
#[derive(Serialize)]
struct ReplyBody<'a> {
    device: &'a DeviceId,
    node: &'a NodeId,
    owner: &'a NodeId,
    body: &'a RawValue,
}

/// Waits for the outcome, or streams it if the caller accepts an event stream.
pub(super) async fn create(
    State(node): State<Arc<Node>>,
    Path(device): Path<String>,
    request: Request,
) -> Response {
    let started = Instant::now();
    if let Err(error) = authorize(&node, &device, &request) {
        return error.into_response();
    }
    // Before the body is read: a node at its limit reads no further bodies.
    let in_flight = match InFlightCommand::begin(&node) {
        Ok(in_flight) => in_flight,
        Err(error) => return error.into_response(),
    };
    let wants_events = accepts_event_stream(request.headers());
    let command = match read_command(&device, request, &node.sessions.limits).await {
        Ok(command) => command,
        Err(error) => {
            in_flight.finish("invalid");
            return error.into_response();
        }
    };
    // From the start of the request: the time for its body counts too.
    let deadline = started + Duration::from_millis(command.timeout_ms.into());
    if wants_events {
        return event_stream(in_flight, command, deadline);
    }
    let device = command.device.clone();
    match run_command(in_flight, command, deadline).await {
        Ok((owner, body)) => reply_response(&node, &device, owner, &body),
        Err(error) => error.into_response(),
    }
}

/// Checks the token. An invalid device id needs a token too: its error comes later, so
/// that callers without a token learn nothing.
fn authorize(node: &Node, device: &str, request: &Request) -> Result<(), ApiError> {
    let token = bearer_token(request.headers());
    let client = client_address(request.extensions());
    match device.parse() {
        Ok(device) => require_device_token(node, token, &device, client)?,
        Err(_) => require_token(node, token, client)?,
    };
    Ok(())
}

/// Reads the command of a request.
pub(crate) async fn read_command(
    device: &str,
    request: Request,
    limits: &NodeLimits,
) -> Result<CommandRequest, ApiError> {
    let device = parse_name(device, "post to /devices/ID/commands")?;
    let timeout_ms = timeout_ms(request.headers())?;
    let CommandBody { name, body } = read_json(request, limits).await?;
    let body = body.as_deref().unwrap_or(RawValue::NULL).get().to_owned();
    Ok(CommandRequest {
        device,
        name,
        body,
        timeout_ms,
    })
}

/// Returns an event stream: `accepted` at once, then `reply` or `error`.
fn event_stream(
    in_flight: InFlightCommand,
    command: CommandRequest,
    deadline: Instant,
) -> Response {
    let node = Arc::clone(&in_flight.node);
    let accepted = Event::default()
        .event("accepted")
        .data(node.cluster.me.as_str());
    let outcome = async move {
        let device = command.device.clone();
        match run_command(in_flight, command, deadline).await {
            Ok((owner, body)) => Event::default()
                .event("reply")
                .data(reply_json(&node, &device, &owner, &body)),
            Err(error) => Event::default().event("error").data(error.event_json()),
        }
    };
    let stream = stream::iter([accepted])
        .chain(stream::once(outcome))
        .map(Ok::<_, Infallible>);
    // `Cache-Control: no-cache` is axum's.
    let events = Sse::new(stream).keep_alive(KeepAlive::new().interval(SSE_KEEP_ALIVE));
    (UNBUFFERED, events).into_response()
}

fn reply_response(node: &Node, device: &DeviceId, owner: NodeId, body: &str) -> Response {
    let text = reply_json(node, device, &owner, body);
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (OWNER_HEADER, owner.as_str()),
    ];
    (headers, text).into_response()
}

fn reply_json(node: &Node, device: &DeviceId, owner: &NodeId, body: &str) -> String {
    // The owner has checked the JSON, so the fallback is for no reply of ours.
    let body = serde_json::from_str(body).unwrap_or(RawValue::NULL);
    let replied = ReplyBody {
        device,
        node: &node.cluster.me,
        owner,
        body,
    };
    serde_json::to_string(&replied).unwrap_or_default()
}
