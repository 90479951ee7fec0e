//! `summary.json`, schema 2: times in milliseconds, sizes in bytes, `null`
//! where something was not measured.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    backplane::{BackplaneSummary, BrokerSummary, CpuCores},
    balance::{
        AfterEvent, Balance, Detection, Evenness, Herding, NodeLoadSummary, OpenedSockets,
        ReconnectStorm,
    },
    balancer::BalancerSummary,
};
use crate::record::RunEnd;

mod backplane;
mod balance;
mod balancer;

/// Version of the summary's schema.
pub const SUMMARY_SCHEMA: u32 = 2;

/// What a run showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// [`SUMMARY_SCHEMA`].
    pub schema: u32,
    /// Name of the scenario.
    pub scenario: String,
    /// All gates together.
    pub verdict: Verdict,
    /// How the run ended.
    pub ended: RunEnd,
    /// Seed of everything random.
    pub seed: u64,
    /// Instant 0 of the run's clock.
    pub started_at: DateTime<Utc>,
    /// From there to the last thing recorded, in seconds.
    pub duration_s: f64,
    /// Device sockets.
    pub sockets: SocketSummary,
    /// Their heartbeats.
    pub heartbeats: HeartbeatSummary,
    /// HTTP commands; `null` when the scenario sends none.
    pub commands: Option<CommandSummary>,
    /// Topic messages; `null` when the scenario publishes none.
    pub messages: Option<MessageSummary>,
    /// Telemetry records that devices send upstream; `null` when the scenario has none.
    pub telemetry: Option<TelemetrySummary>,
    /// Nodes of the system.
    pub nodes: Vec<ProcessSummary>,
    /// Processes of the backplane.
    pub brokers: Vec<BrokerSummary>,
    /// Consumers of readings.
    pub consumers: Vec<ProcessSummary>,
    /// Processes in front of the nodes.
    pub balancers: Vec<BalancerSummary>,
    /// Workers of the harness.
    pub workers: Vec<WorkerSummary>,
    /// What the nodes put on the backplane; `null` when none of them tells.
    pub backplane: Option<BackplaneSummary>,
    /// CPU cores kept busy in the steady phase.
    pub cpu_cores: CpuCores,
    /// How processes ended that events asked to; `null` for a target.
    pub exits: Option<Exits>,
    /// Who holds how many sockets; `null` without node counts.
    pub balance: Option<Balance>,
    /// What one more socket costs.
    pub cost_per_socket: CostPerSocket,
    /// What both ends counted, side by side, over the whole run.
    #[serde(default)]
    pub ledger: Vec<LedgerLine>,
    /// Each gate's outcome.
    pub gates: Vec<GateOutcome>,
    /// What made a metric doubtful, in words.
    pub problems: Vec<String>,
}

/// Outcome of a gate or of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every gate holds.
    Passed,
    /// A gate does not hold.
    Failed,
    /// The harness was the limit, or a measurement is missing.
    Inconclusive,
}

/// A distribution of durations in milliseconds; all `null` but `count` when
/// nothing was counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "percentiles say what they are")]
pub struct Distribution {
    pub count: u64,
    pub mean: Option<f64>,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub p99: Option<f64>,
    pub p999: Option<f64>,
    pub max: Option<f64>,
}

/// Device sockets over the whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SocketSummary {
    /// Sockets whose time to open came.
    pub requested: u64,
    /// Of those, opened at least once.
    pub opened: u64,
    /// Of those, never opened.
    pub failed: u64,
    /// Open sockets that ended before the drain without being asked to leave: by
    /// anything but a close with 1012.
    pub dropped: u64,
    /// Most open at once, as the clients count.
    pub open_peak: u64,
    /// Open at the end of the steady phase, before the drain.
    pub open_at_end: Option<u64>,
    /// Most open at once, as the nodes count.
    pub server_open_peak: Option<u64>,
    /// Sockets opened per second, from the first to the last opening of the ramp;
    /// without the last second where there are several.
    pub connect_rate_per_s: Option<f64>,
    /// From the start of an attempt to the 101, whole run.
    pub connect_ms: Distribution,
    /// From losing a socket to having it open again, whole run.
    pub reconnect_ms: Distribution,
}

/// Heartbeats; counts over the whole run, times over the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the glossary defines the words")]
pub struct HeartbeatSummary {
    pub due: u64,
    pub sent: u64,
    pub acknowledged: u64,
    pub missed: u64,
    pub late: u64,
    pub response_ms: Distribution,
    pub service_ms: Distribution,
}

/// Commands; counts over the whole run, times over the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the glossary defines the words")]
pub struct CommandSummary {
    pub due: u64,
    pub dropped: u64,
    pub issued: u64,
    pub replied: u64,
    pub timed_out: u64,
    pub not_connected: u64,
    pub rejected: u64,
    pub failed: u64,
    pub lost: u64,
    pub response_ms: Distribution,
    pub service_ms: Distribution,
    pub same_node_ms: Distribution,
    pub cross_node_ms: Distribution,
}

/// Topic messages; counts over the whole run, times over the steady phase.
///
/// `scheduled = published + dropped + rejected + unconfirmed` are messages, the
/// other counts are deliveries: a message once for each of its subscribers.
/// `due = delivered + lost`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the glossary defines the words")]
pub struct MessageSummary {
    pub scheduled: u64,
    pub published: u64,
    pub dropped: u64,
    pub rejected: u64,
    pub unconfirmed: u64,
    pub due: u64,
    pub delivered: u64,
    pub lost: u64,
    pub duplicated: u64,
    pub reordered: u64,
    pub latency_ms: Distribution,
    pub service_ms: Distribution,
}

/// Telemetry records that devices send upstream; counts over the whole run, times over the
/// steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TelemetrySummary {
    /// Telemetry records whose time came.
    pub due: u64,
    /// Of those, sent at least once.
    pub sent: u64,
    /// Times that one was sent again: after a rejection, or on another socket.
    pub resent: u64,
    /// Telemetry records accepted, each counted once.
    pub accepted: u64,
    /// Times that one was rejected.
    pub rejected: u64,
    /// Different telemetry records that consumers wrote down as handled; this and the next
    /// three are `null` where the consumers are not the harness's own.
    pub handled: Option<u64>,
    /// Times that a telemetry record was handled again.
    pub duplicated: Option<u64>,
    /// Telemetry records handled that the queue marked as delivered before.
    pub redelivered: Option<u64>,
    /// Telemetry records accepted that no consumer handled; `null` as well when a worker was
    /// lost, with the knowledge of which were accepted.
    pub lost: Option<u64>,
    /// From when a telemetry record was due to its acceptance.
    pub response_ms: Distribution,
    /// From when it was last sent to its acceptance.
    pub service_ms: Distribution,
}

/// A process of the system; sizes in bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the glossary defines the words")]
pub struct ProcessSummary {
    pub id: String,
    pub sockets_peak: Option<u64>,
    pub sockets_at_end: Option<u64>,
    pub rss_peak: Option<u64>,
    pub heap_peak: Option<u64>,
    pub open_files_peak: Option<u64>,
    pub cpu_s: Option<f64>,
    pub restarts: Option<u32>,
    /// Of the last time that an event asked it to end; `null` when none did, or a
    /// signal ended it.
    pub exit_code: Option<i32>,
}

/// Processes that events asked to end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exits {
    /// Ended with exit code 0.
    pub clean: u64,
    /// Ended otherwise.
    pub unclean: u64,
}

/// A worker of the harness; sizes in bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the glossary defines the words")]
pub struct WorkerSummary {
    pub id: String,
    pub sockets_peak: u64,
    pub rss_peak: Option<u64>,
    pub open_files_peak: Option<u64>,
    pub cpu_s: Option<f64>,
    pub send_lag_ms: Distribution,
}

/// What one more socket costs, in bytes or files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the glossary defines the words")]
pub struct CostPerSocket {
    pub node_rss: Option<SlopeFit>,
    pub node_heap: Option<SlopeFit>,
    pub node_open_files: Option<SlopeFit>,
    pub worker_rss: Option<SlopeFit>,
    pub balancer_rss: Option<SlopeFit>,
    pub balancer_open_files: Option<SlopeFit>,
    pub kernel: Option<SlopeFit>,
}

/// A slope with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlopeFit {
    /// The slope.
    pub value: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
}

/// One thing that was counted at two ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerLine {
    /// What was counted.
    pub what: String,
    /// The clients, or who sent.
    pub left: LedgerSide,
    /// The nodes, or who received.
    pub right: LedgerSide,
    /// The right count less the left one; null where one of them is.
    pub difference: Option<i64>,
    /// How far the two may differ for what is known to be unsure.
    pub unsure: u64,
    /// Whether they agree.
    pub verdict: Agreement,
    /// Why that is not known.
    pub note: Option<String>,
}

/// One end's count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerSide {
    /// Who counted, and what they did: `clients issued`.
    pub who: String,
    /// How many; null where that was not measured.
    pub count: Option<u64>,
}

/// Whether two ends agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Agreement {
    /// But for what is known to be unsure.
    Agrees,
    /// By more than that.
    Differs,
    /// One end's counts are not whole, or others are in them.
    Unknown,
    /// One end counts nothing.
    Unmeasured,
}

/// What became of a gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateOutcome {
    /// Its name.
    pub name: String,
    /// As the person wrote it.
    pub check: String,
    /// `ramp`, `steady`, `drain` or `run`; `null` is what the metric covers.
    pub during: Option<String>,
    /// The metric; `null` when it was not measured.
    pub actual: Option<f64>,
    /// In the metric's unit.
    pub limit: f64,
    /// Whether it holds.
    pub verdict: Verdict,
}
