//! The reasons why a worker ends before its work is done.

use std::{io, net::SocketAddr, time::Duration};

use highwater_scenarios::Diagnostic;

use super::{
    attack::AttackError, context::ClientSetupError, frames::ProtocolError,
    source_address::ForeignSource,
};
use crate::{
    access::{AccessError, TlsSetupError},
    bus::BusError,
    control::LinkError,
};

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
    /// Sockets cannot have a local address.
    #[error(transparent)]
    SourceAddress(#[from] ForeignSource),
    /// The coordinator rejected the worker.
    #[error("cannot join the run: {0}")]
    Rejected(String),
    /// The bus cannot be used.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The run has no segment of this number.
    #[error("cannot take share {index} of the run: it has {workers}, from 0")]
    NoSuchSegment {
        /// The number of the segment.
        index: u32,
        /// The number of workers of the run.
        workers: u32,
    },
    /// A living process has the segment.
    #[error("cannot take share {index} of the run: process {pid} on {host} has it")]
    SegmentTaken {
        /// The number of the segment.
        index: u32,
        /// The machine of that process.
        host: String,
        /// The process id.
        pid: u32,
    },
    /// Every segment has a worker.
    #[error("all {0} shares of the run are taken")]
    AllTaken(u32),
    /// Another process has taken this worker's segment.
    #[error("another process has taken this worker's share of the run")]
    Taken,
    /// The run is over, and the bus has it no more.
    #[error("the run is over")]
    RunOver,
    /// The coordinator ended the run before this worker's part was done.
    #[error("the coordinator ended the run: {0}")]
    Stopped(String),
    /// A variable or a file of certificates is missing on this machine.
    #[error(transparent)]
    Access(AccessError),
    /// A data file is missing on this machine, or is another one.
    #[error("cannot use the data file: {0}")]
    Data(Diagnostic),
    /// The coordinator sent another message than the one that was due.
    #[error("invalid message of the coordinator: expected {0}")]
    UnexpectedMessage(&'static str),
    /// The coordinator did not answer in time.
    #[error("cannot join the run: no answer from the coordinator within {} s", JOIN_TIMEOUT.as_secs())]
    CoordinatorTimeout,
    /// The worker's clients cannot be prepared.
    #[error(transparent)]
    Clients(#[from] ClientSetupError),
    /// The limit of open files cannot be read or raised.
    #[error("cannot raise the limit of open files")]
    OpenFiles(#[source] io::Error),
    /// The control link ended.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// TLS cannot be set up for the system's certificates.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    /// The frames of the plan cannot be used.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The goose attack failed.
    #[error(transparent)]
    Attack(#[from] AttackError),
}
