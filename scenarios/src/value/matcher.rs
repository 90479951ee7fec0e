//! Tests on received frames.

use super::{FixedForm, mqtt};
use crate::{
    diagnostic::Diagnostic,
    plan::{JsonExpectation, MatchSpec},
    suggest,
    tree::{TomlItem, TomlTable, TomlValue},
};

/// The kinds of tests.
const KINDS: [&str; 6] = ["text", "prefix", "json", "hex", "regex", mqtt::MQTT_KEY];

/// Most values in JSON that one test looks at.
const MAX_JSON_TESTS: usize = 16;

/// Accepts a test on frames: a table with one key. Its placeholders are checked where the
/// names are known.
pub(crate) const fn matcher() -> FixedForm<MatchSpec> {
    FixedForm {
        expected: || {
            format!(
                "a table with one of {}, such as {{ json = {{ type = \"pong\" }} }}",
                suggest::quoted_list(KINDS)
            )
        },
        read: read_matcher,
    }
}

/// Reads a test on frames.
pub(super) fn read_matcher(item: &TomlItem) -> Result<MatchSpec, Diagnostic> {
    let Some(table) = item.as_table() else {
        let hint = match &item.value {
            TomlValue::Text(text) if text.len() <= 40 => {
                Some(format!("did you mean {{ text = {text:?} }}?"))
            }
            _ => None,
        };
        return Err(Diagnostic::new("not a table").maybe_hint(hint));
    };
    if table.get(mqtt::MQTT_KEY).is_some() {
        return mqtt::read_match(table).map(MatchSpec::Mqtt);
    }
    let mut entries = table.entries();
    let Some(entry) = entries.next() else {
        return Err(Diagnostic::new("an empty table"));
    };
    if let Some(second) = entries.next() {
        let keys = [entry.key.as_str(), second.key.as_str()].map(str::escape_debug);
        let message = format!("both `{}` and `{}`", keys[0], keys[1]);
        return Err(Diagnostic::new(message).hint("one test may look at several values of `json`"));
    }
    read_test(&entry.key, &entry.item)
}

fn read_test(kind: &str, item: &TomlItem) -> Result<MatchSpec, Diagnostic> {
    if !KINDS.contains(&kind) {
        let message = format!("an unknown test `{}`", kind.escape_debug());
        return Err(Diagnostic::new(message).maybe_hint(suggest::did_you_mean(kind, KINDS)));
    }
    match (kind, &item.value) {
        ("json", TomlValue::Table(table)) => read_json(table),
        ("json", _) => Err(Diagnostic::new("`json` is not a table")
            .hint("write the places of values: { json = { type = \"pong\" } }")),
        (_, TomlValue::Text(text)) => Ok(text_test(kind, text.clone())),
        _ => Err(Diagnostic::new(format!("`{kind}` is not text in quotes"))),
    }
}

fn text_test(kind: &str, text: String) -> MatchSpec {
    match kind {
        "prefix" => MatchSpec::Prefix(text),
        "hex" => MatchSpec::Hex(text),
        "regex" => MatchSpec::Regex(text),
        _ => MatchSpec::Text(text),
    }
}

fn read_json(table: &TomlTable) -> Result<MatchSpec, Diagnostic> {
    let mut tests = Vec::new();
    collect_json("", table, &mut tests)?;
    match tests.len() {
        0 => Err(Diagnostic::new("`json` without a value")),
        length if length > MAX_JSON_TESTS => {
            let message = format!("{length} values; a test looks at up to {MAX_JSON_TESTS}");
            Err(Diagnostic::new(message))
        }
        _ => Ok(MatchSpec::Json(tests)),
    }
}

/// Collects the values of a table. A table below it adds to the place: `{ a = { b = 1 } }`
/// is `{ "a.b" = 1 }`.
fn collect_json(
    above: &str,
    table: &TomlTable,
    tests: &mut Vec<(String, JsonExpectation)>,
) -> Result<(), Diagnostic> {
    for entry in table.entries() {
        let path = match above {
            "" => entry.key.clone(),
            above => format!("{above}.{}", entry.key),
        };
        let expected = match &entry.item.value {
            TomlValue::Table(inner) => {
                collect_json(&path, inner, tests)?;
                continue;
            }
            TomlValue::Text(text) => JsonExpectation::Text(text.clone()),
            TomlValue::Integer(number) => {
                let number = i64::try_from(*number);
                JsonExpectation::Integer(number.map_err(|_| not_a_value(&path))?)
            }
            TomlValue::Other(text, _) => {
                JsonExpectation::Boolean(text.parse().map_err(|_| not_a_value(&path))?)
            }
            TomlValue::List(_) => return Err(not_a_value(&path)),
        };
        tests.push((path, expected));
    }
    Ok(())
}

fn not_a_value(path: &str) -> Diagnostic {
    let shown: String = path.chars().take(40).flat_map(char::escape_debug).collect();
    Diagnostic::new(format!(
        "the value of `{shown}` is neither text, a whole number nor a truth value"
    ))
}
