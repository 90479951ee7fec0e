//! The errors of a comparison.

use std::path::PathBuf;

use crate::record::RecordError;

/// An error of a comparison.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A record cannot be read, or an output cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A run is named twice.
    #[error("cannot compare {} with itself", .0.display())]
    SameRun(PathBuf),
    /// The runs differ in more than one thing.
    #[error("these runs cannot be compared:{}", listed(.0))]
    NotComparable(Vec<String>),
    /// The drawing library failed.
    #[error("cannot draw a chart: {0}")]
    Chart(String),
    /// The template does not fit its content.
    #[error("cannot render the comparison's page")]
    Page(#[from] minijinja::Error),
    /// A metric has no form in JSON.
    #[error("cannot write the comparison as JSON")]
    Json(#[source] serde_json::Error),
}

fn listed(reasons: &[String]) -> String {
    // One reason per line, because each is a sentence.
    let lines = reasons.iter().map(|reason| format!("\n  {reason}"));
    lines.collect()
}
