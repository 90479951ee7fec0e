//! A received frame, read at most once in each form.

use std::cell::OnceCell;

use serde_json::Value;

/// A frame that a socket received. Several matchers look at it, and each form of it is made
/// once, when the first of them asks.
#[derive(Debug)]
pub struct ReceivedFrame<'f> {
    bytes: &'f [u8],
    text: OnceCell<Option<&'f str>>,
    json: OnceCell<Option<Value>>,
}

impl<'f> ReceivedFrame<'f> {
    /// Wraps the payload of a text frame.
    pub fn from_text(text: &'f str) -> Self {
        Self {
            bytes: text.as_bytes(),
            text: OnceCell::from(Some(text)),
            json: OnceCell::new(),
        }
    }

    /// Wraps the payload of a binary frame.
    pub fn from_bytes(bytes: &'f [u8]) -> Self {
        Self {
            bytes,
            text: OnceCell::new(),
            json: OnceCell::new(),
        }
    }

    /// Returns the payload.
    pub fn bytes(&self) -> &'f [u8] {
        self.bytes
    }

    /// Returns the payload as text. A binary frame has one as well where it is UTF-8: servers
    /// send JSON in both.
    pub fn text(&self) -> Option<&'f str> {
        *self
            .text
            .get_or_init(|| std::str::from_utf8(self.bytes).ok())
    }

    /// Returns the first JSON value of the text, behind Socket.IO's digits if there are any.
    pub fn json(&self) -> Option<&Value> {
        let parse = || {
            let text = self.text()?.trim_start();
            let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
            // Other JSON than an object or a list has no places to look at.
            let json = digits.starts_with(['{', '[']).then_some(digits)?;
            let mut values = serde_json::Deserializer::from_str(json).into_iter();
            values.next()?.ok()
        };
        self.json.get_or_init(parse).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_found_behind_digits_and_before_a_separator() {
        let json = |text| ReceivedFrame::from_text(text).json().map(Value::to_string);
        assert_eq!(json(r#"42["a",1]"#).as_deref(), Some(r#"["a",1]"#));
        assert_eq!(json("{\"type\":6}\u{1e}").as_deref(), Some(r#"{"type":6}"#));
        assert_eq!(json("2"), None);
        assert_eq!(json("oops {}"), None);
    }

    #[test]
    fn binary_frame_is_text_where_it_is_utf8() {
        assert_eq!(ReceivedFrame::from_bytes(b"{}").text(), Some("{}"));
        assert_eq!(ReceivedFrame::from_bytes(b"\xff").text(), None);
    }
}
