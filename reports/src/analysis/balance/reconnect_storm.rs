//! The return of the sockets that an event ended.

use std::{collections::BTreeMap, ops::Range};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    analysis::{
        conn_events::{ConnEventBucket, ConnEvents},
        run_window::RunWindow,
    },
    record::{IntervalRow, names::counter},
};

/// Buckets in the second that a peak covers.
const BUCKETS_PER_SECOND: i64 = 10;

/// The return of the sockets that were lost after an event. Times run from the event to the
/// end of a tenth of a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReconnectStorm {
    /// Sockets that ended.
    pub lost: u64,
    /// Sockets that reconnected. Those lost before the event are taken to be the first.
    pub back: u64,
    /// Time until half of the lost sockets were back.
    pub t50_s: Option<f64>,
    /// Time until 95 % of them were back.
    pub t95_s: Option<f64>,
    /// Time until 99 % of them were back.
    pub t99_s: Option<f64>,
    /// Most handshakes at one node within a second; `null` when answers name no node.
    pub peak_handshakes_per_s: Option<u64>,
    /// Attempts to open that failed.
    pub failed_attempts: u64,
    /// Commands without their reply until 99 % were back, to the end of a second; `null`
    /// when the scenario sends none.
    pub commands_failed: Option<u64>,
}

/// Computes the storm; `None` when no socket was lost in `after`, or losses were not counted.
pub(super) fn reconnect_storm(
    window: &RunWindow,
    conn_events: &ConnEvents,
    after: &Range<f64>,
) -> Option<ReconnectStorm> {
    let buckets = conn_events.buckets_in(after.clone());
    let sum = |count: fn(&ConnEventBucket) -> u64| buckets.iter().map(count).sum::<u64>();
    let lost = sum(|bucket| bucket.lost);
    if lost == 0 {
        return None;
    }
    let missing_before = missing_before(conn_events, after.start);
    let time_until = |share: f64| {
        // Reconnects do not name the loss that they answer, so earlier losses come first.
        let wanted = missing_before as f64 + share * lost as f64;
        Some(reconnected_by(buckets, wanted)? - after.start)
    };
    let t99_s = time_until(0.99);
    // Commands fail while devices are away; later failures have another cause.
    let over = t99_s.map_or(after.end, |seconds| after.start + seconds);
    Some(ReconnectStorm {
        lost,
        back: sum(|bucket| bucket.reconnected).saturating_sub(missing_before),
        t50_s: time_until(0.5),
        t95_s: time_until(0.95),
        t99_s,
        peak_handshakes_per_s: peak_handshakes(buckets),
        failed_attempts: sum(|bucket| bucket.failed),
        commands_failed: commands_failed(window, after.start..over),
    })
}

/// Counts commands that ended otherwise than with their reply.
pub(super) fn commands_without_reply(row: &IntervalRow) -> u64 {
    let counters = [
        counter::COMMANDS_TIMED_OUT,
        counter::COMMANDS_NOT_CONNECTED,
        counter::COMMANDS_REJECTED,
        counter::COMMANDS_FAILED,
    ];
    counters.map(|name| row.counter(name)).iter().sum()
}

/// Counts sockets that were lost before an instant and had not reconnected by then.
fn missing_before(conn_events: &ConnEvents, at_s: f64) -> u64 {
    let before = conn_events.buckets().iter();
    let before = before.take_while(|bucket| bucket.end_s() <= at_s);
    let (lost, back) = before.fold((0_u64, 0_u64), |(lost, back), bucket| {
        (lost + bucket.lost, back + bucket.reconnected)
    });
    lost.saturating_sub(back)
}

/// Returns the end of the bucket by which this many sockets had reconnected.
fn reconnected_by(buckets: &[ConnEventBucket], wanted: f64) -> Option<f64> {
    let mut back = 0_u64;
    let reached = buckets.iter().find(|bucket| {
        back += bucket.reconnected;
        back as f64 >= wanted
    });
    Some(reached?.end_s())
}

/// Returns the most sockets that opened at one node within ten consecutive tenths.
fn peak_handshakes(buckets: &[ConnEventBucket]) -> Option<u64> {
    let mut most: Option<u64> = None;
    // A sliding window of one second: each bucket enters once and leaves once.
    let mut within: BTreeMap<&str, u64> = BTreeMap::new();
    let mut oldest = 0;
    for bucket in buckets {
        for (&node, &count) in &bucket.opened {
            *within.entry(node).or_default() += count;
        }
        while buckets[oldest].number <= bucket.number.saturating_sub(BUCKETS_PER_SECOND) {
            for (node, count) in &buckets[oldest].opened {
                if let Some(sum) = within.get_mut(node) {
                    *sum -= count;
                }
            }
            oldest += 1;
        }
        most = most.max(within.values().max().copied());
    }
    most
}

/// Counts commands without a reply in the seconds that `range` touches; `None` when the
/// scenario sends none.
fn commands_failed(window: &RunWindow, range: Range<f64>) -> Option<u64> {
    if window.record.manifest.plan.commands.is_empty() {
        return None;
    }
    let rows = window.worker_rows_touching(range);
    Some(rows.map(commands_without_reply).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(number: i64, node: &'static str, count: u64) -> ConnEventBucket<'static> {
        ConnEventBucket {
            number,
            opened: [(node, count)].into(),
            reconnected: count,
            ..ConnEventBucket::default()
        }
    }

    #[test]
    fn peak_covers_one_node_and_one_second() {
        assert_eq!(peak_handshakes(&[]), None);
        let buckets = [
            opened(0, "n1", 5),
            opened(9, "n1", 7),
            opened(9, "n2", 0),
            opened(10, "n1", 6),
            opened(30, "n2", 11),
        ];
        // Tenths 0 and 9 are within a second, 0 and 10 are not.
        assert_eq!(peak_handshakes(&buckets), Some(13));
        assert_eq!(peak_handshakes(&buckets[4..]), Some(11));
    }

    #[test]
    fn sockets_are_back_at_the_end_of_the_tenth_that_reaches_the_share() {
        let buckets = [opened(3, "n1", 4), opened(7, "n1", 6)];
        assert_eq!(reconnected_by(&buckets, 4.0), Some(0.4));
        assert_eq!(reconnected_by(&buckets, 4.5), Some(0.8));
        assert_eq!(reconnected_by(&buckets, 10.0), Some(0.8));
        assert_eq!(reconnected_by(&buckets, 10.5), None);
    }
}
