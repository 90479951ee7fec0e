//! The messages between coordinator and worker.
//!
//! ```text
//! worker                         coordinator
//!   Hello ───────────────────────►            (or Rejected)
//!   ◄──────────────────── Assignment
//!   ◄──────────────────── DeviceRows          (if pools have data, until the share is whole)
//!   Ping ────────────────────────►            (eight times, for the clocks' offset)
//!   ◄────────────────────────── Pong
//!   Ready ───────────────────────►
//!   ◄──────────────────────────── Go          (all workers are ready)
//!   Interval ────────────────────►            (each second)
//!   ◄────── Steady, Endpoints, Drain          (when they change)
//!   UnacceptedTelemetry ─────────►            (if devices sent telemetry)
//!   Done ────────────────────────►
//! ```

use highwater_reports::record::FailureExample;
use highwater_scenarios::{DataTable, Plan, Segment};
use serde::{Deserialize, Serialize};

use super::left_out::LeftOut;
use crate::{access::ClientAccess, endpoints::Endpoints};

/// Version of this protocol; coordinator and workers must agree.
pub const PROTOCOL: u32 = 6;

/// A message from a worker to its coordinator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "say")]
pub enum FromWorker {
    /// The first message.
    Hello(Hello),
    /// A request for the coordinator's clock.
    Ping {
        /// A number that the answer carries back.
        number: u32,
    },
    /// The worker is prepared and waits for the go.
    Ready,
    /// The counts since the last interval.
    Interval(WorkerInterval),
    /// Telemetry of some devices that was not accepted. All other telemetry that was due
    /// was accepted.
    UnacceptedTelemetry(Vec<UnacceptedTelemetry>),
    /// The last message: all sockets are closed, and every command has its result.
    Done,
}

/// A worker's request to take part in the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The worker's [`PROTOCOL`].
    pub protocol: u32,
    /// The shared secret of the run.
    pub token: String,
    /// Version of the worker's binary.
    pub version: String,
    /// Process id on the worker's machine.
    pub pid: u32,
    /// Most files that the worker may have open.
    pub open_files: u64,
}

/// The counts of a worker during one or more whole seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkerInterval {
    /// First second that it covers, on the run's clock.
    pub second: u64,
    /// Number of seconds; more than one if the worker could not run.
    pub length: u64,
    /// Name and growth of each counter.
    pub counters: Vec<(String, u64)>,
    /// Name and value at the end of each gauge.
    pub gauges: Vec<(String, f64)>,
    /// Tag and histogram of each latency: V2 deflate form, in base64.
    // JSON has no form for bytes except arrays of numbers, which are longer.
    pub latencies: Vec<(String, String)>,
    /// Connection events in buckets of 100 ms, without empty ones.
    pub buckets: Vec<CounterBucket>,
    /// Sockets of the ramp's pools that have opened or failed since the start of the run.
    pub ramp_resolved: u64,
    /// Examples of failures that the worker had not seen before.
    #[serde(default)]
    pub failures: Vec<FailureReport>,
    /// The parts that the coordinator left out, because they exceed its limits. Not sent.
    #[serde(skip)]
    pub left_out: LeftOut,
}

/// An example of the failures that a counter counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureReport {
    /// Name of the counter: `connect.failed.status_401`.
    pub counter: String,
    /// The answer or the error.
    pub example: FailureExample,
}

/// The connection events of a worker in one bucket of 100 ms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterBucket {
    /// Number of the bucket on the run's clock: 12 is from 1.2 s to 1.3 s.
    pub number: u64,
    /// Name and growth of each counter, named as in
    /// [`conn_event`](highwater_reports::record::names::conn_event).
    pub counters: Vec<(String, u64)>,
}

/// The telemetry of one device in one load that the system did not confirm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnacceptedTelemetry {
    /// Number of the load in the plan.
    pub load: u32,
    /// The device's number in its pool.
    pub device: u64,
    /// Number in the load of the first record that was never sent. No later record of the
    /// device was sent either.
    pub first_unsent: u64,
    /// Numbers in the load of records that were sent and not accepted.
    pub unacked: Vec<u64>,
}

/// A message from the coordinator to a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "say")]
pub enum ToWorker {
    /// The worker cannot take part.
    Rejected {
        /// The reason, as text.
        reason: String,
    },
    /// The worker's share of the run.
    // Boxed, because a plan is much larger than all other messages.
    Assignment(Box<Assignment>),
    /// Rows of a pool's data file, in the order of the worker's devices.
    DeviceRows {
        /// Number of the pool in the plan.
        pool: u32,
        /// The next rows.
        rows: DataTable,
    },
    /// The answer to a ping.
    Pong {
        /// The number of the ping.
        number: u32,
        /// Microseconds since an instant that the coordinator chose.
        clock_us: u64,
    },
    /// The start of the run: all workers are ready.
    Go {
        /// Instant 0 of the run on the coordinator's clock.
        origin_us: u64,
        /// Second of the run's clock at which the ramp starts.
        ramp_second: u64,
    },
    /// The announcement of the steady phase.
    Steady {
        /// Second of the run's clock at which it starts, usually ahead.
        second: u64,
    },
    /// The system's new addresses.
    Endpoints(Endpoints),
    /// The announcement of the drain: no new work begins, results are awaited, and then
    /// sockets close in order.
    Drain {
        /// Second of the run's clock at which it starts, usually ahead.
        second: u64,
    },
}

/// A worker's part of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// The worker's id: `w1`, …
    pub id: String,
    /// The plan of the run.
    pub plan: Plan,
    /// The worker's share of the plan.
    pub segment: Segment,
    /// The system's addresses.
    pub endpoints: Endpoints,
    /// Certificates, header fields and tokens of clients.
    pub access: ClientAccess,
}
