//! Errors of services.

use std::{io, time::Duration};

use highwater_process::{NoFreePort, ProcessError, error::LogTail};

/// An error while starting or controlling a service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The program is not on this machine.
    #[error("{program} is not on this machine (Debian: {package}); hint: {hint}")]
    ProgramMissing {
        /// The program.
        program: &'static str,
        /// Debian's package.
        package: &'static str,
        /// The next step for the person.
        hint: &'static str,
    },
    /// Packages cannot be installed.
    #[error("cannot install {packages}: {reason}; hint: {hint}")]
    Install {
        /// The packages, separated by spaces.
        packages: String,
        /// The cause.
        reason: String,
        /// The next step for the person.
        hint: &'static str,
    },
    /// The directory of the service or a file in it cannot be written.
    #[error("cannot write the files of {service}")]
    Files {
        /// The service.
        service: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// Every port of the range is taken.
    #[error(transparent)]
    NoPort(#[from] NoFreePort),
    /// A process cannot be started or signalled, or has ended by itself.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The service runs and does not answer.
    #[error("{service} does not answer after {waited:?}{log}")]
    NotReady {
        /// The service.
        service: &'static str,
        /// The time limit.
        waited: Duration,
        /// The last lines of the server's log.
        log: LogTail,
    },
    /// The service was killed and not started again.
    #[error("{service} is not running")]
    NotRunning {
        /// The service.
        service: &'static str,
    },
    /// No service has that name.
    #[error(
        "unknown service {0:?}: expected redis, redis-cluster, nats, rabbitmq, rabbitmq-cluster, \
         kafka, tansu, pubsub, activemq, activemq-network, ministack, ministack-stream, nginx or \
         haproxy"
    )]
    Unknown(String),
}

impl ServiceError {
    pub(crate) fn unknown(name: &str) -> Self {
        Self::Unknown(name.to_owned())
    }
}
