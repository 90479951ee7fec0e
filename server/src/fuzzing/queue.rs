//! The records in a telemetry queue.

use serde_json::value::RawValue;

use crate::ingest::Telemetry;

/// Checks that a decoded record encodes to the same record and that its body is JSON.
pub fn queued_telemetry(bytes: &[u8]) {
    let Some(telemetry) = Telemetry::decode(bytes) else {
        return;
    };
    assert!(serde_json::from_str::<&RawValue>(&telemetry.body).is_ok());
    assert_eq!(Telemetry::decode(&telemetry.encode()), Some(telemetry));
}
