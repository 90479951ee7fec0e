//! The view: the numbered list of a cluster's members.

use serde::{Deserialize, Serialize};

use crate::id::NodeId;

/// The part that a member plays in its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberRole {
    /// A node holds device sockets and owns slots of the owner directory.
    Node,
    /// A gateway balances new sockets over the nodes and owns no directory slots.
    Gateway,
}

/// A member of a [`View`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The name of the member.
    pub id: NodeId,
    /// The start of the member's process, in milliseconds since 1970.
    pub incarnation: u64,
    /// The version of the first view with this connection of the member. A member that
    /// lost its connection, however briefly, returns with another generation.
    pub generation: u64,
    /// The member's HTTP listener as `HOST:PORT`, if known.
    pub address: Option<String>,
    /// The part that the member plays in the cluster.
    pub role: MemberRole,
}

/// The members at one moment.
///
/// The default is the view of a node that has not joined yet: version 0, without members.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The version. It grows with each change: by one while the backplane lives, by
    /// more when the backplane restarts.
    pub version: u64,
    /// The members, ordered by id.
    pub members: Vec<Member>,
    /// Whether this node is connected now. If not, the members are the last known ones.
    pub connected: bool,
}

impl View {
    /// Returns the members that are nodes, ordered by id.
    pub fn nodes(&self) -> impl Iterator<Item = &Member> {
        self.with_role(MemberRole::Node)
    }

    /// Returns the members that are gateways, ordered by id.
    pub fn gateways(&self) -> impl Iterator<Item = &Member> {
        self.with_role(MemberRole::Gateway)
    }

    /// Returns the member with this name.
    pub fn member(&self, id: &NodeId) -> Option<&Member> {
        // Views are built in the order of ids.
        let members = &self.members;
        let at = members.binary_search_by(|member| member.id.cmp(id)).ok()?;
        members.get(at)
    }

    fn with_role(&self, role: MemberRole) -> impl Iterator<Item = &Member> {
        let members = self.members.iter();
        members.filter(move |member| member.role == role)
    }
}
