//! `summary.json`, schema 2: times in milliseconds, sizes in bytes, `null` where something
//! was not measured.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ledger::ClientCounts;
use super::run_window::RunWindow;

pub use super::{
    backplane::BackplaneSummary,
    balance::{
        AfterEvent, Balance, Detection, Evenness, Herding, NodeLoadSummary, OpenedSockets,
        ReconnectStorm,
    },
    balancers::BalancerSummary,
    brokers::BrokerSummary,
    commands::CommandSummary,
    cost::CostPerSocket,
    cpu_cores::CpuCores,
    distribution::Distribution,
    exchanges::ExchangeSummary,
    exits::Exits,
    failure_kinds::FailureOrigin,
    failures::FailureSummary,
    fit::SlopeFit,
    frames::FrameSummary,
    heartbeats::HeartbeatSummary,
    ledger::{Agreement, LedgerLine, LedgerSide},
    login::LoginSummary,
    messages::MessageSummary,
    node_maxima::{NodeMaxima, NodeMaximum},
    observed::{ObservedMetric, ObservedSummary},
    processes::{CgroupSummary, ProcessSummary},
    sockets::SocketSummary,
    telemetry::TelemetrySummary,
    verdict::{GateOutcome, Verdict},
    workers::WorkerSummary,
};
use crate::record::{RunEnd, SourceRole};

/// Version of the summary's schema.
pub const SUMMARY_SCHEMA: u32 = 2;

/// The summary of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// [`SUMMARY_SCHEMA`].
    pub schema: u32,
    /// Name of the scenario.
    pub scenario: String,
    /// Verdict on all gates together.
    pub verdict: Verdict,
    /// The way the run ended.
    pub ended: RunEnd,
    /// Seed of everything random.
    pub seed: u64,
    /// Instant 0 of the run's clock.
    pub started_at: DateTime<Utc>,
    /// Seconds from there to the end of the record.
    pub duration_s: f64,
    /// Device sockets.
    pub sockets: SocketSummary,
    /// Logins of the devices; `null` when no pool logs in.
    #[serde(default)]
    pub login: Option<LoginSummary>,
    /// Heartbeats of the device sockets.
    pub heartbeats: HeartbeatSummary,
    /// Frames that the scenario declares; `null` when it declares none.
    #[serde(default)]
    pub frames: Option<FrameSummary>,
    /// HTTP commands; `null` when the scenario sends none.
    pub commands: Option<CommandSummary>,
    /// Messages of devices and their answers; `null` when the scenario has no `[[messages]]`.
    // Younger than the first summaries, which are still read.
    #[serde(default)]
    pub exchanges: Option<ExchangeSummary>,
    /// Topic messages; `null` when the scenario publishes none.
    pub messages: Option<MessageSummary>,
    /// Telemetry records that devices send upstream; `null` when the scenario has none.
    pub telemetry: Option<TelemetrySummary>,
    /// Nodes of the system.
    pub nodes: Vec<ProcessSummary>,
    /// Brokers of the backplane and of telemetry.
    pub brokers: Vec<BrokerSummary>,
    /// Consumers of telemetry.
    pub consumers: Vec<ProcessSummary>,
    /// Balancers in front of the nodes.
    pub balancers: Vec<BalancerSummary>,
    /// Metrics of the target that the scenario names, by process and by name.
    #[serde(default)]
    pub observe: ObservedSummary,
    /// Highest values over all nodes.
    #[serde(default)]
    pub node_maxima: NodeMaxima,
    /// Workers of the harness.
    pub workers: Vec<WorkerSummary>,
    /// The nodes' traffic on the backplane; `null` when no node reports it.
    pub backplane: Option<BackplaneSummary>,
    /// CPU cores in use in the steady phase.
    pub cpu_cores: CpuCores,
    /// Processes that an event stopped, by exit code; `null` for a target.
    pub exits: Option<Exits>,
    /// Spread of the sockets over the nodes; `null` without the nodes' own counts.
    pub balance: Option<Balance>,
    /// Cost of one more socket.
    pub cost_per_socket: CostPerSocket,
    /// Counts of both ends side by side, over the whole run.
    #[serde(default)]
    pub ledger: Vec<LedgerLine>,
    /// Reasons why the run failed whatever its gates say, in words: nothing of what was asked
    /// happened.
    #[serde(default)]
    pub target_failures: Vec<String>,
    /// Failures that the clients counted, by kind, the most frequent first.
    #[serde(default)]
    pub failures: Vec<FailureSummary>,
    /// Outcome of each gate.
    pub gates: Vec<GateOutcome>,
    /// Reasons to doubt a metric, in words.
    pub problems: Vec<String>,
}

impl Summary {
    /// Computes the sections over a window. The ledger, the gates, the verdict and the
    /// problems are still open.
    pub(super) fn measure(window: &RunWindow) -> Self {
        let manifest = &window.record.manifest;
        Self {
            schema: SUMMARY_SCHEMA,
            scenario: manifest.plan.name.clone(),
            // Set by `analyse` when the gates are evaluated.
            verdict: Verdict::Passed,
            ended: window.record.ended(),
            seed: manifest.plan.seed,
            started_at: manifest.started_at,
            duration_s: window.record.phases.end,
            sockets: super::sockets::sockets(window),
            login: super::login::login(window),
            heartbeats: super::heartbeats::heartbeats(window),
            frames: super::frames::frames(window),
            commands: super::commands::commands(window),
            exchanges: super::exchanges::exchanges(window),
            messages: super::messages::messages(window),
            telemetry: super::telemetry::telemetry(window),
            nodes: super::processes::process_summaries(window, SourceRole::Node),
            brokers: super::brokers::brokers(window),
            consumers: super::processes::process_summaries(window, SourceRole::Consumer),
            balancers: super::balancers::balancers(window),
            observe: super::observed::observed(window),
            node_maxima: super::node_maxima::node_maxima(window),
            workers: super::workers::workers(window),
            backplane: super::backplane::backplane(window),
            cpu_cores: super::cpu_cores::cpu_cores(window),
            exits: super::exits::exits(window),
            balance: super::balance::balance(window),
            cost_per_socket: super::cost::cost_per_socket(window),
            ledger: Vec::new(),
            target_failures: Vec::new(),
            failures: super::failures::failures(window),
            gates: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The clients' counts that the ledger compares with those of the nodes.
    pub(super) fn client_counts(&self) -> ClientCounts<'_> {
        ClientCounts {
            heartbeats: &self.heartbeats,
            commands: self.commands.as_ref(),
            messages: self.messages.as_ref(),
            telemetry: self.telemetry.as_ref(),
        }
    }
}
