//! The views and the cluster of this module's tests.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{context::ClusterContext, routing::Routing};
use crate::{
    backplane::{BackplaneConfig, Identity, Member, MemberRole, View, join},
    id::NodeId,
    limits::NodeLimits,
    session::SessionContext,
};

pub(super) fn id(name: &str) -> NodeId {
    name.parse().unwrap()
}

/// Returns a view of nodes given as (name, generation), in any order.
pub(super) fn view(version: u64, nodes: &[(&str, u64)]) -> Arc<View> {
    let node = |(name, generation): &(&str, u64)| Member {
        id: id(name),
        incarnation: 1,
        generation: *generation,
        address: None,
        role: MemberRole::Node,
    };
    let mut members: Vec<Member> = nodes.iter().map(node).collect();
    // `View::member` searches by id.
    members.sort_by(|a, b| a.id.cmp(&b.id));
    Arc::new(View {
        version,
        members,
        connected: true,
    })
}

/// Returns a cluster of the node `me`, which owns every slot.
pub(super) fn cluster() -> ClusterContext {
    let identity = Identity {
        id: id("me"),
        incarnation: 1,
        address: None,
        role: MemberRole::Node,
    };
    let config = BackplaneConfig::for_url(None);
    let alone = join(&config, identity, CancellationToken::new());
    let sessions = Arc::new(SessionContext::new(NodeLimits::default()));
    ClusterContext::new(id("me"), Routing::Directory, alone.backplane, sessions).0
}
