//! Histograms of one latency and one time that stand in several lines.
//!
//! A worker that reports late gets a line of its own, as does each worker between two
//! checkpoints of a run over a bus. Percentiles cannot be added, so such lines are merged first.

use std::collections::BTreeMap;

use crate::{histogram::LatencyHistogram, record::hlog::HlogLine};

/// Seconds by which a line may be behind the newest one and is still merged.
const LATE_S: f64 = 30.0;
/// Most lines that wait, whatever their times are.
const MAX_WAITING: usize = 4_096;

/// Lines that wait for further ones of their time.
#[derive(Default)]
pub(super) struct LatencyMerger {
    waiting: BTreeMap<LineKey, LatencyHistogram>,
    newest_ms: i64,
}

/// Time and tag of a line. Milliseconds, because the log has no smaller unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct LineKey {
    at_ms: i64,
    length_ms: i64,
    tag: String,
}

impl LatencyMerger {
    /// Takes a line, and returns the lines that are complete, in the order of their times.
    pub(super) fn add(&mut self, line: HlogLine) -> Vec<HlogLine> {
        let millis = |seconds: f64| (seconds * 1e3).round() as i64;
        let key = LineKey {
            at_ms: millis(line.at_s),
            length_ms: millis(line.length_s),
            tag: line.tag,
        };
        self.newest_ms = self.newest_ms.max(key.at_ms);
        match self.waiting.get_mut(&key) {
            Some(merged) => {
                let added = merged.add(&line.histogram);
                debug_assert!(added.is_ok(), "histograms of one precision merge");
            }
            None => {
                self.waiting.insert(key, line.histogram);
            }
        }
        let complete = self.newest_ms.saturating_sub(millis(LATE_S));
        let mut lines = Vec::new();
        while let Some((key, _)) = self.waiting.first_key_value()
            && (key.at_ms < complete || self.waiting.len() > MAX_WAITING)
        {
            lines.extend(self.waiting.pop_first().map(line_of));
        }
        lines
    }

    /// Returns the lines that still wait, after the last one.
    pub(super) fn finish(self) -> impl Iterator<Item = HlogLine> {
        self.waiting.into_iter().map(line_of)
    }
}

fn line_of((key, histogram): (LineKey, LatencyHistogram)) -> HlogLine {
    HlogLine {
        tag: key.tag,
        at_s: key.at_ms as f64 / 1e3,
        length_s: key.length_ms as f64 / 1e3,
        histogram,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::histogram::{latency_histogram, record};

    fn line(at_s: f64, millis: u64) -> HlogLine {
        let mut histogram = latency_histogram();
        record(&mut histogram, Duration::from_millis(millis));
        HlogLine {
            tag: "connect".to_owned(),
            at_s,
            length_s: 1.0,
            histogram,
        }
    }

    #[test]
    fn late_line_is_merged_with_its_second() {
        let mut merger = LatencyMerger::default();
        let mut lines = Vec::new();
        for (at_s, millis) in [(0.0, 1), (1.0, 2), (0.0, 9), (40.0, 3)] {
            lines.extend(merger.add(line(at_s, millis)));
        }
        assert_eq!(lines.len(), 2, "two seconds are older than half a minute");
        lines.extend(merger.finish());
        let found: Vec<_> = lines
            .iter()
            .map(|line| (line.at_s, line.histogram.len(), line.histogram.max() / 1000))
            .collect();
        assert_eq!(found, [(0.0, 2, 9), (1.0, 1, 2), (40.0, 1, 3)]);
    }
}
