//! Frames that a device receives.

use highwater_scenarios::plan;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Message;

use crate::worker::dialect::{Dialect, Incoming, for_plan, highwater::Highwater, plain::Plain};

/// Checks that every dialect decodes any text, that a device replies with JSON, and that the
/// plain dialect ignores all text.
pub fn node_frames(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let frame = Message::text(text);
    for dialect in plan::Dialect::ALL {
        for_plan(*dialect).decode(&frame);
    }
    if let Incoming::Command { reply } = Highwater.decode(&frame) {
        let reply = reply.to_text().expect("a reply is text");
        assert!(serde_json::from_str::<&RawValue>(reply).is_ok(), "{reply}");
    }
    assert_eq!(Plain.decode(&frame), Incoming::Ignored);
}
