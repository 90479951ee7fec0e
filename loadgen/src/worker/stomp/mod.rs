//! The state of a device's session of STOMP, without I/O: bytes go in, frames come out.
//!
//! ```text
//! devices::stomp_opening ─ CONNECT ─► system ─ CONNECTED ─► StompSession (one per socket, boxed)
//! devices::session::stomp ─ bytes of a WebSocket message ─► receive ─► frames, ACKs to send
//!                         └ timer ──────────────────────► HeartBeats ─► send, missed
//! dialect::stomp ─ SUBSCRIBE, SEND ─► names ◄─ RECEIPT, MESSAGE
//! ```
//!
//! - [`session`]: the version and the decoder of a session;
//! - [`heart_beats`]: when a heart-beat is due at either end, and its result;
//! - [`names`]: the ids of subscriptions and receipts.

pub mod heart_beats;
pub mod names;
pub mod session;

pub use self::{
    heart_beats::{HeartBeatCheck, HeartBeats},
    session::StompSession,
};
