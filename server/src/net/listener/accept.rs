//! The accept loop: from the accept queue to a task per connection.
//!
//! The loop replaces axum's because it needs more:
//! - limits on headers and on the time that they take;
//! - TLS, with limits on handshakes, and the PROXY protocol before it;
//! - a reserve of descriptors, and recovery when they run out all the same;
//! - connection tasks that end once a socket is upgraded.

use std::{io, sync::Arc, time::Duration};

use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};
use tokio::{net::TcpStream, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    connections::ConnectionTasks,
    rules::{ConnectionTimeouts, Listener},
};

/// Pause after a failed accept.
// Without it, a process without free descriptors would spin on the same error.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(20);

/// Accepts until `stop` is cancelled, then lets requests under way finish.
pub(crate) async fn run(listener: Listener, stop: CancellationToken) {
    let Listener { socket, rules } = listener;
    let connections = Arc::new(ConnectionTasks::new(rules, stop.clone()));
    let rules = connections.rules();
    let mut failing = false;
    while let Some(accepted) = stop.run_until_cancelled(socket.accept()).await {
        match accepted {
            Ok((stream, address)) => {
                failing = false;
                set_socket_options(&stream, rules.timeouts);
                connections.handle_accepted(stream, address);
            }
            Err(error) if is_connection_error(&error) => {}
            Err(error) => {
                rules.metrics.accept_errors.inc();
                // Logged once for a run of errors; the counter has them all.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "accept failed; retrying every {ACCEPT_RETRY_DELAY:?}");
                }
                sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
    // Closed before the wait: new connections are refused at once, and go to another node.
    drop(socket);
    connections.wait_closed().await;
}

/// Sets the options of an accepted socket. Errors are ignored: the connection may be closed.
fn set_socket_options(stream: &TcpStream, timeouts: ConnectionTimeouts) {
    // Frames are small and answered at once, so Nagle's algorithm would only delay them.
    let _ = stream.set_nodelay(true);
    // Without it, a client that leaves a response unread would hold its connection forever.
    let unread = u32::try_from(timeouts.tcp_user_timeout.as_millis()).unwrap_or(u32::MAX);
    let _ = setsockopt(stream, TcpUserTimeout, &unread);
}

/// Whether the peer ended the connection before it was accepted, which is not a fault here.
fn is_connection_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | ConnectionRefused
    )
}
