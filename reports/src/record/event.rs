//! What happened at an instant of a run: a line of `events.jsonl`.

use highwater_scenarios::plan::{Join, PhaseWindow};
use serde::{Deserialize, Serialize};

/// One line of `events.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimedEvent {
    /// Seconds on the run's clock.
    pub at: f64,
    /// What happened.
    #[serde(flatten)]
    pub kind: RecordEvent,
}

/// What can happen to a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum RecordEvent {
    /// A phase began; `ramp`, `steady` and `drain`, always at a whole second.
    Phase {
        /// Which one.
        phase: PhaseWindow,
    },
    /// An event of the scenario was carried out.
    Action {
        /// As in the scenario: `kill-node`, `fault`, …
        action: String,
        /// To which process: `n2`, `broker`.
        node: String,
        /// Why it could not be done, if so.
        error: Option<String>,
    },
    /// A process of the system ended by itself.
    ProcessEnded {
        /// `n1`, `broker`, …
        id: String,
        /// Exit status in words.
        status: String,
    },
    /// A process of the system that was asked to end has ended.
    ProcessStopped {
        /// `n1`, …
        id: String,
        /// Exit status in words.
        status: String,
        /// Its exit code; none if a signal ended it.
        code: Option<i32>,
    },
    /// A worker stopped answering or its connection broke.
    WorkerLost {
        /// `w1`, …
        id: String,
        /// What was seen.
        reason: String,
    },
    /// The journals of the consumers, held against what the devices were told.
    Telemetry {
        /// Different readings that were handled.
        handled: u64,
        /// Times that a reading was handled again.
        duplicated: u64,
        /// Readings handled that were marked as delivered before.
        redelivered: u64,
        /// Lines that name no reading of the plan.
        unknown: u64,
        /// Lines that could not be read.
        unreadable: u64,
        /// Readings accepted and not handled; none where it is not known which were
        /// accepted, because a worker was lost.
        lost: Option<u64>,
    },
    /// A balancer was told of a node that comes or goes.
    BalancerReconfigured {
        /// Which one: `b1`, …
        id: String,
        /// In which way.
        how: Join,
        /// The new configuration in full, or the commands.
        text: String,
    },
    /// Something that makes a figure doubtful.
    Problem {
        /// In words, for the report.
        text: String,
    },
    /// The run ended in order; without this line it was truncated.
    End {
        /// How.
        ended: RunEnd,
    },
}

/// An action in words: `kill-node n2`; `kill-broker`, of which there is one.
pub fn action_title(action: &str, node: &str) -> String {
    match action.rsplit_once('-') {
        Some((_, object)) if object == node => action.to_owned(),
        _ => format!("{action} {node}"),
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunEnd {
    /// All phases ran.
    Completed,
    /// Somebody stopped it (Ctrl-C, SIGTERM).
    Interrupted,
    /// The harness or the target could not go on.
    Aborted,
    /// The record just stops.
    Truncated,
}
