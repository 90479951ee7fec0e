//! Text with placeholders.

use super::names::{ValueNames, ValueRef, Values};
use crate::diagnostic::Diagnostic;

/// Longest text of a template, in bytes: a frame of a heartbeat or a message.
const MAX_TEMPLATE_BYTES: usize = 64 * 1024;

/// Longest name of a placeholder, in bytes, with its brace.
const MAX_NAME_BYTES: usize = 65;

/// Text with placeholders: `{device}`, `{ref}`, a column, `${NAME}`.
///
/// Values are escaped as JSON where the text is JSON. Socket.IO's digits before the JSON and
/// a separator behind it do not change that. `{{name}` stands for the text `{name}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Box<[Part]>,
    escapes_json: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Value(ValueRef),
}

impl Template {
    /// Compiles a text outside of frames: frames alone have numbers and nonces.
    ///
    /// # Errors
    ///
    /// Fails as [`Template::parse`] does, and for `{ref}` and `{nonce}`.
    pub fn parse_outside_of_frames(text: &str, names: &mut ValueNames) -> Result<Self, Diagnostic> {
        let template = Self::parse(text, names)?;
        for (value, name) in [(ValueRef::Ref, "ref"), (ValueRef::Nonce, "nonce")] {
            if template.uses(value) {
                return Err(
                    Diagnostic::new(format!("`{{{name}}}` outside of a message")).expected(
                        "a value of the device: {device}, {n}, a column or a taken value",
                    ),
                );
            }
        }
        Ok(template)
    }

    /// Compiles a text.
    ///
    /// # Errors
    ///
    /// Fails for a placeholder that is not known, and for text that is too long.
    pub fn parse(text: &str, names: &mut ValueNames) -> Result<Self, Diagnostic> {
        if text.len() > MAX_TEMPLATE_BYTES {
            let message = format!("text of more than {MAX_TEMPLATE_BYTES} bytes");
            return Err(Diagnostic::new(message));
        }
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, mark, after)) = next_mark(rest) {
            literal.push_str(before);
            rest = after;
            let value = match mark {
                Mark::Escaped(name) => {
                    literal.push_str(&format!("{{{name}}}"));
                    continue;
                }
                Mark::Value(name) => names.resolve(name)?,
                Mark::Environment(name) => names.environment(name),
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal).into()));
            }
            parts.push(Part::Value(value));
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.into()));
        }
        Ok(Self {
            escapes_json: is_json(&parts),
            parts: parts.into(),
        })
    }

    /// Appends the text with its values to `out`.
    pub fn render(&self, values: &dyn Values, out: &mut String) {
        self.render_parts(&self.parts, values, out);
    }

    /// Returns the text where it has no placeholders.
    pub fn literal(&self) -> Option<&str> {
        match &*self.parts {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether the text is JSON.
    pub fn is_json(&self) -> bool {
        self.escapes_json
    }

    /// Yields the values that the text has placeholders for.
    pub fn values(&self) -> impl Iterator<Item = ValueRef> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value(value) => Some(*value),
            Part::Literal(_) => None,
        })
    }

    /// Whether the text has a placeholder for `value`.
    pub fn uses(&self, value: ValueRef) -> bool {
        self.parts.contains(&Part::Value(value))
    }

    /// Whether `text` is the template with its values.
    pub fn equals(&self, text: &str, values: &dyn Values) -> bool {
        self.strip_start(text, values) == Some("")
    }

    /// Returns the rest of a `text` that starts with the template and its values.
    pub fn strip_start<'t>(&self, text: &'t str, values: &dyn Values) -> Option<&'t str> {
        self.strip_parts(&self.parts, text, values)
    }

    /// Returns the text that stands in `text` in the place of `value`, and the rest behind the
    /// template. The value ends at the literal behind it, or at the first character that is
    /// neither a letter, a digit nor one of `-_.`.
    pub fn capture<'t>(
        &self,
        text: &'t str,
        value: ValueRef,
        values: &dyn Values,
    ) -> Option<(&'t str, &'t str)> {
        let place = Part::Value(value);
        let place = self.parts.iter().position(|part| *part == place)?;
        let text = self.strip_parts(&self.parts[..place], text, values)?;
        let is_value = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let end = text.find(|c| !is_value(c)).unwrap_or(text.len());
        let (captured, rest) = text.split_at(end);
        if captured.is_empty() {
            return None;
        }
        let rest = self.strip_parts(&self.parts[place + 1..], rest, values)?;
        Some((captured, rest))
    }

    fn strip_parts<'t>(
        &self,
        parts: &[Part],
        text: &'t str,
        values: &dyn Values,
    ) -> Option<&'t str> {
        let mut rest = text;
        let mut rendered = String::new();
        for part in parts {
            rest = match part {
                Part::Literal(literal) => rest.strip_prefix(&**literal)?,
                Part::Value(_) => {
                    rendered.clear();
                    self.render_parts(std::slice::from_ref(part), values, &mut rendered);
                    rest.strip_prefix(rendered.as_str())?
                }
            };
        }
        Some(rest)
    }

    fn render_parts(&self, parts: &[Part], values: &dyn Values, out: &mut String) {
        for part in parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Value(value) if self.escapes_json => {
                    let mut raw = String::new();
                    values.append(*value, &mut raw);
                    push_json_escaped(&raw, out);
                }
                Part::Value(value) => values.append(*value, out),
            }
        }
    }
}

/// Returns the names of the variables of the environment that a text has placeholders for.
pub fn variables_of(text: &str) -> Vec<&str> {
    let mut variables = Vec::new();
    let mut rest = text;
    while let Some((_, mark, after)) = next_mark(rest) {
        if let Mark::Environment(name) = mark {
            variables.push(name);
        }
        rest = after;
    }
    variables
}

/// A placeholder as written.
pub(crate) enum Mark<'t> {
    Value(&'t str),
    Environment(&'t str),
    Escaped(&'t str),
}

/// Splits a text at its first placeholder. Braces around anything but a name are text, so
/// that JSON is written as it is.
pub(crate) fn next_mark(text: &str) -> Option<(&str, Mark<'_>, &str)> {
    text.match_indices('{').find_map(|(at, _)| {
        let inside = &text[at + 1..];
        // The end is looked for nearby only: a text of many braces would take long otherwise.
        let end = inside
            .bytes()
            .take(MAX_NAME_BYTES)
            .position(|byte| byte == b'}')?;
        let (name, after) = (&inside[..end], &inside[end + 1..]);
        if !is_name(name) {
            return None;
        }
        let before = &text[..at];
        Some(match before.as_bytes().last() {
            Some(b'$') => (&before[..at - 1], Mark::Environment(name), after),
            Some(b'{') => (&before[..at - 1], Mark::Escaped(name), after),
            _ => (before, Mark::Value(name), after),
        })
    })
}

/// Whether a text can be the name of a placeholder.
pub(crate) fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(is_letter)
        && name
            .bytes()
            .all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

/// Whether the text is JSON from its first bracket to its end.
fn is_json(parts: &[Part]) -> bool {
    // A number may stand for a value inside of a JSON text and on its own.
    let sample: String = parts
        .iter()
        .map(|part| match part {
            Part::Literal(text) => text,
            Part::Value(_) => "1",
        })
        .collect();
    let json = sample.trim_start_matches(|c: char| c.is_ascii_digit());
    // A separator such as SignalR's U+001E may end the frame.
    let json = json.trim_end_matches(char::is_control);
    json.starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok()
}

fn push_json_escaped(raw: &str, out: &mut String) {
    let quoted = serde_json::Value::from(raw).to_string();
    // The quotes are the template's.
    out.push_str(&quoted[1..quoted.len() - 1]);
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample;

    impl Values for Sample {
        fn append(&self, value: ValueRef, out: &mut String) {
            out.push_str(match value {
                ValueRef::Device => "phone-7",
                ValueRef::Ref => "42",
                ValueRef::Column(0) => r#"a"b"#,
                ValueRef::Environment(0) => "secret",
                _ => "",
            });
        }
    }

    fn template(text: &str) -> Template {
        let mut names = ValueNames {
            columns: vec!["pass".to_owned()],
            ..ValueNames::default()
        };
        Template::parse(text, &mut names).unwrap()
    }

    fn rendered(text: &str) -> String {
        let mut out = String::new();
        template(text).render(&Sample, &mut out);
        out
    }

    #[test]
    fn placeholders_are_replaced_and_braces_of_json_are_text() {
        for (text, expected) in [
            (r#"{"id":"{device}","n":{}}"#, r#"{"id":"phone-7","n":{}}"#),
            ("{{device} is {device}", "{device} is phone-7"),
            ("token ${TOKEN}!", "token secret!"),
            ("{", "{"),
            ("{ device }", "{ device }"),
        ] {
            assert_eq!(rendered(text), expected, "{text}");
        }
    }

    #[test]
    fn values_are_escaped_in_json_only() {
        assert_eq!(rendered(r#"{"p":"{pass}"}"#), r#"{"p":"a\"b"}"#);
        assert_eq!(rendered(r#"42["x","{pass}"]"#), r#"42["x","a\"b"]"#);
        assert_eq!(rendered("[\"{pass}\"]\u{1e}"), "[\"a\\\"b\"]\u{1e}");
        assert_eq!(rendered("SEND {pass}"), "SEND a\"b");
        assert_eq!(rendered(r#"{"id":{ref}}"#), r#"{"id":42}"#);
    }

    #[test]
    fn text_is_compared_with_its_values() {
        let reply = template("ok {ref} from {device}");
        assert!(reply.equals("ok 42 from phone-7", &Sample));
        assert!(!reply.equals("ok 42 from phone-78", &Sample));
        assert_eq!(reply.strip_start("ok 42 from phone-7!", &Sample), Some("!"));
    }

    #[test]
    fn value_is_captured_up_to_the_literal_behind_it() {
        let reply = template("ACK {ref} to {device}");
        let captured = reply.capture("ACK 7 to phone-7\n", ValueRef::Ref, &Sample);
        assert_eq!(captured, Some(("7", "\n")));
        assert_eq!(
            reply.capture("ACK  to phone-7", ValueRef::Ref, &Sample),
            None
        );
        assert_eq!(
            reply.capture("ACK 7 to phone-8", ValueRef::Ref, &Sample),
            None
        );
    }

    #[test]
    fn unknown_placeholder_is_an_error_with_a_hint() {
        let problem = Template::parse("{devise}", &mut ValueNames::default()).unwrap_err();
        assert_eq!(problem.hint.as_deref(), Some("did you mean `device`?"));
    }
}
