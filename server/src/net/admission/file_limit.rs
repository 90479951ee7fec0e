//! The number of connections that the process's limit of open files allows.

use nix::sys::resource::{Resource, getrlimit};

/// Part of the open files that connections of the public listener leave free: for probes,
/// operators, the backplane, stores and files.
const RESERVED_DIVISOR: usize = 4;
/// Most descriptors that are reserved under a large limit.
const MAX_RESERVED: usize = 256;

/// Returns the configured limit. Without one, returns the number of connections that the
/// process's limit of open files allows with `files_per_connection` each; `None` if the limit
/// is unknown.
pub(crate) fn max_connections(
    configured: Option<usize>,
    files_per_connection: usize,
) -> Option<usize> {
    configured.or_else(|| {
        // The soft limit: the kernel enforces no other.
        let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
        let files = usize::try_from(soft).unwrap_or(usize::MAX);
        let reserved = (files / RESERVED_DIVISOR).min(MAX_RESERVED);
        Some((files - reserved) / files_per_connection.max(1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_per_connection_allow_half_the_connections() {
        assert_eq!(max_connections(Some(7), 2), Some(7));
        let (one, two) = (max_connections(None, 1), max_connections(None, 2));
        assert_eq!(two, one.map(|one| one / 2));
    }
}
