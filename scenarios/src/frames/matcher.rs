//! Tests on received frames.

use regex::Regex;
use serde_json::Value;

use super::{
    hex::HexTemplate,
    json_path::JsonPath,
    names::{ValueNames, ValueRef, Values},
    received::ReceivedFrame,
    template::Template,
};
use crate::{
    diagnostic::Diagnostic,
    plan::{JsonExpectation, MatchSpec},
};

/// Most memory of a compiled regular expression, in bytes.
const REGEX_LIMIT: usize = 1 << 20;

/// A compiled test on received frames.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// The whole text.
    Text(Template),
    /// The start of the text.
    Prefix(Template),
    /// Values in JSON; all of them must be as expected.
    Json(Box<[JsonTest]>),
    /// All bytes.
    Hex(HexTemplate),
    /// A regular expression that finds a part of the text. Its groups `ref` and `nonce` are
    /// the values of these names. It runs in linear time.
    Regex(Box<Regex>),
}

/// A test on one value in JSON.
#[derive(Debug, Clone)]
pub struct JsonTest {
    path: JsonPath,
    expected: ExpectedJson,
}

#[derive(Debug, Clone)]
enum ExpectedJson {
    /// A text, or a number that is written like it.
    Text(Template),
    /// A number or a boolean.
    Exact(Value),
}

impl Matcher {
    /// Compiles a matcher.
    ///
    /// # Errors
    ///
    /// Fails for unknown placeholders, invalid paths, bytes and expressions.
    pub fn compile(spec: &MatchSpec, names: &mut ValueNames) -> Result<Self, Diagnostic> {
        Ok(match spec {
            MatchSpec::Text(text) => Self::Text(Template::parse(text, names)?),
            MatchSpec::Prefix(text) => Self::Prefix(Template::parse(text, names)?),
            MatchSpec::Hex(text) => Self::Hex(HexTemplate::parse(text, names)?),
            MatchSpec::Regex(text) => Self::Regex(Box::new(compile_regex(text)?)),
            MatchSpec::Json(tests) => Self::Json(
                tests
                    .iter()
                    .map(|(path, expected)| JsonTest::compile(path, expected, names))
                    .collect::<Result<_, _>>()?,
            ),
        })
    }

    /// Whether a frame passes the test.
    pub fn matches(&self, frame: &ReceivedFrame<'_>, values: &dyn Values) -> bool {
        match self {
            Self::Text(template) => frame.text().is_some_and(|t| template.equals(t, values)),
            Self::Prefix(template) => frame
                .text()
                .is_some_and(|text| template.strip_start(text, values).is_some()),
            Self::Hex(template) => template.equals(frame.bytes(), values),
            Self::Regex(regex) => frame.text().is_some_and(|text| regex.is_match(text)),
            Self::Json(tests) => frame
                .json()
                .is_some_and(|json| tests.iter().all(|test| test.passes(json, values))),
        }
    }

    /// Whether the test has a place for `value`, so that [`capture`](Self::capture) may find
    /// it.
    pub fn has_place_for(&self, value: ValueRef) -> bool {
        match self {
            Self::Text(template) | Self::Prefix(template) => template.uses(value),
            Self::Hex(_) => false,
            Self::Regex(regex) => group_of(value)
                .is_some_and(|group| regex.capture_names().flatten().any(|name| name == group)),
            Self::Json(tests) => tests.iter().any(|test| test.has_place_for(value)),
        }
    }

    /// Returns the text in the place of `value` of a frame that passes the rest of the test:
    /// the number or nonce of the message that it answers.
    pub fn capture(
        &self,
        frame: &ReceivedFrame<'_>,
        value: ValueRef,
        values: &dyn Values,
    ) -> Option<String> {
        match self {
            Self::Text(template) => {
                let (captured, rest) = template.capture(frame.text()?, value, values)?;
                rest.is_empty().then(|| captured.to_owned())
            }
            Self::Prefix(template) => {
                let (captured, _) = template.capture(frame.text()?, value, values)?;
                Some(captured.to_owned())
            }
            Self::Hex(_) => None,
            Self::Regex(regex) => {
                let captures = regex.captures(frame.text()?)?;
                Some(captures.name(group_of(value)?)?.as_str().to_owned())
            }
            Self::Json(tests) => {
                let json = frame.json()?;
                let place = tests.iter().position(|test| test.has_place_for(value))?;
                let passes = |test: &JsonTest| test.passes(json, values);
                let others_pass =
                    tests[..place].iter().all(passes) && tests[place + 1..].iter().all(passes);
                others_pass.then(|| tests[place].capture(json, value, values))?
            }
        }
    }
}

impl JsonTest {
    fn compile(
        path: &str,
        expected: &JsonExpectation,
        names: &mut ValueNames,
    ) -> Result<Self, Diagnostic> {
        Ok(Self {
            path: JsonPath::parse(path)?,
            expected: match expected {
                JsonExpectation::Text(text) => ExpectedJson::Text(Template::parse(text, names)?),
                JsonExpectation::Integer(number) => ExpectedJson::Exact((*number).into()),
                JsonExpectation::Boolean(value) => ExpectedJson::Exact((*value).into()),
            },
        })
    }

    fn passes(&self, json: &Value, values: &dyn Values) -> bool {
        let Some(found) = self.path.find(json) else {
            return false;
        };
        match &self.expected {
            ExpectedJson::Exact(expected) => found == expected,
            ExpectedJson::Text(template) => {
                scalar_text(found).is_some_and(|text| template.equals(&text, values))
            }
        }
    }

    fn has_place_for(&self, value: ValueRef) -> bool {
        matches!(&self.expected, ExpectedJson::Text(template) if template.uses(value))
    }

    fn capture(&self, json: &Value, value: ValueRef, values: &dyn Values) -> Option<String> {
        let ExpectedJson::Text(template) = &self.expected else {
            return None;
        };
        let text = scalar_text(self.path.find(json)?)?;
        let (captured, rest) = template.capture(&text, value, values)?;
        rest.is_empty().then(|| captured.to_owned())
    }
}

fn compile_regex(text: &str) -> Result<Regex, Diagnostic> {
    regex::RegexBuilder::new(text)
        .size_limit(REGEX_LIMIT)
        .dfa_size_limit(REGEX_LIMIT)
        .build()
        .map_err(|error| {
            // The parser's text has several lines, the last of which says what is wrong.
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default();
            let reason = reason.trim_start_matches("error: ");
            Diagnostic::new(format!("an invalid regular expression: {reason}"))
        })
}

/// The group of a regular expression that captures a value.
fn group_of(value: ValueRef) -> Option<&'static str> {
    match value {
        ValueRef::Ref => Some("ref"),
        ValueRef::Nonce => Some("nonce"),
        _ => None,
    }
}

/// Returns a text, and a number as it is written: servers send `{ref}` back as either.
fn scalar_text(value: &Value) -> Option<std::borrow::Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample;

    impl Values for Sample {
        fn append(&self, value: ValueRef, out: &mut String) {
            if value == ValueRef::Ref {
                out.push('7');
            }
        }
    }

    fn matcher(spec: MatchSpec) -> Matcher {
        Matcher::compile(&spec, &mut ValueNames::default()).unwrap()
    }

    fn json(tests: &[(&str, &str)]) -> Matcher {
        let text = |text: &str| JsonExpectation::Text(text.to_owned());
        let tests = tests.iter().map(|(path, t)| ((*path).to_owned(), text(t)));
        matcher(MatchSpec::Json(tests.collect()))
    }

    #[test]
    fn json_passes_when_all_values_are_as_expected() {
        let phoenix = json(&[("1", "{ref}"), ("4.status", "ok")]);
        for (text, passes) in [
            (r#"[null,"7","t","phx_reply",{"status":"ok"}]"#, true),
            (r#"[null,7,"t","phx_reply",{"status":"ok"}]"#, true),
            (r#"[null,"8","t","phx_reply",{"status":"ok"}]"#, false),
            (r#"[null,"7","t","phx_reply",{"status":"error"}]"#, false),
            (r#"{"1":"7"}"#, false),
            ("7", false),
        ] {
            let frame = ReceivedFrame::from_text(text);
            assert_eq!(phoenix.matches(&frame, &Sample), passes, "{text}");
        }
    }

    #[test]
    fn number_of_an_answer_is_captured() {
        let phoenix = json(&[("1", "{ref}"), ("4.status", "ok")]);
        let frame = ReceivedFrame::from_text(r#"[null,"12","t","r",{"status":"ok"}]"#);
        let captured = phoenix.capture(&frame, ValueRef::Ref, &Sample);
        assert_eq!(captured.as_deref(), Some("12"));
        let frame = ReceivedFrame::from_text(r#"[null,"12","t","r",{"status":"no"}]"#);
        assert_eq!(phoenix.capture(&frame, ValueRef::Ref, &Sample), None);

        let regex = matcher(MatchSpec::Regex("^43(?<ref>[0-9]+)".to_owned()));
        let frame = ReceivedFrame::from_text("4312[]");
        let captured = regex.capture(&frame, ValueRef::Ref, &Sample);
        assert_eq!(captured.as_deref(), Some("12"));
    }

    #[test]
    fn texts_and_bytes_are_compared_whole_or_from_their_start() {
        let frame = ReceivedFrame::from_text("3probe");
        let passes = |spec| matcher(spec).matches(&frame, &Sample);
        assert!(passes(MatchSpec::Prefix("3".to_owned())));
        assert!(!passes(MatchSpec::Text("3".to_owned())));
        assert!(passes(MatchSpec::Hex("33 70 72 6f 62 65".to_owned())));
        assert!(!passes(MatchSpec::Hex("33".to_owned())));
        assert!(passes(MatchSpec::Regex("prob?e$".to_owned())));
    }

    #[test]
    fn invalid_expression_is_an_error_in_one_line() {
        let spec = MatchSpec::Regex("(".to_owned());
        let problem = Matcher::compile(&spec, &mut ValueNames::default()).unwrap_err();
        assert_eq!(
            problem.message,
            "an invalid regular expression: unclosed group"
        );
    }
}
