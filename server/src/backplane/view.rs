//! Membership: a numbered list of who is there.

use serde::{Deserialize, Serialize};

use crate::id::NodeId;

/// One node in a [`View`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub id: NodeId,
    /// Which life of the node this is: milliseconds since 1970 at its start.
    pub boot: u64,
    /// The view version that first contained this connection of the node. A node
    /// that was away, however briefly, comes back with another number.
    pub joined: u64,
    /// `HOST:PORT` of its HTTP listener, where known.
    pub address: Option<String>,
}

/// The members at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Grows with each change: by one while the backplane lives, by more when it
    /// restarts.
    pub version: u64,
    /// Ordered by id.
    pub members: Vec<Member>,
    /// Whether this node is connected now. When not, the rest is the last known.
    pub connected: bool,
}

impl View {
    /// The view of a node that has not joined yet: nobody, version 0.
    pub fn nobody() -> Self {
        Self {
            version: 0,
            members: Vec::new(),
            connected: false,
        }
    }

    /// The member of that name.
    pub fn member(&self, id: &NodeId) -> Option<&Member> {
        let at = self
            .members
            .binary_search_by(|member| member.id.cmp(id))
            .ok()?;
        self.members.get(at)
    }
}
