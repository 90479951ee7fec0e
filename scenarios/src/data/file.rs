//! The format and the limits of a data file, and its reading.

use std::path::Path;

use super::{csv, json_lines, table::DataTable};
use crate::diagnostic::Diagnostic;

/// Largest file, in bytes.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// Most columns of a file.
pub const MAX_COLUMNS: usize = 64;

/// Longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 8 << 10;

/// The format of a data file, which the end of its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataFormat {
    /// `.csv` (RFC 4180): the first record names the columns.
    Csv,
    /// `.jsonl`: a JSON object in each line, whose keys name the columns.
    JsonLines,
}

/// A problem of a data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataProblem {
    /// The line, from 1; `None` for the file as a whole.
    pub line: Option<u64>,
    /// The problem, without any value of the file.
    pub diagnostic: Diagnostic,
}

/// The names of the columns and the rows of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataContent {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub table: DataTable,
}

impl DataFormat {
    /// Returns the format of a file of this name.
    pub fn of(file: &str) -> Option<Self> {
        let extension = Path::new(file).extension()?.to_str()?;
        match extension.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" => Some(Self::JsonLines),
            _ => None,
        }
    }

    /// Parses the bytes of a file.
    ///
    /// # Errors
    ///
    /// Returns the first problem of the file.
    pub fn parse(self, bytes: &[u8]) -> Result<DataContent, DataProblem> {
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(Diagnostic::new("the file is too large")
                .expected(format!("at most {} MiB", MAX_FILE_BYTES >> 20))
                .into());
        }
        // Editors write a byte order mark before the first name.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut content = match self {
            Self::Csv => csv::parse(bytes)?,
            Self::JsonLines => json_lines::parse(bytes)?,
        };
        content.table.shrink_to_fit();
        Ok(content)
    }
}

impl DataProblem {
    /// Returns the problem in words, with the file and the line in front.
    pub(crate) fn in_file(self, file: &str) -> Diagnostic {
        let place = match self.line {
            Some(line) => format!("{file}:{line}"),
            None => file.to_owned(),
        };
        let message = format!("{place}: {}", self.diagnostic.message);
        Diagnostic {
            message,
            ..self.diagnostic
        }
    }

    pub(super) fn at_line(line: u64, diagnostic: Diagnostic) -> Self {
        Self {
            line: Some(line),
            diagnostic,
        }
    }
}

impl From<Diagnostic> for DataProblem {
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            line: None,
            diagnostic,
        }
    }
}

/// Checks the length of a value.
pub(super) fn check_length(value: &str, column: &str) -> Result<(), Diagnostic> {
    match value.len() <= MAX_VALUE_BYTES {
        true => Ok(()),
        false => Err(
            Diagnostic::new(format!("the value of `{column}` has {} bytes", value.len()))
                .expected(format!("at most {MAX_VALUE_BYTES}")),
        ),
    }
}

/// Checks the number of columns.
pub(super) fn check_column_count(count: usize) -> Result<(), Diagnostic> {
    match (1..=MAX_COLUMNS).contains(&count) {
        true => Ok(()),
        false => Err(Diagnostic::new(format!("{count} columns"))
            .expected(format!("1 to {MAX_COLUMNS} columns"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_is_that_of_the_name() {
        assert_eq!(DataFormat::of("a/tokens.CSV"), Some(DataFormat::Csv));
        assert_eq!(DataFormat::of("t.jsonl"), Some(DataFormat::JsonLines));
        assert_eq!(DataFormat::of("t.json"), None);
        assert_eq!(DataFormat::of("csv"), None);
    }

    #[test]
    fn byte_order_mark_belongs_to_no_name() {
        let content = DataFormat::Csv.parse(b"\xef\xbb\xbftoken\nt1\n").unwrap();
        assert_eq!(content.columns, ["token"]);
    }
}
