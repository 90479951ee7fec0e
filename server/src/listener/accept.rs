//! From the accept queue to a task.
//!
//! The loop is ours, not axum's, for these reasons: limits on headers and the time
//! they take, TLS and limits on its handshakes, a reserve of descriptors and survival
//! when they run out all the same, and connection tasks that are gone once a socket
//! is upgraded.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    metrics::{DoorMetrics, HandshakeMetrics},
    serve::{Peer, Reading, serve},
};
use crate::{
    admission::{Gate, Place, Room},
    config::Limits,
    stream::Wire,
    tls::ServerTls,
};

/// After an error, so that running out of descriptors does not spin.
const BACK_OFF: Duration = Duration::from_millis(20);
/// Connections at once that are told that there is no room; others are dropped.
const TOLD_AT_ONCE: usize = 16;
/// How long who is turned away may take to send a request.
const TOLD_WITHIN: Duration = Duration::from_secs(2);
/// Connections at once on a listener of operators.
const OPERATORS: usize = 64;

/// A listener and what its connections meet.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    /// What is answered when there is no room.
    pub(crate) no_room: Router,
    /// `None` is plain TCP.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Bounds connections that are open at once.
    pub(crate) room: Arc<Room>,
    pub(crate) patience: Patience,
    pub(crate) metrics: DoorMetrics,
}

/// Handshakes at a door.
pub(crate) struct Tls {
    pub(crate) server: Arc<ServerTls>,
    /// Bounds them, before they cost anything.
    pub(crate) gate: Gate,
    pub(crate) metrics: HandshakeMetrics,
}

/// How long a peer may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// With a TLS handshake.
    pub(crate) handshake: Duration,
    /// With its first request.
    pub(crate) first_request: Duration,
    /// From one request to the end of the next one's head.
    pub(crate) head: Duration,
    /// With taking what was written to it.
    pub(crate) unread: Duration,
}

impl From<&Limits> for Patience {
    fn from(limits: &Limits) -> Self {
        Self {
            handshake: limits.handshake_timeout,
            first_request: limits.first_request_timeout,
            head: limits.header_timeout,
            unread: limits.idle_timeout,
        }
    }
}

impl Door {
    /// For probes and operators: plain TCP, and few connections.
    pub(crate) fn for_operators(
        listener: TcpListener,
        router: Router,
        no_room: Router,
        patience: impl Into<Patience>,
        metrics: DoorMetrics,
    ) -> Self {
        Self {
            listener,
            router,
            no_room,
            tls: None,
            room: Arc::new(Room::new(Some(OPERATORS))),
            patience: patience.into(),
            metrics,
        }
    }
}

/// Accepts until `stop` is cancelled, then lets requests under way finish.
pub(crate) async fn run(door: Door, stop: CancellationToken) {
    let inside = Inside {
        connections: TaskTracker::new(),
        told: Arc::new(Room::new(Some(TOLD_AT_ONCE))),
        stop: stop.clone(),
    };
    let mut failing = false;
    while let Some(accepted) = stop.run_until_cancelled(door.listener.accept()).await {
        match accepted {
            Ok((stream, address)) => {
                failing = false;
                prepare(&stream, door.patience);
                inside.receive(&door, Caller::new(stream, address));
            }
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                door.metrics.accept_errors.inc();
                // Once for a run of errors; the counter has them all.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "accept");
                }
                sleep(BACK_OFF).await;
            }
        }
    }
    // Closed for good: who comes now is refused at once, and goes elsewhere.
    drop(door);
    inside.connections.close();
    inside.connections.wait().await;
}

/// The tasks of those who came in.
struct Inside {
    connections: TaskTracker,
    /// Bounds those who are told that there is no room.
    told: Arc<Room>,
    stop: CancellationToken,
}

impl Inside {
    /// Gives a connection its task, or turns it away.
    fn receive(&self, door: &Door, caller: Caller) {
        let Some(place) = door.room.enter() else {
            door.metrics.turned_away.inc();
            // Over TLS an answer would cost a handshake: what comes beyond the open
            // files must not cost more than what comes within.
            if let (None, Some(place)) = (&door.tls, self.told.enter()) {
                self.turn_away(caller, door.no_room.clone(), place);
            }
            return;
        };
        let reading = Reading {
            first_within: door.patience.first_request,
            head_within: door.patience.head,
            keep_alive: true,
        };
        match &door.tls {
            None => self.serve(caller, door.router.clone(), reading, place),
            Some(tls) => match tls.gate.pass() {
                Ok(shaking) => {
                    let shake = Shake {
                        tls: Arc::clone(tls),
                        within: door.patience.handshake,
                        _shaking: shaking,
                    };
                    self.shake_hands(caller, shake, door.router.clone(), reading, place);
                }
                Err(closed) => tls.metrics.turned_away(closed),
            },
        }
    }

    /// Serves requests. The place is held until the connection ends or is a device
    /// socket.
    fn serve(&self, caller: Caller, router: Router, reading: Reading, place: Place) {
        let stop = self.stop.clone();
        self.connections.spawn(async move {
            let Caller { stream, peer } = caller;
            serve(Wire::Left(stream), peer, router, reading, stop).await;
            drop(place);
        });
    }

    /// The same, once hands are shaken.
    fn shake_hands(
        &self,
        caller: Caller,
        shake: Shake,
        router: Router,
        reading: Reading,
        place: Place,
    ) {
        let stop = self.stop.clone();
        self.connections.spawn(async move {
            // Boxed: what a handshake needs is not held while requests are served.
            let shaken = Box::pin(shake.hands(caller.stream)).await;
            if let Some(wire) = shaken {
                serve(wire, caller.peer, router, reading, stop).await;
            }
            drop(place);
        });
    }

    /// Tells a client that there is no room, so that it comes back later.
    fn turn_away(&self, caller: Caller, no_room: Router, place: Place) {
        let reading = Reading {
            first_within: TOLD_WITHIN,
            head_within: TOLD_WITHIN,
            keep_alive: false,
        };
        self.serve(caller, no_room, reading, place);
    }
}

/// A connection, and who is at its other end.
struct Caller {
    stream: TcpStream,
    peer: Peer,
}

impl Caller {
    fn new(stream: TcpStream, address: SocketAddr) -> Self {
        Self {
            stream,
            peer: Peer(address),
        }
    }
}

/// A handshake that was let in.
struct Shake {
    tls: Arc<Tls>,
    within: Duration,
    /// Among those under way.
    _shaking: Place,
}

impl Shake {
    async fn hands(self, stream: TcpStream) -> Option<Wire> {
        match self.tls.server.accept(stream, self.within).await {
            Ok(stream) => Some(Wire::Right(Box::new(stream))),
            Err(error) => {
                self.tls.metrics.failed.inc();
                tracing::debug!(%error, "handshake");
                None
            }
        }
    }
}

/// What cannot be set is done without: the connection may be gone already.
fn prepare(stream: &TcpStream, patience: Patience) {
    // Frames are small and answered at once: Nagle's delay would be all they see.
    let _ = stream.set_nodelay(true);
    // Who leaves an answer unread holds a connection that nothing else would end.
    let unread = u32::try_from(patience.unread.as_millis()).unwrap_or(u32::MAX);
    let _ = setsockopt(stream, TcpUserTimeout, &unread);
}

/// The peer was gone before its connection was accepted; nothing is wrong here.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
