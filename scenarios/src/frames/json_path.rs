//! The place of a value in JSON.

use serde_json::Value;

use crate::diagnostic::Diagnostic;

/// Most steps of a path.
const MAX_STEPS: usize = 16;

/// The place of a value in JSON: names and numbers with dots between them, such as
/// `4.status`, or a JSON Pointer (RFC 6901), such as `/4/status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    steps: Box<[Box<str>]>,
}

impl JsonPath {
    /// Parses a path; the empty one is the whole value.
    ///
    /// # Errors
    ///
    /// Fails for a path of too many steps, and for an empty name between two dots.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        let steps: Box<[Box<str>]> = match text.strip_prefix('/') {
            // RFC 6901, section 4: in this order.
            Some(pointer) => pointer
                .split('/')
                .map(|step| step.replace("~1", "/").replace("~0", "~").into())
                .collect(),
            None if text.is_empty() => Box::default(),
            None => text.split('.').map(Box::from).collect(),
        };
        let is_pointer = text.starts_with('/');
        if steps.len() > MAX_STEPS {
            return Err(Diagnostic::new(format!("more than {MAX_STEPS} steps")));
        }
        if !is_pointer && steps.iter().any(|step| step.is_empty()) {
            return Err(Diagnostic::new(format!("`{text}` has an empty name"))
                .expected("names with dots between them, such as `4.status`, or `/4/status`"));
        }
        Ok(Self { steps })
    }

    /// Returns the value at this place.
    pub fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.steps
            .iter()
            .try_fold(value, |value, step| match value {
                Value::Object(fields) => fields.get(&**step),
                Value::Array(items) => items.get(array_index(step)?),
                _ => None,
            })
    }
}

/// Parses an index as RFC 6901, section 4 writes it: digits alone.
fn array_index(step: &str) -> Option<usize> {
    let is_digits = step.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| step.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_find_a_value() {
        let value = serde_json::json!([null, {"a.b": {"status": "ok"}, "x": [1, 2]}]);
        let find = |path| JsonPath::parse(path).unwrap().find(&value).cloned();
        assert_eq!(find("1.x.1"), Some(2.into()));
        assert_eq!(find("/1/x/1"), Some(2.into()));
        assert_eq!(find("/1/a.b/status"), Some("ok".into()));
        assert_eq!(find("1.y"), None);
        assert_eq!(find("1.x.+1"), None);
        assert_eq!(find(""), Some(value.clone()));
    }

    #[test]
    fn empty_name_between_dots_is_an_error() {
        assert!(JsonPath::parse("a..b").is_err());
        assert!(JsonPath::parse(&"a.".repeat(40)).is_err());
    }
}
