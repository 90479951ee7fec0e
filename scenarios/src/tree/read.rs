//! TOML text into a tree.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeInteger, DeTable, DeValue},
};

use super::{Entry, Item, Origin, Table, Value};
use crate::diagnostic::{Finding, Findings};

/// Bytes of text that are read: far more than any scenario has.
const LONGEST: usize = 1 << 20;
/// Dots outside quotes on one line. Each part of a dotted key nests a table,
/// and a tree is dropped by recursion.
const MOST_DOTS: usize = 24;
/// Levels of nesting that are kept, several more than any key has.
const DEEPEST: usize = 16;

/// The tree of a file, as far as it could be read; errors of syntax go to
/// `findings`.
pub(crate) fn read(text: &str, findings: &mut Findings) -> Table {
    if let Some(refusal) = refusal(text) {
        findings.add_syntax(text, refusal);
        return Table::default();
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let origin = Origin::File(error.span().unwrap_or(0..0));
        let what = format!("not TOML: {}", error.message());
        findings.add_syntax(text, Finding::new(&origin, "", what));
    }
    convert_table(table.into_inner(), 0, &|span| Origin::File(span))
}

/// A value outside a file: TOML where it is valid TOML, else the text itself,
/// so that `30s` needs no quotes.
pub(crate) fn value(text: &str, origin: &Origin) -> Item {
    let text = text.trim();
    let toml = refusal(text)
        .is_none()
        .then(|| DeValue::parse(text).ok())
        .flatten();
    match toml {
        Some(value) => convert(value, 0, &|_| origin.clone()),
        None => Item {
            value: Value::Text(text.to_owned()),
            origin: origin.clone(),
        },
    }
}

fn refusal(text: &str) -> Option<Finding> {
    if text.len() > LONGEST {
        let what = format!(
            "a file of {} bytes; a scenario has at most {LONGEST}",
            text.len()
        );
        return Some(Finding::new(&Origin::File(0..0), "", what));
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if dots(line) > MOST_DOTS {
            let place = Origin::File(start..start + line.trim_end().len());
            let what = format!("a line with more than {MOST_DOTS} dots outside quotes");
            return Some(Finding::new(&place, "", what));
        }
        start += line.len();
    }
    None
}

/// Dots of a line that may separate the parts of a key.
fn dots(line: &str) -> usize {
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
type Locate<'l> = &'l dyn Fn(Range<usize>) -> Origin;

fn convert_table(table: DeTable<'_>, depth: usize, locate: Locate<'_>) -> Table {
    let mut entries: Vec<(usize, Entry)> = table
        .into_iter()
        .map(|(key, value)| {
            let span = key.span();
            let entry = Entry {
                key: key.into_inner().into_owned(),
                origin: locate(span.clone()),
                item: convert(value, depth, locate),
            };
            (span.start, entry)
        })
        .collect();
    entries.sort_by_key(|(start, _)| *start);
    Table {
        entries: entries.into_iter().map(|(_, entry)| entry).collect(),
    }
}

fn convert(value: Spanned<DeValue<'_>>, depth: usize, locate: Locate<'_>) -> Item {
    let origin = locate(value.span());
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => Value::Integer(integer(&number)),
        DeValue::Float(number) => Value::Other(number.to_string(), "a number with a fraction"),
        DeValue::Boolean(flag) => Value::Other(flag.to_string(), "a truth value"),
        DeValue::Datetime(moment) => Value::Other(moment.to_string(), "a date or time"),
        DeValue::Array(_) | DeValue::Table(_) if depth > DEEPEST => {
            Value::Other("…".to_owned(), "nested too deeply")
        }
        DeValue::Array(list) => Value::List(
            list.into_iter()
                .map(|item| convert(item, depth + 1, locate))
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(convert_table(table, depth + 1, locate)),
    };
    Item { value, origin }
}

fn integer(number: &DeInteger<'_>) -> i128 {
    i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX)
}
