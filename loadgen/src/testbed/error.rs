//! What can go wrong with a cluster that the harness starts.

use std::{io, path::PathBuf, time::Duration};

use highwater_process::{NoFreePort, ProcessError, error::LogTail};
use thiserror::Error;

use crate::access::TlsSetupError;

/// Why a cluster could not be started, or an event not be done to it.
#[derive(Debug, Error)]
pub enum TestbedError {
    /// The folder for logs could not be created.
    #[error("cannot create the log folder {path}", path = path.display())]
    LogFolder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The HTTP client could not be set up.
    #[error("cannot set up the HTTP client")]
    Client(#[from] TlsSetupError),
    /// The nodes' certificate could not be made.
    #[error("cannot make a certificate for the nodes")]
    Certificate(#[source] rcgen::Error),
    /// The nodes' certificate could not be written.
    #[error("cannot write a certificate for the nodes to {path}", path = path.display())]
    Credentials {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The process could not be started, or ended too early.
    #[error("{id} did not start")]
    Start {
        /// `n1`, `broker`, …
        id: String,
        /// Why not.
        source: ProcessError,
    },
    /// A process of the cluster could not be signalled.
    #[error("{id} could not be signalled")]
    Signal {
        /// The node.
        id: String,
        /// Why not.
        source: ProcessError,
    },
    /// The process says something else than where it listens.
    #[error("{id} printed {line:?} where `listening on ADDRESS` was expected")]
    UnexpectedFirstLine {
        /// `n1`, `broker`, …
        id: String,
        /// Its first line.
        line: String,
    },
    /// The address of a node stays taken by another process.
    #[error("port {port} of {id} was still taken after {waited:?}")]
    PortTaken {
        /// The node.
        id: String,
        /// Its port on 127.0.0.1.
        port: u16,
        /// How long it was tried.
        waited: Duration,
    },
    /// There is no free port below those that the system gives to clients.
    #[error(transparent)]
    NoPort(#[from] NoFreePort),
    /// A node ran but did not get ready in time.
    #[error("{id} was not ready after {waited:?}: {reason}{log}")]
    NotReady {
        /// The node.
        id: String,
        /// How long it had.
        waited: Duration,
        /// What was seen last.
        reason: String,
        /// The last lines of its log.
        log: LogTail,
    },
    /// Nodes do not see each other in time.
    #[error("the nodes had not met after {waited:?}: {missing}")]
    NotAllJoined {
        /// How long they had.
        waited: Duration,
        /// Who does not see whom.
        missing: String,
    },
    /// The broker that should be running does not answer.
    #[error("{name} does not answer at {url}: {reason}")]
    BrokerUnreachable {
        /// `Redis`, `NATS`, …
        name: &'static str,
        /// Its address, without a password.
        url: String,
        /// What was seen.
        reason: String,
        /// How one is started.
        hint: String,
    },
    /// A program of somebody else's is not on the machine.
    #[error("{program} is not on this machine")]
    ProgramMissing {
        /// Its name.
        program: &'static str,
        /// How it gets there.
        hint: String,
    },
    /// A balancer's file could not be written.
    #[error("cannot write {path} for a balancer", path = path.display())]
    BalancerFile {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A balancer's configuration could not be made.
    #[error("cannot fill in the configuration of a balancer")]
    Template(#[from] minijinja::Error),
    /// A balancer's program does not take the configuration that it is to go on with.
    #[error("{program} does not take the configuration of {id}: {output}")]
    ConfigRejected {
        /// `b1`, …
        id: String,
        /// nginx or HAProxy.
        program: &'static str,
        /// What it has against it.
        output: String,
    },
    /// A balancer does not do what it was told.
    #[error("{id} answered {response:?} to {command:?}")]
    ChangeRejected {
        /// `b1`, …
        id: String,
        /// What it was told.
        command: String,
        /// What it said.
        response: String,
    },
    /// The event needs a broker that the harness started.
    #[error("the harness has started no broker")]
    NoBroker,
    /// The event names a node that was never started.
    #[error("there is no node {id}")]
    NoSuchNode {
        /// The node.
        id: String,
    },
    /// The event needs a node that runs.
    #[error("{id} is not running")]
    NotRunning {
        /// The node.
        id: String,
    },
    /// The node to be added is there already.
    #[error("{id} is running already")]
    AlreadyRunning {
        /// The node.
        id: String,
    },
    /// A node could not be asked.
    #[error("cannot ask {url}")]
    Request {
        /// The address.
        url: String,
        /// Why not.
        source: reqwest::Error,
    },
    /// A node refused.
    #[error("{url} answered {status}: {body}")]
    RequestRejected {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of its answer.
        body: String,
    },
    /// A node's answer is not what was expected of it.
    #[error("{url} answered what is not a list of nodes: {reason}")]
    InvalidResponse {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The cluster is being stopped.
    #[error("the cluster is being stopped")]
    Stopping,
}
