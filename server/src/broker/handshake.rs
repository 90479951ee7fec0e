//! Who comes to the broker.

use bytes::Bytes;

use super::{
    hub::Newcomer,
    protocol::{PROTOCOL, ToBroker},
};
use crate::{
    backplane::{is_version, open},
    id::Group,
};

/// Who came, by its first frame.
pub(super) enum Visitor {
    Node(Newcomer),
    Producer(Vec<Group>),
    Consumer { group: Group, name: String },
}

impl Visitor {
    /// Who says so in that frame; else why it may not come in.
    pub(super) fn of(frame: &Bytes) -> Result<Self, String> {
        let Some((hello, _)) = open(frame) else {
            return Err("the first frame must be a hello".to_owned());
        };
        match hello {
            ToBroker::Hello { protocol, .. }
            | ToBroker::Produce { protocol, .. }
            | ToBroker::Consume { protocol, .. }
                if protocol != PROTOCOL =>
            {
                Err(format!(
                    "protocol {protocol}: this broker speaks {PROTOCOL}"
                ))
            }
            ToBroker::Hello { last_version, .. } if !is_version(last_version) => {
                Err(format!("view version {last_version} is out of range"))
            }
            ToBroker::Hello {
                id,
                boot,
                address,
                role,
                last_version,
                ..
            } => Ok(Self::Node(Newcomer {
                id,
                boot,
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
    use crate::backplane::{Role, seal};

    fn hello(protocol: u16, last_version: u64) -> ToBroker {
        ToBroker::Hello {
            protocol,
            id: "n".parse().unwrap(),
            boot: 1,
            address: None,
            role: Role::Node,
            last_version,
        }
    }

    #[test]
    fn who_is_not_understood_is_told_why() {
        let visitor = |hello: &ToBroker| Visitor::of(&seal(hello, &[]));
        let node = visitor(&hello(PROTOCOL, 7));
        assert!(matches!(node, Ok(Visitor::Node(newcomer)) if newcomer.last_version == 7));
        for (refused, why) in [
            (hello(PROTOCOL + 1, 7), "this broker speaks"),
            // The broker counts on from there.
            (hello(PROTOCOL, u64::MAX), "out of range"),
            (ToBroker::Pong, "must be a hello"),
        ] {
            let said = visitor(&refused).err().unwrap();
            assert!(said.contains(why), "{said}");
        }
        assert!(Visitor::of(&Bytes::from_static(&[0xff; 9])).is_err());
    }
}
