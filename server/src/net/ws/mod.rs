//! WebSocket frames without a buffer per connection.
//!
//! ```text
//! request ─► handshake ─► bytes ─► decode ─► events     messages ─► encode ─► bytes
//! ```
//!
//! In reading order: [`handshake`] (the upgrade), [`decode`] (bytes to events), [`encode`]
//! (messages to bytes, once for all receivers), [`close`] (the table of close codes).
//!
//! Headers and codes are tungstenite's. The decoder is written here, so that an idle connection
//! holds no buffer and the node decides whether a pong is sent.

pub(crate) mod close;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod handshake;
