//! Writing of a tree as TOML text.

use std::fmt::Write;

use super::{TomlItem, TomlTable, TomlValue};

/// Returns a tree as the text of a file: plain keys, then a header for each table and each
/// element of a list of tables. Tables further down stand in one line.
pub(crate) fn write(root: &TomlTable) -> String {
    let mut text = String::new();
    for entry in root.entries() {
        if tables_of(&entry.item).is_none() {
            push_key(&mut text, &entry.key, &entry.item);
        }
    }
    for entry in root.entries() {
        let Some((tables, header)) = tables_of(&entry.item) else {
            continue;
        };
        let header = header.replace("KEY", &key(&entry.key));
        for table in tables {
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}{header}\n"));
            push_keys(&mut text, table);
        }
    }
    text
}

/// Returns the keys of a table, each on a line of its own.
pub(crate) fn write_keys(table: &TomlTable) -> String {
    let mut text = String::new();
    push_keys(&mut text, table);
    text
}

fn push_keys(text: &mut String, table: &TomlTable) {
    for entry in table.entries() {
        push_key(text, &entry.key, &entry.item);
    }
}

/// Returns the tables that get a header, and the form of the header.
fn tables_of(item: &TomlItem) -> Option<(Vec<&TomlTable>, &'static str)> {
    match &item.value {
        TomlValue::Table(table) => Some((vec![table], "[KEY]")),
        TomlValue::List(items) if !items.is_empty() => {
            let tables: Option<Vec<_>> = items.iter().map(TomlItem::as_table).collect();
            Some((tables?, "[[KEY]]"))
        }
        _ => None,
    }
}

fn push_key(text: &mut String, name: &str, item: &TomlItem) {
    let value = match &item.value {
        TomlValue::List(items) if items.len() > 1 && items[0].as_table().is_some() => {
            let lines = items.iter().map(|item| format!("    {},\n", inline(item)));
            format!("[\n{}]", lines.collect::<String>())
        }
        _ => inline(item),
    };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{} = {value}", key(name));
}

fn inline(item: &TomlItem) -> String {
    match &item.value {
        TomlValue::Text(text) => quoted(text),
        TomlValue::Integer(number) => number.to_string(),
        TomlValue::Other(text, _) => text.clone(),
        TomlValue::List(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        TomlValue::Table(table) if table.entries().next().is_none() => "{}".to_owned(),
        TomlValue::Table(table) => {
            let pairs = table.entries();
            let pairs = pairs.map(|entry| format!("{} = {}", key(&entry.key), inline(&entry.item)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

fn key(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match !name.is_empty() && name.bytes().all(is_bare) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// Returns a text in quotes. Text with quotes of its own, such as JSON, stands in single ones,
/// in which nothing is escaped.
fn quoted(text: &str) -> String {
    let needs_escapes = text.contains(['"', '\\']);
    if needs_escapes && !text.contains(|c: char| c == '\'' || c.is_control()) {
        return format!("'{text}'");
    }
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::{
        diagnostic::{DiagnosticSink, SourceSpan},
        tree,
    };

    const TEXT: &str = r#"
        name = "a"
        seed = 7
        [target]
        ws = ["ws://h", "ws://i"]
        "odd key" = { a = 1, b = { c = true } }
        tls = {}
        [[devices]]
        send = "{\"a\":\"it's\"}\u001e\n\u0000"
        json = '{"a":"\d"}'
        open = [{ send = "x" }, { send = "y" }]
        [[devices]]
        open = [{ send = "x" }]
        close = []
    "#;

    #[test]
    fn text_of_a_tree_is_laid_out_for_reading() {
        let text = write(&tree::parse_embedded(TEXT, &SourceSpan::FILE));
        expect![[r#"
            name = "a"
            seed = 7

            [target]
            ws = ["ws://h", "ws://i"]
            "odd key" = { a = 1, b = { c = true } }
            tls = {}

            [[devices]]
            send = "{\"a\":\"it's\"}\u001e\n\u0000"
            json = '{"a":"\d"}'
            open = [
                { send = "x" },
                { send = "y" },
            ]

            [[devices]]
            open = [{ send = "x" }]
            close = []
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn written_text_is_read_as_the_same_tree() {
        let first = write(&tree::parse_embedded(TEXT, &SourceSpan::FILE));
        let mut sink = DiagnosticSink::default();
        let second = write(&tree::parse(&first, &mut sink));
        assert!(sink.is_empty());
        assert_eq!(first, second);
    }
}
