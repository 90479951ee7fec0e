//! Who comes to the broker.

use bytes::Bytes;

use super::hub::JoinRequest;
use crate::{
    backplane::{
        decode_frame, is_valid_version,
        local_protocol::{PROTOCOL_VERSION, ToBroker},
    },
    id::ConsumerGroup,
};

/// Who came, by its first frame.
pub(super) enum Handshake {
    Node(JoinRequest),
    Producer(Vec<ConsumerGroup>),
    Consumer { group: ConsumerGroup, name: String },
}

impl Handshake {
    /// Who says so in that frame; else why it may not come in.
    pub(super) fn parse(frame: &Bytes) -> Result<Self, String> {
        let Some((hello, _)) = decode_frame(frame) else {
            return Err("the first frame must be a hello".to_owned());
        };
        match hello {
            ToBroker::Hello { protocol, .. }
            | ToBroker::Produce { protocol, .. }
            | ToBroker::Consume { protocol, .. }
                if protocol != PROTOCOL_VERSION =>
            {
                Err(format!(
                    "protocol {protocol}: this broker speaks {PROTOCOL_VERSION}"
                ))
            }
            ToBroker::Hello { last_version, .. } if !is_valid_version(last_version) => {
                Err(format!("view version {last_version} is out of range"))
            }
            ToBroker::Hello {
                id,
                incarnation: boot,
                address,
                role,
                last_version,
                ..
            } => Ok(Self::Node(JoinRequest {
                id,
                incarnation: boot,
                address,
                role,
                last_version,
            })),
            ToBroker::Produce { groups, .. } => Ok(Self::Producer(groups)),
            ToBroker::Consume { group, name, .. } => Ok(Self::Consumer { group, name }),
            _ => Err("the first frame must be a hello".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backplane::{MemberRole, encode_frame};

    fn hello(protocol: u16, last_version: u64) -> ToBroker {
        ToBroker::Hello {
            protocol,
            id: "n".parse().unwrap(),
            incarnation: 1,
            address: None,
            role: MemberRole::Node,
            last_version,
        }
    }

    #[test]
    fn who_is_not_understood_is_told_why() {
        let visitor = |hello: &ToBroker| Handshake::parse(&encode_frame(hello, &[]));
        let node = visitor(&hello(PROTOCOL_VERSION, 7));
        assert!(matches!(node, Ok(Handshake::Node(newcomer)) if newcomer.last_version == 7));
        for (refused, why) in [
            (hello(PROTOCOL_VERSION + 1, 7), "this broker speaks"),
            // The broker counts on from there.
            (hello(PROTOCOL_VERSION, u64::MAX), "out of range"),
            (ToBroker::Pong, "must be a hello"),
        ] {
            let said = visitor(&refused).err().unwrap();
            assert!(said.contains(why), "{said}");
        }
        assert!(Handshake::parse(&Bytes::from_static(&[0xff; 9])).is_err());
    }
}
