//! The formats of data files, and their reading.

use std::path::Path;

use super::{
    content::{DataContent, DataProblem},
    csv, json_lines,
};
use crate::diagnostic::Diagnostic;

/// Largest file, in bytes.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// The format of a data file, which the end of its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataFormat {
    /// `.csv` (RFC 4180): the first record names the columns.
    Csv,
    /// `.jsonl`: a JSON object in each line, whose keys name the columns.
    JsonLines,
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
