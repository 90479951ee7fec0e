//! The places of values that answers give.

use regex::Regex;
use serde_json::Value;

use super::{json_path::JsonPath, matcher::compile_regex, received::ReceivedFrame};
use crate::{
    diagnostic::Diagnostic,
    plan::{TakeSource, TakeSpec},
};

/// Longest value that is taken, in bytes: a token fits.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// The place of a value in a frame, and the number of the value.
#[derive(Debug, Clone)]
pub struct Take {
    /// The number of the value among those that are taken.
    pub number: usize,
    place: TakePlace,
}

#[derive(Debug, Clone)]
enum TakePlace {
    Json(JsonPath),
    /// The first group.
    Regex(Box<Regex>),
}

impl Take {
    /// Compiles the place of a value in a frame; `number` is the value's.
    ///
    /// # Errors
    ///
    /// Fails for an invalid path or expression, and for places that only HTTP has.
    pub fn compile(spec: &TakeSpec, number: usize) -> Result<Self, Diagnostic> {
        let place = match &spec.from {
            TakeSource::Json(path) => TakePlace::Json(JsonPath::parse(path)?),
            TakeSource::Regex(text) => TakePlace::Regex(Box::new(compile_group(text)?)),
            TakeSource::Cookie(_) | TakeSource::Header(_) => {
                let message = format!(
                    "a frame has no cookies and no header fields for `{}`",
                    spec.name
                );
                return Err(Diagnostic::new(message).expected("`json:PATH` or `regex:EXPRESSION`"));
            }
        };
        Ok(Self { number, place })
    }

    /// Returns the value in a frame; `None` where the frame has none, or one that is too long.
    pub fn from_frame(&self, frame: &ReceivedFrame<'_>) -> Option<String> {
        let value = match &self.place {
            TakePlace::Json(path) => json_text(path.find(frame.json()?)?)?,
            TakePlace::Regex(regex) => {
                let captures = regex.captures(frame.text()?)?;
                captures.get(1)?.as_str().to_owned()
            }
        };
        (value.len() <= MAX_VALUE_BYTES).then_some(value)
    }
}

fn compile_group(text: &str) -> Result<Regex, Diagnostic> {
    let regex = compile_regex(text)?;
    match regex.captures_len() {
        // The whole match is group 0.
        1 => Err(Diagnostic::new("a regular expression without a group")
            .hint("put brackets around the value: `regex:id=([0-9]+)`")),
        _ => Ok(regex),
    }
}

/// Returns a text as it is, and any other value as JSON; `None` for `null`.
fn json_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(from: TakeSource, text: &str) -> Option<String> {
        let spec = TakeSpec {
            name: "id".to_owned(),
            from,
        };
        let take = Take::compile(&spec, 0).unwrap();
        take.from_frame(&ReceivedFrame::from_text(text))
    }

    #[test]
    fn value_is_taken_from_json_or_by_a_group() {
        let json = || TakeSource::Json("/sid".to_owned());
        assert_eq!(taken(json(), r#"0{"sid":"a-1"}"#).as_deref(), Some("a-1"));
        assert_eq!(taken(json(), r#"{"sid":17}"#).as_deref(), Some("17"));
        assert_eq!(taken(json(), r#"{"sid":null}"#), None);
        assert_eq!(taken(json(), "{}"), None);
        let long = format!(r#"{{"sid":"{}"}}"#, "x".repeat(MAX_VALUE_BYTES + 1));
        assert_eq!(taken(json(), &long), None);
        let regex = || TakeSource::Regex("session:([a-z]+)".to_owned());
        assert_eq!(
            taken(regex(), "CONNECTED\nsession:abc\n").as_deref(),
            Some("abc")
        );
        assert_eq!(taken(regex(), "ERROR"), None);
    }

    #[test]
    fn places_that_a_frame_lacks_are_errors() {
        for from in [
            TakeSource::Cookie("session".to_owned()),
            TakeSource::Regex("id=[0-9]+".to_owned()),
            TakeSource::Json("a..b".to_owned()),
        ] {
            let name = "id".to_owned();
            assert!(Take::compile(&TakeSpec { name, from }, 0).is_err());
        }
    }
}
