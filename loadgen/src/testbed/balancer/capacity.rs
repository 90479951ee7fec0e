//! The connections that a balancer has to hold.

use highwater_scenarios::{Plan, RESERVED_FILES, usable_files};

use crate::sampling::raise_open_files;

/// A number of client connections. Each of them has one connection to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BalancerCapacity {
    /// Connections of clients.
    pub(super) connections: u64,
}

impl BalancerCapacity {
    /// Returns the capacity for a plan, within the files that a process may open.
    pub(super) fn for_plan(plan: &Plan) -> Self {
        // If the limit is unknown, the plan alone sets the capacity.
        let files = raise_open_files().unwrap_or(u64::MAX);
        Self::within_files(plan.sockets() + plan.http_connections(), files)
    }

    fn within_files(wanted: u64, files: u64) -> Self {
        // Two files for each connection. The usual reserve stays with the balancer itself:
        // HAProxy takes three files for each of its threads, and does not start if the
        // limit is lower than all that it might open.
        let most = (usable_files(files) / 2).max(1);
        Self {
            // All connections of the plan, because one balancer may get all of them, and a
            // quarter more for clients that return before their old connection has ended.
            connections: (wanted + wanted / 4 + RESERVED_FILES).min(most),
        }
    }

    /// Returns the connections to clients and to nodes together.
    pub(super) fn total_connections(self) -> u64 {
        2 * self.connections
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacity_covers_the_plan_within_the_limit_of_files() {
        for (wanted, files, connections) in [
            (4_000, 1 << 20, 5_512),
            (9_500, 20_000, 9_744),
            (10, 64, 16),
            (10, 1, 1),
            (100, u64::MAX, 637),
        ] {
            let capacity = BalancerCapacity::within_files(wanted, files);
            assert_eq!(capacity.connections, connections);
        }
        let capacity = BalancerCapacity::within_files(9_500, 20_000);
        assert_eq!(capacity.total_connections(), 19_488);
    }
}
