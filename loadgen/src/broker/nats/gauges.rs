//! The gauges in `/varz` of NATS' monitoring port.

use chrono::{DateTime, Utc};
use highwater_reports::record::names::gauge;
use serde::Deserialize;

use crate::sampling::{Gauges, gauges::measured};

/// The recorded part of the answer. `cpu` in it is a share of a core at one moment, not time
/// used, so it is left out.
#[derive(Debug, Deserialize)]
struct Varz {
    start: Option<DateTime<Utc>>,
    /// Resident memory in bytes.
    mem: Option<f64>,
    connections: Option<f64>,
    subscriptions: Option<f64>,
    in_msgs: Option<f64>,
    out_msgs: Option<f64>,
    in_bytes: Option<f64>,
    out_bytes: Option<f64>,
    slow_consumers: Option<f64>,
}

/// Reads the gauges in an answer of `/varz`; `None` if it is another text.
pub(super) fn parse(text: &str) -> Option<Gauges> {
    let varz: Varz = serde_json::from_str(text).ok()?;
    Some(measured([
        (gauge::STARTED_AT, varz.start.map(seconds)),
        (gauge::RSS, varz.mem),
        (gauge::BROKER_CLIENTS, varz.connections),
        (gauge::BROKER_CHANNELS, varz.subscriptions),
        (gauge::BROKER_PUBLISHED, varz.in_msgs),
        (gauge::BROKER_MESSAGES_IN, varz.in_msgs),
        (gauge::BROKER_MESSAGES_OUT, varz.out_msgs),
        (gauge::BROKER_BYTES_IN, varz.in_bytes),
        (gauge::BROKER_BYTES_OUT, varz.out_bytes),
        (gauge::BROKER_SLOW_CONSUMERS, varz.slow_consumers),
    ]))
}

fn seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp_micros() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varz_is_read_in_its_units() {
        let varz = r#"{
            "server_id": "NA", "version": "2.9.10", "start": "2025-11-24T16:00:00.5Z",
            "mem": 12582912, "cores": 2, "cpu": 3.5, "connections": 4, "subscriptions": 70,
            "in_msgs": 1000, "out_msgs": 2000, "in_bytes": 30000, "out_bytes": 60000,
            "slow_consumers": 1, "jetstream": {}
        }"#;
        let expected = [
            (gauge::STARTED_AT, 1_764_000_000.5),
            (gauge::RSS, 12_582_912.0),
            (gauge::BROKER_CLIENTS, 4.0),
            (gauge::BROKER_CHANNELS, 70.0),
            (gauge::BROKER_PUBLISHED, 1_000.0),
            (gauge::BROKER_MESSAGES_IN, 1_000.0),
            (gauge::BROKER_MESSAGES_OUT, 2_000.0),
            (gauge::BROKER_BYTES_IN, 30_000.0),
            (gauge::BROKER_BYTES_OUT, 60_000.0),
            (gauge::BROKER_SLOW_CONSUMERS, 1.0),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(parse(varz), Some(expected.into()));
    }

    #[test]
    fn missing_field_is_absent() {
        assert_eq!(parse("{}"), Some(Gauges::new()));
        assert_eq!(parse("<html>"), None);
        assert_eq!(parse("[]"), None);
    }
}
