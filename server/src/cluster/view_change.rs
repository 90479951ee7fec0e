//! The difference between two views that the owner directory acts on.

use crate::{
    backplane::{Member, View},
    id::NodeId,
};

/// The nodes whose entries may be outdated after a new view.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ViewChange {
    /// Whether this node may have missed updates of its own slots: it returned to the
    /// cluster, or views passed that it has not seen.
    pub(super) is_interrupted: bool,
    /// The nodes that joined or returned. Updates that they sent meanwhile may be lost.
    pub(super) joined: Vec<NodeId>,
    /// The joined nodes that are other processes than before: their connections have ended.
    pub(super) restarted: Vec<NodeId>,
    /// The nodes that are no members any more, with their incarnations.
    pub(super) departed: Vec<(NodeId, u64)>,
}

impl ViewChange {
    /// Compares the view `after` with the last one that the node `me` has applied.
    pub(super) fn between(before: &View, after: &View, me: &NodeId) -> Self {
        let generation = |view: &View| view.member(me).map(|member| member.generation);
        let earlier = |member: &Member| before.member(&member.id);
        let joined = after
            .nodes()
            .filter(|member| earlier(member).map(|m| m.generation) != Some(member.generation));
        let restarted = after.nodes().filter(|member| {
            earlier(member).is_some_and(|earlier| earlier.incarnation != member.incarnation)
        });
        let departed = before
            .nodes()
            .filter(|member| after.member(&member.id).is_none());
        let id = |member: &Member| member.id.clone();
        Self {
            is_interrupted: generation(before) != generation(after) || may_skip(before, after),
            joined: joined.map(id).collect(),
            restarted: restarted.map(id).collect(),
            departed: departed
                .map(|member| (member.id.clone(), member.incarnation))
                .collect(),
        }
    }
}

/// Whether a member may have come and gone between two views: in that time it may have
/// owned any slot.
fn may_skip(before: &View, after: &View) -> bool {
    let raised = after.version.saturating_sub(before.version);
    // Each join has a version of its own; members that leave together share one.
    let joins = after.members.iter();
    let joins = joins.filter(|member| member.generation > before.version);
    let has_departed = before
        .members
        .iter()
        .any(|member| after.member(&member.id).is_none());
    // A member that has come and gone raised the version twice.
    raised > joins.count() as u64 + u64::from(has_departed) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::fixture::{id, view};

    #[test]
    fn views_between_are_noticed_by_the_versions_that_no_member_explains() {
        let before = view(10, &[("a", 1), ("b", 2), ("c", 3)]);
        let change = |version, nodes: &[(&str, u64)]| {
            ViewChange::between(&before, &view(version, nodes), &id("a"))
        };
        // Two that joined, one after the other.
        let nodes = [("a", 1), ("b", 2), ("c", 3), ("d", 11), ("e", 12)];
        let joined = change(12, &nodes);
        assert!(!joined.is_interrupted);
        assert_eq!(joined.joined, [id("d"), id("e")]);
        // Two more versions, which a member may have had that is gone again.
        assert!(change(14, &nodes).is_interrupted);
        // c left and returned, and no other change fits the version.
        let returned = change(12, &[("a", 1), ("b", 2), ("c", 12)]);
        assert!(!returned.is_interrupted && returned.restarted.is_empty());
        assert_eq!(returned.joined, [id("c")]);
        let left = change(11, &[("a", 1), ("b", 2)]);
        assert_eq!(left.departed, [(id("c"), 1)]);
        assert!(!left.is_interrupted);
        // This node itself.
        assert!(change(11, &[("a", 11), ("b", 2), ("c", 3)]).is_interrupted);
    }
}
