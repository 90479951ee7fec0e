//! Changes to the owner directory.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::{
    id::DeviceId,
    message::{Epoch, RegistrationResult},
    session::Session,
};

/// A change that the directory client sends to the slot owner.
pub(crate) enum DirectoryUpdate {
    /// A new connection. `result_tx` gets the slot owner's answer; it is dropped when
    /// no answer came.
    Register {
        session: Arc<Session>,
        result_tx: oneshot::Sender<RegistrationResult>,
    },
    /// A connection that ended.
    Unregister { device: DeviceId, epoch: Epoch },
}
