//! The addresses of servers, with or without TLS.

use std::net::SocketAddr;

use crate::endpoints::Endpoints;

/// The schemes of clients' addresses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scheme {
    /// The scheme of HTTP addresses: `http` or `https`.
    pub(super) http: &'static str,
    /// The scheme of WebSocket addresses: `ws` or `wss`.
    ws: &'static str,
}

impl Scheme {
    /// The schemes of clients that do or do not speak TLS.
    pub(super) fn for_tls(is_tls: bool) -> Self {
        let (http, ws) = match is_tls {
            true => ("https", "wss"),
            false => ("http", "ws"),
        };
        Self { http, ws }
    }

    /// Returns the endpoints of servers at these addresses.
    pub(super) fn endpoints(self, addresses: impl Iterator<Item = SocketAddr>) -> Endpoints {
        let Self { http, ws } = self;
        let (ws, http) = addresses
            .map(|address| {
                // Each client puts its own name in place of `{device}`.
                let ws = format!("{ws}://{address}/ws?device={{device}}");
                (ws, format!("{http}://{address}"))
            })
            .unzip();
        Endpoints { ws, http }
    }
}
