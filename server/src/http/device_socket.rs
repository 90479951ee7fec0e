//! `GET /ws?device=ID`: from a request to a device socket.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::Instant};

use super::error::ApiError;
use crate::{
    cluster::registrar::{RegisterError, register},
    id::DeviceId,
    node::{Node, Phase},
    session::{Session, drive::Drive, wheel::Timer},
    ws::{close::CloseReason, handshake},
};

/// Answers 101 once the device is in the owner directory: an open device can be
/// reached.
pub(super) async fn open(
    State(node): State<Arc<Node>>,
    mut request: Request,
) -> Result<Response, ApiError> {
    let accept = handshake::accept_key(request.method(), request.headers()).map_err(|error| {
        ApiError::bad_request(error.to_string(), "open this path as a WebSocket")
    })?;
    let device = device(request.uri())?;
    if node.phase() == Phase::Draining {
        return Err(ApiError::unavailable(
            "this node is draining",
            "connect to another node",
        ));
    }
    let upgrade = hyper::upgrade::on(&mut request);
    // The request is not needed while the directory answers.
    drop(request);
    let admission = Admission::begin(&node, device);
    let deadline = Instant::now() + node.config.limits.register_timeout;
    register(&node, &admission.session, deadline)
        .await
        .map_err(|error| match error {
            RegisterError::Timeout => ApiError::unavailable(error.to_string(), "try again"),
            RegisterError::Superseded => ApiError::new(
                StatusCode::CONFLICT,
                error.to_string(),
                "only one connection of a device is served",
            ),
        })?;
    let session = admission.complete();
    tokio::spawn(Box::pin(start(node, session, upgrade)));
    Ok(switching_protocols(accept))
}

fn device(uri: &Uri) -> Result<DeviceId, ApiError> {
    let id = uri
        .query()
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|pair| pair.strip_prefix("device="))
        .ok_or_else(|| {
            ApiError::bad_request("the query has no device", "connect to /ws?device=ID")
        })?;
    // Of the allowed characters only the colon is ever percent-encoded.
    id.replace("%3A", ":")
        .replace("%3a", ":")
        .parse()
        .map_err(|error: crate::InvalidName| {
            ApiError::bad_request(error.to_string(), "connect to /ws?device=ID")
        })
}

fn switching_protocols(accept: HeaderValue) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// A session that is being registered. Dropped before it is complete (no answer in
/// time, or the client went away), the node is as it was.
struct Admission {
    node: Arc<Node>,
    session: Arc<Session>,
    /// The device's older connection to this node, which stays until the new one is
    /// sure.
    older: Option<Arc<Session>>,
    complete: bool,
}

impl Admission {
    fn begin(node: &Arc<Node>, device: DeviceId) -> Self {
        let session = Arc::new(Session::new(device, node.wheel.now()));
        let older = node.registry.insert(&session);
        Self {
            node: Arc::clone(node),
            session,
            older,
            complete: false,
        }
    }

    fn complete(mut self) -> Arc<Session> {
        self.complete = true;
        if let Some(older) = self.older.take() {
            older.outbox.close(CloseReason::Replaced);
        }
        Arc::clone(&self.session)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if !self.complete {
            self.node.registry.remove(&self.session, self.older.take());
            self.session.outbox.abandon(CloseReason::Lost);
            self.node.forget(&self.session, CloseReason::Lost);
        }
    }
}

/// Waits for the connection to change hands, then starts the steady task afresh:
/// this one's size is not paid for as long as the socket lives.
async fn start(node: Arc<Node>, session: Arc<Session>, upgrade: OnUpgrade) {
    node.metrics.socket_opened();
    let parts = upgrade
        .await
        .ok()
        .map(Upgraded::downcast::<TokioIo<TcpStream>>);
    let Some(Ok(parts)) = parts else {
        node.metrics.socket_closed(CloseReason::Lost);
        return node.forget(&session, CloseReason::Lost);
    };
    node.wheel.arm(&session, Timer::Idle, node.wheel.now() + 1);
    let mut drive = Drive::new(node, session, parts.io.into_inner());
    drive.feed(&parts.read_buf);
    tokio::spawn(drive);
}
