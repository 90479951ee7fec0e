//! The trait of a kind of service.

use std::{fmt, io, path::Path, process::Command};

use crate::{ServiceError, ServiceKind};

/// A definition of how a service is started and probed. It holds the ports, so that a
/// restart uses the same address.
pub(crate) trait ServiceDefinition: fmt::Debug + Send + Sync {
    /// Returns the kind, whose name messages and the state of xtask use.
    fn kind(&self) -> ServiceKind;

    /// Returns the URL for clients.
    fn url(&self) -> String;

    /// Returns the URL of the metrics, if they are served over HTTP.
    fn monitor_url(&self) -> Option<String> {
        None
    }

    /// Returns the URL of the administration API, if there is one over HTTP.
    fn admin_url(&self) -> Option<String> {
        None
    }

    /// Returns the URL for STOMP clients over TCP, with all servers of a cluster.
    fn stomp_url(&self) -> Option<String> {
        None
    }

    /// Returns the URLs for STOMP clients over WebSocket, one of each server.
    fn web_stomp_urls(&self) -> Vec<String> {
        Vec::new()
    }

    /// Writes the files that the directory must hold before the first start.
    fn prepare(&self, _directory: &Path) -> io::Result<()> {
        Ok(())
    }

    /// Returns the programs that the servers need. They go on when the servers are killed.
    fn helper_commands(&self) -> Result<Vec<Command>, ServiceError> {
        Ok(Vec::new())
    }

    /// Returns the commands of the servers; most services have one.
    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError>;

    /// Whether all servers answer, for a cluster also before it is formed.
    fn is_listening(&self) -> bool {
        self.is_ready()
    }

    /// Returns the command to run once, when the servers listen for the first time.
    fn init_command(&self) -> Result<Option<Command>, ServiceError> {
        Ok(None)
    }

    /// Returns the service's own control program with these arguments, if it has one.
    fn control_command(&self, _directory: &Path, _arguments: &[&str]) -> Option<Command> {
        None
    }

    /// Whether clients are served now, shown by an exchange of the service's protocol.
    fn is_ready(&self) -> bool;
}
