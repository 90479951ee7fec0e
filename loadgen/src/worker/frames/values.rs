//! The values of one socket at one moment.

use std::fmt::Write;

use chrono::Utc;
use highwater_scenarios::{
    frames::{CompiledFrame, ValueRef, Values},
    plan::DevicePool,
};
use tokio_tungstenite::tungstenite::Message;

use super::pool_protocol::PoolProtocol;
use crate::keys::DeviceKey;

/// The device behind a socket, and the protocol that it speaks.
#[derive(Debug, Clone, Copy)]
pub struct SocketIdentity<'a> {
    /// The pool of the device.
    pub pool: &'a DevicePool,
    /// The device.
    pub device: DeviceKey,
    /// The worker's number, from 0.
    pub worker: u32,
    /// The pool's protocol.
    pub protocol: &'a PoolProtocol,
}

/// The number and the nonce of a frame that a socket sends: `{ref}` and `{nonce}` in it and in
/// its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameKey {
    /// Number among the socket's frames with `{ref}`, from 1.
    pub reference: u64,
    /// A random number, written as 16 hexadecimal digits.
    pub nonce: u64,
}

/// The values of one socket for one frame.
#[derive(Debug, Clone, Copy)]
pub struct SocketValues<'a> {
    /// The device and its pool's protocol.
    pub identity: SocketIdentity<'a>,
    /// The values taken from frames, in the order of their numbers.
    pub taken: &'a [Option<Box<str>>],
    /// The key of the frame, or of the frame that is answered.
    pub key: FrameKey,
}

impl SocketValues<'_> {
    /// Returns the frame with its values, ready to be sent.
    pub fn message(&self, frame: &CompiledFrame) -> Message {
        match frame.text(self) {
            Some(text) => Message::text(text),
            None => Message::binary(frame.bytes(self)),
        }
    }
}

impl Values for SocketValues<'_> {
    fn append(&self, value: ValueRef, out: &mut String) {
        let SocketIdentity {
            pool,
            device,
            worker,
            protocol,
        } = self.identity;
        // Writing to a String cannot fail.
        let _ = match value {
            ValueRef::Device => write!(out, "{}-{}", pool.name, device.index),
            ValueRef::Number => write!(out, "{}", device.index),
            ValueRef::Ref => write!(out, "{}", self.key.reference),
            ValueRef::Nonce => write!(out, "{:016x}", self.key.nonce),
            ValueRef::NowMs => write!(out, "{}", Utc::now().timestamp_millis()),
            ValueRef::Worker => write!(out, "{worker}"),
            ValueRef::Taken(number) => {
                let taken = self.taken.get(number).and_then(Option::as_deref);
                out.write_str(taken.unwrap_or_default())
            }
            ValueRef::Environment(number) => out.write_str(protocol.environment(number)),
            // No key of a pool names a data file.
            ValueRef::Column(_) => Ok(()),
        };
    }
}
