//! The errors of the bus.

use std::{path::PathBuf, time::Duration};

/// The reason why the bus cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// No server of the bus accepts the connection.
    #[error("cannot connect to the bus at {address}: {reason}")]
    Unreachable {
        /// The address without its secrets.
        address: String,
        /// The cause.
        reason: String,
    },
    /// The server refuses the user, the token or the credentials.
    #[error("cannot connect to the bus at {address}: it refuses the credentials: {reason}")]
    Unauthorized {
        /// The address without its secrets.
        address: String,
        /// The answer of the server.
        reason: String,
    },
    /// The certificate of the server is not signed by an authority that counts, or is not the
    /// server's.
    #[error("cannot connect to the bus at {address}: its certificate is not accepted: {reason}")]
    Certificate {
        /// The address without its secrets.
        address: String,
        /// The cause.
        reason: String,
    },
    /// The address is not that of a NATS server.
    #[error("cannot use {address} as a bus: expected nats://HOST[:PORT] or tls://HOST[:PORT]")]
    NotNats {
        /// The address without its secrets.
        address: String,
    },
    /// The file of credentials cannot be read.
    #[error("cannot read the credentials {}: {reason}", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// A stream or a bucket cannot be created, read or written.
    #[error("cannot {action}: {reason}")]
    Failed {
        /// The action, as a verb with its object.
        action: &'static str,
        /// The cause.
        reason: String,
    },
    /// Another process has changed a value since it was read.
    #[error("another process has changed `{key}` of the run")]
    Conflict {
        /// The key.
        key: String,
    },
    /// A value or a message is not what this version writes.
    #[error("invalid `{what}` on the bus: {reason}")]
    Invalid {
        /// The key, or the kind of the message.
        what: String,
        /// The cause.
        reason: String,
    },
    /// A value or a message is longer than the server accepts.
    #[error("cannot put `{what}` on the bus: it has {bytes} bytes, and the server accepts {limit}")]
    TooLarge {
        /// The key, or the kind of the message.
        what: String,
        /// The compressed length.
        bytes: usize,
        /// The server's `max_payload`.
        limit: usize,
    },
    /// The bus has no such run.
    #[error("the bus has no run {run}{}", waited_text(*waited))]
    NoRun {
        /// The run.
        run: String,
        /// The time that the run was waited for.
        waited: Duration,
    },
    /// A run of this name is on the bus already.
    #[error("the bus has a run {run} already")]
    RunExists {
        /// The run.
        run: String,
    },
}

fn waited_text(waited: Duration) -> String {
    match waited.is_zero() {
        true => String::new(),
        false => format!(" after {} s", waited.as_secs()),
    }
}

impl BusError {
    /// Creates the error of a call that failed.
    pub(crate) fn failed(action: &'static str, error: impl std::fmt::Display) -> Self {
        Self::Failed {
            action,
            reason: error.to_string(),
        }
    }

    /// Returns the next step for a person; `None` if the error says enough.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Unreachable { .. } => {
                "start it with `nats-server -js`, or correct --bus; all machines need the same bus"
            }
            Self::Unauthorized { .. } => {
                "give the user in the address, nats://USER:PASSWORD@HOST or nats://TOKEN@HOST, \
                 best by the variable HIGHWATER_BUS, or name a file with --bus-credentials"
            }
            Self::Certificate { .. } => {
                "name the authority that signed the server's certificate with --bus-ca FILE or \
                 HIGHWATER_BUS_CA, and the server as its certificate does"
            }
            Self::Failed { .. } => "the bus needs JetStream: nats-server -js -sd DIRECTORY",
            Self::TooLarge { .. } => "raise max_payload in the server's configuration",
            Self::NoRun { .. } => {
                "--run is the name that the coordinator prints, or that its own --run gives it"
            }
            Self::RunExists { .. } => {
                "choose another --run, or go on with it: --resume RUN in place of --run RUN"
            }
            _ => return None,
        })
    }

    /// Whether the same call may succeed later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Failed { .. })
    }
}
