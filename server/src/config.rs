//! What a node is told when it starts.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use crate::{
    auth::AuthConfig,
    backplane::{BackplaneConfig, BackplaneUrl},
    id::{ClusterName, NodeId},
    net::tls::ServerTls,
    node::LoadSource,
    rate::Rate,
};

/// Everything a node needs to know; [`NodeConfig::new`] fills in defaults.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// This node's name, unique in the cluster.
    pub id: NodeId,
    /// How nodes find each other; `None` is a cluster of one.
    pub backplane: Option<BackplaneUrl>,
    /// The cluster's name at a broker that others use too.
    pub cluster: ClusterName,
    /// How long this node may be silent before the others take it for dead.
    pub membership_lease: Duration,
    /// `HOST:PORT` at which gateways and operators reach this node; `None` is the
    /// address that it listens on.
    pub advertise: Option<String>,
    /// How a command finds the node that owns its device.
    pub routing: Routing,
    /// Whether `POST /admin/faults` is served.
    pub allow_faults: bool,
    /// TLS on the public listener; `None` is plain TCP.
    pub tls: Option<Arc<ServerTls>>,
    /// Tokens and sessions; `None` knows none of both.
    pub auth: Option<AuthConfig>,
    /// Whether `GET /echo` is served: a WebSocket that says back what it is told,
    /// for conformance suites.
    pub echo: bool,
    /// What gateways are told besides the count of sockets.
    pub load_source: LoadSource,
    /// Bounds on sizes, counts and times.
    pub limits: NodeLimits,
    /// Reads the allocator's live bytes; `None`, or an answer of `None`, leaves
    /// the heap out of `/metrics`.
    pub heap_probe: Option<fn() -> Option<u64>>,
}

impl NodeConfig {
    /// A cluster of one with default limits, without TLS, tokens, faults and a heap
    /// probe.
    pub fn new(id: NodeId) -> Self {
        Self {
            id,
            backplane: None,
            cluster: ClusterName::default(),
            membership_lease: BackplaneConfig::DEFAULT_LEASE,
            advertise: None,
            routing: Routing::Directory,
            allow_faults: false,
            tls: None,
            auth: None,
            echo: false,
            load_source: LoadSource::Posted,
            limits: NodeLimits::default(),
            heap_probe: None,
        }
    }
}

/// Bounds of a node. Sizes are bytes.
#[derive(Debug, Clone)]
pub struct NodeLimits {
    /// The longest message a device may send.
    pub device_message_bytes: usize,
    /// Bytes of messages of all devices whose rest has not come. Beyond it, a device
    /// that sends the beginning of one is closed.
    pub partial_message_bytes: usize,
    /// Frames that may wait for one device to read.
    pub write_queue_frames: usize,
    /// Bytes that may wait for one device to read.
    pub write_queue_bytes: usize,
    /// Bytes that may wait for all devices together. Beyond it, a device for which
    /// something waits already is a slow consumer, whatever it has left of its own.
    pub total_write_queue_bytes: usize,
    /// How long a device may leave its receive window closed.
    pub write_timeout: Duration,
    /// How long a device may be silent. Whole seconds, as the wheel turns. Also how
    /// long a client of any kind may leave what the kernel sends it unacknowledged.
    pub idle_timeout: Duration,
    /// How long a close handshake may take before the connection is dropped.
    pub close_timeout: Duration,
    /// How long the owner directory may take to confirm a new device.
    pub register_timeout: Duration,
    /// How long a client may take to send a request's head, counted from the end of
    /// the request before it: so also how long a kept-alive connection may idle. It
    /// is longer than clients keep theirs pooled (90 s is usual), so that it is not
    /// closed under a request that is just leaving.
    pub header_timeout: Duration,
    /// The same for the first request of a connection: who says nothing at all does
    /// not hold a place for as long as a client that was served.
    pub first_request_timeout: Duration,
    /// How long a request's body may take.
    pub body_timeout: Duration,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// TLS handshakes under way: each has buffers and keys, and nobody knows yet whose
    /// they are. What comes beyond them is closed.
    pub max_concurrent_handshakes: usize,
    /// New TLS handshakes a second; `None` takes what comes. They cost processor time
    /// before anything else can be asked of a client.
    pub handshake_rate: Option<Rate>,
    /// How long a device socket may be open before it is sent away, to come back where
    /// there is room: each between three quarters and all of this. `None` leaves it
    /// open.
    pub max_age: Option<Duration>,
    /// Device sockets; `None` leaves it to the open files.
    pub max_sockets: Option<usize>,
    /// New device sockets a second; `None` takes what comes.
    pub upgrade_rate: Option<Rate>,
    /// New device sockets at once, under `upgrades`; `None` is a second's worth.
    pub upgrade_burst: Option<u32>,
    /// Connections of all kinds on the public listener; `None` is the process's
    /// limit of open files, less a reserve for everything else.
    pub max_connections: Option<usize>,
    /// The longest JSON text of a session's data.
    pub session_bytes: usize,
    /// The longest HTTP request body.
    pub body_bytes: usize,
    /// Commands in flight that this node took.
    pub commands_in_flight: usize,
    /// Commands waiting for one device.
    pub commands_per_device: usize,
    /// Topics one device may subscribe to.
    pub topics_per_device: usize,
    /// How often one device may subscribe or unsubscribe in each second: the other
    /// nodes are told of a topic's first and last subscriber.
    pub topic_changes_per_s: u32,
    /// Readings of one device that have no answer yet.
    pub telemetry_per_device: u32,
    /// Readings in this node's custody.
    pub telemetry_unacked: usize,
    /// Their bytes.
    pub telemetry_unacked_bytes: usize,
    /// Messages one device may publish in each second.
    pub publishes_per_s: u32,
    /// Messages of one topic that may wait to be handed to devices of this node.
    pub topic_queue_messages: usize,
    /// The same in bytes.
    pub topic_queue_bytes: usize,
    /// How long `/readyz` fails before a drain refuses or closes its first socket.
    pub drain_delay: Duration,
    /// Devices that a drain asks to leave, a second.
    pub drain_rate: Rate,
    /// The longest time over which devices are asked to spread their return.
    pub drain_reconnect_window: Duration,
    /// How long a drain waits, after the closes, for commands in flight.
    pub drain_grace: Duration,
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self {
            device_message_bytes: 64 * 1024,
            partial_message_bytes: 256 * 1024 * 1024,
            write_queue_frames: 256,
            write_queue_bytes: 1024 * 1024,
            total_write_queue_bytes: 256 * 1024 * 1024,
            write_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(90),
            close_timeout: Duration::from_secs(5),
            register_timeout: Duration::from_secs(5),
            header_timeout: Duration::from_secs(120),
            first_request_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(10),
            max_concurrent_handshakes: 4096,
            handshake_rate: None,
            max_age: None,
            max_sockets: None,
            upgrade_rate: None,
            upgrade_burst: None,
            max_connections: None,
            session_bytes: 16 * 1024,
            body_bytes: 64 * 1024,
            commands_in_flight: 20_000,
            commands_per_device: 64,
            topics_per_device: 64,
            topic_changes_per_s: 100,
            telemetry_per_device: 16,
            telemetry_unacked: 10_000,
            telemetry_unacked_bytes: 32 * 1024 * 1024,
            publishes_per_s: 100,
            topic_queue_messages: 1024,
            topic_queue_bytes: 16 * 1024 * 1024,
            drain_delay: Duration::from_secs(1),
            drain_rate: Rate::per_second(500),
            drain_reconnect_window: Duration::from_secs(1),
            drain_grace: Duration::from_secs(5),
        }
    }
}

/// How a command finds the node that owns its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// Ask the device's home in the owner directory.
    Directory,
    /// Ask every node.
    Broadcast,
}

/// A word that is no routing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown routing {0:?}: expected \"directory\" or \"broadcast\"")]
pub struct UnknownRouting(String);

impl FromStr for Routing {
    type Err = UnknownRouting;

    fn from_str(text: &str) -> Result<Self, UnknownRouting> {
        match text {
            "directory" => Ok(Self::Directory),
            "broadcast" => Ok(Self::Broadcast),
            other => Err(UnknownRouting(other.to_owned())),
        }
    }
}

impl fmt::Display for Routing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "directory",
            Self::Broadcast => "broadcast",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routings() {
        for routing in [Routing::Directory, Routing::Broadcast] {
            assert_eq!(routing.to_string().parse(), Ok(routing));
        }
        assert!("hash".parse::<Routing>().is_err());
    }
}
