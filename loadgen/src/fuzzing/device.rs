//! What a node tells a device.

use highwater_scenarios::plan::Dialect;
use serde_json::value::RawValue;

use crate::worker::devices::dialect::{Asked, asked};

/// A reply is JSON, and a device of another dialect never answers.
pub fn device_asked(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Asked::Reply(reply) = asked(Dialect::Highwater, text) {
        assert!(serde_json::from_str::<&RawValue>(&reply).is_ok(), "{reply}");
    }
    assert_eq!(asked(Dialect::Plain, text), Asked::Nothing);
}
