//! What makes one service different from another.

use std::{fmt, io, path::Path, process::Command};

use crate::ServiceError;

/// How a service is started and asked. It holds the ports, so that a second start
/// is at the same address.
pub(crate) trait ServiceDefinition: fmt::Debug + Send + Sync {
    /// As in `cargo xtask services up NAME`.
    fn name(&self) -> &'static str;

    /// Where clients connect.
    fn url(&self) -> String;

    /// Where its figures are, if over HTTP.
    fn monitor_url(&self) -> Option<String> {
        None
    }

    /// Where it is administered, if over HTTP.
    fn admin_url(&self) -> Option<String> {
        None
    }

    /// Writes what must be in the directory before the first start.
    fn prepare(&self, _directory: &Path) -> io::Result<()> {
        Ok(())
    }

    /// Programs that the servers need; they stay when the servers are killed.
    fn helper_commands(&self) -> Result<Vec<Command>, ServiceError> {
        Ok(Vec::new())
    }

    /// The servers themselves; for most services one.
    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError>;

    /// Whether all servers run and can be spoken to. For a cluster, before it is
    /// formed.
    fn is_listening(&self) -> bool {
        self.is_ready()
    }

    /// Once, when the servers listen for the first time.
    fn init_command(&self) -> Result<Option<Command>, ServiceError> {
        Ok(None)
    }

    /// The program that asks the running server something with these arguments, where
    /// it has one of its own.
    fn control_command(&self, _directory: &Path, _arguments: &[&str]) -> Option<Command> {
        None
    }

    /// Whether clients are served now, by an exchange of its own protocol.
    fn is_ready(&self) -> bool;
}
