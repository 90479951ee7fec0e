//! How many connections a balancer is given room for.

use highwater_scenarios::{Plan, RESERVE, room};

use crate::sampling::raise_open_files;

/// Room for connections of clients, each with one to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Connections of clients.
    pub(super) connections: u64,
}

impl Room {
    /// For all that `plan` opens, should everything come to one balancer, and a quarter
    /// more for those that come back before their old connection has ended; but no more
    /// than the files of a process allow. The usual reserve is left to the balancer
    /// itself: HAProxy wants three files for each of its threads, and does not start
    /// where the limit is lower than all that it might open.
    pub(super) fn of(plan: &Plan) -> Self {
        let files = raise_open_files().unwrap_or(u64::MAX);
        Self::within(plan.sockets() + plan.http_connections(), files)
    }

    fn within(wanted: u64, files: u64) -> Self {
        let most = (room(files) / 2).max(1);
        Self {
            connections: (wanted + wanted / 4 + RESERVE).min(most),
        }
    }

    /// Connections of both sides.
    pub(super) fn both_sides(self) -> u64 {
        2 * self.connections
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_for_what_is_planned_and_within_the_limit() {
        assert_eq!(Room::within(4_000, 1 << 20).connections, 5_512);
        assert_eq!(Room::within(9_500, 20_000).connections, 9_744);
        assert_eq!(Room::within(9_500, 20_000).both_sides(), 19_488);
        assert_eq!(Room::within(10, 64).connections, 16);
        assert_eq!(Room::within(10, 1).connections, 1);
        assert_eq!(Room::within(100, u64::MAX).connections, 637);
    }
}
