//! Idle heartbeat sockets, thousands to a worker.
//!
//! - [`batch`]: a goose user's many sockets, each opened when it is due;
//! - [`device`]: one socket's life: open, lose, pause, open again;
//! - [`connect`]: an attempt to open, and how it can fail;
//! - [`source`]: local addresses, so that ports do not run out;
//! - [`session`]: an open socket until it ends;
//! - [`heartbeat`]: when a ping is due, and what became of it;
//! - [`upstream`]: the readings that a device sends;
//! - [`backoff`]: pauses between attempts.

pub mod backoff;
pub mod batch;
pub mod connect;
pub mod device;
pub mod heartbeat;
pub mod session;
pub mod source_address;
pub mod telemetry;

pub use device::ScheduledDevice;
