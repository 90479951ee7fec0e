//! Numbers that come from clocks, and the bounds on those of other processes.
//!
//! Versions of views and incarnations only grow, so one that lies far ahead would hold for
//! years. Numbers of other processes are therefore compared with this machine's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The most by which another process may be ahead of this machine's clock.
const MAX_AHEAD: Duration = Duration::from_secs(24 * 3600);

/// The most by which one peer may raise the version of a cluster above this machine's clock.
/// It is half of [`MAX_AHEAD`]: members whose clocks are behind still accept the version then.
const MAX_RAISE: Duration = Duration::from_secs(12 * 3600);

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

/// Whether the version of a view can be right. It can then still be increased.
pub(crate) fn is_plausible_version(version: u64) -> bool {
    is_within(since_1970(), MAX_AHEAD, version)
}

/// Whether the version of a view may be raised to one that a peer names.
pub(crate) fn is_plausible_raise(version: u64) -> bool {
    is_within(since_1970(), MAX_RAISE, version)
}

/// Whether the incarnation of another process, in milliseconds since 1970, can be right.
pub(crate) fn is_plausible_incarnation(incarnation: u64) -> bool {
    incarnation <= ms(since_1970().saturating_add(MAX_AHEAD))
}

fn is_within(now: Duration, ahead: Duration, version: u64) -> bool {
    version < MAX_VERSION && version <= ms(now.saturating_add(ahead)) / 10
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
                is_within(now, MAX_AHEAD, version),
                is_plausible,
                "{version}"
            );
        }
        // A clock past 2057 makes no version of that time right.
        let late = Duration::from_secs(4_000_000_000);
        assert!(!is_within(late, MAX_AHEAD, ms(late) / 10));
    }

    #[test]
    fn version_that_a_peer_raised_is_plausible_to_members_whose_clock_is_behind() {
        let now = Duration::from_secs(1_800_000_000);
        let raised = ms(now + MAX_RAISE) / 10;
        assert!(is_within(now, MAX_RAISE, raised) && !is_within(now, MAX_RAISE, raised + 1));
        let behind = now - Duration::from_secs(11 * 3600);
        assert!(is_within(behind, MAX_AHEAD, raised + 1_000));
    }

    #[test]
    fn incarnation_of_another_year_is_implausible() {
        assert!(is_plausible_incarnation(1) && is_plausible_incarnation(now_ms()));
        assert!(!is_plausible_incarnation(1 << 63));
    }
}
