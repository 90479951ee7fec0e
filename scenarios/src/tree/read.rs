//! TOML text into a tree.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeInteger, DeTable, DeValue},
};

use super::{SourceSpan, TomlEntry, TomlItem, TomlTable, TomlValue};
use crate::diagnostic::{DiagnosticBuilder, DiagnosticSink};

/// Bytes of text that are read: far more than any scenario has.
const MAX_FILE_BYTES: usize = 1 << 20;
/// Dots outside quotes on one line. Each part of a dotted key nests a table,
/// and a tree is dropped by recursion.
const MAX_DOTS_PER_LINE: usize = 24;
/// Levels of nesting that are kept, several more than any key has.
const MAX_DEPTH: usize = 16;

/// The tree of a file, as far as it could be read; errors of syntax go to
/// `findings`.
pub(crate) fn parse(text: &str, findings: &mut DiagnosticSink) -> TomlTable {
    if let Some(refusal) = check_limits(text) {
        findings.add_syntax(text, refusal);
        return TomlTable::default();
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let origin = SourceSpan::File(error.span().unwrap_or(0..0));
        let what = format!("not TOML: {}", error.message());
        findings.add_syntax(text, DiagnosticBuilder::new(&origin, "", what));
    }
    convert_table(table.into_inner(), 0, &|span| SourceSpan::File(span))
}

/// A value outside a file: TOML where it is valid TOML, else the text itself,
/// so that `30s` needs no quotes.
pub(crate) fn parse_value(text: &str, origin: &SourceSpan) -> TomlItem {
    let text = text.trim();
    let toml = check_limits(text)
        .is_none()
        .then(|| DeValue::parse(text).ok())
        .flatten();
    match toml {
        Some(value) => convert(value, 0, &|_| origin.clone()),
        None => TomlItem {
            value: TomlValue::Text(text.to_owned()),
            span: origin.clone(),
        },
    }
}

fn check_limits(text: &str) -> Option<DiagnosticBuilder> {
    if text.len() > MAX_FILE_BYTES {
        let what = format!(
            "a file of {} bytes; a scenario has at most {MAX_FILE_BYTES}",
            text.len()
        );
        return Some(DiagnosticBuilder::new(&SourceSpan::File(0..0), "", what));
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if count_dots(line) > MAX_DOTS_PER_LINE {
            let place = SourceSpan::File(start..start + line.trim_end().len());
            let what = format!("a line with more than {MAX_DOTS_PER_LINE} dots outside quotes");
            return Some(DiagnosticBuilder::new(&place, "", what));
        }
        start += line.len();
    }
    None
}

/// Dots of a line that may separate the parts of a key.
fn count_dots(line: &str) -> usize {
    let mut quote = None;
    let mut dots = 0;
    for c in line.chars() {
        match (c, quote) {
            ('#', None) => break,
            ('.', None) => dots += 1,
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
    }
    dots
}

/// What makes an origin of a range of bytes.
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
    entries.sort_by_key(|(start, _)| *start);
    TomlTable {
        entries: entries.into_iter().map(|(_, entry)| entry).collect(),
    }
}

fn convert(value: Spanned<DeValue<'_>>, depth: usize, locate: SpanFn<'_>) -> TomlItem {
    let origin = locate(value.span());
    let value = match value.into_inner() {
        DeValue::String(text) => TomlValue::Text(text.into_owned()),
        DeValue::Integer(number) => TomlValue::Integer(integer(&number)),
        DeValue::Float(number) => TomlValue::Other(number.to_string(), "a number with a fraction"),
        DeValue::Boolean(flag) => TomlValue::Other(flag.to_string(), "a truth value"),
        DeValue::Datetime(moment) => TomlValue::Other(moment.to_string(), "a date or time"),
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
    TomlItem {
        value,
        span: origin,
    }
}

fn integer(number: &DeInteger<'_>) -> i128 {
    i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX)
}
