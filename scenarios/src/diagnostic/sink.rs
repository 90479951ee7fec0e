//! The list that reading, validation and rules add their problems to.

use std::ops::Range;

use super::excerpt;
use super::{Diagnostic, Diagnostics, LocatedDiagnostic, Location, SourceSpan, ValueLocation};

/// A collector of problems whose lines are not counted yet.
#[derive(Debug, Default)]
pub(crate) struct DiagnosticSink {
    reports: Vec<Report>,
    /// Lines with an error of syntax; other problems on them are noise.
    unreadable_lines: Vec<usize>,
}

/// A problem and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Report {
    location: ValueLocation,
    is_missing: bool,
    diagnostic: Diagnostic,
}

impl DiagnosticSink {
    /// Adds a problem with the value at `location`.
    pub(crate) fn report(&mut self, location: &ValueLocation, diagnostic: Diagnostic) {
        self.reports.push(Report {
            location: location.clone(),
            is_missing: false,
            diagnostic,
        });
    }

    /// Adds that something is missing at `location`. A file with errors of syntax drops
    /// it, because the missing part may stand in a line that could not be read.
    pub(crate) fn report_missing(&mut self, location: &ValueLocation, diagnostic: Diagnostic) {
        self.reports.push(Report {
            location: location.without_value(),
            is_missing: true,
            diagnostic,
        });
    }

    /// Adds an error of syntax at a byte range of `text`.
    pub(crate) fn report_syntax(&mut self, text: &str, range: Range<usize>, message: String) {
        self.unreadable_lines
            .push(excerpt::line_of(text, range.start));
        let location = ValueLocation::new(SourceSpan::File(range), "");
        self.report(&location, Diagnostic::new(message));
    }

    /// Adds those problems of another list that this one lacks.
    pub(crate) fn add_unseen(&mut self, other: Self) {
        for report in other.reports {
            if !self.reports.contains(&report) {
                self.reports.push(report);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// Finds each problem's line and sorts them by place. `text` and `sets` may have
    /// passwords overwritten, as long as the byte offsets still hold.
    pub(crate) fn into_diagnostics(
        self,
        source_name: &str,
        text: &str,
        sets: &[String],
    ) -> Diagnostics {
        let unreadable = self.unreadable_lines;
        let mut diagnostics: Vec<LocatedDiagnostic> = self
            .reports
            .into_iter()
            .filter(|report| unreadable.is_empty() || report.is_kept_beside_syntax_errors())
            .map(|report| report.locate(text, sets))
            // What the parser made of an unreadable line is not what the person wrote.
            .filter(|diagnostic| {
                diagnostic.key.is_empty() || !diagnostic.location.is_on(&unreadable)
            })
            .collect();
        // Stable: problems of one place stay in the order of the checks.
        diagnostics.sort_by_key(|diagnostic| diagnostic.location.sort_key());
        // Equal problems have one place, so they are neighbours now.
        diagnostics.dedup();
        Diagnostics::new(source_name, diagnostics)
    }
}

impl Report {
    /// Whether a file with errors of syntax still shows it. Dropped are missing keys, and
    /// entries that the parser made up in recovery and that have an empty span.
    fn is_kept_beside_syntax_errors(&self) -> bool {
        let location = &self.location;
        location.key.is_empty() || !(self.is_missing || location.span == SourceSpan::FILE)
    }

    fn locate(self, text: &str, sets: &[String]) -> LocatedDiagnostic {
        let ValueLocation { span, key, found } = self.location;
        let location = match span {
            SourceSpan::File(range) => Location::in_file(text, range),
            SourceSpan::SetArgument(index) => Location::SetArgument {
                index,
                text: sets.get(index).cloned().unwrap_or_default(),
            },
        };
        LocatedDiagnostic {
            location,
            key,
            found,
            diagnostic: self.diagnostic,
        }
    }
}
