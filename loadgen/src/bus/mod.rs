//! The bus between coordinator and workers on many machines: NATS with JetStream.
//!
//! ```text
//!              key-value bucket highwater-load-RUN
//! coordinator ──► run, control (plan; go, steady, drain, stop) ──► worker
//!             ◄── segment.N, worker.N (claims, signs of life)  ◄──
//!
//!              stream highwater-load-RUN
//! coordinator ◄── intervals, last counts, done ◄────────────────── worker
//! ```
//!
//! The user's scheduler starts the processes. NATS authenticates, encrypts and reconnects.
//! Everything that decides about the load is in the plan, so a bus that is away for minutes
//! delays no action: intervals wait in the worker.
//!
//! Values of environment variables and rows of data files never pass through the bus. Each
//! worker has its own.
//!
//! - [`connection`]: the address, the credentials and the connection;
//! - [`run_id`]: the name of a run, and what is named after it;
//! - [`documents`]: the values of the bucket and the messages of the stream;
//! - [`codec`]: their bytes; [`store`]: the bucket;
//! - [`capacity`]: what a worker's machine offers, and what a share needs;
//! - [`clock`]: questions and answers about the coordinator's clock;
//! - [`error`]: the errors of all of these.

pub mod capacity;
pub mod clock;
pub mod codec;
pub mod connection;
pub mod documents;
pub mod error;
pub mod run_id;
pub mod store;

pub use capacity::WorkerCapacity;
pub use connection::{Bus, BusOptions};
pub use documents::{
    Control, Envelope, Go, OnWorkerLoss, RunDocument, SegmentClaim, WorkerState, WorkerStatus,
};
pub use error::BusError;
pub use run_id::RunId;
pub use store::{RunStore, Stored};
