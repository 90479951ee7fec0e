//! An open socket, with the state of its pool's frames.

use super::upgrade::DeviceSocket;
use crate::worker::{exchanges::SocketExchanges, frames::SocketFrames, stomp::StompSession};

/// An open socket. It is boxed as a whole, so that a device's future holds one pointer.
pub struct OpenSocket {
    /// The socket.
    pub stream: DeviceSocket,
    /// The state of its frames; `None` where its pool declares none.
    pub frames: Option<Box<SocketFrames>>,
    /// The session of STOMP; `None` in other dialects.
    pub stomp: Option<Box<StompSession>>,
    /// The messages and awaited replies; `None` where no load uses the pool.
    pub exchanges: Option<Box<SocketExchanges>>,
}
