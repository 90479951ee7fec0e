//! What a run does, on one timeline: the resolved form of a scenario.
//!
//! A plan is data. It is written into the run's manifest, travels to the
//! workers, and says everything they need: each computes its own exact share
//! from the plan and its [`Segment`](crate::Segment) alone.

mod balancing;
mod event;
mod publish;
mod telemetry;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::publish::TOPIC_NUMBER_PLACEHOLDER;
pub use self::{
    balancing::{BalancerKind, BalancerLoadMetric, BalancerPolicy, Join, MAX_BALANCERS},
    event::{Action, BROKER_NAME, CLUSTER_NAME, EventSpec, FaultSpec},
    publish::{DeviceRole, PublishFrom, PublishLoad},
    telemetry::{Consumers, MAX_TELEMETRY, TelemetryLoad},
};
use crate::{
    broker_url::BrokerUrl,
    check::GateCheck,
    units::{self, Rate},
};

/// A valid scenario with every default filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the scenario; also part of the run's directory.
    pub name: String,
    /// One sentence for the report, possibly empty.
    pub description: String,
    /// Everything random in a run derives from it.
    pub seed: u64,
    /// Length of the steady phase.
    #[serde(with = "units::millis")]
    pub duration: Duration,
    /// What the load is put on.
    pub system: SystemSpec,
    /// Pools of idle heartbeat sockets, in the order of the file.
    pub devices: Vec<DevicePool>,
    /// HTTP command traffic of the steady phase, in the order of the file.
    pub commands: Vec<CommandLoad>,
    /// Messages published in the steady phase, in the order of the file.
    #[serde(default)]
    pub publish: Vec<PublishLoad>,
    /// Readings sent upstream in the steady phase, in the order of the file.
    #[serde(default)]
    pub telemetry: Vec<TelemetryLoad>,
    /// What happens to the cluster, sorted by time.
    pub events: Vec<EventSpec>,
    /// What the run must show, in the order of the file.
    pub gates: Vec<Gate>,
}

/// What the load is put on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SystemSpec {
    /// The harness starts this cluster itself.
    Cluster(ClusterSpec),
    /// A system that is already running.
    Target(TargetSpec),
}

/// A cluster of the reference server, each node a process of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterSpec {
    /// Nodes at the start, `n1`, `n2`, …
    pub nodes: u32,
    /// What joins the nodes.
    pub backplane: BackplaneSpec,
    /// What stands in front of the nodes.
    pub balancer: BalancerKind,
    /// How new sockets are spread.
    pub policy: BalancerPolicy,
    /// What the policy takes for a node's load.
    #[serde(default)]
    pub load_metric: BalancerLoadMetric,
    /// How a node that comes or goes in order reaches the balancer.
    #[serde(default)]
    pub join: Join,
    /// Balancers side by side, `b1`, `b2`, …; clients rotate over them.
    #[serde(default = "balancing::default_balancers")]
    pub balancers: u32,
    /// Whether clients speak TLS to the balancer, and it plain HTTP to the nodes.
    #[serde(default)]
    pub balancer_tls: bool,
    /// How long a socket may be open before its node sends it away; `None` is for ever.
    #[serde(default, with = "units::optional_millis")]
    pub max_age: Option<Duration>,
    /// How a command finds the node that owns its device.
    pub routing: Routing,
    /// Whether sockets and commands go over TLS.
    #[serde(default)]
    pub tls: bool,
    /// Whether nodes require tokens.
    #[serde(default)]
    pub auth: bool,
    /// Who handles readings.
    #[serde(default)]
    pub consumers: Consumers,
}

/// What joins the nodes of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackplaneSpec {
    /// The embedded broker, a process of its own on this machine.
    Local,
    /// A broker that is running already.
    Broker(BrokerSpec),
}

/// A broker that is running already, and where it is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerSpec {
    /// Where nodes connect.
    pub url: BrokerUrl,
    /// Address of its monitoring: NATS's monitoring port, RabbitMQ's Prometheus
    /// plugin. `None` for Redis, which tells on a connection like any other.
    pub monitor: Option<String>,
    /// Its process on this machine, where the scenario gives it.
    pub pid: Option<u32>,
}

/// How a command finds the node that owns its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Routing {
    /// Ask the owner directory, then go to that node alone.
    Directory,
    /// Ask every node.
    Broadcast,
}

/// A system that is already running.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetSpec {
    /// WebSocket addresses, `{device}` standing for the device's id; clients
    /// rotate over them.
    pub ws: Vec<String>,
    /// Base addresses for commands; clients rotate over them. Empty when the
    /// scenario sends no commands.
    pub http: Vec<String>,
    /// What devices and commands speak.
    pub dialect: Dialect,
    /// Whose certificates are taken.
    #[serde(default)]
    pub trust: CertificateTrust,
    /// Header fields that every socket's opening and every command carries.
    #[serde(default)]
    pub headers: Vec<HttpHeader>,
    /// Processes to sample beside the load.
    pub observe: Vec<ObservedProcess>,
}

/// What devices and commands speak to the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// The reference server's JSON frames: devices answer commands, and each
    /// reply is checked against what was asked.
    Highwater,
    /// WebSocket pings only; text is read and ignored, and any 2xx answer to a
    /// command counts as its reply.
    Plain,
}

/// Whose certificates are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateTrust {
    /// Those that the authorities of the worker's machine vouch for.
    #[default]
    Machine,
    /// Those that the authorities of a PEM file vouch for.
    Authorities {
        /// Its path, seen from where the coordinator was started.
        file: String,
    },
    /// Anybody's.
    Anybody,
}

/// A header field, as written: `${NAME}` in its value stands for a variable of
/// the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A process to sample beside the load; at least one of the two is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObservedProcess {
    /// The node's name in the report.
    pub name: String,
    /// Address of a Prometheus text endpoint.
    pub prometheus: Option<String>,
    /// Process id on this machine.
    pub pid: Option<u32>,
    /// Name of the endpoint's gauge of open sockets, where it is not one that
    /// the harness knows.
    pub sockets_metric: Option<String>,
}

/// A pool of idle heartbeat sockets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DevicePool {
    /// Device ids are this name, a hyphen and a number from 0.
    pub name: String,
    /// How many sockets.
    pub count: u64,
    /// Sockets opened per second, over all workers.
    pub ramp: Rate,
    /// When the pool starts to open, from the start of the steady phase;
    /// `None` opens it in the ramp.
    #[serde(with = "units::optional_millis")]
    pub start: Option<Duration>,
    /// Time between two heartbeats of one socket.
    #[serde(with = "units::millis")]
    pub heartbeat: Duration,
    /// Missed heartbeats in a row after which the client closes and reconnects.
    pub max_missed: u32,
    /// How long an attempt to open may take.
    #[serde(with = "units::millis")]
    pub connect_timeout: Duration,
    /// Pauses between attempts.
    pub reconnect: ReconnectSpec,
}

/// Pauses between attempts to open a socket: doubling from `first` to `max`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReconnectSpec {
    /// Longest pause before the first new attempt.
    #[serde(with = "units::millis")]
    pub first: Duration,
    /// Longest pause ever.
    #[serde(with = "units::millis")]
    pub max: Duration,
    /// How the pause is drawn.
    pub jitter: Jitter,
}

/// How a pause is drawn from its upper bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Jitter {
    /// Uniformly between zero and the bound.
    Full,
    /// The bound itself.
    None,
}

/// HTTP command traffic in the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommandLoad {
    /// Name of the load and of the command that it sends.
    pub name: String,
    /// When commands are due.
    pub model: LoadModel,
    /// After this an unanswered command is `timed_out`.
    #[serde(with = "units::millis")]
    pub timeout: Duration,
    /// How the reply comes back.
    pub reply: ReplyMode,
    /// Path below the HTTP base address, with `{device}`.
    pub path: String,
}

/// When commands are due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "model")]
pub enum LoadModel {
    /// Users who wait for the reply, think, and ask again.
    Closed {
        /// How many, started spread over one think time.
        users: u64,
        /// Pause between a reply and the next command.
        #[serde(with = "units::millis")]
        think: Duration,
    },
    /// Arrivals on a fixed schedule, whether or not earlier ones were answered.
    Open {
        /// Arrivals per second over all workers.
        rate: Rate,
        /// Most commands in flight over all workers; an arrival beyond that is
        /// dropped and counted.
        max_in_flight: u64,
    },
}

/// How the reply to a command comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplyMode {
    /// The HTTP response is the reply.
    Rest,
    /// The response is an event stream that carries the reply.
    Sse,
}

/// What the run must show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Name in the report; the check itself where the file gives none.
    pub name: String,
    /// Metric, comparison and limit.
    pub check: GateCheck,
    /// The part of the run it covers; `None` is what the metric itself covers.
    pub during: Option<PhaseWindow>,
}

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseWindow {
    /// From the first socket until each has opened or failed.
    Ramp,
    /// `duration`, with its events.
    Steady,
    /// Sockets close in order.
    Drain,
    /// Everything.
    Run,
}
