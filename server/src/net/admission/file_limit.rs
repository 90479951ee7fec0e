//! The division of a process's open files among the kinds of its connections.
//!
//! | kind     | share of the open files                                                       |
//! |----------|-------------------------------------------------------------------------------|
//! | process  | half of the reserve: brokers, stores, probes of nodes, logs                   |
//! | admin    | a quarter of the reserve: the admin listener                                  |
//! | gateways | a quarter of the reserve: gateways of the cluster at a full public listener   |
//! | HTTP     | a sixteenth of the rest that sockets never take, at most 256 files            |
//! | sockets  | all others                                                                    |
//!
//! The reserve is a quarter of the open files, at least 64 and at most 256. A process that has
//! fewer than 128 files keeps half of them.

use nix::sys::resource::{Resource, getrlimit};

/// Part of the open files that the public listener leaves free.
const RESERVED_DIVISOR: usize = 4;
/// Fewest files of the reserve: an idle node has 18 files open, and its half must hold them.
const MIN_RESERVED: usize = 64;
/// Part of the open files that the reserve never exceeds.
const MOST_RESERVED_DIVISOR: usize = 2;
/// Most files of the reserve.
const MAX_RESERVED: usize = 256;
/// Part of the reserve that admin connections have, and part that gateways have.
const RESERVE_SHARE_DIVISOR: usize = 4;
/// Part of the public listener's connections that sockets never take.
const HTTP_DIVISOR: usize = 16;
/// Most files of that part. With the reserve it is the 512 that the harness leaves free at
/// each process.
const MAX_HTTP_FILES: usize = 256;

/// The most connections of each kind; `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionShares {
    /// All connections of the public listener, sockets included.
    pub(crate) public: Option<usize>,
    /// Device sockets at a node, forwarded sockets at a gateway.
    pub(crate) sockets: Option<usize>,
    /// Gateways' connections beyond `public`.
    pub(crate) gateways: usize,
    /// Connections of the admin listener.
    pub(crate) admin: usize,
}

impl ConnectionShares {
    /// Divides the open files of this process among connections that take
    /// `files_per_connection` each. A configured number of public connections replaces the one
    /// that the files allow.
    pub(crate) fn of_process(configured: Option<usize>, files_per_connection: usize) -> Self {
        // The soft limit: the kernel enforces no other.
        let files = getrlimit(Resource::RLIMIT_NOFILE).ok();
        let files = files.map(|(soft, _)| usize::try_from(soft).unwrap_or(usize::MAX));
        Self::divide(files, configured, files_per_connection.max(1))
    }

    fn divide(
        files: Option<usize>,
        configured: Option<usize>,
        files_per_connection: usize,
    ) -> Self {
        let reserve = |files: usize| {
            let quarter = (files / RESERVED_DIVISOR).clamp(MIN_RESERVED, MAX_RESERVED);
            quarter.min(files / MOST_RESERVED_DIVISOR)
        };
        let allowed = files.map(|files| (files - reserve(files)) / files_per_connection);
        let public = configured.or(allowed);
        let reserved = files.map_or(MAX_RESERVED, reserve) / RESERVE_SHARE_DIVISOR;
        let for_http =
            |public: usize| (public / HTTP_DIVISOR).min(MAX_HTTP_FILES / files_per_connection);
        Self {
            public,
            sockets: public.map(|public| public - for_http(public)),
            gateways: reserved,
            admin: reserved,
        }
    }
}

/// Returns the connections that the process's limit of open files allows without its reserve;
/// `None` if the limit is unknown.
pub(crate) fn allowed_connections() -> Option<usize> {
    ConnectionShares::of_process(None, 1).public
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_divided_among_the_kinds() {
        for (files, per_connection, public, sockets, reserved) in [
            (20_000, 1, 19_744, 19_488, 64),
            (20_000, 2, 9_872, 9_744, 64),
            (1_024, 1, 768, 720, 64),
            (256, 1, 192, 180, 16),
            (128, 1, 64, 60, 16),
            (16, 1, 8, 8, 2),
        ] {
            let shares = ConnectionShares::divide(Some(files), None, per_connection);
            let expected = ConnectionShares {
                public: Some(public),
                sockets: Some(sockets),
                gateways: reserved,
                admin: reserved,
            };
            assert_eq!(shares, expected, "{files} files");
            let files_of_all = (public * per_connection) + 2 * reserved;
            assert!(files_of_all < files, "nothing is left for the process");
        }
    }

    #[test]
    fn configured_number_replaces_that_of_the_files() {
        let shares = ConnectionShares::divide(Some(20_000), Some(32), 1);
        assert_eq!((shares.public, shares.sockets), (Some(32), Some(30)));
        let unlimited = ConnectionShares::divide(None, None, 1);
        assert_eq!((unlimited.public, unlimited.sockets), (None, None));
        assert_eq!(unlimited.admin, 64);
    }
}
