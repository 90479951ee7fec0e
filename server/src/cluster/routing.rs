//! The two ways in which a command finds its device.

use std::{fmt, str::FromStr};

/// How a command finds the node that owns its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// Ask the device's home in the owner directory.
    Directory,
    /// Ask every node.
    Broadcast,
}

/// A word that is no routing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown routing {0:?}: expected \"directory\" or \"broadcast\"")]
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
    fn routings() {
        for routing in [Routing::Directory, Routing::Broadcast] {
            assert_eq!(routing.to_string().parse(), Ok(routing));
        }
        assert!("hash".parse::<Routing>().is_err());
    }
}
