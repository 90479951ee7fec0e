//! Frames as a scenario declares them: what sockets send, and what they make of the frames
//! that they receive.
//!
//! ```text
//! plan::PoolFrames, access ──► PoolProtocol (one per pool, in the context)
//!                                   │
//! devices::opening ─────────────────┤ steps of `open`
//! devices::session ──► SocketFrames ┤ one per socket, boxed
//!        ▲                  │       │
//!        │ answers          └──► SocketValues ──► templates and matchers
//!        └───────────────── on_frame: heartbeat? answer? message?
//! ```
//!
//! Everything here is without I/O: a frame goes in, frames to send come out.
//! Pools without frames have no [`PoolProtocol`], and their sockets no [`SocketFrames`].
//!
//! - [`pool_protocol`]: the frames of a pool, compiled, and the values that its sockets share;
//! - [`values`]: the values of one socket at one moment;
//! - [`socket_frames`]: the state of one socket, and what becomes of a frame;
//! - [`answer_budget`]: the limit of answers per second.

pub mod answer_budget;
pub mod pool_protocol;
pub mod socket_frames;
pub mod values;

pub use self::{
    pool_protocol::{PoolProtocol, ProtocolError},
    socket_frames::SocketFrames,
    values::{FrameKey, SocketIdentity, SocketValues},
};
