//! Values in the place of a preset's parameters.

use crate::tree::{TomlItem, TomlTable, TomlValue};

/// The key of an element of a list that is left out where its parameter is empty.
const CONDITION_KEY: &str = "when";

/// The values of parameters, by their names.
type Values<'v> = &'v [(String, String)];

/// Returns a table with the values in the place of `{NAME}` in all its texts. Elements of
/// lists whose `when` names an empty parameter are left out, and so is a list of such elements
/// alone.
pub(super) fn fill_table(table: &TomlTable, values: Values<'_>) -> TomlTable {
    let mut filled = TomlTable::default();
    for entry in table.entries() {
        let item = fill_item(&entry.item, values);
        if !matches!(&item.value, TomlValue::List(items) if items.is_empty()) {
            filled.insert(&entry.key, item);
        }
    }
    filled
}

fn fill_item(item: &TomlItem, values: Values<'_>) -> TomlItem {
    let value = match &item.value {
        TomlValue::Text(text) => TomlValue::Text(fill_text(text, values)),
        TomlValue::Table(table) => TomlValue::Table(fill_table(table, values)),
        TomlValue::List(items) => {
            let items = items.iter().filter_map(|item| fill_element(item, values));
            TomlValue::List(items.collect())
        }
        value => value.clone(),
    };
    TomlItem {
        value,
        span: item.span.clone(),
    }
}

fn fill_element(item: &TomlItem, values: Values<'_>) -> Option<TomlItem> {
    let mut filled = fill_item(item, values);
    if let TomlValue::Table(table) = &mut filled.value
        && let Some(condition) = table.remove(CONDITION_KEY)
        && let TomlValue::Text(name) = condition.value
    {
        let value = values.iter().find(|(known, _)| *known == name);
        value.filter(|(_, value)| !value.is_empty())?;
    }
    Some(filled)
}

/// Replaces each `{NAME}` of a parameter. Other braces stay: they are JSON, or placeholders of
/// the worker. In a text of JSON, a value inside of quotes is escaped.
fn fill_text(text: &str, values: Values<'_>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, value, after)) = next_parameter(rest, values) {
        filled.push_str(before);
        match is_inside_json_string(&filled) {
            true => push_json_escaped(value, &mut filled),
            false => filled.push_str(value),
        }
        rest = after;
    }
    filled + rest
}

/// Returns the text before the first parameter, the parameter's value, and the text behind it.
fn next_parameter<'t>(text: &'t str, values: Values<'t>) -> Option<(&'t str, &'t str, &'t str)> {
    text.match_indices('{').find_map(|(at, _)| {
        let (name, after) = text[at + 1..].split_once('}')?;
        let (_, value) = values.iter().find(|(known, _)| known == name)?;
        Some((&text[..at], value.as_str(), after))
    })
}

/// Whether a text, up to its end, has opened a string of JSON that is not closed.
fn is_inside_json_string(text: &str) -> bool {
    // Socket.IO writes digits before its JSON.
    let json = text.trim_start_matches(|c: char| c.is_ascii_digit());
    if !json.starts_with(['{', '[']) {
        return false;
    }
    let (mut is_inside, mut is_escaped) = (false, false);
    for c in json.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_inside = !is_inside,
            _ => {}
        }
    }
    is_inside
}

fn push_json_escaped(raw: &str, out: &mut String) {
    let quoted = serde_json::Value::from(raw).to_string();
    // The quotes are the text's own.
    out.push_str(&quoted[1..quoted.len() - 1]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnostic::SourceSpan, tree};

    fn values() -> [(String, String); 3] {
        [
            ("topic", "a\"b"),
            ("params", r#"{"x":"{device}"}"#),
            ("none", ""),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    }

    #[test]
    fn value_is_escaped_inside_of_a_json_string_only() {
        for (text, filled) in [
            (
                r#"["{ref}","{topic}",{params}]"#,
                r#"["{ref}","a\"b",{"x":"{device}"}]"#,
            ),
            (r#"42["{topic}"]"#, r#"42["a\"b"]"#),
            (r#"{"id":"{params}"}"#, r#"{"id":"{\"x\":\"{device}\"}"}"#),
            ("SUBSCRIBE {topic}{none}!", "SUBSCRIBE a\"b!"),
            ("{}{other}", "{}{other}"),
        ] {
            assert_eq!(fill_text(text, &values()), filled, "{text}");
        }
    }

    #[test]
    fn element_without_its_parameter_is_left_out() {
        let text = "open = [{ send = '{topic}', when = 'topic' }, { send = 'x', when = 'none' }]\n\
                    close = [{ send = 'x', when = 'none' }]";
        let table = tree::parse_embedded(text, &SourceSpan::FILE);
        let filled = fill_table(&table, &values());
        assert!(filled.get("close").is_none());
        let Some(TomlValue::List(open)) = filled.get("open").map(|item| &item.value) else {
            panic!("a list");
        };
        assert_eq!(open.len(), 1);
        assert!(open[0].as_table().unwrap().get("when").is_none());
    }
}
