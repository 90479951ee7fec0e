//! The connection's view of the node around it.

use std::sync::Arc;

use super::{Session, context::SessionContext};
use crate::net::ws::{close::CloseReason, decode::AllowedMessages};

/// The actions that a device connection leaves to its node.
///
/// Connections are generic over it rather than hold a trait object: an idle socket pays
/// for one pointer, and a frame for no dynamic call.
pub(crate) trait SessionHandler: Send + Sync + 'static {
    /// The messages that a client may send.
    const MESSAGES: AllowedMessages;

    /// Returns what all sessions of the node share.
    fn sessions(&self) -> &SessionContext;

    /// Returns the longest message that a client may send.
    fn max_message_bytes(&self) -> usize;

    /// Handles a text message of the client.
    ///
    /// # Errors
    /// The reason for which the socket must close.
    fn handle_text(&self, session: &Arc<Session>, text: &str) -> Result<(), CloseReason>;

    /// Handles a binary message, where the protocol has them.
    ///
    /// # Errors
    /// The reason for which the socket must close.
    fn handle_binary(&self, _session: &Arc<Session>, _bytes: &[u8]) -> Result<(), CloseReason> {
        Err(CloseReason::Binary)
    }

    /// Returns the bytes of protocol frames that are not complete.
    fn partial_bytes(&self) -> usize {
        0
    }

    /// Handles the start of a close: from here on the session answers no command.
    fn handle_closing(&self, session: &Arc<Session>, reason: CloseReason);

    /// Handles the end of the connection. Called exactly once.
    fn handle_closed(&self, session: &Arc<Session>, reason: CloseReason);
}
