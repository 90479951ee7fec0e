//! Frames to send: text, or bytes.

use super::{FixedForm, mqtt, text::checked_text};
use crate::{
    diagnostic::Diagnostic,
    plan::FrameSpec,
    suggest,
    tree::{TomlItem, TomlTable, TomlValue},
};

/// Most frames of a list.
const MAX_FRAMES: usize = 16;

/// Longest separator of messages, in bytes.
const MAX_SEPARATOR_BYTES: usize = 16;

/// Accepts a frame. Its placeholders are checked where the names are known.
pub(crate) const fn frame() -> FixedForm<FrameSpec> {
    FixedForm {
        expected: || {
            format!(
                "text in quotes, bytes such as {HEX_EXAMPLE}, or a packet such as {MQTT_EXAMPLE}"
            )
        },
        read,
    }
}

/// Accepts a list of frames.
pub(crate) const fn frames() -> FixedForm<Vec<FrameSpec>> {
    FixedForm {
        expected: || {
            format!(
                "a list of up to {MAX_FRAMES} frames, each text in quotes, bytes such as \
                 {HEX_EXAMPLE}, or a packet such as {MQTT_EXAMPLE}"
            )
        },
        read: read_list,
    }
}

/// Accepts the text between two messages of one frame.
pub(crate) const fn separator() -> FixedForm<String> {
    FixedForm {
        expected: || {
            format!(
                "text of 1 to {MAX_SEPARATOR_BYTES} bytes, such as \"\\u001e\" for the \
                 character U+001E"
            )
        },
        read: |item| checked_text(item, check_separator),
    }
}

const HEX_EXAMPLE: &str = "{ hex = \"c0 00\" }";
const MQTT_EXAMPLE: &str = "{ mqtt = \"pingreq\" }";

fn read(item: &TomlItem) -> Result<FrameSpec, Diagnostic> {
    match &item.value {
        TomlValue::Text(text) => Ok(FrameSpec::Text(text.clone())),
        TomlValue::Table(table) if table.get(mqtt::MQTT_KEY).is_some() => {
            mqtt::read_frame(table).map(FrameSpec::Mqtt)
        }
        TomlValue::Table(table) => read_hex(table),
        _ => Err(Diagnostic::new("neither text in quotes nor bytes")),
    }
}

fn read_hex(table: &TomlTable) -> Result<FrameSpec, Diagnostic> {
    let mut entries = table.entries();
    let (Some(entry), None) = (entries.next(), entries.next()) else {
        return Err(Diagnostic::new("not one key"));
    };
    match (entry.key.as_str(), &entry.item.value) {
        ("hex", TomlValue::Text(text)) => Ok(FrameSpec::Hex(text.clone())),
        ("hex", _) => Err(Diagnostic::new("`hex` is not text in quotes")),
        (key, _) => Err(
            Diagnostic::new(format!("an unknown key `{}`", key.escape_debug()))
                .maybe_hint(suggest::did_you_mean(key, ["hex", mqtt::MQTT_KEY])),
        ),
    }
}

fn read_list(item: &TomlItem) -> Result<Vec<FrameSpec>, Diagnostic> {
    let TomlValue::List(items) = &item.value else {
        return Err(Diagnostic::new("not a list"));
    };
    match items.len() {
        0 => Err(Diagnostic::new("an empty list")),
        length if length > MAX_FRAMES => Err(Diagnostic::new(format!("{length} frames"))),
        _ => items.iter().map(read).collect(),
    }
}

fn check_separator(text: &str) -> Result<(), Diagnostic> {
    match text.len() {
        0 => Err(Diagnostic::new("an empty text")),
        1..=MAX_SEPARATOR_BYTES => Ok(()),
        _ => Err(Diagnostic::new("text that is too long")),
    }
}
