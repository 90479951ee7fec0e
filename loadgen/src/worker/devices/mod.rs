//! Idle heartbeat sockets, thousands to a worker.
//!
//! ```text
//! batch.rs        one goose user: 1,000 devices, each opened when it is due
//!    │ schedule.rs: due times
//!    ▼
//! device.rs       one device: connect, run its socket, pause, connect again
//!    ├─ attempt.rs ──► connect.rs ──► upgrade.rs     address, TCP, TLS, WebSocket handshake
//!    │      │                        └─► compression/   inflated messages
//!    │      └────────► devices/opening.rs                the steps that the pool declares
//!    ├─ backoff.rs                                   pauses between attempts
//!    ▼
//! session.rs      one open socket until it ends
//!    ├─ worker/heartbeat.rs                          heartbeats, and what became of them
//!    ├─ frames/socket_frames.rs                      the frames that the pool declares
//!    ├─ session_exchanges.rs ──► exchanges/          messages that users hand over
//!    └─ traffic.rs ──► telemetry.rs, messages/       its telemetry and messages
//! ```
//!
//! All devices of a batch are futures of one task, and a device's future is the memory of
//! an idle socket. Whatever is needed for an instant only is boxed where it is needed; a
//! test in [`device`] bounds the size.
//!
//! - [`batch`]: a goose user that holds many sockets;
//! - [`schedule`]: which device opens when;
//! - [`device`]: one device from its due time to the end of the run;
//! - [`attempt`]: one attempt to open a socket, counted and timed;
//! - [`connect`]: the connection that a [`connect_request`] asks for, with
//!   [`connect_failure`] for the ways to fail and [`connect_error`] for one failed attempt;
//! - [`upgrade`]: the WebSocket handshake, and the types of an open socket;
//! - [`compression`]: messages that the server compresses;
//! - [`source_address`]: local addresses, so that ports do not run out;
//! - [`opening`]: the steps of a pool between the handshake and an open socket;
//! - [`open_socket`]: an open socket, with the state of its pool's frames;
//! - [`session`]: an open socket until it ends, with [`disconnect`] for the ways to lose it;
//!   `session_exchanges`: the messages that other users hand over to it;
//! - [`socket_io`]: single frames, sent and closed with;
//! - [`traffic`]: topics and telemetry of one device;
//! - [`telemetry`]: the telemetry that a device sends;
//! - [`backoff`]: pauses between attempts.

pub mod attempt;
pub mod backoff;
pub mod batch;
pub mod compression;
mod conn_state;
pub mod connect;
pub mod connect_error;
pub mod connect_failure;
pub mod connect_request;
pub mod device;
pub mod disconnect;
pub mod open_socket;
pub mod opening;
pub mod schedule;
pub mod session;
mod session_exchanges;
pub mod socket_io;
pub mod source_address;
pub mod telemetry;
pub mod traffic;
pub mod upgrade;
