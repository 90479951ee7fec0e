//! Reading of TOML text into a tree.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeInteger, DeTable, DeValue},
};

use super::{TomlEntry, TomlItem, TomlTable, TomlValue};
use crate::diagnostic::{DiagnosticSink, SourceSpan};

/// Bytes of text that are read: far more than any scenario has.
const MAX_FILE_BYTES: usize = 1 << 20;
/// Dots outside quotes on one line. Each part of a dotted key nests a table, and a tree is
/// dropped by recursion: a longer line could overflow the stack.
const MAX_DOTS_PER_LINE: usize = 24;
/// Levels of nesting that are kept, several more than any key has.
const MAX_DEPTH: usize = 16;

/// Reads the tree of a file as far as possible; errors of syntax go to `sink`.
pub(crate) fn parse(text: &str, sink: &mut DiagnosticSink) -> TomlTable {
    if let Some((range, message)) = exceeded_limit(text) {
        sink.report_syntax(text, range, message);
        return TomlTable::default();
    }
    // The parser recovers, so that values behind an error of syntax are checked too.
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let message = format!("not TOML: {}", error.message());
        sink.report_syntax(text, error.span().unwrap_or(0..0), message);
    }
    convert_table(table.into_inner(), 0, &SourceSpan::File)
}

/// Reads a text that is a part of this crate. Its tree stands at one place of the scenario.
pub(crate) fn parse_embedded(text: &str, span: &SourceSpan) -> TomlTable {
    // Tests read every such text; errors of syntax would be found there.
    let (table, _) = DeTable::parse_recoverable(text);
    convert_table(table.into_inner(), 0, &|_| span.clone())
}

/// Reads a value that stands outside a file. Text that is not valid TOML is a value of its
/// own, so that `30s` needs no quotes.
pub(crate) fn parse_value(text: &str, span: &SourceSpan) -> TomlItem {
    let text = text.trim();
    let toml = match exceeded_limit(text) {
        Some(_) => None,
        None => DeValue::parse(text).ok(),
    };
    match toml {
        Some(value) => convert(value, 0, &|_| span.clone()),
        None => TomlItem {
            value: TomlValue::Text(text.to_owned()),
            span: span.clone(),
        },
    }
}

/// Returns the limit that the text exceeds, in words, and where. The parser never sees
/// such a text: its own tables nest as deep as ours.
fn exceeded_limit(text: &str) -> Option<(Range<usize>, String)> {
    if text.len() > MAX_FILE_BYTES {
        let message = format!(
            "a file of {} bytes; a scenario has at most {MAX_FILE_BYTES}",
            text.len()
        );
        return Some((0..0, message));
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if count_dots(line) > MAX_DOTS_PER_LINE {
            let message = format!("a line with more than {MAX_DOTS_PER_LINE} dots outside quotes");
            return Some((start..start + line.trim_end().len(), message));
        }
        start += line.len();
    }
    None
}

/// Counts the dots of a line that may separate the parts of a key.
fn count_dots(line: &str) -> usize {
    let mut quote = None;
    let mut dots = 0;
    for c in line.chars() {
        match (c, quote) {
            // Dots of a comment separate nothing.
            ('#', None) => break,
            ('.', None) => dots += 1,
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
    }
    dots
}

/// A function that makes a span of a range of bytes.
type SpanFn<'l> = &'l dyn Fn(Range<usize>) -> SourceSpan;

fn convert_table(table: DeTable<'_>, depth: usize, locate: SpanFn<'_>) -> TomlTable {
    let mut entries: Vec<(usize, TomlEntry)> = table
        .into_iter()
        .map(|(key, value)| {
            let span = key.span();
            let entry = TomlEntry {
                key: key.into_inner().into_owned(),
                span: locate(span.clone()),
                item: convert(value, depth, locate),
            };
            (span.start, entry)
        })
        .collect();
    // The parser sorts keys by name; messages and header fields keep the order of the file.
    entries.sort_by_key(|(start, _)| *start);
    TomlTable {
        entries: entries.into_iter().map(|(_, entry)| entry).collect(),
    }
}

fn convert(value: Spanned<DeValue<'_>>, depth: usize, locate: SpanFn<'_>) -> TomlItem {
    let span = locate(value.span());
    let value = match value.into_inner() {
        DeValue::String(text) => TomlValue::Text(text.into_owned()),
        DeValue::Integer(number) => TomlValue::Integer(integer(&number)),
        DeValue::Float(number) => TomlValue::Other(number.to_string(), "a number with a fraction"),
        DeValue::Boolean(flag) => TomlValue::Other(flag.to_string(), "a truth value"),
        DeValue::Datetime(moment) => TomlValue::Other(moment.to_string(), "a date or time"),
        // Far below the limit of the stack, and no key reads anything as deep.
        DeValue::Array(_) | DeValue::Table(_) if depth > MAX_DEPTH => {
            TomlValue::Other("…".to_owned(), "nested too deeply")
        }
        DeValue::Array(list) => TomlValue::List(
            list.into_iter()
                .map(|item| convert(item, depth + 1, locate))
                .collect(),
        ),
        DeValue::Table(table) => TomlValue::Table(convert_table(table, depth + 1, locate)),
    };
    TomlItem { value, span }
}

fn integer(number: &DeInteger<'_>) -> i128 {
    // A number beyond 128 bits is out of every key's range, whatever its sign.
    i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX)
}
