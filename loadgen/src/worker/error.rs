//! The reasons why a worker ends before its work is done.

use std::{io, net::SocketAddr, time::Duration};

use highwater_scenarios::Diagnostic;

use super::attack::AttackError;
use crate::{access::TlsSetupError, control::LinkError};

/// Longest time that the coordinator may take to answer while a worker joins.
pub(super) const JOIN_TIMEOUT: Duration = Duration::from_secs(30);

/// The reason why a worker ended before its work was done.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// No coordinator answers at the address.
    #[error("cannot reach the coordinator at {address}")]
    Unreachable {
        /// The control address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The coordinator rejected the worker.
    #[error("cannot join the run: {0}")]
    Rejected(String),
    /// The coordinator sent another message than the one that was due.
    #[error("invalid message of the coordinator: expected {0}")]
    UnexpectedMessage(&'static str),
    /// The coordinator did not answer in time.
    #[error("cannot join the run: no answer from the coordinator within {} s", JOIN_TIMEOUT.as_secs())]
    CoordinatorTimeout,
    /// The plan has a text that this worker cannot compile.
    #[error("cannot use the plan: {0}")]
    Plan(#[from] Diagnostic),
    /// The limit of open files cannot be read or raised.
    #[error("cannot raise the limit of open files")]
    OpenFiles(#[source] io::Error),
    /// The control link ended.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// TLS cannot be set up for the system's certificates.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    /// The goose attack failed.
    #[error(transparent)]
    Attack(#[from] AttackError),
}
