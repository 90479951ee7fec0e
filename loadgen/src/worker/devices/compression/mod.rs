//! Compressed messages of a device's socket: the extension `permessage-deflate` (RFC 7692).
//!
//! ```text
//! TCP or TLS ──► stream.rs ──► inflater.rs ──────────────► tungstenite
//!                              compressed messages become
//!                              plain fragments, all other
//!                              frames pass unchanged
//! ```
//!
//! tungstenite knows no extensions, so messages are inflated below it. A device sends its own
//! frames uncompressed, which RFC 7692, section 6, allows.
//!
//! - [`negotiation`]: the offer of a device, and the check of the server's answer;
//! - [`inflater`]: the conversion of frames, without any I/O;
//! - [`stream`]: the connection of a socket whose server compresses.

pub(crate) mod inflater;
pub(crate) mod negotiation;
pub mod stream;
#[cfg(test)]
mod tests;
