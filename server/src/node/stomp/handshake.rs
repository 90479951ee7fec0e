//! The handshake of a session's socket.

use std::net::IpAddr;

use crate::auth::Grant;

/// The facts of the handshake that CONNECT needs.
pub(crate) struct StompHandshake {
    pub(crate) client: IpAddr,
    /// The rights of a token that came with the handshake.
    pub(crate) grant: Option<Grant>,
}
