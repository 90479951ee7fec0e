//! Idle heartbeat sockets, thousands to a worker.
//!
//! - [`batch`]: a goose user's many sockets, each opened when it is due;
//! - [`device`]: one socket's life: open, lose, pause, open again;
//! - [`connect`]: an attempt to open, and how it can fail;
//! - [`source`]: local addresses, so that ports do not run out;
//! - [`session`]: an open socket until it ends;
//! - [`heartbeat`]: when a ping is due, and what became of it;
//! - [`upstream`]: the readings that a device sends;
//! - [`dialect`]: what a device answers;
//! - [`backoff`]: pauses between attempts;
//! - [`connected`]: who can be sent a command.

pub mod backoff;
pub mod batch;
pub mod connect;
pub mod connected_devices;
pub mod device;
pub mod dialect;
pub mod heartbeat;
pub mod session;
pub mod source_address;
pub mod telemetry;

pub use connected_devices::ConnectedDevices;
pub use device::ScheduledDevice;
