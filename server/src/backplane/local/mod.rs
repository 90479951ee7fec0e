//! The client of the embedded broker (`local://HOST:PORT`).
//!
//! One TCP connection carries everything. The client rebuilds it with backoff and full
//! jitter for as long as the node lives. After each rebuild the node introduces itself
//! and its subscriptions again.
//!
//! ```text
//! endpoint ──► send_queue ──► active_connection ──► broker
//!     ▲                              │ ▲
//!     └────── views, inbound ────────┘ └─────────── broker
//! ```
//!
//! The files, in reading order: [`protocol`] (the frames, which the broker uses as well),
//! `send_queue` (frames that wait for the connection), `connection` (connects, and connects
//! again), `active_connection` (reads and writes while connected).

mod active_connection;
mod connection;
pub(crate) mod protocol;
mod send_queue;

pub(super) use self::connection::join;
