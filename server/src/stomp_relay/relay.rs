//! The relay of a node: connections to the broker's servers.

use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use highwater_stomp::{Connect, Connected, Frame, HeartBeat, Limits, Version};
use parking_lot::Mutex;

use super::{
    connection::{BrokerConnection, ConnectionEnd, OpenError, ToBroker},
    metrics::RelayMetrics,
    url::{RelayLogin, StompRelayUrl},
};
use crate::{
    limits::NodeLimits,
    net::bounded_queue::{self, BoundedReceiver},
};

/// The interval of heart-beats with the broker.
const HEART_BEAT_MS: u32 = 10_000;

/// The relay of a node.
pub(crate) struct StompRelay {
    pub(super) url: StompRelayUrl,
    /// The server that answered last.
    preferred: AtomicUsize,
    /// The way to the broker by the system connection, while that is open.
    pub(super) system: Mutex<Option<ToBroker>>,
    limits: Limits,
    queue_frames: usize,
    queue_bytes: usize,
    pub(crate) metrics: RelayMetrics,
}

/// The reason why a session has no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RelayError {
    /// A server answered, and does not accept the session.
    #[error("the message broker refuses the session: {0}")]
    Refused(String),
    #[error("the message broker cannot be reached")]
    Unreachable,
    /// The broker takes frames more slowly than they arrive.
    #[error("too much waits for the message broker")]
    Full,
}

/// A connection for a session, and the way to it.
pub(crate) struct OpenedSession<'r> {
    connection: BrokerConnection,
    outbound: BoundedReceiver<bytes::Bytes>,
    count: SessionCount<'r>,
}

/// Counts a session until it is dropped.
struct SessionCount<'r>(&'r StompRelay);

impl Drop for SessionCount<'_> {
    fn drop(&mut self) {
        self.0.metrics.sessions.dec();
    }
}

impl StompRelay {
    pub(crate) fn new(url: StompRelayUrl, limits: &NodeLimits) -> Self {
        Self {
            url,
            preferred: AtomicUsize::new(0),
            system: Mutex::default(),
            limits: Limits {
                // A message of the broker that is longer would fit no write queue.
                max_body_bytes: limits.write_queue_bytes,
                ..Limits::from(&limits.stomp)
            },
            queue_frames: limits.write_queue_frames,
            queue_bytes: limits.write_queue_bytes,
            metrics: RelayMetrics::new(),
        }
    }

    /// Whether the system connection is open.
    pub(crate) fn is_available(&self) -> bool {
        self.system.lock().is_some()
    }

    /// Opens a connection for a session: to the server that answered last, or to the next.
    /// `login` and `passcode` are the client's own.
    ///
    /// # Errors
    /// [`RelayError`] if no server accepts the session.
    pub(crate) async fn open_session(
        &self,
        versions: Vec<Version>,
        login: Option<String>,
        passcode: Option<String>,
    ) -> Result<(OpenedSession<'_>, ToBroker), RelayError> {
        if !self.is_available() {
            self.metrics.failed.inc();
            return Err(RelayError::Unreachable);
        }
        let opened = self.open(versions, login, passcode).await;
        let opened = opened.inspect_err(|_| self.metrics.failed.inc())?;
        let (to_broker, outbound) = self.channel();
        self.metrics.sessions.inc();
        let session = OpenedSession {
            connection: opened,
            outbound,
            count: SessionCount(self),
        };
        Ok((session, to_broker))
    }

    /// Sends a frame by the system connection.
    ///
    /// # Errors
    /// [`RelayError`]; the broker does not get the frame.
    pub(crate) fn send(&self, frame: &Frame) -> Result<(), RelayError> {
        let system = self.system.lock();
        let system = system.as_ref().ok_or(RelayError::Unreachable)?;
        // The node's own frames have a form in every version with escapes.
        let bytes = frame.encode(Version::V1_2);
        let bytes = bytes.map_err(|error| RelayError::Refused(error.to_string()))?;
        system.push(bytes).map_err(|_| RelayError::Full)
    }

    pub(super) fn channel(&self) -> (ToBroker, BoundedReceiver<bytes::Bytes>) {
        bounded_queue::channel(self.queue_frames, self.queue_bytes)
    }

    pub(super) async fn open(
        &self,
        versions: Vec<Version>,
        login: Option<String>,
        passcode: Option<String>,
    ) -> Result<BrokerConnection, RelayError> {
        let connect = self.connect_frame(versions, login, passcode);
        let servers = &self.url.servers;
        let first = self.preferred.load(Relaxed);
        for offset in 0..servers.len() {
            let at = (first + offset) % servers.len();
            match BrokerConnection::open(&servers[at], &connect, self.limits).await {
                Ok(connection) => {
                    self.preferred.store(at, Relaxed);
                    return Ok(connection);
                }
                // Every server of a broker knows the same users.
                Err(OpenError::Refused(reason)) => return Err(RelayError::Refused(reason)),
                Err(error) => {
                    let server = &servers[at];
                    tracing::debug!(%server, %error, "a server of the STOMP broker fails; trying the next");
                }
            }
        }
        Err(RelayError::Unreachable)
    }

    fn connect_frame(
        &self,
        versions: Vec<Version>,
        login: Option<String>,
        passcode: Option<String>,
    ) -> Connect {
        let (login, passcode) = match self.url.login.clone() {
            Some(RelayLogin { user, password }) => (Some(user), Some(password)),
            None => (login, passcode),
        };
        Connect {
            versions,
            host: Some(self.url.host.clone()),
            login,
            passcode,
            heart_beat: HeartBeat {
                can_send_ms: HEART_BEAT_MS,
                wants_ms: HEART_BEAT_MS,
            },
        }
    }
}

impl OpenedSession<'_> {
    /// Returns the broker's CONNECTED.
    pub(crate) fn connected(&self) -> &Connected {
        &self.connection.connected
    }

    /// Passes frames in both directions until either end is done.
    pub(crate) async fn run(self, on_frame: impl FnMut(Frame) -> ControlFlow<()>) -> ConnectionEnd {
        let end = self.connection.run(self.outbound, on_frame).await;
        if !matches!(end, ConnectionEnd::Done) {
            self.count.0.metrics.failed.inc();
        }
        end
    }
}
