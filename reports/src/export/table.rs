//! The tables of an export.

use strum::IntoStaticStr;

use super::{column::Column, event_rows, samples, summary_rows};

/// A table of an export. As text it is `samples`, `summary`, `events`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Table {
    /// A row for each second, source and metric.
    Samples,
    /// A row for each metric of the summary.
    Summary,
    /// A row for each event.
    Events,
}

impl Table {
    /// All tables, in the order of writing.
    pub const ALL: [Self; 3] = [Self::Samples, Self::Summary, Self::Events];

    /// Returns the name, which is also the name of its file.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns its columns, in order.
    pub(super) fn columns(self) -> &'static [Column] {
        match self {
            Self::Samples => samples::COLUMNS,
            Self::Summary => summary_rows::COLUMNS,
            Self::Events => event_rows::COLUMNS,
        }
    }

    /// Returns its meaning, in a sentence.
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Samples => "One row for each second, source and metric",
            Self::Summary => "One row for each metric of summary.json",
            Self::Events => "One row for each event of the run",
        }
    }
}
