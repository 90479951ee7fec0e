//! The connection's view of the node around it.

use std::sync::Arc;

use super::{Session, context::SessionContext, frame::FromDevice};
use crate::net::ws::close::CloseReason;

/// The actions that a device connection leaves to its node.
///
/// Connections are generic over it rather than hold a trait object: an idle socket pays
/// for one pointer, and a frame for no dynamic call.
pub(crate) trait SessionHandler: Send + Sync + 'static {
    /// Returns what all sessions of the node share.
    fn sessions(&self) -> &SessionContext;

    /// Handles a frame that the device sent.
    ///
    /// # Errors
    /// The reason for which the socket must close.
    fn handle_frame(
        &self,
        session: &Arc<Session>,
        frame: FromDevice<'_>,
    ) -> Result<(), CloseReason>;

    /// Handles the start of a close: from here on the session answers no command.
    fn handle_closing(&self, session: &Arc<Session>, reason: CloseReason);

    /// Handles the end of the connection. Called exactly once.
    fn handle_closed(&self, session: &Arc<Session>, reason: CloseReason);
}
