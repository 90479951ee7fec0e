//! The two ways in which a command finds its device.

use strum::{Display, EnumString};

/// The way in which a command finds the node that owns its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString)]
#[strum(
    serialize_all = "lowercase",
    parse_err_ty = UnknownRouting,
    parse_err_fn = unknown_routing
)]
pub enum Routing {
    /// The command goes to the slot owner of the device, which knows the owner.
    Directory,
    /// The command goes to every node.
    Broadcast,
}

/// A text that names no routing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid routing {0:?}: expected \"directory\" or \"broadcast\"")]
pub struct UnknownRouting(String);

fn unknown_routing(text: &str) -> UnknownRouting {
    UnknownRouting(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routing_round_trips_as_text() {
        for routing in [Routing::Directory, Routing::Broadcast] {
            assert_eq!(routing.to_string().parse(), Ok(routing));
        }
        assert!("hash".parse::<Routing>().is_err());
    }
}
