//! What fuzz targets call: one function for each kind of line in a run record, which
//! may come from another machine or another version. Each takes any bytes and panics
//! when a promise is broken. Not part of the library's interface.

use std::time::Duration;

use crate::{
    histogram::{HistogramReader, latency_histogram, record},
    record::{TimedEvent, hlog, interval_row},
};

/// Lines of `intervals.jsonl`: a line that is read is read the same again, and its
/// names come in order and once.
pub fn record_intervals(bytes: &[u8]) {
    let mut decoder = interval_row::IntervalDecoder::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(reading) = decoder.line(line) else {
            continue;
        };
        let names: Vec<_> = reading
            .counters()
            .map(|(name, _)| name.to_owned())
            .collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        for (name, value) in reading.gauges() {
            assert_eq!(reading.gauge(name), Some(value));
        }
        assert_eq!(decoder.line(line).as_ref(), Ok(&reading));
    }
}

/// Lines of `events.jsonl`: what is read and written is read the same.
pub fn record_events(bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(event) = serde_json::from_slice::<TimedEvent>(line) else {
            continue;
        };
        let written = serde_json::to_vec(&event).expect("an event that cannot be written");
        let again: TimedEvent = serde_json::from_slice(&written).expect("an event of ours");
        assert_eq!(event, again);
    }
}

/// Lines of `latency.hlog`, and the histogram in one: what is read can be added to
/// others, asked for its quantiles, and grows.
pub fn record_latencies(bytes: &[u8]) {
    let mut decoder = hlog::HlogDecoder::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(Some(line)) = decoder.line(line) {
            assert!(line.at_s >= 0.0 && line.length_s >= 0.0);
        }
    }
    let Ok(mut histogram) = HistogramReader::new().read(bytes) else {
        return;
    };
    let mut sum = latency_histogram();
    record(&mut sum, Duration::from_secs(1));
    // Refused when it does not fit; then nothing was added.
    let _ = sum.add(&histogram);
    assert!(!sum.is_empty());
    for quantile in [0.0, 0.5, 0.999, 1.0] {
        assert!(histogram.value_at_quantile(quantile) <= histogram.max());
    }
    record(&mut histogram, Duration::from_secs(3_600));
}
