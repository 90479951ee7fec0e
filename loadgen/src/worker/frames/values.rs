//! The values of one socket at one moment.

use std::fmt::Write;

use highwater_scenarios::frames::{CompiledFrame, ValueRef, Values};
use tokio_tungstenite::tungstenite::Message;

use super::pool_protocol::PoolProtocol;
use crate::worker::values::DeviceValues;

/// The device behind a socket, and the protocol that it speaks.
#[derive(Debug, Clone, Copy)]
pub struct SocketIdentity<'a> {
    /// The values of the device.
    pub device: DeviceValues<'a>,
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
    /// The values taken from frames, whose numbers come after those of the login.
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
        let SocketIdentity { device, .. } = self.identity;
        let login_values = device.values.login_value_count();
        // Writing to a String cannot fail.
        let _ = match value {
            ValueRef::Ref => write!(out, "{}", self.key.reference),
            ValueRef::Nonce => write!(out, "{:016x}", self.key.nonce),
            ValueRef::Taken(number) if number >= login_values => {
                let taken = self.taken.get(number - login_values);
                out.write_str(taken.and_then(Option::as_deref).unwrap_or_default())
            }
            _ => {
                device.append(value, out);
                Ok(())
            }
        };
    }
}
