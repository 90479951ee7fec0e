//! Why runs could not be compared.

use crate::record::RecordError;

/// Why runs could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A record could not be read, or the page not be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// What would stand side by side are different things.
    #[error("these runs cannot be compared:{}", listed(.0))]
    NotComparable(Vec<String>),
    /// The drawing library refused.
    #[error("cannot draw a chart: {0}")]
    Chart(String),
    /// The template does not fit its content.
    #[error("cannot render the comparison's page")]
    Page(#[from] minijinja::Error),
    /// A figure does not fit JSON.
    #[error("cannot write the comparison as JSON")]
    Json(#[source] serde_json::Error),
}

fn listed(reasons: &[String]) -> String {
    let lines = reasons.iter().map(|reason| format!("\n  {reason}"));
    lines.collect()
}
