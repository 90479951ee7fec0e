//! Idle heartbeat sockets, thousands to a worker.
//!
//! ```text
//! batch.rs        one goose user: 1,000 devices, each opened when it is due
//!    │ schedule.rs: due times, ramp_queue.rs: the devices that are not open yet
//!    ▼
//! device.rs       one device: connect, run its socket, pause, connect again
//!    ├─ attempt.rs ──► device_login.rs               a request before the first socket
//!    │      ├────────► connect.rs ──► upgrade.rs     address, TCP, TLS, WebSocket handshake
//!    │      │                        ├─► compression/   inflated messages
//!    │      │                        └─► message_socket.rs   messages of an open connection
//!    │      ├────────► devices/opening.rs            the steps that the pool declares
//!    │      └────────► stomp_opening.rs              a session of STOMP
//!    ├─ backoff.rs, worker/retry_budget.rs           pauses between attempts
//!    ▼
//! session.rs      one open socket until it ends
//!    ├─ worker/heartbeat.rs                          heartbeats and their results
//!    ├─ frames/socket_frames.rs                      the frames that the pool declares
//!    ├─ session/stomp.rs ──► worker/stomp/           frames of STOMP
//!    ├─ session_exchanges.rs ──► exchanges/          messages that users hand over
//!    └─ traffic.rs ──► telemetry.rs, messages/       its telemetry and messages
//! ```
//!
//! All devices of a batch are futures of one task, and a device's future is the memory of
//! an idle socket. A value that is needed for an instant only is boxed there, so that the future
//! stays small. A test in [`device`] bounds its size.
//!
//! - [`batch`]: a goose user that holds many sockets;
//! - [`schedule`]: which device opens when, with [`ramp_queue`]: the devices that are not open
//!   yet;
//! - [`device`]: one device from its due time to the end of the run, with `conn_state`: the
//!   state of its connection that is counted;
//! - [`attempt`]: one attempt to open a socket, counted and timed;
//! - `device_login`: the login before it, counted and timed;
//! - [`connect`]: the connection that a [`connect_request`] asks for, with
//!   [`connect_failure`] for the ways to fail and [`connect_error`] for one failed attempt;
//! - [`upgrade`]: the WebSocket handshake, and the types of an open socket;
//! - [`message_socket`]: messages over an open connection, with [`whole_frame`] for frames that
//!   need no state;
//! - [`compression`]: messages that the server compresses;
//! - [`opening`]: the steps of a pool between the handshake and an open socket;
//! - [`stomp_opening`]: the session of STOMP between the same;
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
mod device_login;
pub mod disconnect;
pub mod message_socket;
pub mod open_socket;
pub mod opening;
pub mod ramp_queue;
pub mod schedule;
pub mod session;
mod session_exchanges;
pub mod socket_io;
pub mod stomp_opening;
pub mod telemetry;
pub mod traffic;
pub mod upgrade;
mod whole_frame;
