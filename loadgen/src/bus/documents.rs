//! The values of a run's bucket and the messages of its stream.

use std::time::Duration;

use highwater_scenarios::Plan;
use serde::{Deserialize, Serialize};

use super::capacity::WorkerCapacity;
use crate::{access::CertVerification, control::FromWorker, endpoints::Endpoints};

/// Version of what is on the bus; coordinator and workers must agree.
pub const BUS_PROTOCOL: u32 = 1;

/// Time between two signs of life of a coordinator or a worker.
pub(crate) const BEAT_INTERVAL: Duration = Duration::from_secs(1);
/// Time without a sign of life after which a process counts as silent.
pub(crate) const SILENT_AFTER: Duration = Duration::from_secs(5);

/// The key of the [`RunDocument`].
pub(crate) const RUN_KEY: &str = "run";
/// The key of the [`Control`] document.
pub(crate) const CONTROL_KEY: &str = "control";

/// Returns the key of the [`SegmentClaim`] of a segment.
pub(crate) fn segment_key(index: u32) -> String {
    format!("segment.{index}")
}

/// Returns the key of the [`WorkerStatus`] of a segment's worker.
pub(crate) fn worker_key(index: u32) -> String {
    format!("worker.{index}")
}

/// The facts about a run that do not change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunDocument {
    /// The coordinator's [`BUS_PROTOCOL`].
    pub protocol: u32,
    /// Version of the coordinator's binary.
    pub version: String,
    /// Number of workers, each with one segment.
    pub workers: u32,
    /// The fate of a lost worker's share.
    pub on_worker_loss: OnWorkerLoss,
    /// Seconds without a sign of life of a coordinator after which workers end in order.
    pub resume_within_s: u64,
    /// The scenario's folder as the coordinator named it. Relative paths of the plan begin
    /// there.
    pub folder: String,
    /// The directory of the record, on the coordinator's machine.
    pub record: String,
    /// The plan. It names variables and data files, and holds the value of neither.
    pub plan: Plan,
}

/// The fate of a lost worker's share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnWorkerLoss {
    /// The run goes on without it. Only a process with the same index takes the share again.
    #[default]
    Continue,
    /// The run goes on, and any process that joins takes the share.
    Replace,
    /// The run ends.
    Stop,
}

/// The state of the run, which its coordinator alone writes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// A random name of the coordinator's process.
    pub coordinator: String,
    /// A number that grows while the coordinator lives.
    pub beat: u64,
    /// The system's addresses.
    pub endpoints: Endpoints,
    /// The certificates of a cluster that the coordinator started; `None` for a target, whose
    /// certificates each worker reads itself.
    pub tls_verify: Option<CertVerification>,
    /// The start of the run, once all workers are ready.
    pub go: Option<Go>,
    /// Second of the run's clock at which the steady phase starts.
    pub steady: Option<u64>,
    /// Second of the run's clock at which the drain starts.
    pub drain: Option<u64>,
    /// The reason why the run ends at once.
    pub stop: Option<String>,
}

/// The start of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Go {
    /// Instant 0 of the run, in microseconds since 1970: a coordinator that takes the run over
    /// goes on from there.
    pub origin_unix_us: u64,
    /// Second of the run's clock at which the ramp starts.
    pub ramp_second: u64,
}

/// The claim of a process on a segment. Only a compare-and-set changes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentClaim {
    /// Number of the claim, from 1. It grows with each process that takes the segment.
    pub epoch: u64,
    /// Host name of the process's machine.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// A random number, by which a process knows its own claim again.
    pub nonce: u64,
}

/// A sign of life of a segment's worker, renewed each second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkerStatus {
    /// The epoch of its claim.
    pub epoch: u64,
    /// A number that grows while the worker lives.
    pub beat: u64,
    /// The progress of the worker.
    pub state: WorkerState,
    /// The limits of its machine.
    pub capacity: WorkerCapacity,
}

/// The progress of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkerState {
    /// Clients and users are being prepared.
    Preparing,
    /// The worker waits for the go.
    Ready,
    /// The worker puts on its share of the load.
    Running,
    /// The worker's part is done, and its last message is in the stream. No other process takes
    /// the share.
    Done,
    /// The worker has ended before its part was done, for this reason.
    Left(String),
}

/// A message of a worker in the stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// The epoch of the worker's claim.
    pub epoch: u64,
    /// The message.
    pub message: FromWorker,
}

impl Envelope {
    /// Returns the id by which the server knows a message that is sent again: the segment, the
    /// epoch and the second of an interval, or the `number` of any other message.
    pub(crate) fn message_id(&self, index: u32, number: u64) -> String {
        let epoch = self.epoch;
        match &self.message {
            FromWorker::Interval(interval) => format!("{index}.{epoch}.s{}", interval.second),
            _ => format!("{index}.{epoch}.m{number}"),
        }
    }
}
