//! The texts of a record, safe to be shown.

use std::borrow::Cow;

use highwater_types::format::visible;
use serde_json::Value;

/// Escapes every text and every key of a value, as [`visible`] does.
pub(super) fn escape_texts(value: &mut Value) {
    match value {
        Value::String(text) => escape(text),
        Value::Array(values) => values.iter_mut().for_each(escape_texts),
        Value::Object(object) => {
            let entries = std::mem::take(object).into_iter();
            object.extend(entries.map(|(mut key, mut value)| {
                escape(&mut key);
                escape_texts(&mut value);
                (key, value)
            }));
        }
        _ => {}
    }
}

fn escape(text: &mut String) {
    if let Cow::Owned(escaped) = visible(text) {
        *text = escaped;
    }
}
