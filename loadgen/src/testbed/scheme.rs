//! The addresses of servers, with or without TLS.

use std::net::SocketAddr;

use crate::endpoints::Endpoints;

/// The scheme of clients' addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// `ws` and `http`.
    Plain,
    /// `wss` and `https`.
    Tls,
}

impl Scheme {
    /// The scheme of clients that do or do not speak TLS.
    pub(super) fn for_tls(is_tls: bool) -> Self {
        match is_tls {
            true => Self::Tls,
            false => Self::Plain,
        }
    }

    /// The scheme of HTTP addresses.
    pub(super) fn http(self) -> &'static str {
        match self {
            Self::Plain => "http",
            Self::Tls => "https",
        }
    }

    fn ws(self) -> &'static str {
        match self {
            Self::Plain => "ws",
            Self::Tls => "wss",
        }
    }

    /// Returns the endpoints of servers at these addresses.
    pub(super) fn endpoints(self, addresses: impl Iterator<Item = SocketAddr>) -> Endpoints {
        let (ws, http) = (self.ws(), self.http());
        let (ws, http) = addresses
            .map(|address| {
                (
                    format!("{ws}://{address}/ws?device={{device}}"),
                    format!("{http}://{address}"),
                )
            })
            .unzip();
        Endpoints { ws, http }
    }
}
