//! How sockets that an event had cost came back.

use std::{collections::BTreeMap, ops::Range};

use crate::{
    analysis::{
        conn_events::{ConnEventBucket, ConnEvents},
        run_window::RunWindow,
    },
    record::{IntervalRow, SourceRole, names::counter},
    summary::ReconnectStorm,
};

/// Tenths of the second that a peak is taken over.
const BUCKETS_PER_SECOND: i64 = 10;

/// `None` when no socket was lost in `after`, or losses were not counted.
pub(super) fn reconnect_storm(
    cut: &RunWindow,
    movement: &ConnEvents,
    after: &Range<f64>,
) -> Option<ReconnectStorm> {
    let tenths = movement.buckets_in(after.clone());
    let sum = |count: fn(&ConnEventBucket) -> u64| tenths.iter().map(count).sum::<u64>();
    let lost = sum(|tenth| tenth.lost);
    if lost == 0 {
        return None;
    }
    let away = disconnected_before(movement, after.start);
    let until = |part: f64| {
        let wanted = away as f64 + part * lost as f64;
        Some(reconnected_by(tenths, wanted)? - after.start)
    };
    let t99_s = until(0.99);
    let over = t99_s.map_or(after.end, |seconds| after.start + seconds);
    Some(ReconnectStorm {
        lost,
        back: sum(|tenth| tenth.reconnected).saturating_sub(away),
        t50_s: until(0.5),
        t95_s: until(0.95),
        t99_s,
        peak_handshakes_per_s: peak_handshakes(tenths),
        failed_attempts: sum(|tenth| tenth.failed),
        commands_failed: commands_failed(cut, after.start..over),
    })
}

/// Sockets that had been lost before an instant and were not back by then: they are
/// taken to be the first to come back.
fn disconnected_before(movement: &ConnEvents, at_s: f64) -> u64 {
    let before = movement.buckets().iter();
    let before = before.take_while(|tenth| tenth.end_s() <= at_s);
    let (lost, back) = before.fold((0_u64, 0_u64), |(lost, back), tenth| {
        (lost + tenth.lost, back + tenth.reconnected)
    });
    lost.saturating_sub(back)
}

/// The end of the tenth by which so many had come back.
fn reconnected_by(tenths: &[ConnEventBucket], wanted: f64) -> Option<f64> {
    let mut back = 0_u64;
    let there = tenths.iter().find(|tenth| {
        back += tenth.reconnected;
        back as f64 >= wanted
    });
    Some(there?.end_s())
}

/// Most sockets that opened at one node within ten tenths after each other.
fn peak_handshakes(tenths: &[ConnEventBucket]) -> Option<u64> {
    let mut most: Option<u64> = None;
    let mut within: BTreeMap<&str, u64> = BTreeMap::new();
    let mut oldest = 0;
    for tenth in tenths {
        for (&node, &count) in &tenth.opened {
            *within.entry(node).or_default() += count;
        }
        while tenths[oldest].number <= tenth.number.saturating_sub(BUCKETS_PER_SECOND) {
            for (node, count) in &tenths[oldest].opened {
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

/// Commands without a reply in the seconds that `range` touches; `None` when the
/// scenario sends none.
fn commands_failed(cut: &RunWindow, range: Range<f64>) -> Option<u64> {
    if cut.record.manifest.plan.commands.is_empty() {
        return None;
    }
    let workers = cut.series.with_role(SourceRole::Worker);
    let lines = workers.flat_map(|(_, track)| track.rows());
    let touched = lines.filter(|line| line.end() > range.start && line.at < range.end);
    Some(touched.map(|line| commands_without_reply(line)).sum())
}

/// Commands that ended otherwise than with their reply.
pub(super) fn commands_without_reply(line: &IntervalRow) -> u64 {
    [
        counter::COMMANDS_TIMED_OUT,
        counter::COMMANDS_NOT_CONNECTED,
        counter::COMMANDS_REJECTED,
        counter::COMMANDS_FAILED,
    ]
    .into_iter()
    .map(|name| line.counter(name))
    .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(number: i64, node: &'static str, count: u64) -> ConnEventBucket<'static> {
        ConnEventBucket {
            number,
            opened: [(node, count)].into(),
            reconnected: count,
            ..ConnEventBucket::default()
        }
    }

    #[test]
    fn a_peak_is_of_one_node_and_one_second() {
        assert_eq!(peak_handshakes(&[]), None);
        let tenths = [
            arrivals(0, "n1", 5),
            arrivals(9, "n1", 7),
            arrivals(9, "n2", 0),
            arrivals(10, "n1", 6),
            arrivals(30, "n2", 11),
        ];
        // 0 and 9 are within a second, 0 and 10 are not.
        assert_eq!(peak_handshakes(&tenths), Some(13));
        assert_eq!(peak_handshakes(&tenths[4..]), Some(11));
    }

    #[test]
    fn sockets_are_back_at_the_end_of_the_tenth_that_reaches_the_part() {
        let tenths = [arrivals(3, "n1", 4), arrivals(7, "n1", 6)];
        assert_eq!(reconnected_by(&tenths, 4.0), Some(0.4));
        assert_eq!(reconnected_by(&tenths, 4.5), Some(0.8));
        assert_eq!(reconnected_by(&tenths, 10.0), Some(0.8));
        assert_eq!(reconnected_by(&tenths, 10.5), None);
    }
}
