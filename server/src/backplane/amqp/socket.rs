//! The socket of a connection, by which it can be ended whatever the broker does.

use std::{
    net::{Shutdown, TcpStream},
    os::fd::{AsFd, OwnedFd},
    sync::OnceLock,
};

/// A second handle of a connection's socket. Dropping it ends the connection.
///
/// The client library waits for the broker's confirmation before it ends a connection. A
/// broker that is short of memory reads nothing from a connection that publishes, so it
/// confirms nothing. Until then the connection would keep its thread, its buffers and its
/// socket, and perhaps the membership table, which it was about to replace.
#[derive(Default)]
pub(super) struct SocketGuard(OnceLock<TcpStream>);

impl SocketGuard {
    /// Duplicates the handle of a connected socket.
    pub(super) fn set(&self, connected: &impl AsFd) -> std::io::Result<()> {
        let handle: OwnedFd = connected.as_fd().try_clone_to_owned()?;
        // It is set once, because a connection is never repaired.
        let _ = self.0.set(handle.into());
        Ok(())
    }
}

impl Drop for SocketGuard {
    fn drop(&mut self) {
        if let Some(socket) = self.0.get() {
            // It fails when the socket has ended already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
