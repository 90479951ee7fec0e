//! The reasons why a run cannot start or go on.

use std::{io, path::PathBuf};

use highwater_process::ProcessError;
use highwater_reports::record::RecordError;

use crate::{
    access::{AccessError, TlsSetupError, VariableError},
    bus::BusError,
    sampling::ObserveError,
    testbed::TestbedError,
    worker::{context::ClientSetupError, frames::ProtocolError},
};

/// The reason why a run cannot start or go on. A target that fails during a run is not
/// among these: that is a finding of the record.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The record cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The directory of the processes' logs cannot be created.
    #[error("cannot create {}", path.display())]
    LogDirectory {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The cluster does not start.
    #[error(transparent)]
    Testbed(#[from] TestbedError),
    /// The frames of the plan cannot be used.
    #[error(transparent)]
    Frames(#[from] ProtocolError),
    /// The clients of a single device cannot be prepared.
    #[error(transparent)]
    Clients(#[from] ClientSetupError),
    /// No process listens at an address of the target.
    #[error("the target does not answer at {address}: {reason}")]
    TargetUnreachable {
        /// The address, as records show it.
        address: String,
        /// The cause.
        reason: String,
    },
    /// A worker process does not start.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The coordinator cannot listen at its control address.
    #[error("cannot listen for workers on {address}")]
    Listen {
        /// The control address.
        address: std::net::SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The endpoint of the run's metrics cannot be opened.
    #[error("cannot serve the metrics of the run on {address}")]
    MetricsListen {
        /// The address of the endpoint.
        address: std::net::SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The bus cannot be used.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The bus is the broker of the cluster under test.
    #[error("cannot use {0} as a bus: it is the broker of the cluster under test")]
    BusUnderTest(String),
    /// The plan holds a secret, which must not pass through the bus.
    #[error("cannot put the plan on the bus: {0} would be in it")]
    SecretInPlan(String),
    /// A segment does not fit the machine whose worker takes it.
    #[error("the plan does not fit the workers: {0}")]
    PlanDoesNotFit(String),
    /// The nodes of a cluster listen on the coordinator's machine alone.
    #[error(
        "worker {worker} on {machine} cannot reach the `[cluster]`: its nodes listen on 127.0.0.1 \
         of the coordinator's machine"
    )]
    ClusterOutOfReach {
        /// The worker's id.
        worker: String,
        /// The name of the worker's machine.
        machine: String,
    },
    /// A run of a coordinator that died cannot be resumed.
    #[error("cannot resume the run {run}: {reason}")]
    CannotResume {
        /// The run.
        run: String,
        /// The cause.
        reason: String,
    },
    /// Another coordinator has taken the run over.
    #[error("another coordinator has taken the run over")]
    Superseded,
    /// Some workers did not join or become ready in time.
    #[error("cannot start the run: {ready} of {wanted} workers were ready after {} s", after.as_secs())]
    WorkersNotReady {
        /// Number of workers that were ready.
        ready: u32,
        /// Number of workers of the run.
        wanted: u32,
        /// Time that they had.
        after: std::time::Duration,
        /// Number of connections with a wrong token or protocol.
        rejected: u64,
    },
    /// A worker may open fewer files than its share needs.
    #[error(
        "cannot start the run: a worker's share needs {needed} open files, and its limit is {limit}"
    )]
    OpenFileLimitTooLow {
        /// Open files that the share needs.
        needed: u64,
        /// Open files that the worker may have.
        limit: u64,
    },
    /// A worker failed before the run began.
    #[error("cannot start the run: worker {id} failed: {reason}")]
    WorkerFailedBeforeStart {
        /// Id of the worker.
        id: String,
        /// The cause.
        reason: String,
    },
    /// TLS or an HTTP client cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    /// A variable of the environment is not set or not valid.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// The target's certificate is not accepted, or TLS fails otherwise.
    #[error("cannot establish TLS with {address}: {reason}")]
    TargetTlsFailed {
        /// The address, as records show it.
        address: String,
        /// The kind of the failure.
        kind: TlsFailure,
        /// The cause.
        reason: String,
    },
    /// A process of the target cannot be observed.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// The limit of open files cannot be read or raised.
    #[error("cannot raise the limit of open files")]
    OpenFiles(#[source] io::Error),
    /// A person interrupted the run before it began.
    #[error("interrupted before the load started")]
    Interrupted,
}

/// The kind of a failed TLS handshake with the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFailure {
    /// The process at the address speaks no TLS.
    NoTls,
    /// The certificate is for other names.
    WrongName,
    /// The certificate has expired, or is not valid yet.
    NotValidNow,
    /// The certificate is not accepted for another reason.
    UntrustedCertificate,
    /// The handshake failed otherwise.
    Other,
}

impl TlsFailure {
    fn hint(self) -> &'static str {
        match self {
            Self::NoTls => {
                "write ws:// or http:// if the system speaks no TLS there, or name the port at \
                 which it does"
            }
            Self::WrongName => {
                "write one of the certificate's names in place of the host in [target], or as \
                 `tls.server_name`, or make a certificate with this name as subjectAltName"
            }
            Self::NotValidNow => "renew the certificate, or set the clock of this machine right",
            Self::UntrustedCertificate | Self::Other => {
                "name the authority that signed it, or the certificate itself: `[target] tls = { \
                 ca = \"ca.pem\" }`, or take any certificate with `tls = { verify = false }`"
            }
        }
    }
}

impl From<AccessError> for RunError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Tls(error) => error.into(),
            AccessError::Variable(error) => error.into(),
        }
    }
}

impl RunError {
    /// Creates the error of a run that the bus does not have any more, as `error` says.
    pub(super) fn run_gone(error: &BusError) -> Self {
        let reason = format!(
            "{error} any more: a server came back without its store, or a person removed the run"
        );
        BusError::failed("go on with the run", reason).into()
    }

    /// Returns the next step for a person; `None` if the error says enough.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Record(RecordError::InUse(_)) => "name another directory with --out",
            Self::Record(RecordError::NotEmpty(_)) => {
                "name another directory with --out, or remove this one"
            }
            Self::OpenFileLimitTooLow { .. } => {
                "start more workers, or raise their limit of open files (ulimit -n)"
            }
            Self::Bus(error) => error.hint()?,
            Self::BusUnderTest(_) => {
                "start a NATS server of its own for the load: the load on the broker would delay \
                 the counts, and a broker that an event kills would take them along"
            }
            Self::SecretInPlan(_) => {
                "write ${NAME} in its place, and set NAME in the environment of the coordinator \
                 and of each worker"
            }
            Self::PlanDoesNotFit(_) => {
                "start more workers, on more machines, or raise the limits; `highwater doctor` on \
                 the machine says which"
            }
            Self::ClusterOutOfReach { .. } => {
                "start all workers on the coordinator's machine, or test a system that is running \
                 with `[target]`"
            }
            Self::CannotResume { .. } => {
                "name the record with --out, and the scenario and --workers as the run began"
            }
            Self::Superseded => "the record is complete where the other coordinator writes it",
            Self::WorkersNotReady { rejected, .. } if *rejected > 0 => {
                return Some(format!(
                    "{rejected} processes were rejected: the notes above say why"
                ));
            }
            Self::WorkersNotReady { .. } => {
                "see the workers' logs: of local ones in the run's directory, of others on their \
                 machines"
            }
            Self::Testbed(
                TestbedError::BrokerUnreachable { hint, .. }
                | TestbedError::ProgramMissing { hint, .. },
            ) => hint,
            Self::Testbed(_) | Self::Process(_) => "see the logs in the run's directory",
            Self::TargetTlsFailed { kind, .. } => kind.hint(),
            Self::Observe(error) => error.hint(),
            Self::Tls(_) => {
                "`ca`, `certificate` and `key` of [target.tls] name PEM files, seen from the \
                 scenario's folder"
            }
            Self::Variable(_) => "set it in the environment of the coordinator",
            Self::TargetUnreachable { .. } => "start it first, or correct [target] in the scenario",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
