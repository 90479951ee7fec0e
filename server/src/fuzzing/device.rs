//! The JSON frames of device sockets.

use serde_json::{Value, value::RawValue};

use crate::session::frame::{FromDevice, parse};

/// Checks that a parsed frame is a JSON object and that its body is the JSON of the input.
pub fn device_frames(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(frame) = parse(text) else {
        return;
    };
    assert!(text.trim_start().starts_with('{'));
    let (FromDevice::Reply { body, .. } | FromDevice::Telemetry { body, .. }) = frame else {
        return;
    };
    assert!(serde_json::from_str::<&RawValue>(&body).is_ok());
    // The parser bounds neither depth nor numbers; serde_json's `Value` does.
    if let Ok(whole) = serde_json::from_str::<Value>(text) {
        let expected = whole.get("body").unwrap_or(&Value::Null);
        assert_eq!(
            serde_json::from_str::<Value>(&body).ok().as_ref(),
            Some(expected)
        );
    }
}
