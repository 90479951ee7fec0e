//! What a node tells a device.

use highwater_scenarios::plan::Dialect;
use serde_json::value::RawValue;

use crate::worker::devices::dialect::{FrameAction, frame_action};

/// A reply is JSON, and a device of another dialect never answers.
pub fn node_frames(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let FrameAction::SendReply(reply) = frame_action(Dialect::Highwater, text) {
        assert!(serde_json::from_str::<&RawValue>(&reply).is_ok(), "{reply}");
    }
    assert_eq!(frame_action(Dialect::Plain, text), FrameAction::Ignore);
}
