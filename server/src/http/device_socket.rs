//! `GET /ws?device=ID`: from a request to a device socket.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use rand::Rng;
use tokio::{task::yield_now, time::Instant};

use super::{
    error::ApiError,
    token::{bearer, require_for},
};
use crate::{
    admission::{Closed, Place},
    auth::Grant,
    cluster::directory_client::{RegisterError, register},
    id::DeviceId,
    node::{Node, Phase},
    session::{Session, connection::Drive, session::seconds, wheel::Timer},
    stream::Wire,
    ws::{close::CloseReason, handshake},
};

/// Answers 101 once the device is in the owner directory: an open device can be
/// reached.
pub(super) async fn open(
    State(node): State<Arc<Node>>,
    mut request: Request,
) -> Result<Response, ApiError> {
    let accept = handshake::accept_key(&request).map_err(|error| {
        ApiError::bad_request(error.to_string(), "open this path as a WebSocket")
    })?;
    let device = device(request.uri())?;
    refuse_while_draining(&node)?;
    // Before anything that costs: a storm must not get further than this.
    let place = node
        .gate
        .pass()
        .map_err(|closed| turned_away(&node, closed))?;
    let token = bearer(request.headers()).or_else(|| in_query(request.uri(), "token"));
    let grant = require_for(&node, token, &device)?;
    let upgrade = hyper::upgrade::on(&mut request);
    // The request is not needed while the directory answers.
    drop(request);
    // Lets hyper look at the connection, and drop this with it if its client has gone: a
    // node that stood still finds many of those, whose devices are connected elsewhere.
    yield_now().await;
    let registration = Registration::begin(&node, new_session(&node, device, grant.as_ref()));
    let deadline = Instant::now() + node.config.limits.register_timeout;
    register(&node, &registration.session, deadline)
        .await
        .map_err(|error| match error {
            RegisterError::Timeout => ApiError::unavailable(error.to_string(), "try again"),
            RegisterError::Superseded => ApiError::new(
                StatusCode::CONFLICT,
                error.to_string(),
                "only one connection of a device is served",
            ),
        })?;
    // The drain may have begun, and even ended, while the directory answered.
    refuse_while_draining(&node)?;
    let session = registration.complete();
    // Counted from here on, so that a drain waits for its close.
    node.metrics.socket_opened();
    tokio::spawn(Box::pin(start(node, session, upgrade, place)));
    Ok(switching_protocols(accept))
}

fn refuse_while_draining(node: &Node) -> Result<(), ApiError> {
    if node.phase() != Phase::Draining {
        return Ok(());
    }
    node.metrics.upgrade_rejected("draining");
    Err(ApiError::unavailable(
        "this node is draining",
        "connect to another node",
    ))
}

fn device(uri: &Uri) -> Result<DeviceId, ApiError> {
    let id = in_query(uri, "device").ok_or_else(|| {
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

/// The value of a key as it is written, without percent-decoding.
fn in_query<'u>(uri: &'u Uri, key: &str) -> Option<&'u str> {
    uri.query()?
        .split('&')
        .find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

fn turned_away(node: &Node, closed: Closed) -> ApiError {
    node.metrics.upgrade_rejected(closed.label());
    ApiError::unavailable(closed.to_string(), "use another node, or come back later")
        .retry_after(closed.retry_after_s())
}

/// A session that ends with its token, and is sent away at its age.
fn new_session(node: &Node, device: DeviceId, grant: Option<&Grant>) -> Session {
    let now = node.wheel.now();
    let mut session = Session::new(device, now).within(&node.outboxes);
    if let Some(most) = node.config.limits.max_age {
        // Each at another age: those that came together do not leave together.
        let age = most.mul_f64(rand::rng().random_range(0.75..=1.0));
        session = session.retiring(now.saturating_add(seconds(age)));
    }
    match grant {
        Some(grant) => {
            let left = grant.until_s.saturating_sub(seconds_since_1970());
            session.until(now.saturating_add(u32::try_from(left).unwrap_or(u32::MAX)))
        }
        None => session,
    }
}

fn seconds_since_1970() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

pub(super) fn switching_protocols(accept: HeaderValue) -> Response {
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
struct Registration {
    node: Arc<Node>,
    session: Arc<Session>,
    /// The device's older connection to this node, which stays until the new one is
    /// sure.
    older: Option<Arc<Session>>,
    complete: bool,
}

impl Registration {
    fn begin(node: &Arc<Node>, session: Session) -> Self {
        let session = Arc::new(session);
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

impl Drop for Registration {
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
async fn start(node: Arc<Node>, session: Arc<Session>, upgrade: OnUpgrade, place: Place) {
    let parts = upgrade.await.ok().map(Upgraded::downcast::<TokioIo<Wire>>);
    let Some(Ok(parts)) = parts else {
        session.outbox.abandon(CloseReason::Lost);
        node.forget(&session, CloseReason::Lost);
        return node.metrics.socket_closed(CloseReason::Lost);
    };
    node.wheel.arm(&session, Timer::Idle, node.wheel.now() + 1);
    let mut drive = Drive::new(node, session, parts.io.into_inner(), place);
    drive.feed(&parts.read_buf);
    tokio::spawn(drive);
}
