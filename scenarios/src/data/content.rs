//! The content of a data file, its limits and its problems.

use crate::{data_table::DataTable, diagnostic::Diagnostic};

/// Most columns of a file.
pub const MAX_COLUMNS: usize = 64;

/// Longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 8 << 10;

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
