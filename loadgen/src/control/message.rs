//! What coordinator and worker say to each other.
//!
//! ```text
//! worker                         coordinator
//!   Hello ───────────────────────►            (or Refused)
//!   ◄──────────────────── Assignment
//!   Ping ────────────────────────►            (some times: the clocks' offset)
//!   ◄────────────────────────── Pong
//!   Ready ───────────────────────►
//!   ◄──────────────────────────── Go          (all workers are ready)
//!   Interval ────────────────────►            (each second)
//!   ◄────── Steady, Endpoints, Drain          (what changes)
//!   Unaccepted ──────────────────►            (where devices sent readings)
//!   Done ────────────────────────►
//! ```

use highwater_scenarios::{Plan, Segment};
use serde::{Deserialize, Serialize};

use crate::{access::ClientAccess, endpoints::Endpoints};

/// Version of this protocol; coordinator and workers must agree.
pub const PROTOCOL: u32 = 3;

/// From a worker to its coordinator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "say")]
pub enum FromWorker {
    /// First of all.
    Hello(Hello),
    /// What does your clock say?
    Ping {
        /// Comes back in the answer.
        number: u32,
    },
    /// Everything that can be prepared is.
    Ready,
    /// What was counted since the last one.
    Interval(WorkerInterval),
    /// Readings of some devices that were not accepted; all others that were due were.
    UnacceptedTelemetry(Vec<UnacceptedTelemetry>),
    /// All sockets are closed, all commands have an outcome; nothing follows.
    Done,
}

/// Who asks to take part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Shared secret of this run.
    pub token: String,
    /// Version of the worker's binary.
    pub version: String,
    /// Process id on its own machine.
    pub pid: u32,
    /// Files that the worker may have open.
    pub open_files: u64,
}

/// What a worker counted during one or more whole seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkerInterval {
    /// First second of the run's clock that it covers.
    pub second: u64,
    /// How many seconds; more than one when the worker could not run.
    pub length: u64,
    /// Counter name and growth.
    pub counters: Vec<(String, u64)>,
    /// Gauge name and value at the end.
    pub gauges: Vec<(String, f64)>,
    /// Latency tag and V2-deflate-serialised histogram in base64.
    pub latencies: Vec<(String, String)>,
    /// What came and went, by the tenth of a second; without empty ones.
    pub buckets: Vec<CounterBucket>,
    /// Sockets of the ramp's pools that have opened or failed once, ever.
    pub ramp_resolved: u64,
}

/// What a worker counted in a tenth of a second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterBucket {
    /// Which one of the run's clock: 12 is from 1.2 s to 1.3 s.
    pub number: u64,
    /// Counter name and growth, by the names of
    /// [`conn_event`](highwater_reports::record::names::conn_event).
    pub counters: Vec<(String, u64)>,
}

/// What a device was not told is accepted of its readings in one load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnacceptedTelemetry {
    /// Number of the load in the plan.
    pub load: u32,
    /// The device's number in its pool.
    pub device: u64,
    /// Number in the load of the first of its readings that was never sent: none of
    /// its later ones was either.
    pub first_unsent: u64,
    /// Numbers in the load of readings sent and not accepted.
    pub unacked: Vec<u64>,
}

/// From the coordinator to a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "say")]
pub enum ToWorker {
    /// The worker cannot take part.
    Rejected {
        /// Why, in words.
        reason: String,
    },
    /// What the worker has to do.
    Assignment(Box<Assignment>),
    /// The coordinator's clock.
    Pong {
        /// Of the question.
        number: u32,
        /// Microseconds since an instant that the coordinator chose.
        clock_us: u64,
    },
    /// All are ready.
    Go {
        /// Instant 0 of the run on the coordinator's clock.
        origin_us: u64,
        /// Whole second of the run's clock at which the ramp starts.
        ramp_second: u64,
    },
    /// When the steady phase starts.
    Steady {
        /// Whole second of the run's clock, usually ahead.
        second: u64,
    },
    /// The system's addresses have changed.
    Endpoints(Endpoints),
    /// Finish: no new commands from now, answers awaited, sockets closed in order.
    Drain {
        /// Whole second of the run's clock, usually ahead.
        second: u64,
    },
}

/// A worker's part in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// `w1`, …
    pub id: String,
    /// What the run does.
    pub plan: Plan,
    /// Which part of it is this worker's.
    pub segment: Segment,
    /// The system's addresses.
    pub endpoints: Endpoints,
    /// What it needs to be let in there.
    pub access: ClientAccess,
}
