//! The socket under a connection, so that it can be ended whatever the broker does.

use std::{
    net::{Shutdown, TcpStream},
    os::fd::{AsFd, OwnedFd},
    sync::OnceLock,
};

/// A second handle of a connection's socket. Dropped, it ends the connection.
///
/// The client library waits for the broker's consent before it ends one. A broker
/// that is short of memory takes nothing from a connection that publishes, and the
/// library writes nothing to it: until that is over, the connection would keep its
/// thread, its buffers and its socket, and perhaps the roster, which it was about to
/// replace.
#[derive(Default)]
pub(super) struct SocketGuard(OnceLock<TcpStream>);

impl SocketGuard {
    /// Takes a handle of the socket that was connected.
    pub(super) fn set(&self, connected: &impl AsFd) -> std::io::Result<()> {
        let handle: OwnedFd = connected.as_fd().try_clone_to_owned()?;
        // The first stays: a connection is never mended.
        let _ = self.0.set(handle.into());
        Ok(())
    }
}

impl Drop for SocketGuard {
    fn drop(&mut self) {
        if let Some(socket) = self.0.get() {
            // One that has ended already is no mistake.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
