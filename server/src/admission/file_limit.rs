//! How many connections the process's open files leave room for.

use nix::sys::resource::{Resource, getrlimit};

/// Open files that connections of the public listener leave alone, as a part of
/// the limit: for probes, operators, the backplane, stores and files.
const RESERVED_PART: usize = 4;
/// The same for a large limit.
const MOST_RESERVED: usize = 256;

/// What was asked for, else what the process's limit leaves when each connection
/// takes `files_each`; `None` when nobody knows.
pub(crate) fn connections_at_most(asked: Option<usize>, files_each: usize) -> Option<usize> {
    asked.or_else(|| {
        let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
        let files = usize::try_from(soft).unwrap_or(usize::MAX);
        let reserved = (files / RESERVED_PART).min(MOST_RESERVED);
        Some((files - reserved) / files_each.max(1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_each_leave_room_for_half() {
        assert_eq!(connections_at_most(Some(7), 2), Some(7));
        let (one, two) = (connections_at_most(None, 1), connections_at_most(None, 2));
        assert_eq!(two, one.map(|one| one / 2));
    }
}
