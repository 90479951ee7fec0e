//! JSON Lines: an object in each line.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{
    columns::check_columns,
    content::{DataContent, DataProblem, check_column_count, check_length},
};
use crate::{data_table::DataTable, diagnostic::Diagnostic, suggest};

/// An object, whose values are still as they were written.
type Row<'l> = BTreeMap<String, &'l RawValue>;

/// Parses a file whose first object names the columns. Texts are values without their
/// quotes; numbers, `true` and `false` stay as they are written.
pub(super) fn parse(bytes: &[u8]) -> Result<DataContent, DataProblem> {
    let mut columns = Vec::new();
    let mut table = DataTable::default();
    for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let at_line = |diagnostic| DataProblem::at_line(number, diagnostic);
        let row = read_row(line).map_err(at_line)?;
        if columns.is_empty() {
            columns = row.keys().cloned().collect();
            check_column_count(columns.len()).map_err(at_line)?;
            check_columns(&columns).map_err(at_line)?;
            table = DataTable::new(columns.len());
        }
        push_row(&row, &columns, &mut table).map_err(at_line)?;
    }
    match columns.is_empty() {
        true => Err(Diagnostic::new("an empty file")
            .expected("a JSON object in each line")
            .into()),
        false => Ok(DataContent { columns, table }),
    }
}

fn read_row(line: &[u8]) -> Result<Row<'_>, Diagnostic> {
    let line = std::str::from_utf8(line)
        .map_err(|_| Diagnostic::new("the line is not UTF-8").hint("save the file as UTF-8"))?;
    // The parser's own text may show a part of the line.
    serde_json::from_str(line).map_err(|error| {
        Diagnostic::new(format!("not a JSON object, at column {}", error.column()))
            .expected("an object in each line, such as {\"user\": \"a\", \"pass\": \"b\"}")
    })
}

fn push_row(row: &Row<'_>, columns: &[String], table: &mut DataTable) -> Result<(), Diagnostic> {
    if !row.keys().eq(columns) {
        return Err(Diagnostic::new("other keys than the first object has")
            .expected(suggest::quoted_list(columns.iter().map(String::as_str))));
    }
    for (column, raw) in row {
        let value = value_text(raw.get()).ok_or_else(|| {
            Diagnostic::new(format!("the value of `{column}` is not a plain value"))
                .expected("a text, a number, `true` or `false`")
        })?;
        check_length(&value, column)?;
        table.push(&value);
    }
    Ok(())
}

fn value_text(raw: &str) -> Option<String> {
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str(raw).ok(),
        b'n' | b'{' | b'[' => None,
        _ => Some(raw.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_their_keys() {
        let text = r#"{"user": "a\"b", "n1": 1.50, "ok": true}

            {"ok": false, "n1": 12345678901234567890, "user": "é\n"}"#;
        let content = parse(text.as_bytes()).unwrap();
        assert_eq!(content.columns, ["n1", "ok", "user"]);
        let table = content.table;
        let row = |row| [0, 1, 2].map(|column| table.value(row, column).unwrap());
        assert_eq!(row(0), ["1.50", "true", "a\"b"]);
        assert_eq!(row(1), ["12345678901234567890", "false", "é\n"]);
        assert_eq!(table.rows(), 2);
    }

    #[test]
    fn problem_names_its_line_and_shows_no_value() {
        for (bytes, start) in [
            (&b"\n \n"[..], "t.jsonl: an empty file"),
            (
                b"{\"a\": 1}\n[\"s3cr3t\"]\n",
                "t.jsonl:2: not a JSON object",
            ),
            (b"{\"a\": \"s3cr3t\n", "t.jsonl:1: not a JSON object"),
            (b"{\"a\": 1}\n\n{\"b\": 1}\n", "t.jsonl:3: other keys than"),
            (
                b"{\"a\": null}\n",
                "t.jsonl:1: the value of `a` is not a plain",
            ),
            (
                b"{\"a\": {}}\n",
                "t.jsonl:1: the value of `a` is not a plain",
            ),
            (
                b"{\"worker\": 1}\n",
                "t.jsonl:1: `worker` hides the placeholder",
            ),
            (b"{}\n", "t.jsonl:1: 0 columns"),
            (b"{\"a\": \"\xff\"}\n", "t.jsonl:1: the line is not UTF-8"),
        ] {
            let text = parse(bytes).unwrap_err().in_file("t.jsonl").to_string();
            assert!(text.starts_with(start), "{text}");
            assert!(!text.contains("s3cr3t"), "{text}");
        }
    }
}
