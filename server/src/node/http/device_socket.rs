//! `GET /ws?device=ID`: turns a request into a device socket.
//!
//! ```text
//! handshake ──► origin ──► draining? ──► admission ──► token ──► directory ──► 101 ──► connection
//! ```
//!
//! The checks run in the order of their cost.

use std::{
    borrow::Cow,
    ops::RangeInclusive,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use rand::Rng;
use tokio::{task::yield_now, time::Instant};

use crate::{
    api::{ApiError, bearer_token, parse_name, query_param},
    auth::Grant,
    cluster::{
        directory_client::{RegisterError, register},
        remove_session,
        unregistered::take_unregistered,
    },
    id::DeviceId,
    net::{
        admission::{BucketPermit, Rejected},
        listener::ReceiveDelay,
        stream::MaybeTlsStream,
        ws::{
            close::CloseReason,
            handshake::{accept_key, offered_subprotocols},
        },
    },
    node::{
        Node, NodePhase, SocketPermits,
        token::{client_address, require_device_token},
    },
    session::{
        Session,
        connection::DeviceConnection,
        handler::SessionHandler,
        session::{Timer, whole_seconds},
        write_queue::WriteQueue,
    },
};

/// The subprotocol of device sockets, for clients that offer one.
const SUBPROTOCOL: &str = "highwater";
/// The header of a 101 whose device is not in the owner directory.
const DIRECTORY_HEADER: HeaderName = HeaderName::from_static("x-highwater-directory");
/// The seconds over which devices are spread that a node without a backplane rejects.
const NO_BACKPLANE_RETRY_AFTER_S: RangeInclusive<u32> = 2..=10;
/// The beginning of an offered subprotocol that holds the token. A browser sets no other header
/// of a WebSocket.
const TOKEN_SUBPROTOCOL: &str = "bearer.";

/// Answers 101 once the device is in the owner directory, so that commands reach every
/// open device.
pub(super) async fn open(
    State(node): State<Arc<Node>>,
    mut request: Request,
) -> Result<Response, ApiError> {
    let accept = accept_key(&request).map_err(ApiError::invalid_upgrade)?;
    node.allowed_origins.check(request.headers())?;
    let device = device_from_query(request.uri())?;
    reject_while_draining(&node)?;
    // Admission control runs first: in a reconnect storm, a rejected upgrade costs no token
    // check and no directory lookup.
    let permits =
        admit(&node, Some(&device), &request).map_err(|reason| rejected(&node, reason))?;
    let client = client_address(request.extensions());
    let grant = require_device_token(&node, socket_token(&request).as_deref(), &device, client)?;
    let offers_subprotocol =
        offered_subprotocols(request.headers()).any(|offered| offered == SUBPROTOCOL);
    let upgrade = hyper::upgrade::on(&mut request);
    // Frees the request before the wait for the directory: a storm has many that wait.
    drop(request);
    // Lets hyper poll the connection and drop this future if the client has disconnected.
    // After a stall, a node finds many such requests of devices that are elsewhere by then.
    yield_now().await;
    let mut session = new_session(&node, device, grant.as_ref());
    session.address_bucket = permits.address.as_ref().map_or(0, BucketPermit::bucket);
    let registration = Registration::begin(&node, session);
    let is_registered = enter_directory(&node, &registration.session).await?;
    // A drain may have begun, and even ended, while the directory answered.
    reject_while_draining(&node)?;
    let session = registration.complete();
    // Counted from here on, so that a drain waits for its close.
    node.sessions.metrics.socket_opened();
    let (failed_node, failed) = (Arc::clone(&node), Arc::clone(&session));
    let on_failure = move || remove_unopened(&failed_node, &failed);
    let handler = Arc::clone(&node);
    let starting = start_connection(node, handler, session, upgrade, permits, on_failure);
    tokio::spawn(Box::pin(starting));
    let mut response = switching_protocols(accept);
    if !is_registered {
        let unregistered = HeaderValue::from_static("unregistered");
        response
            .headers_mut()
            .insert(DIRECTORY_HEADER, unregistered);
    }
    if offers_subprotocol {
        let name = HeaderValue::from_static(SUBPROTOCOL);
        response
            .headers_mut()
            .insert(header::SEC_WEBSOCKET_PROTOCOL, name);
    }
    Ok(response)
}

/// Registers the session, or takes it unregistered while there is no backplane. Returns
/// whether it is registered.
async fn enter_directory(node: &Node, session: &Arc<Session>) -> Result<bool, ApiError> {
    let cluster = &node.cluster;
    let deadline = Instant::now() + node.sessions.limits.register_timeout;
    let mut views = cluster.backplane.view();
    let registered = tokio::select! {
        // First: what waits for a lost backplane would wait for its whole deadline.
        biased;
        _ = views.wait_for(|view| !view.connected) => None,
        registered = register(cluster, session, deadline) => Some(registered),
    };
    match registered {
        Some(Ok(())) => Ok(true),
        Some(Err(error @ RegisterError::Timeout)) => {
            Err(ApiError::unavailable(error.to_string(), "try again"))
        }
        Some(Err(error @ RegisterError::Superseded)) => Err(ApiError::new(
            StatusCode::CONFLICT,
            error.to_string(),
            "only one connection of a device is served",
        )),
        None if take_unregistered(cluster, session) => Ok(false),
        None => {
            node.metrics.upgrade_rejected("no_backplane");
            let error = ApiError::unavailable(
                "this node has no backplane, and as many devices without one as it may",
                "use another node, or come back later",
            );
            // Spread: the devices of a failed node come together.
            Err(error.retry_after(rand::rng().random_range(NO_BACKPLANE_RETRY_AFTER_S)))
        }
    }
}

/// Returns the token of a socket: from `Authorization`, from a subprotocol, or from the query.
/// Browsers cannot set headers on a WebSocket, and a query ends up in logs.
pub(super) fn socket_token(request: &Request) -> Option<Cow<'_, str>> {
    let in_subprotocol = || {
        offered_subprotocols(request.headers())
            .find_map(|offered| offered.strip_prefix(TOKEN_SUBPROTOCOL))
    };
    let in_header = bearer_token(request.headers()).or_else(in_subprotocol);
    in_header
        .map(Cow::Borrowed)
        .or_else(|| query_param(request.uri(), "token"))
}

pub(super) fn reject_while_draining(node: &Node) -> Result<(), ApiError> {
    if node.phase() != NodePhase::Draining {
        return Ok(());
    }
    node.metrics.upgrade_rejected("draining");
    Err(ApiError::unavailable(
        "this node is draining",
        "connect to another node",
    ))
}

fn device_from_query(uri: &Uri) -> Result<DeviceId, ApiError> {
    let hint = "connect to /ws?device=ID";
    let id = query_param(uri, "device")
        .ok_or_else(|| ApiError::bad_request("the query has no device", hint))?;
    parse_name(&id, hint)
}

/// Counts a socket for the node and for its client's address, within both limits, unless the
/// node is overloaded. Sockets without a device have no preference.
pub(super) fn admit(
    node: &Node,
    device: Option<&DeviceId>,
    request: &Request,
) -> Result<SocketPermits, Rejected> {
    if let (Some(limit), Some(ReceiveDelay(waited))) =
        (&node.upgrade_delay, request.extensions().get())
        // A device that had a socket is preferred: its commands wait for it.
        && !limit.admits(*waited, || device.is_some_and(|device| node.cluster.knows_device(device)))
    {
        return Err(Rejected::Overloaded);
    }
    let address = match &node.socket_addresses {
        // Before the node's limits: a client at its own limit must not use up their rate.
        Some(addresses) => {
            let permit = addresses.try_acquire(client_address(request.extensions()));
            Some(permit.ok_or(Rejected::AddressLimit)?)
        }
        None => None,
    };
    let node = node.admission.try_admit()?;
    Ok(SocketPermits { node, address })
}

pub(super) fn rejected(node: &Node, reason: Rejected) -> ApiError {
    node.metrics.upgrade_rejected(reason.label());
    let error = match reason {
        // Not 503, with which a gateway would try the other nodes.
        Rejected::AddressLimit => ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            reason.to_string(),
            "close one of them first",
        ),
        _ => ApiError::unavailable(reason.to_string(), "use another node, or come back later"),
    };
    error.retry_after(reason.retry_after_s())
}

/// Returns a session that closes when its token expires and at its maximum age.
pub(super) fn new_session(node: &Node, device: DeviceId, grant: Option<&Grant>) -> Session {
    // At least 1, so the seconds below are never 0, which stands for "never".
    let now = node.sessions.wheel.now();
    let mut session = Session::new(device, now);
    session.write_queue = WriteQueue::with_budget(Arc::clone(&node.sessions.write_budget));
    if let Some(max_age) = node.sessions.limits.max_age {
        // A random age: sockets that opened together must not close together.
        let age = max_age.mul_f64(rand::rng().random_range(0.75..=1.0));
        session.max_age_at = now.saturating_add(whole_seconds(age));
    }
    if let Some(grant) = grant {
        // The token ends by the clock, the wheel counts its own seconds.
        let left = grant.expires_at_s.saturating_sub(seconds_since_1970());
        session.token_expires = now.saturating_add(u32::try_from(left).unwrap_or(u32::MAX));
    }
    session
}

fn seconds_since_1970() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

pub(super) fn switching_protocols(accept: HeaderValue) -> Response {
    // The headers that RFC 6455, section 4.2.2, asks for.
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// A session that is being registered. If it is dropped before it is complete, because
/// no answer came in time or the client has disconnected, it leaves no trace in the node.
struct Registration {
    node: Arc<Node>,
    session: Arc<Session>,
    /// The device's older connection to this node. It stays open until the new one is
    /// registered.
    previous: Option<Arc<Session>>,
    complete: bool,
}

impl Registration {
    fn begin(node: &Arc<Node>, session: Session) -> Self {
        let session = Arc::new(session);
        let previous = node.sessions.registry.insert(&session);
        Self {
            node: Arc::clone(node),
            session,
            previous,
            complete: false,
        }
    }

    fn complete(mut self) -> Arc<Session> {
        self.complete = true;
        // Only now: until the new connection was registered, commands used the older one.
        if let Some(older) = self.previous.take() {
            older.write_queue.close(CloseReason::Replaced);
        }
        Arc::clone(&self.session)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if !self.complete {
            self.node
                .sessions
                .registry
                .remove(&self.session, self.previous.take());
            self.session.write_queue.abort(CloseReason::ConnectionLost);
            remove_session(
                &self.node.cluster,
                &self.session,
                CloseReason::ConnectionLost,
            );
        }
    }
}

/// Waits for the upgrade, then starts the connection in a task of its own. This task is
/// larger than the connection, and its memory must not be held while the socket is open.
/// `on_failure` takes the session out of the node if there is no upgrade.
pub(super) async fn start_connection<H: SessionHandler>(
    node: Arc<Node>,
    handler: Arc<H>,
    session: Arc<Session>,
    upgrade: OnUpgrade,
    permits: SocketPermits,
    on_failure: impl FnOnce(),
) {
    // Back to the concrete stream: the connection reads and writes it without hyper's box.
    let parts = upgrade
        .await
        .ok()
        .map(Upgraded::downcast::<TokioIo<MaybeTlsStream>>);
    let Some(Ok(parts)) = parts else {
        session.write_queue.abort(CloseReason::ConnectionLost);
        return on_failure();
    };
    // The first check re-arms the timer for its true deadline.
    node.sessions
        .wheel
        .arm(&session, Timer::Idle, node.sessions.wheel.now() + 1);
    node.hold_socket(permits);
    let mut connection = DeviceConnection::new(handler, session, parts.io.into_inner());
    connection.feed(&parts.read_buf);
    tokio::spawn(connection);
}

/// Takes a session out of the node whose socket never opened.
fn remove_unopened(node: &Node, session: &Arc<Session>) {
    remove_session(&node.cluster, session, CloseReason::ConnectionLost);
    let metrics = &node.sessions.metrics;
    metrics.socket_closed(CloseReason::ConnectionLost);
}
