//! How many connections a balancer is given room for.

use highwater_scenarios::{Plan, RESERVED_FILES, usable_files};

use crate::sampling::raise_open_files;

/// Room for connections of clients, each with one to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BalancerCapacity {
    /// Connections of clients.
    pub(super) connections: u64,
}

impl BalancerCapacity {
    /// For all that `plan` opens, should everything come to one balancer, and a quarter
    /// more for those that come back before their old connection has ended; but no more
    /// than the files of a process allow. The usual reserve is left to the balancer
    /// itself: HAProxy wants three files for each of its threads, and does not start
    /// where the limit is lower than all that it might open.
    pub(super) fn for_plan(plan: &Plan) -> Self {
        let files = raise_open_files().unwrap_or(u64::MAX);
        Self::within_files(plan.sockets() + plan.http_connections(), files)
    }

    fn within_files(wanted: u64, files: u64) -> Self {
        let most = (usable_files(files) / 2).max(1);
        Self {
            connections: (wanted + wanted / 4 + RESERVED_FILES).min(most),
        }
    }

    /// Connections of both sides.
    pub(super) fn total_connections(self) -> u64 {
        2 * self.connections
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_for_what_is_planned_and_within_the_limit() {
        assert_eq!(
            BalancerCapacity::within_files(4_000, 1 << 20).connections,
            5_512
        );
        assert_eq!(
            BalancerCapacity::within_files(9_500, 20_000).connections,
            9_744
        );
        assert_eq!(
            BalancerCapacity::within_files(9_500, 20_000).total_connections(),
            19_488
        );
        assert_eq!(BalancerCapacity::within_files(10, 64).connections, 16);
        assert_eq!(BalancerCapacity::within_files(10, 1).connections, 1);
        assert_eq!(
            BalancerCapacity::within_files(100, u64::MAX).connections,
            637
        );
    }
}
