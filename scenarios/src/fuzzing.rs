//! Entry points for the fuzz target and for tests that make scenarios up. They are not part
//! of the library's interface.

use crate::{
    HostResources, Segment,
    data::{DataFormat, DataTable, MAX_COLUMNS},
    describe_matrix, parse_matrix,
};

/// Reads any bytes as a scenario file.
pub fn scenario(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = describe_or_reject(text, &[]);
    }
}

/// Reads any bytes as a data file of each format.
///
/// # Panics
///
/// Panics if a table has no columns or too many, or if the shares of three workers are not
/// the whole table.
pub fn data_files(bytes: &[u8]) {
    for format in [DataFormat::Csv, DataFormat::JsonLines] {
        let Ok(content) = format.parse(bytes) else {
            continue;
        };
        let (columns, table) = (content.columns.len(), content.table);
        assert!((1..=MAX_COLUMNS).contains(&columns));
        for segment in (0..3).filter_map(|index| Segment::new(index, 3).ok()) {
            let mut share = DataTable::new(columns);
            for chunk in table.chunks_of(segment, table.rows()) {
                assert!(share.append(&chunk));
            }
            assert_eq!(share.rows(), segment.share_of(table.rows()));
            for (own, row) in segment.indices(table.rows()).enumerate() {
                for column in 0..columns {
                    let value = table.value(row, column);
                    assert!(value.is_some() && value == share.value(own as u64, column));
                }
            }
        }
    }
}

/// Reads a text and describes it. Returns the description of a valid scenario, and `None` for
/// an invalid one.
///
/// # Panics
///
/// Panics if the description is empty, or the scenario is invalid without a problem.
pub fn describe_or_reject(text: &str, sets: &[String]) -> Option<String> {
    match parse_matrix("fuzz.toml", text, sets) {
        Ok(matrix) => {
            let host = HostResources {
                files_per_process: 1_024,
                memory: None,
            };
            let page = describe_matrix(&matrix, &host);
            assert!(!page.is_empty());
            Some(page)
        }
        Err(diagnostics) => {
            assert!(diagnostics.count() > 0, "invalid without a problem: {text}");
            assert!(diagnostics.to_string().contains("in fuzz.toml"));
            None
        }
    }
}
