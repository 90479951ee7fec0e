//! Packets of MQTT 3.1.1 in binary frames.
//!
//! A frame of WebSocket carries any part of the stream of packets (MQTT 3.1.1, section 6): one,
//! several, or the end of one and the start of the next. Lengths stand in the packets, which is
//! why bytes with placeholders cannot declare them.
//!
//! - [`packet`]: a received packet, and the split of a frame into packets;
//! - [`outgoing`]: packets to send, with placeholders;
//! - [`test`](mod@test): tests on received packets.

mod outgoing;
mod packet;
mod test;

pub use self::{
    outgoing::MqttTemplate,
    packet::{Packet, PacketKind, next_packet},
    test::MqttTest,
};
