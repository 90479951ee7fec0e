//! A telemetry record: the data that a device sends upstream.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::id::{DeviceId, TelemetryId};

/// A telemetry record of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Telemetry {
    pub(crate) device: DeviceId,
    /// The device's own name of the record. A record that is sent again keeps it.
    pub(crate) id: TelemetryId,
    /// JSON text.
    pub(crate) body: String,
}

/// The JSON in a queue. It is an object, so that consumers in other languages can read it.
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
    /// Returns the JSON `{"device":…,"id":…,"body":…}`.
    pub(crate) fn encode(&self) -> Bytes {
        let Self { device, id, body } = self;
        // Never null: the parser of device frames has checked the JSON.
        let body = serde_json::from_str::<&RawValue>(body).unwrap_or(RawValue::NULL);
        match serde_json::to_vec(&EncodedTelemetry { device, id, body }) {
            Ok(bytes) => bytes.into(),
            Err(error) => unreachable!("names and raw JSON always serialize: {error}"),
        }
    }

    /// Decodes a record; `None` for bytes that are not one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let decoded = serde_json::from_slice(bytes);
        // Not an error, which would end the connection, and come again with the next one.
        let DecodedTelemetry { device, id, body } = decoded
            .inspect_err(|error| tracing::warn!(%error, "cannot decode a record; it is skipped"))
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
    fn record_is_encoded_as_plain_json() {
        let telemetry = Telemetry {
            device: "home-1".parse().unwrap(),
            id: "0-17".parse().unwrap(),
            body: r#"{"t": 21.5}"#.to_owned(),
        };
        let bytes = telemetry.encode();
        assert_eq!(
            &bytes[..],
            br#"{"device":"home-1","id":"0-17","body":{"t": 21.5}}"#
        );
        assert_eq!(Telemetry::decode(&bytes), Some(telemetry));
    }

    proptest! {
        #[test]
        fn noise_is_not_a_record_and_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(Telemetry::decode(&noise), None);
        }
    }
}
