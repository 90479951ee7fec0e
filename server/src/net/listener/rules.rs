//! A listening socket with the routes and limits of its connections.

use std::{sync::Arc, time::Duration};

use axum::{Router, response::Response};
use tokio::net::TcpListener;

use super::{
    client::TrustedPeers,
    metrics::{HandshakeMetrics, ListenerMetrics},
};
use crate::{
    limits::NodeLimits,
    net::{
        admission::{AddressLimit, AdmissionControl, ConnectionLimit},
        networks::Networks,
        tls::ServerTls,
    },
};

/// A listening socket, with the routes and limits of its connections.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) rules: ConnectionRules,
}

/// The routes and limits of a listener's connections.
pub(crate) struct ConnectionRules {
    pub(crate) router: Router,
    pub(crate) rejections: Rejections,
    /// `None` is plain TCP.
    pub(crate) tls: Option<Arc<ListenerTls>>,
    /// Bounds connections that are open at once.
    pub(crate) connection_limit: Arc<ConnectionLimit>,
    /// Bounds the connections of gateways for which `connection_limit` has no room.
    pub(crate) gateway_limit: Arc<ConnectionLimit>,
    /// Bounds the connections of one client address that are not device sockets.
    pub(crate) address_limit: Arc<AddressLimit>,
    /// The networks whose connections begin with a header of the PROXY protocol.
    pub(crate) proxy_protocol: Networks,
    /// The peers that name the clients of their requests.
    pub(crate) trusted_peers: TrustedPeers,
    pub(crate) timeouts: ConnectionTimeouts,
    pub(crate) metrics: ListenerMetrics,
}

/// The answers to clients beyond a limit.
#[derive(Clone)]
pub(crate) struct Rejections {
    /// The routes for connections above the limit.
    pub(crate) router: Router,
    /// Returns the answer to a request whose client has too many under way.
    pub(crate) address_limit: fn() -> Response,
}

/// TLS handshakes of a listener.
pub(crate) struct ListenerTls {
    pub(crate) server: Arc<ServerTls>,
    /// Bounds handshakes before they cost anything.
    pub(crate) admission: AdmissionControl,
    pub(crate) metrics: HandshakeMetrics,
}

/// Time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionTimeouts {
    /// Limit of the header of the PROXY protocol.
    pub(crate) proxy_header: Duration,
    /// Limit of the TLS handshake.
    pub(crate) tls_handshake: Duration,
    /// Limit until the first request.
    pub(crate) first_request: Duration,
    /// Limit from one request to the end of the next one's head.
    pub(crate) request_head: Duration,
    /// Limit for unacknowledged data: TCP_USER_TIMEOUT.
    pub(crate) tcp_user_timeout: Duration,
}

impl From<&NodeLimits> for ConnectionTimeouts {
    fn from(limits: &NodeLimits) -> Self {
        Self {
            proxy_header: limits.proxy_header_timeout,
            tls_handshake: limits.handshake_timeout,
            first_request: limits.first_request_timeout,
            request_head: limits.header_timeout,
            tcp_user_timeout: limits.idle_timeout,
        }
    }
}

impl Listener {
    /// Returns a listener for probes and operators: plain TCP, and few connections.
    pub(crate) fn admin(
        socket: TcpListener,
        router: Router,
        rejections: Rejections,
        connection_limit: Arc<ConnectionLimit>,
        timeouts: impl Into<ConnectionTimeouts>,
        metrics: ListenerMetrics,
    ) -> Self {
        let rules = ConnectionRules {
            router,
            rejections,
            tls: None,
            connection_limit,
            gateway_limit: Arc::new(ConnectionLimit::new(Some(0))),
            // Operators share a host often, and the limit above is small already.
            address_limit: Arc::new(AddressLimit::new(usize::MAX)),
            // Operators and probes reach this listener without a proxy.
            proxy_protocol: Networks::default(),
            trusted_peers: TrustedPeers::default(),
            timeouts: timeouts.into(),
            metrics,
        };
        Self { socket, rules }
    }
}
