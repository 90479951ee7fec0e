//! A received packet, and the split of a frame into packets.

/// Most bytes of a length (MQTT 3.1.1, section 2.2.3).
const MAX_LENGTH_BYTES: usize = 4;

/// The highest bit of a byte of a length says that another byte follows.
const MORE: u8 = 0x80;

/// Bits of the first byte of a message: how often it is delivered (section 3.3.1.2).
const QOS_MASK: u8 = 0b0110;

/// The kinds of packets that a client receives or sends, with their numbers (section 2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum PacketKind {
    /// The request of a client to connect.
    Connect = 1,
    /// The answer to it.
    Connack = 2,
    /// A message.
    Publish = 3,
    /// The answer to a message.
    Puback = 4,
    /// The request for a subscription.
    Subscribe = 8,
    /// The answer to it.
    Suback = 9,
    /// The heartbeat of a client.
    Pingreq = 12,
    /// The answer to it.
    Pingresp = 13,
    /// The end of a session.
    Disconnect = 14,
}

/// A packet of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'p> {
    /// The first byte: kind and flags.
    first: u8,
    /// The bytes behind the length.
    body: &'p [u8],
}

/// Splits the first packet off `bytes`. Returns it with the rest, or `None` where `bytes` hold
/// no whole packet.
pub fn next_packet(bytes: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = split_length(rest)?;
    let (body, rest) = rest.split_at_checked(length)?;
    Some((
        Packet {
            first: *first,
            body,
        },
        rest,
    ))
}

impl<'p> Packet<'p> {
    /// Whether the packet is of this kind.
    pub fn is(&self, kind: PacketKind) -> bool {
        self.first >> 4 == kind as u8
    }

    /// Returns the bytes behind the length.
    pub fn body(&self) -> &'p [u8] {
        self.body
    }

    /// Returns topic and payload of a message.
    pub fn message(&self) -> Option<(&'p str, &'p [u8])> {
        let (topic, rest) = split_text(self.body)?;
        // A message that wants an answer has a number (section 3.3.2.2).
        let payload = match self.first & QOS_MASK {
            0 => rest,
            _ => rest.get(2..)?,
        };
        self.is(PacketKind::Publish).then_some((topic, payload))
    }
}

/// Splits a length off (section 2.2.3): seven bits in each byte, the lowest first.
fn split_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut length = 0;
    for (place, byte) in bytes.iter().take(MAX_LENGTH_BYTES).enumerate() {
        length |= usize::from(byte & !MORE) << (7 * place);
        if byte & MORE == 0 {
            return Some((length, &bytes[place + 1..]));
        }
    }
    None
}

/// Splits a text with its length off (section 1.5.3).
fn split_text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let (text, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_packets_of_a_frame_are_split() {
        let frame = [0xd0, 0, 0x20, 2, 0, 0, 0x30];
        let (first, rest) = next_packet(&frame).unwrap();
        assert!(first.is(PacketKind::Pingresp) && first.body().is_empty());
        let (second, rest) = next_packet(rest).unwrap();
        assert!(second.is(PacketKind::Connack));
        assert_eq!((second.body(), rest), (&[0, 0][..], &[0x30][..]));
        // The start of a packet whose end comes with the next frame.
        assert_eq!(next_packet(rest), None);
    }

    #[test]
    fn length_has_up_to_four_bytes() {
        for (bytes, length) in [
            (&[0x7f][..], Some(127)),
            (&[0x80, 0x01], Some(128)),
            (&[0xff, 0xff, 0xff, 0x7f], Some(268_435_455)),
            (&[0xff, 0xff, 0xff, 0xff, 0x01], None),
            (&[0x80], None),
        ] {
            let split = split_length(bytes).map(|(length, _)| length);
            assert_eq!(split, length, "{bytes:?}");
        }
    }

    #[test]
    fn message_has_topic_and_payload_with_and_without_a_number() {
        let plain = [0x30, 5, 0, 1, b'a', b'h', b'i'];
        let (packet, _) = next_packet(&plain).unwrap();
        assert_eq!(packet.message(), Some(("a", &b"hi"[..])));
        let numbered = [0x32, 7, 0, 1, b'a', 0, 9, b'h', b'i'];
        let (packet, _) = next_packet(&numbered).unwrap();
        assert_eq!(packet.message(), Some(("a", &b"hi"[..])));
        for broken in [
            &[0x30, 2, 0, 9][..],
            &[0x32, 3, 0, 1, b'a'],
            &[0x30, 3, 0, 1, 0xff],
        ] {
            let (packet, _) = next_packet(broken).unwrap();
            assert_eq!(packet.message(), None, "{broken:?}");
        }
    }
}
