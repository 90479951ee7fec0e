//! An open socket, with the state of its pool's frames.

use super::upgrade::DeviceSocket;
use crate::worker::{exchanges::SocketExchanges, frames::SocketFrames, stomp::StompSession};

/// An open socket. It is boxed as a whole, so that a device's future holds one pointer.
pub struct OpenSocket {
    /// The socket.
    pub stream: DeviceSocket,
    /// The state of its frames; `None` where its pool declares none.
    pub frames: Option<Box<SocketFrames>>,
    /// The messages and awaited replies; `None` where no load uses the pool.
    pub exchanges: Option<Box<SocketExchanges>>,
}

impl OpenSocket {
    /// Returns the session of STOMP; `None` in other dialects.
    pub fn stomp(&self) -> Option<&StompSession> {
        self.frames.as_ref()?.stomp.as_deref()
    }

    /// Returns the session of STOMP to change it.
    pub fn stomp_mut(&mut self) -> Option<&mut StompSession> {
        self.frames.as_mut()?.stomp.as_deref_mut()
    }
}
