//! Requests to the node: commands to devices, and telemetry of devices.
//!
//! The RECEIPT of a request says that the node has it. Its outcome is a message to the
//! destination in `reply-to`, by default to `/user/queue/replies`, with the status that the same
//! request has over HTTP.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use bytes::Bytes;
use highwater_stomp::{Command, Frame, InvalidHeader, header};
use serde_json::{json, value::RawValue};
use tokio::time::Instant;

use super::{
    destination::{AppRequest, Target},
    error::StompError,
    handler::StompHandler,
    relayed::is_of_node,
    send::deliver,
};
use crate::{
    api::ApiError,
    id::{DeviceId, TelemetryId},
    ingest::PublishOutcome,
    message::CommandRequest,
    node::{
        Node,
        command::{InFlightCommand, run_command},
    },
    session::Session,
};

/// The destination of an outcome without `reply-to`.
const DEFAULT_REPLY_TO: &str = "/user/queue/replies";
const REPLY_TO: &str = "reply-to";
const CORRELATION_ID: &str = "correlation-id";
const STATUS: &str = "status";
const OWNER: &str = "owner";
const DEVICE: &str = "device";
/// The header with the time for which a command may take, in milliseconds.
const TIMEOUT: &str = "timeout-ms";
const DEFAULT_TIMEOUT_MS: u32 = 5_000;
const MAX_TIMEOUT_MS: u32 = 60_000;

/// The destination of an outcome.
enum ReplyTarget {
    Cluster(Target),
    /// A destination of a broker of others.
    Broker(String),
}

/// The outcome of a request.
struct Outcome {
    status: StatusCode,
    owner: Option<String>,
    /// JSON text.
    body: String,
}

impl StompHandler {
    /// Begins a request. Its outcome is a message.
    pub(super) fn request(
        &self,
        _session: &Arc<Session>,
        frame: &Frame,
        request: AppRequest,
    ) -> Result<(), StompError> {
        let reply_to = frame.get(REPLY_TO).unwrap_or(DEFAULT_REPLY_TO);
        let (target, allows) = {
            let inner = self.state.lock();
            let device = request.device();
            let devices = inner.identity.devices.as_deref();
            let allows = devices.is_none_or(|devices| devices.matches(device));
            let target = match &inner.relay {
                Some(_) if !is_of_node(reply_to) => ReplyTarget::Broker(reply_to.to_owned()),
                _ => ReplyTarget::Cluster(Target::parse_reply(reply_to, &inner.identity.user)?),
            };
            (target, allows)
        };
        let body = json_body(frame)?;
        let timeout_ms = timeout_ms(frame)?;
        let correlation = frame.get(CORRELATION_ID).map(str::to_owned);
        let permit = self.begin_request()?;
        let node = Arc::clone(&self.node);
        // Begun here, so that the limits of the node count it at once.
        let in_flight = match &request {
            AppRequest::Command { .. } if allows => Some(InFlightCommand::begin(&node)),
            _ => None,
        };
        tokio::spawn(async move {
            let device = request.device().to_string();
            let outcome = match (allows, request, in_flight) {
                (false, _, _) => Outcome::from(forbidden()),
                (true, AppRequest::Command { .. }, Some(Err(error))) => error.into(),
                (true, AppRequest::Command { device, name }, Some(Ok(in_flight))) => {
                    let command = CommandRequest {
                        device,
                        name,
                        body,
                        timeout_ms,
                    };
                    command_outcome(in_flight, command).await
                }
                (true, AppRequest::Telemetry { device, id }, _) => {
                    telemetry_outcome(&node, &device, &id, body).await
                }
                (true, AppRequest::Command { .. }, None) => forbidden().into(),
            };
            reply(&node, target, &device, correlation, outcome).await;
            drop(permit);
        });
        Ok(())
    }
}

impl AppRequest {
    fn device(&self) -> &DeviceId {
        match self {
            Self::Command { device, .. } | Self::Telemetry { device, .. } => device,
        }
    }
}

impl From<ApiError> for Outcome {
    fn from(error: ApiError) -> Self {
        Self {
            status: error.status,
            owner: error.owner.as_ref().map(ToString::to_string),
            body: error.event_json(),
        }
    }
}

async fn command_outcome(in_flight: InFlightCommand, command: CommandRequest) -> Outcome {
    let deadline = Instant::now() + Duration::from_millis(command.timeout_ms.into());
    match run_command(in_flight, command, deadline).await {
        Ok((owner, body)) => Outcome {
            status: StatusCode::OK,
            owner: Some(owner.to_string()),
            body,
        },
        Err(error) => error.into(),
    }
}

async fn telemetry_outcome(
    node: &Node,
    device: &DeviceId,
    id: &TelemetryId,
    body: String,
) -> Outcome {
    let (status, body) = match node.intake.submit_for(device, id, body).await {
        PublishOutcome::Accepted => (StatusCode::ACCEPTED, json!({"accepted": id.as_str()})),
        PublishOutcome::Rejected(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            json!({
                "rejected": id.as_str(),
                "reason": reason.label(),
                "retry_ms": reason.retry_ms(),
            }),
        ),
    };
    Outcome {
        status,
        owner: None,
        body: body.to_string(),
    }
}

fn forbidden() -> ApiError {
    ApiError::new(
        StatusCode::FORBIDDEN,
        "the token does not allow this device",
        "use a token whose `devices` include this device",
    )
}

/// Sends an outcome. A client that does not subscribe to it gets none.
async fn reply(
    node: &Node,
    target: ReplyTarget,
    device: &str,
    correlation: Option<String>,
    outcome: Outcome,
) {
    let mut headers = vec![
        (STATUS.to_owned(), outcome.status.as_str().to_owned()),
        (DEVICE.to_owned(), device.to_owned()),
        (
            header::CONTENT_TYPE.to_owned(),
            "application/json".to_owned(),
        ),
    ];
    let optional = [(OWNER, outcome.owner), (CORRELATION_ID, correlation)];
    for (name, value) in optional {
        if let Some(value) = value {
            headers.push((name.to_owned(), value));
        }
    }
    let target = match target {
        ReplyTarget::Cluster(target) => target,
        ReplyTarget::Broker(destination) => {
            return reply_by_broker(node, &destination, headers, outcome.body);
        }
    };
    let sent = match deliver(node, target, headers, Bytes::from(outcome.body)) {
        Ok(Some(pending)) => pending.await,
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = sent {
        tracing::debug!(device, %error, "cannot send the outcome of a request; it is dropped");
    }
}

/// Sends an outcome by the system connection to the broker.
fn reply_by_broker(node: &Node, destination: &str, headers: Vec<(String, String)>, body: String) {
    let mut frame = Frame::new(Command::Send).with(header::DESTINATION, destination);
    for (name, value) in headers {
        frame = frame.with(&name, &value);
    }
    let relay = node.stomp_relay.as_ref();
    if let Some(Err(error)) = relay.map(|relay| relay.send(&frame.with_body(body))) {
        tracing::debug!(destination, %error, "cannot send the outcome of a request; it is dropped");
    }
}

/// Returns the body as JSON text; an empty one is `null`.
fn json_body(frame: &Frame) -> Result<String, StompError> {
    if frame.body.is_empty() {
        return Ok(RawValue::NULL.get().to_owned());
    }
    let body: Result<&RawValue, _> = serde_json::from_slice(&frame.body);
    match body {
        Ok(body) => Ok(body.get().to_owned()),
        Err(error) => Err(StompError::invalid(format!(
            "invalid body: expected JSON: {error}"
        ))),
    }
}

fn timeout_ms(frame: &Frame) -> Result<u32, StompError> {
    let Some(text) = frame.get(TIMEOUT) else {
        return Ok(DEFAULT_TIMEOUT_MS);
    };
    let ms: Option<u32> = text.parse().ok();
    let ms = ms.filter(|ms| (1..=MAX_TIMEOUT_MS).contains(ms));
    ms.ok_or_else(|| InvalidHeader::new(TIMEOUT, text, "milliseconds from 1 to 60000").into())
}
