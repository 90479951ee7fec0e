//! Rows of values.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Most text of one chunk of rows, in bytes, before the row that passes it.
const CHUNK_TEXT_BYTES: usize = 512 << 10;

/// Most values of one chunk of rows, before the row that passes it.
const CHUNK_VALUES: usize = 64 << 10;

/// Rows of values, each with as many values as there are columns.
///
/// All values lie in one text, so that a million tokens cost their bytes and four more each.
/// The `Debug` form shows none of them, because they may be secrets.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataTable {
    columns: usize,
    text: String,
    /// The end of each value in `text`, row after row. Files are smaller than 4 GiB.
    ends: Vec<u32>,
}

impl DataTable {
    /// Makes a table without rows.
    pub fn new(columns: usize) -> Self {
        Self {
            columns,
            ..Self::default()
        }
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> u64 {
        let rows = self.ends.len().checked_div(self.columns);
        rows.unwrap_or(0) as u64
    }

    /// Returns a value; `None` where there is no such row or column.
    pub fn value(&self, row: u64, column: usize) -> Option<&str> {
        if column >= self.columns {
            return None;
        }
        let row = usize::try_from(row).ok()?;
        let place = row.checked_mul(self.columns)?.checked_add(column)?;
        let end = *self.ends.get(place)? as usize;
        let start = match place {
            0 => 0,
            _ => self.ends[place - 1] as usize,
        };
        self.text.get(start..end)
    }

    /// Yields the rows of these numbers in chunks of bounded size. A number without a row ends
    /// the last chunk.
    pub fn chunks_of(&self, rows: impl Iterator<Item = u64>) -> impl Iterator<Item = Self> {
        let count = self.rows();
        let mut rows = rows.take_while(move |row| *row < count);
        std::iter::from_fn(move || {
            let mut chunk = Self::new(self.columns);
            while chunk.text.len() < CHUNK_TEXT_BYTES && chunk.ends.len() < CHUNK_VALUES {
                let Some(row) = rows.next() else {
                    break;
                };
                for column in 0..self.columns {
                    chunk.push(self.value(row, column).unwrap_or_default());
                }
            }
            (!chunk.ends.is_empty()).then_some(chunk)
        })
    }

    /// Appends the rows of a chunk. Returns `false`, and appends nothing, where the chunk has
    /// other columns or is not whole.
    pub fn append(&mut self, chunk: &Self) -> bool {
        let is_whole = chunk.columns == self.columns
            && chunk.ends.len().is_multiple_of(self.columns.max(1))
            && chunk.ends.is_sorted()
            && chunk.ends.last().copied().unwrap_or(0) as usize == chunk.text.len();
        let offset = self.text.len();
        if !is_whole || u32::try_from(offset + chunk.text.len()).is_err() {
            return false;
        }
        self.text.push_str(&chunk.text);
        let ends = chunk.ends.iter().map(|end| offset as u32 + end);
        self.ends.extend(ends);
        true
    }

    /// Gives back the memory that a growing table holds in reserve.
    pub fn shrink_to_fit(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// Appends the next value of a row. Callers push whole rows, and less than 4 GiB.
    pub(crate) fn push(&mut self, value: &str) {
        self.text.push_str(value);
        self.ends.push(self.text.len() as u32);
    }
}

impl fmt::Debug for DataTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataTable({} rows)", self.rows())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Segment;

    fn table(rows: u64) -> DataTable {
        let mut table = DataTable::new(2);
        for row in 0..rows {
            table.push(&format!("user-{row}"));
            table.push(&"x".repeat(row as usize % 7));
        }
        table
    }

    #[test]
    fn value_is_found_by_row_and_column() {
        let table = table(9);
        assert_eq!(table.rows(), 9);
        assert_eq!(table.value(0, 0), Some("user-0"));
        assert_eq!(table.value(8, 0), Some("user-8"));
        assert_eq!(table.value(8, 1), Some("x"));
        assert_eq!(table.value(9, 0), None);
        assert_eq!(table.value(0, 2), None);
        assert_eq!(DataTable::default().value(0, 0), None);
        assert!(!format!("{table:?}").contains("user"));
    }

    /// A share in chunks is the same as the rows of its segment, in order.
    #[test]
    fn chunks_of_all_segments_are_the_whole_table() {
        let whole = table(150_000);
        let total = 149_999;
        for index in 0..3 {
            let segment = Segment::new(index, 3).unwrap();
            let mut share = DataTable::new(2);
            let mut chunks = 0;
            for chunk in whole.chunks_of(segment.indices(total)) {
                assert!(chunk.text.len() < CHUNK_TEXT_BYTES + 100);
                assert!(chunk.ends.len() <= CHUNK_VALUES + 2);
                assert!(share.append(&chunk));
                chunks += 1;
            }
            assert!(chunks > 1);
            assert_eq!(share.rows(), segment.share_of(total));
            for (own, row) in segment.indices(total).enumerate() {
                assert_eq!(share.value(own as u64, 0), whole.value(row, 0));
                assert_eq!(share.value(own as u64, 1), whole.value(row, 1));
            }
        }
    }

    #[test]
    fn chunk_that_is_not_whole_is_refused() {
        let mut share = DataTable::new(2);
        assert!(!share.append(&DataTable::new(1)));
        let torn = DataTable {
            columns: 2,
            text: "ab".to_owned(),
            ends: vec![1],
        };
        let unsorted = DataTable {
            ends: vec![2, 1],
            ..torn.clone()
        };
        let beyond = DataTable {
            ends: vec![1, 3],
            ..torn.clone()
        };
        for chunk in [torn, unsorted, beyond] {
            assert!(!share.append(&chunk));
        }
        assert_eq!(share, DataTable::new(2));
    }
}
