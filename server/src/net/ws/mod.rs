//! WebSocket frames without a buffer per connection.
//!
//! In reading order: [`handshake`] (the upgrade), [`decode`] (bytes to events),
//! [`encode`] (messages to bytes, once for all receivers), [`close`] (the one table
//! of close codes). Headers and codes are tungstenite's; what is ours is that an
//! idle connection holds no buffer and that a pong is only sent when the node
//! decides so.

pub(crate) mod close;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod handshake;
