//! Why a run could not be, and whose fault it was.

use std::{io, path::PathBuf};

use highwater_process::ProcessError;
use highwater_reports::record::RecordError;

use crate::{
    access::{TlsSetupError, VariableError},
    testbed::TestbedError,
};

/// Why a run could not start or go on. A target that misbehaves during a run
/// is not among these: that is a finding.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The record cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A directory for the processes' logs cannot be made.
    #[error("cannot create {}", path.display())]
    LogDirectory {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The cluster does not start.
    #[error(transparent)]
    Testbed(#[from] TestbedError),
    /// Nobody listens where the target should be.
    #[error("the target does not answer at {address}: {reason}")]
    TargetUnreachable {
        /// As in the scenario.
        address: String,
        /// Why.
        reason: String,
    },
    /// A worker process does not start.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Workers cannot join at the control address.
    #[error("cannot listen for workers on {address}")]
    Listen {
        /// The control address.
        address: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Not all workers joined and became ready in time.
    #[error("{ready} of {wanted} workers were ready after {} s", after.as_secs())]
    WorkersNotReady {
        /// How many were.
        ready: u32,
        /// How many the run has.
        wanted: u32,
        /// How long they had.
        after: std::time::Duration,
    },
    /// A worker may open fewer files than its share needs.
    #[error("a worker's share needs {needed} open files and it may have {limit}")]
    OpenFileLimitTooLow {
        /// What the share needs.
        needed: u64,
        /// What the worker may have.
        limit: u64,
    },
    /// A worker fell out before the run had begun.
    #[error("worker {id} fell out before the start: {reason}")]
    WorkerFailedBeforeStart {
        /// Which one.
        id: String,
        /// Why.
        reason: String,
    },
    /// Certificates cannot be verified, or no HTTP client can be built.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    /// A header field's value is not there.
    #[error(transparent)]
    Header(#[from] VariableError),
    /// The target's certificate is not one that is taken.
    #[error("no TLS session with {address}: {reason}")]
    TargetTlsFailed {
        /// As in the scenario.
        address: String,
        /// Why.
        reason: String,
    },
    /// The limit of open files cannot be read.
    #[error("cannot raise the limit of open files")]
    OpenFiles(#[source] io::Error),
    /// Somebody stopped it before it had begun.
    #[error("interrupted before the load had started")]
    Interrupted,
}

impl RunError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Record(RecordError::NotEmpty(_)) => {
                Some("name another directory with --out, or remove this one".to_owned())
            }
            Self::OpenFileLimitTooLow { .. } => Some(
                "start more workers, or raise their limit of open files (ulimit -n)".to_owned(),
            ),
            Self::WorkersNotReady { .. } => Some(
                "see the workers' logs in the run's directory; remote ones need this \
                 coordinator's address and token"
                    .to_owned(),
            ),
            Self::Testbed(
                TestbedError::BrokerUnreachable { hint, .. }
                | TestbedError::ProgramMissing { hint, .. },
            ) => Some(hint.clone()),
            Self::Testbed(_) | Self::Process(_) => {
                Some("see the logs in the run's directory".to_owned())
            }
            Self::TargetTlsFailed { .. } => Some(
                "name the authority that signed it: `[target] tls = { ca = \"ca.pem\" }`, or \
                 take any certificate with `tls = { verify = false }`"
                    .to_owned(),
            ),
            Self::Tls(_) => {
                Some("`tls.ca` names a PEM file, seen from where `highwater` is started".to_owned())
            }
            Self::Header(_) => Some("set it in the environment of the coordinator".to_owned()),
            Self::TargetUnreachable { .. } => {
                Some("start it first, or correct [target] in the scenario".to_owned())
            }
            _ => None,
        }
    }
}
