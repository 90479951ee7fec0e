//! Entry points of the fuzz targets: one function for each kind of line in a run record. A
//! record may come from another machine or another version. Each function takes any bytes and
//! panics when an invariant is broken. They are no part of the library's interface.

use std::time::Duration;

use crate::{
    histogram::{HistogramReader, latency_histogram, record},
    record::{TimedEvent, hlog, interval_row},
};

/// Decodes lines of `intervals.jsonl`. A decoded line decodes the same again, and its names
/// are sorted and unique.
pub fn record_intervals(bytes: &[u8]) {
    let mut decoder = interval_row::IntervalDecoder::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(row) = decoder.line(line) else {
            continue;
        };
        let names: Vec<_> = row.counters().map(|(name, _)| name.to_owned()).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        for (name, value) in row.gauges() {
            assert_eq!(row.gauge(name), Some(value));
        }
        assert_eq!(decoder.line(line).as_ref(), Ok(&row));
    }
}

/// Decodes lines of `events.jsonl`. A decoded event that is encoded decodes the same.
pub fn record_events(bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(event) = serde_json::from_slice::<TimedEvent>(line) else {
            continue;
        };
        let written = serde_json::to_vec(&event).expect("a decoded event can be encoded");
        let again: TimedEvent =
            serde_json::from_slice(&written).expect("an encoded event can be decoded");
        assert_eq!(event, again);
    }
}

/// Decodes lines of `latency.hlog`, and a histogram. A decoded histogram can be merged, has
/// quantiles, and grows.
pub fn record_latencies(bytes: &[u8]) {
    let mut decoder = hlog::HlogDecoder::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(Some(line)) = decoder.line(line) {
            assert!(line.at_s >= 0.0 && line.length_s >= 0.0);
        }
    }
    let Ok(mut histogram) = HistogramReader::default().read(bytes) else {
        return;
    };
    let mut sum = latency_histogram();
    record(&mut sum, Duration::from_secs(1));
    // A histogram that does not fit is rejected as a whole, so the sum stays valid.
    let _ = sum.add(&histogram);
    assert!(!sum.is_empty());
    for quantile in [0.0, 0.5, 0.999, 1.0] {
        assert!(histogram.value_at_quantile(quantile) <= histogram.max());
    }
    record(&mut histogram, Duration::from_secs(3_600));
}
