//! Membership: a numbered list of who is there.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::id::NodeId;

/// What a member is in its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberRole {
    /// Holds device sockets, and keeps its part of the owner directory.
    Node,
    /// Stands in front of the nodes: it hears of them and keeps nothing for them.
    Gateway,
}

/// One member of a [`View`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub id: NodeId,
    /// Which life of the node this is: milliseconds since 1970 at its start.
    pub incarnation: u64,
    /// The view version that first contained this connection of the node. A node
    /// that was away, however briefly, comes back with another number.
    pub generation: u64,
    /// `HOST:PORT` of its HTTP listener, where known.
    pub address: Option<String>,
    /// What it is.
    pub role: MemberRole,
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
    pub fn empty() -> Self {
        Self {
            version: 0,
            members: Vec::new(),
            connected: false,
        }
    }

    /// The members that are nodes, ordered by id.
    pub fn nodes(&self) -> impl Iterator<Item = &Member> {
        let members = self.members.iter();
        members.filter(|member| member.role == MemberRole::Node)
    }

    /// The members that are gateways, ordered by id.
    pub fn gateways(&self) -> impl Iterator<Item = &Member> {
        let members = self.members.iter();
        members.filter(|member| member.role == MemberRole::Gateway)
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

/// An id that a newer life of the node already holds.
#[derive(Debug, Clone, thiserror::Error)]
#[error("node id {id} is taken by a process that started later (boot {taken}, this one {found})")]
pub(crate) struct IdConflict {
    pub(crate) id: NodeId,
    pub(crate) taken: u64,
    pub(crate) found: u64,
}

/// Where versions begin that nobody remembers: at the clock's hundredths of a
/// second, so that they are greater than those before a restart even when a node
/// that never saw those is the first to come. Members change less often than that
/// in the long run, and if not, what other nodes have seen makes up for it.
pub(crate) fn initial_version() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.map_or(0, |since| (since.as_millis() / 10) as u64)
}

/// Of the year 2057, and the last that an epoch of the directory has room for.
const MAX_VERSION: u64 = (1 << 38) - 1;

/// Whether a version that somebody names can be one: there is room above it.
pub(crate) fn is_valid_version(version: u64) -> bool {
    version < MAX_VERSION
}
