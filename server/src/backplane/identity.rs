//! The identity under which a process joins a cluster.

use serde::{Deserialize, Serialize};

use super::{Member, MemberRole};
use crate::{clock::now_ms, id::NodeId};

/// The identity of one incarnation of a node or gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    /// The name of the member, unique in its cluster.
    pub id: NodeId,
    /// The start of the process, in milliseconds since 1970.
    pub incarnation: u64,
    /// The member's HTTP listener as `HOST:PORT`. Gateways connect to it, if it is in their
    /// allowed networks; nodes only display it.
    pub address: Option<String>,
    /// The part that the member plays in the cluster.
    pub role: MemberRole,
}

impl Identity {
    /// Creates the identity of an incarnation that starts now.
    ///
    /// Incarnations are compared only between processes with the same id. The clock
    /// of the machine that starts a process later must not be behind the other one.
    pub(crate) fn starting_now(id: NodeId, address: Option<String>, role: MemberRole) -> Self {
        Self {
            id,
            // A clock before 1970 gives incarnation 0: every other incarnation replaces it.
            incarnation: now_ms(),
            address,
            role,
        }
    }

    /// Creates the identity of a node without an address, for tests.
    #[cfg(test)]
    pub(crate) fn of_node(id: &str, incarnation: u64) -> Self {
        Self {
            id: id.parse().unwrap(),
            incarnation,
            address: None,
            role: MemberRole::Node,
        }
    }

    /// Returns the member that this identity becomes in the view of version `generation`.
    pub(super) fn into_member(self, generation: u64) -> Member {
        Member {
            id: self.id,
            incarnation: self.incarnation,
            generation,
            address: self.address,
            role: self.role,
        }
    }
}
