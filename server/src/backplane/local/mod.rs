//! The client of the embedded broker (`local://HOST:PORT`).
//!
//! One TCP connection carries everything. The client rebuilds it with backoff and full
//! jitter for as long as the node lives. After each rebuild the node introduces itself
//! and its subscriptions again.
//!
//! ```text
//! endpoint ──► queue of frames ──► active_connection ──► broker
//!     ▲                                   │ ▲
//!     └──────── views, inbound ───────────┘ └─────────── broker
//! ```
//!
//! The files, in reading order: [`protocol`] (the frames, which the broker uses as well),
//! [`frames`] (their decoder), [`handshake`] (both ends prove that they know the cluster
//! secret), `connection` (connects and joins), `active_connection` (reads and writes while
//! joined).

mod active_connection;
mod connection;
pub(crate) mod frames;
pub(crate) mod handshake;
pub(crate) mod protocol;

pub(super) use self::connection::join;
