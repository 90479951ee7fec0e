//! The first frame of a connection, which identifies the peer.

use bytes::Bytes;

use crate::{
    backplane::{
        Identity, decode_frame, is_valid_version,
        local::protocol::{PROTOCOL_VERSION, ToBroker},
    },
    id::ConsumerGroup,
};

/// A peer that connects to the broker.
pub(super) enum Handshake {
    /// A member of the cluster, and the version of the last view that it has seen.
    Member(Identity, u64),
    /// A node that sends telemetry. It names the consumer groups that it knows.
    Producer(Vec<ConsumerGroup>),
    /// A consumer of telemetry.
    Consumer { group: ConsumerGroup, name: String },
}

impl Handshake {
    /// Parses the first frame. The error is the reason that the peer gets.
    pub(super) fn parse(frame: &Bytes) -> Result<Self, String> {
        let Some((hello, _)) = decode_frame(frame) else {
            return Err(NOT_A_HELLO.to_owned());
        };
        match hello {
            // First, because the other fields may have another meaning in another version.
            ToBroker::Hello { protocol, .. }
            | ToBroker::Produce { protocol, .. }
            | ToBroker::Consume { protocol, .. }
                if protocol != PROTOCOL_VERSION =>
            {
                Err(format!(
                    "invalid protocol version {protocol}: expected {PROTOCOL_VERSION}"
                ))
            }
            // The broker continues from this version, so it must leave room.
            ToBroker::Hello { last_version, .. } if !is_valid_version(last_version) => Err(
                format!("invalid view version {last_version}: it is out of range"),
            ),
            ToBroker::Hello {
                identity,
                last_version,
                ..
            } => Ok(Self::Member(identity, last_version)),
            ToBroker::Produce { groups, .. } => Ok(Self::Producer(groups)),
            ToBroker::Consume { group, name, .. } => Ok(Self::Consumer { group, name }),
            _ => Err(NOT_A_HELLO.to_owned()),
        }
    }
}

const NOT_A_HELLO: &str = "invalid first frame: expected a hello";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backplane::{MemberRole, encode_frame};

    fn hello(protocol: u16, last_version: u64) -> ToBroker {
        ToBroker::Hello {
            protocol,
            identity: Identity {
                id: "n".parse().unwrap(),
                incarnation: 1,
                address: None,
                role: MemberRole::Node,
            },
            last_version,
        }
    }

    #[test]
    fn invalid_first_frame_is_rejected_with_the_reason() {
        let parse = |hello: &ToBroker| Handshake::parse(&encode_frame(hello, &[]));
        let member = parse(&hello(PROTOCOL_VERSION, 7));
        assert!(matches!(member, Ok(Handshake::Member(_, 7))));
        for (rejected, reason) in [
            (hello(PROTOCOL_VERSION + 1, 7), "protocol version"),
            (hello(PROTOCOL_VERSION, u64::MAX), "out of range"),
            (ToBroker::Pong, "expected a hello"),
        ] {
            let error = parse(&rejected).err().unwrap();
            assert!(error.contains(reason), "{error}");
        }
        assert!(Handshake::parse(&Bytes::from_static(&[0xff; 9])).is_err());
    }
}
