//! The frames of STOMP, as a server, a relay and a client use them. Pure: no runtime, no
//! clock, no network.
//!
//! ```text
//!  bytes of a stream,              ┌─ unescape ◄─ version
//!  WebSocket messages ─► Decoder ──┴─► Frame | HeartBeat ─► Connect, AckId, AckMode
//!                        (limits)
//!  bytes ◄─ encode ◄─ escape ◄─ Frame ◄─ Connect, Connected, Frame::with
//! ```
//!
//! - [`decoder`]: bytes to frames, within [`limits`]; a frame may span pieces of any size;
//! - [`frame`], [`command`], [`headers`] and [`header`]: a frame, its parts, and the names of
//!   headers;
//! - [`encoder`]: a frame to bytes;
//! - [`version`] and [`heart_beat`]: what both ends negotiate;
//! - [`connect`] and [`acknowledge`]: frames whose headers both ends interpret;
//! - [`error`]: why bytes are not a frame, and a frame has no bytes; [`invalid_header`]: why a
//!   header is invalid.
//!
//! Neither end of the wire is trusted: nothing here panics on input, and every error quotes
//! at most 64 characters of it.

pub mod acknowledge;
pub mod command;
pub mod connect;
pub mod decoder;
pub mod encoder;
pub mod error;
mod escape;
pub mod frame;
pub mod fuzzing;
pub mod header;
pub mod headers;
pub mod heart_beat;
pub mod invalid_header;
pub mod limits;
pub mod version;

pub use self::{
    acknowledge::{AckId, AckMode},
    command::Command,
    connect::{Connect, Connected},
    decoder::{Decoded, Decoder},
    encoder::HEART_BEAT,
    error::{DecodeError, EncodeError},
    frame::Frame,
    headers::Headers,
    heart_beat::{HeartBeat, HeartBeatIntervals},
    invalid_header::InvalidHeader,
    limits::Limits,
    version::Version,
};
