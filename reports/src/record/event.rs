//! An event at an instant of a run: a line of `events.jsonl`.

use highwater_scenarios::plan::{Join, PhaseWindow};
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::FailureExample;

/// One line of `events.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimedEvent {
    /// Seconds on the run's clock.
    pub at: f64,
    /// Event.
    #[serde(flatten)]
    pub kind: RecordEvent,
}

/// An event of a run. As text it is its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[strum(serialize_all = "snake_case")]
pub enum RecordEvent {
    /// A phase began: `ramp`, `steady` or `drain`, always at a whole second.
    Phase {
        /// Phase.
        phase: PhaseWindow,
    },
    /// An event of the scenario was carried out.
    Action {
        /// Action as in the scenario: `kill-node`, `fault`, …
        action: String,
        /// Process that the action was done to: `n2`, `broker`.
        node: String,
        /// Cause, if the action failed.
        error: Option<String>,
    },
    /// A process of the system ended by itself.
    ProcessEnded {
        /// Name: `n1`, `broker`, …
        id: String,
        /// Exit status in words.
        status: String,
    },
    /// A process of the system ended after an event had stopped it.
    ProcessStopped {
        /// Name: `n1`, …
        id: String,
        /// Exit status in words.
        status: String,
        /// Exit code; none if a signal ended the process.
        code: Option<i32>,
    },
    /// A worker stopped answering or its connection broke.
    WorkerLost {
        /// Name: `w1`, …
        id: String,
        /// Cause.
        reason: String,
    },
    /// The consumers' journals were compared with the records that devices saw accepted.
    Telemetry(JournalCounts),
    /// The testbed reconfigured a balancer for a node that joins or leaves.
    BalancerReconfigured {
        /// Name of the balancer: `b1`, …
        id: String,
        /// Way of the change.
        how: Join,
        /// New configuration in full, or the commands.
        text: String,
    },
    /// A worker got a failure that it had not got before: an example for its counter.
    Failure {
        /// Name of the counter: `connect.failed.status_401`.
        counter: String,
        /// Name of the worker: `w1`, …
        worker: String,
        /// Answer or error.
        example: FailureExample,
    },
    /// A problem makes a metric doubtful.
    Problem {
        /// Description for the report.
        text: String,
    },
    /// The run ended in order. Without this line the record is truncated.
    End {
        /// The way it ended.
        ended: RunEnd,
    },
}

/// The counts from the consumers' journals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalCounts {
    /// Different telemetry records that were handled.
    pub handled: u64,
    /// Times that a telemetry record was handled again.
    pub duplicated: u64,
    /// Telemetry records handled that the queue marked as delivered before.
    pub redelivered: u64,
    /// Lines that name no telemetry record of the plan.
    pub unknown: u64,
    /// Lines that cannot be read.
    pub unreadable: u64,
    /// Telemetry records accepted and not handled; none when a lost worker took the list of
    /// accepted ones with it.
    pub lost: Option<u64>,
}

/// Returns the title of an action: `kill-node n2`; `kill-broker` without the process, of
/// which there is one.
pub fn action_title(action: &str, node: &str) -> String {
    match action.rsplit_once('-') {
        Some((_, object)) if object == node => action.to_owned(),
        _ => format!("{action} {node}"),
    }
}

/// The way a run ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum RunEnd {
    /// All phases ran to their end.
    Completed,
    /// Ctrl-C or SIGTERM stopped the run.
    Interrupted,
    /// The harness or the target failed.
    Aborted,
    /// The record has no end: the harness was killed.
    Truncated,
    /// The run lasts: the harness still writes its record.
    Running,
}
