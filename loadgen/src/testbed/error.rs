//! Errors of a cluster that the harness starts.

use std::{io, path::PathBuf, time::Duration};

use highwater_process::{NoFreePort, ProcessError, error::LogTail};
use thiserror::Error;

use crate::access::TlsSetupError;

/// The reason why a cluster could not be started or an event could not be applied.
#[derive(Debug, Error)]
pub enum TestbedError {
    /// The folder for logs could not be created.
    #[error("cannot create the log folder {path}", path = path.display())]
    LogFolder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The HTTP client could not be set up.
    #[error("cannot set up the HTTP client")]
    Client(#[from] TlsSetupError),
    /// The nodes' certificate could not be generated.
    #[error("cannot generate a certificate for the nodes")]
    Certificate(#[source] rcgen::Error),
    /// The nodes' certificate could not be written.
    #[error("cannot write a certificate for the nodes to {path}", path = path.display())]
    Credentials {
        /// The file or its folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The process could not be started, or ended before it was ready.
    #[error("cannot start {id}")]
    Start {
        /// The process: `n1`, `broker`, …
        id: String,
        /// The cause.
        source: ProcessError,
    },
    /// A process of the cluster could not be signalled.
    #[error("cannot signal {id}")]
    Signal {
        /// The process.
        id: String,
        /// The cause.
        source: ProcessError,
    },
    /// The first line of the process is not its address.
    #[error("invalid first line {line:?} of {id}: expected `listening on ADDRESS`")]
    UnexpectedFirstLine {
        /// The process: `n1`, `broker`, …
        id: String,
        /// The first line.
        line: String,
    },
    /// Another process uses the port of a node.
    #[error("cannot start {id}: port {port} is still in use after {waited:?}")]
    PortTaken {
        /// The node.
        id: String,
        /// The port on 127.0.0.1.
        port: u16,
        /// The time that the node waited for its port.
        waited: Duration,
    },
    /// No port is free below those that the system gives to clients.
    #[error(transparent)]
    NoPort(#[from] NoFreePort),
    /// A process ran but did not become ready in time.
    #[error("cannot use {id}: not ready after {waited:?}: {reason}{log}")]
    NotReady {
        /// The process.
        id: String,
        /// The time that it had.
        waited: Duration,
        /// The result of the last poll.
        reason: String,
        /// The last lines of its log.
        log: LogTail,
    },
    /// The nodes do not see each other in time.
    #[error("cannot join the nodes: after {waited:?}, {missing}")]
    NotAllJoined {
        /// The time that they had.
        waited: Duration,
        /// A pair of nodes that do not see each other.
        missing: String,
    },
    /// The broker that should be running does not answer.
    #[error("cannot reach {name} at {url}: {reason}")]
    BrokerUnreachable {
        /// The kind of broker: `Redis`, `NATS`, …
        name: &'static str,
        /// The address, with the password masked.
        url: String,
        /// The cause.
        reason: String,
        /// The way to start such a broker.
        hint: String,
    },
    /// The program of a balancer is not on this machine.
    #[error("cannot find the program {program} on this machine")]
    ProgramMissing {
        /// The file name of the program.
        program: &'static str,
        /// The way to install it.
        hint: String,
    },
    /// A balancer's file could not be written.
    #[error("cannot write {path} for a balancer", path = path.display())]
    BalancerFile {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A balancer's configuration could not be rendered.
    #[error("cannot render the configuration of a balancer")]
    Template(#[from] minijinja::Error),
    /// A balancer's program rejects a new configuration.
    #[error("cannot configure {id}: {program} rejects the configuration: {output}")]
    ConfigRejected {
        /// The balancer: `b1`, …
        id: String,
        /// The file name of the program.
        program: &'static str,
        /// The output of the program.
        output: String,
    },
    /// A balancer rejects a change.
    #[error("cannot change {id}: it answered {response:?} to {command:?}")]
    ChangeRejected {
        /// The balancer: `b1`, …
        id: String,
        /// The command.
        command: String,
        /// The answer.
        response: String,
    },
    /// The event needs a broker that the harness started.
    #[error("cannot change the broker: the harness has started none")]
    NoBroker,
    /// The event names a process that was never started.
    #[error("cannot find {0} in the cluster")]
    NoSuchProcess(String),
    /// The event needs a process that runs.
    #[error("cannot change {0}: it is not running")]
    NotRunning(String),
    /// The node to add runs already.
    #[error("cannot add {0}: it is running already")]
    AlreadyRunning(String),
    /// The body of a request could not be encoded.
    #[error("cannot encode the body of a request")]
    RequestBody(#[source] serde_json::Error),
    /// A request to a node failed.
    #[error("cannot request {url}")]
    Request {
        /// The address.
        url: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// A node rejected a request.
    #[error("cannot request {url}: status {status}: {body}")]
    RequestRejected {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer.
        body: String,
    },
    /// A node's answer is not a list of nodes.
    #[error("invalid answer of {url}: expected a list of nodes: {reason}")]
    InvalidResponse {
        /// The address.
        url: String,
        /// The fault in the answer.
        reason: String,
    },
    /// The cluster is being stopped.
    #[error("cannot apply the event: the cluster is being stopped")]
    Stopping,
}
