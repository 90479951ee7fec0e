//! What a device sends upstream.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::id::{DeviceId, TelemetryId};

/// A reading of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Telemetry {
    pub(crate) device: DeviceId,
    /// The device's own name for it: what it sends again has the same.
    pub(crate) id: TelemetryId,
    /// JSON text.
    pub(crate) body: String,
}

/// As it lies in a queue: an object that consumers in other languages can read.
#[derive(Serialize)]
struct EncodedTelemetry<'a> {
    device: &'a DeviceId,
    id: &'a TelemetryId,
    body: &'a RawValue,
}

#[derive(Deserialize)]
struct DecodedTelemetry<'a> {
    device: DeviceId,
    id: TelemetryId,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl Telemetry {
    /// `{"device":…,"id":…,"body":…}`.
    pub(crate) fn encode(&self) -> Bytes {
        let Self { device, id, body } = self;
        // Checked where it came in.
        let raw = serde_json::from_str::<&RawValue>(body).unwrap_or(RawValue::NULL);
        match serde_json::to_vec(&EncodedTelemetry {
            device,
            id,
            body: raw,
        }) {
            Ok(bytes) => bytes.into(),
            Err(error) => unreachable!("names and raw JSON always serialize: {error}"),
        }
    }

    /// What was encoded; `None` for anything else that lies in the queue.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let DecodedTelemetry { device, id, body } = serde_json::from_slice(bytes)
            .inspect_err(|error| tracing::warn!(%error, "invalid telemetry record in the queue; it is skipped"))
            .ok()?;
        let body = body.get().to_owned();
        Some(Self { device, id, body })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_reading_is_json_that_anybody_can_read() {
        let reading = Telemetry {
            device: "home-1".parse().unwrap(),
            id: "0-17".parse().unwrap(),
            body: r#"{"t": 21.5}"#.to_owned(),
        };
        let bytes = reading.encode();
        assert_eq!(
            &bytes[..],
            br#"{"device":"home-1","id":"0-17","body":{"t": 21.5}}"#
        );
        assert_eq!(Telemetry::decode(&bytes), Some(reading));
    }

    proptest! {
        #[test]
        fn noise_is_no_reading_and_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(Telemetry::decode(&noise), None);
        }
    }
}
