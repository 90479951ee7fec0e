//! Comma-separated values (RFC 4180).

use ::csv::{ByteRecord, Reader, ReaderBuilder};
use highwater_types::format;

use super::{
    columns::check_columns,
    content::{DataContent, DataProblem, check_column_count, check_length},
};
use crate::{data_table::DataTable, diagnostic::Diagnostic};

/// Parses a file whose first record names the columns. Values may stand in double quotes,
/// with commas and line ends in them.
pub(super) fn parse(bytes: &[u8]) -> Result<DataContent, DataProblem> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        // Ragged rows have a message of their own.
        .flexible(true)
        .from_reader(bytes);
    let mut record = ByteRecord::new();
    if !read(&mut reader, &mut record)? {
        let problem = Diagnostic::new("an empty file");
        return Err(problem
            .expected("a first line with the names of the columns")
            .into());
    }
    let columns = header(&record, bytes)?;
    let mut table = DataTable::new(columns.len());
    while read(&mut reader, &mut record)? {
        push_row(&record, &columns, &mut table)
            .map_err(|diagnostic| DataProblem::at_line(line_of(&record, bytes), diagnostic))?;
    }
    Ok(DataContent { columns, table })
}

fn read(reader: &mut Reader<&[u8]>, record: &mut ByteRecord) -> Result<bool, DataProblem> {
    let line = reader.position().line();
    reader.read_byte_record(record).map_err(|_| {
        // The reader's own text may show a part of the file.
        DataProblem::at_line(line, Diagnostic::new("not comma-separated values"))
    })
}

fn header(record: &ByteRecord, bytes: &[u8]) -> Result<Vec<String>, DataProblem> {
    let at_header = |diagnostic| DataProblem::at_line(line_of(record, bytes), diagnostic);
    check_column_count(record.len()).map_err(at_header)?;
    let names = record.iter().map(|name| {
        let name = std::str::from_utf8(name).map_err(|_| not_utf8("a column's name"))?;
        Ok(name.trim().to_owned())
    });
    let columns: Vec<String> = names.collect::<Result<_, _>>().map_err(at_header)?;
    check_columns(&columns).map_err(|problem| {
        let hint = problem.hint.clone();
        let hint = hint.unwrap_or_else(|| "the first line names the columns".to_owned());
        at_header(problem.hint(hint))
    })?;
    Ok(columns)
}

fn push_row(
    record: &ByteRecord,
    columns: &[String],
    table: &mut DataTable,
) -> Result<(), Diagnostic> {
    if record.len() != columns.len() {
        let found = format::plural(record.len() as u64, "value");
        return Err(Diagnostic::new(format!("{found} in the row"))
            .expected(format!(
                "{}, as many as the first line has names",
                columns.len()
            ))
            .hint("a value with a comma in it stands in double quotes"));
    }
    for (value, column) in record.iter().zip(columns) {
        let value = std::str::from_utf8(value);
        let value = value.map_err(|_| not_utf8(&format!("the value of `{column}`")))?;
        check_length(value, column)?;
        table.push(value);
    }
    Ok(())
}

/// Returns the line of a record. The reader's own position is in front of empty lines.
fn line_of(record: &ByteRecord, bytes: &[u8]) -> u64 {
    let Some(position) = record.position() else {
        return 1;
    };
    let rest = bytes.get(position.byte() as usize..).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| b"\r\n".contains(byte));
    position.line() + empty.filter(|byte| **byte == b'\n').count() as u64
}

fn not_utf8(subject: &str) -> Diagnostic {
    Diagnostic::new(format!("{subject} is not UTF-8")).hint("save the file as UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::MAX_VALUE_BYTES;

    fn problem(bytes: &[u8]) -> String {
        let problem = parse(bytes).unwrap_err();
        problem.in_file("t.csv").to_string()
    }

    #[test]
    fn quotes_commas_and_line_ends_belong_to_values() {
        let text = "user,pass\r\na,\"p,1\"\r\n\"b\"\"c\",\"two\nlines\"\n\n,\n";
        let content = parse(text.as_bytes()).unwrap();
        assert_eq!(content.columns, ["user", "pass"]);
        let table = content.table;
        let rows = (0..table.rows()).map(|row| [0, 1].map(|column| table.value(row, column)));
        let rows: Vec<_> = rows.collect();
        assert_eq!(
            rows,
            [
                [Some("a"), Some("p,1")],
                [Some("b\"c"), Some("two\nlines")],
                [Some(""), Some("")],
            ]
        );
    }

    #[test]
    fn problem_names_its_line_and_shows_no_value() {
        for (bytes, start) in [
            (&b""[..], "t.csv: an empty file"),
            (b"a,b\n1,2\n3\n", "t.csv:3: 1 value in the row"),
            (b"a,b\n\n\n1,2,s3cr3t\n", "t.csv:4: 3 values in the row"),
            (
                b"a\nx\n\xff\xfe\n",
                "t.csv:3: the value of `a` is not UTF-8",
            ),
            (b"a-b\n1\n", "t.csv:1: `a-b` cannot be the name of a value"),
            (b"device\n1\n", "t.csv:1: `device` hides the placeholder"),
            (b"a,a\n1,2\n", "t.csv:1: two columns have the name `a`"),
        ] {
            let text = problem(bytes);
            assert!(text.starts_with(start), "{text}");
            assert!(!text.contains("s3cr3t"), "{text}");
        }
        let long = format!("a\n{}\n", "x".repeat(MAX_VALUE_BYTES + 1));
        assert!(problem(long.as_bytes()).starts_with("t.csv:2: the value of `a` has 8193 bytes"));
        let wide = "a,".repeat(64);
        assert!(problem(wide.as_bytes()).starts_with("t.csv:1: 65 columns"));
    }
}
