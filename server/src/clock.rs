//! Numbers that come from clocks, and the bounds on those of other processes.
//!
//! Versions of views and incarnations only grow, so one that lies far ahead would hold for
//! years. Numbers of other processes are therefore compared with this machine's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The most by which another process may be ahead of this machine's clock.
const MAX_AHEAD: Duration = Duration::from_secs(24 * 3600);

/// The first version that is out of range, in the year 2057. An epoch of the owner
/// directory has 38 bits for the version.
const MAX_VERSION: u64 = (1 << 38) - 1;

/// Returns the milliseconds since 1970; 0 for a clock before 1970.
pub(crate) fn now_ms() -> u64 {
    ms(since_1970())
}

/// Returns the version of this instant: hundredths of a second since 1970.
pub(crate) fn version_now() -> u64 {
    now_ms() / 10
}

/// Whether a version of another process can be right. It can then still be increased.
pub(crate) fn is_plausible_version(version: u64) -> bool {
    is_plausible_version_at(since_1970(), version)
}

/// Whether the incarnation of another process, in milliseconds since 1970, can be right.
pub(crate) fn is_plausible_incarnation(incarnation: u64) -> bool {
    incarnation <= ms(since_1970().saturating_add(MAX_AHEAD))
}

fn is_plausible_version_at(now: Duration, version: u64) -> bool {
    version < MAX_VERSION && version <= ms(now.saturating_add(MAX_AHEAD)) / 10
}

fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_beyond_a_day_or_the_range_is_implausible() {
        let now = Duration::from_secs(1_800_000_000);
        let version = ms(now) / 10;
        let day = ms(MAX_AHEAD) / 10;
        for (version, is_plausible) in [
            (0, true),
            (version + day, true),
            (version + day + 1, false),
            (MAX_VERSION, false),
            (u64::MAX, false),
        ] {
            assert_eq!(
                is_plausible_version_at(now, version),
                is_plausible,
                "{version}"
            );
        }
        // A clock past 2057 makes no version of that time right.
        let late = Duration::from_secs(4_000_000_000);
        assert!(!is_plausible_version_at(late, ms(late) / 10));
    }

    #[test]
    fn incarnation_of_another_year_is_implausible() {
        assert!(is_plausible_incarnation(1) && is_plausible_incarnation(now_ms()));
        assert!(!is_plausible_incarnation(1 << 63));
    }
}
