//! The two ways in which a command finds its device.

use std::{fmt, str::FromStr};

/// The way in which a command finds the node that owns its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// The slot owner of the device in the owner directory is asked.
    Directory,
    /// Every node is asked.
    Broadcast,
}

/// A text that names no routing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid routing {0:?}: expected \"directory\" or \"broadcast\"")]
pub struct UnknownRouting(String);

impl FromStr for Routing {
    type Err = UnknownRouting;

    fn from_str(text: &str) -> Result<Self, UnknownRouting> {
        match text {
            "directory" => Ok(Self::Directory),
            "broadcast" => Ok(Self::Broadcast),
            other => Err(UnknownRouting(other.to_owned())),
        }
    }
}

impl fmt::Display for Routing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "directory",
            Self::Broadcast => "broadcast",
        })
    }
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
