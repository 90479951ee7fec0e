//! What lies in a queue of readings.

use serde_json::value::RawValue;

use crate::ingest::Telemetry;

/// A reading says the same when it is written again, and its body is JSON.
pub fn queued_telemetry(bytes: &[u8]) {
    let Some(reading) = Telemetry::decode(bytes) else {
        return;
    };
    assert!(serde_json::from_str::<&RawValue>(&reading.body).is_ok());
    assert_eq!(Telemetry::decode(&reading.encode()), Some(reading));
}
